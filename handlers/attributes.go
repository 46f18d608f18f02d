// Attributes: each cookie's, as this server last set them, beside which DevTools
// is read: its column names are the rows.

package handlers

import (
	"net/http"
	"strconv"
)

// attributeTexts is one way's column of the table. An edit in DevTools is seen
// by no server, so only name, value and size are of what came.
type attributeTexts struct {
	Name, Value, Domain, Path, Expires, Size, HTTPOnly, Secure, SameSite string

	// When it ends by either clock: an instant to count down to, or words.
	BrowserEnds, ServerEnds ending
}

type ending struct {
	At    string // for scripts; "": no instant
	Stamp string // as DevTools shows it
	Words string // where there is no instant
}

const noAttribute = "–"

func (lab *Lab) attributeTexts(w *words, d LaneFinding, f Finding, r *http.Request) attributeTexts {
	none := ending{Words: noAttribute}
	t := attributeTexts{
		Name: d.Cookie, Value: noAttribute, Domain: noAttribute, Path: noAttribute, Expires: noAttribute, Size: noAttribute,
		HTTPOnly: noAttribute, Secure: noAttribute, SameSite: noAttribute, BrowserEnds: none, ServerEnds: none,
	}
	if f.Sent {
		t.Value, t.Size = f.Raw, strconv.Itoa(len(f.Cookie)+len(f.Raw))
	}
	switch {
	case d.ServerExpires != nil:
		t.ServerEnds = ending{At: isoTime(*d.ServerExpires), Stamp: devToolsTime(*d.ServerExpires)}
	case d.ID == Plain:
		t.ServerEnds = ending{Words: w.text("attributes.no_clock")}
	}
	a := d.Attributes
	if a == nil {
		return t
	}
	tick := func(set bool) string {
		if set {
			return "✓"
		}
		return w.text("attributes.no")
	}
	t.Path, t.HTTPOnly, t.Secure, t.SameSite = a.Path, tick(a.HTTPOnly), tick(a.Secure), a.SameSite
	if t.Domain = "." + a.Domain; a.Domain == "" {
		t.Domain, _, _ = splitHost(r.Host)
	}
	if !f.Sent {
		t.Size = strconv.Itoa(a.Size)
	}
	if d.BrowserExpires == nil {
		t.Expires, t.BrowserEnds = "Session", ending{Words: w.text("attributes.until_closed")}
		return t
	}
	t.Expires = devToolsTime(*d.BrowserExpires)
	t.BrowserEnds = ending{At: isoTime(*d.BrowserExpires), Stamp: t.Expires}
	return t
}
