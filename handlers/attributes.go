// Attributes: each cookie's, as this server last set them, beside which DevTools
// is read: its column names are the rows.

package handlers

import (
	"net/http"
	"strconv"
)

// attributeTable is the table: of each row the cells in the order of the ways.
type attributeTable struct {
	Name, Value, Domain, Path, Expires, Size, HTTPOnly, Secure, SameSite [3]string

	// When it ends by either clock.
	BrowserEnds, ServerEnds [3]ending
}

// ending is an instant to count down to, or words where there is none.
type ending struct {
	At   string // for scripts; "": no instant
	Text string
}

const noAttribute = "–"

// fill fills the column of one way. An edit in DevTools is seen by no server, so
// only name, value and size are of what came.
func (t *attributeTable) fill(i int, w *words, d LaneFinding, f Finding, r *http.Request) {
	for _, row := range []*[3]string{&t.Value, &t.Domain, &t.Path, &t.Expires, &t.Size, &t.HTTPOnly, &t.Secure, &t.SameSite} {
		row[i] = noAttribute
	}
	t.Name[i], t.BrowserEnds[i].Text, t.ServerEnds[i].Text = f.Cookie, noAttribute, noAttribute
	if f.Sent {
		if t.Value[i] = f.Raw; f.Raw == "" {
			t.Value[i] = w.text("script.empty")
		}
		t.Size[i] = strconv.Itoa(len(f.Cookie) + len(f.Raw))
	}
	switch {
	case d.ServerExpires != nil:
		t.ServerEnds[i] = ending{isoTime(*d.ServerExpires), devToolsTime(*d.ServerExpires)}
	case d.ID == Plain:
		t.ServerEnds[i].Text = w.text("attributes.no_clock")
	}
	a := d.Attributes
	if a == nil {
		return
	}
	tick := func(set bool) string {
		if set {
			return "✓"
		}
		return w.text("attributes.no")
	}
	t.Path[i], t.HTTPOnly[i], t.Secure[i], t.SameSite[i] = a.Path, tick(a.HTTPOnly), tick(a.Secure), a.SameSite
	if t.Domain[i] = "." + a.Domain; a.Domain == "" {
		t.Domain[i], _, _ = splitHost(r.Host)
	}
	if !f.Sent {
		t.Size[i] = strconv.Itoa(a.Size)
	}
	if d.BrowserExpires == nil {
		t.Expires[i], t.BrowserEnds[i].Text = "Session", w.text("attributes.until_closed")
		return
	}
	t.Expires[i] = devToolsTime(*d.BrowserExpires)
	t.BrowserEnds[i] = ending{isoTime(*d.BrowserExpires), t.Expires[i]}
}
