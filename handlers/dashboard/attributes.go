// The attributes of the three cookies, as rows.

package dashboard

import (
	"net/http"
	"strconv"

	"cookielab/handlers/auth"
	"cookielab/handlers/input"
	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
)

// attributeTable is the table: each row has the cells of the lanes, in their order.
type attributeTable struct {
	Name, Value, Domain, Path, Expires, Size, HTTPOnly, Secure, SameSite [3]string

	// When it ends by either clock.
	BrowserEnds, ServerEnds [3]markup.Ending
}

const noAttribute = "–"

// fill fills the column of one lane. Only name, value and size are of what came, since no
// server sees an edit of the others in DevTools.
func (t *attributeTable) fill(i int, w *locale.Printer, d auth.LaneFinding, f lanes.Finding, r *http.Request) {
	for _, row := range []*[3]string{&t.Value, &t.Domain, &t.Path, &t.Expires, &t.Size, &t.HTTPOnly, &t.Secure, &t.SameSite} {
		row[i] = noAttribute
	}
	t.Name[i], t.BrowserEnds[i].Text, t.ServerEnds[i].Text = f.Cookie, noAttribute, noAttribute
	if f.Sent {
		if t.Value[i] = f.Raw; f.Raw == "" {
			t.Value[i] = w.Text("script.empty")
		}
		t.Size[i] = strconv.Itoa(len(f.Cookie) + len(f.Raw))
	}
	switch {
	case d.ServerExpires != nil:
		t.ServerEnds[i] = markup.Ending{At: markup.ISOTime(*d.ServerExpires), Text: markup.DevToolsTime(*d.ServerExpires)}
	case d.ID == lanes.Plain:
		t.ServerEnds[i].Text = w.Text("attributes.no_clock")
	}
	a := d.Attributes
	if a == nil {
		return
	}
	tick := func(set bool) string {
		if set {
			return "✓"
		}
		return w.Text("attributes.no")
	}
	t.Path[i], t.HTTPOnly[i], t.Secure[i], t.SameSite[i] = a.Path, tick(a.HTTPOnly), tick(a.Secure), a.SameSite
	if t.Domain[i] = "." + a.Domain; a.Domain == "" {
		t.Domain[i], _, _ = input.SplitHost(r.Host)
	}
	if !f.Sent {
		t.Size[i] = strconv.Itoa(a.Size)
	}
	if d.BrowserExpires == nil {
		t.Expires[i], t.BrowserEnds[i].Text = "Session", w.Text("attributes.until_closed")
		return
	}
	t.Expires[i] = markup.DevToolsTime(*d.BrowserExpires)
	t.BrowserEnds[i] = markup.Ending{At: markup.ISOTime(*d.BrowserExpires), Text: t.Expires[i]}
}
