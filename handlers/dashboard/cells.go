// Cells: what the dashboard has in many small pieces, such as the envelope, the rows of the
// attributes, the parts of a value, and a record. They are written by hand, because a
// template took longer for these than for all the rest.

package dashboard

import (
	"html/template"
	"strconv"

	"cookielab/handlers/auth"
	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/handlers/notebook"
)

// rows returns the table's rows.
func (t *attributeTable) rows(w *locale.Printer) template.HTML {
	var m markup.Writer
	m.Grow(6 << 10)
	begin := func(name, title string) {
		m.Raw(`<tr data-attribute="`)
		m.Raw(name)
		m.Raw(`"><th scope="row">`)
		m.Raw(title)
		m.Raw("</th>")
	}
	for _, row := range []struct {
		name  string // as DevTools names its column
		cells *[3]string
	}{
		{"Name", &t.Name}, {"Value", &t.Value}, {"Domain", &t.Domain}, {"Path", &t.Path}, {"Expires / Max-Age", &t.Expires},
		{"Size", &t.Size}, {"HttpOnly", &t.HTTPOnly}, {"Secure", &t.Secure}, {"SameSite", &t.SameSite},
	} {
		begin(row.name, row.name)
		for i, text := range row.cells {
			m.Raw("<td><code>")
			if row.cells == &t.Value && i == lanes.SessionColumn {
				m.Key(text)
			} else {
				m.Text(text)
			}
			m.Raw("</code></td>")
		}
		m.Raw("</tr>\n")
	}
	for _, row := range []struct {
		name, title string
		ends        *[3]markup.Ending
	}{
		{"browser-ends", w.Text("attributes.browser_ends"), &t.BrowserEnds},
		{"server-ends", w.Text("attributes.server_ends"), &t.ServerEnds},
	} {
		begin(row.name, row.title)
		for _, end := range row.ends {
			m.Raw("<td>")
			if end.At != "" {
				m.Raw(`<time data-until="`)
				m.Text(end.At)
				m.Raw(`">`)
			}
			m.Text(end.Text)
			if end.At != "" {
				m.Raw("</time>")
			}
			m.Raw("</td>")
		}
		m.Raw("</tr>\n")
	}
	return template.HTML(m.String())
}

// shares is how finely the envelope is divided: lab.css has a class for each.
const shares = 24

// envelope returns the Cookie header as a strip of its cookies, with the notebook's last. Each
// is as wide as its share of the bytes.
func envelope(views []*laneView, ofNotebook int) template.HTML {
	total := ofNotebook
	for _, v := range views {
		if v.Sent {
			total += v.Bytes
		}
	}
	var m markup.Writer
	segment := func(class, id, name string, bytes int) {
		m.Raw(`<span class="segment `)
		m.Raw(class)
		m.Raw(id)
		m.Raw(" share-")
		m.Int(max(1, (bytes*shares+total/2)/total))
		m.Raw(`" id="travelled-`)
		m.Raw(id)
		m.Raw(`"><code>`)
		m.Text(name)
		m.Raw(`</code> <span class="bytes">`)
		m.Int(bytes)
		m.Raw(" B</span></span>")
	}
	for _, v := range views {
		if v.Sent {
			segment("lane-", v.ID, v.Cookie, v.Bytes)
		}
	}
	if ofNotebook > 0 {
		segment("", "notebook", notebook.CookieName, ofNotebook)
	}
	return template.HTML(m.String())
}

// recordOf returns a record as it lies on the server.
func recordOf(w *locale.Printer, engine string, kept *auth.ServerRecord) template.HTML {
	var m markup.Writer
	m.Grow(2 << 10)
	expires := markup.DevToolsTime(*kept.Expires)
	if !kept.Live {
		expires += " (" + w.Text("closer.over") + ")"
	}
	owner, reached := kept.Owner, w.Text("closer.reached_no")
	if owner == "" {
		owner = w.Text("dashboard.nobody")
	}
	if kept.Reached {
		reached = w.Text("closer.reached_yes")
	}
	m.Raw("<dl>")
	m.Detail(w.Text("closer.engine"), engine)
	m.Detail(w.Text("closer.filed"), markup.ShortKey(kept.ID)+" · "+w.Text("closer.filed_note"))
	m.Detail(w.Text("closer.owner"), owner)
	m.Detail(w.Text("closer.version"), strconv.FormatUint(kept.Version, 10))
	m.Detail(w.Text("closer.created"), markup.DevToolsTime(*kept.Created))
	m.Detail(w.Text("closer.saved"), markup.DevToolsTime(*kept.Saved))
	m.Detail(w.Text("closer.expires"), expires)
	m.Detail(w.Text("closer.size"), w.Say(locale.Msg("closer.size_bytes", locale.Args{"Bytes": kept.Bytes})))
	m.Detail(w.Text("closer.reached"), reached)
	m.Raw(`</dl><pre class="json" id="record">`)
	m.Text(string(kept.Data))
	m.Raw("</pre>")
	return template.HTML(m.String())
}

// keyOf returns a session's key as printed pages can shorten it.
func keyOf(key string) template.HTML {
	var m markup.Writer
	m.Key(key)
	return template.HTML(m.String())
}

// partsOf returns the list of the parts of a value that was taken apart.
func partsOf(fields []markup.Field) template.HTML {
	if len(fields) == 0 {
		return ""
	}
	var m markup.Writer
	m.Raw("<dl>")
	for _, f := range fields {
		m.Detail(f.Name, f.Value)
	}
	m.Raw("</dl>")
	return template.HTML(m.String())
}
