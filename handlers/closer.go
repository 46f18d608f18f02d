// What stands on the dashboard in many small pieces: the envelope, the rows of
// the attributes, the parts of a value, a record, the checks. Written by hand: a
// template took longer for these than for all the rest.

package handlers

import (
	"html/template"
	"strconv"
)

// rows are the table's rows.
func (t *attributeTable) rows(w *words) template.HTML {
	var m markup
	m.Grow(6 << 10)
	begin := func(name, title string) {
		m.raw(`<tr data-attribute="`)
		m.raw(name)
		m.raw(`"><th scope="row">`)
		m.raw(title)
		m.raw("</th>")
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
			m.raw("<td><code>")
			if row.cells == &t.Value && i == sessionColumn {
				m.key(text)
			} else {
				m.text(text)
			}
			m.raw("</code></td>")
		}
		m.raw("</tr>\n")
	}
	for _, row := range []struct {
		name, title string
		ends        *[3]ending
	}{
		{"browser-ends", w.text("attributes.browser_ends"), &t.BrowserEnds},
		{"server-ends", w.text("attributes.server_ends"), &t.ServerEnds},
	} {
		begin(row.name, row.title)
		for _, end := range row.ends {
			m.raw("<td>")
			if end.At != "" {
				m.raw(`<time data-until="`)
				m.text(end.At)
				m.raw(`">`)
			}
			m.text(end.Text)
			if end.At != "" {
				m.raw("</time>")
			}
			m.raw("</td>")
		}
		m.raw("</tr>\n")
	}
	return template.HTML(m.String())
}

// sessionColumn is where the session way stands among the ways.
const sessionColumn = 2

// whoIs is "alice · student", wherever it is kept; "" for nobody.
func whoIs(who Identity) template.HTML {
	if who.User == "" {
		return ""
	}
	var m markup
	m.raw("<bdi>")
	m.text(who.User)
	m.raw("</bdi>")
	if who.Role != "" {
		m.raw(" · <bdi>")
		m.text(who.Role)
		m.raw("</bdi>")
	}
	return template.HTML(m.String())
}

// shares is how finely the envelope is divided: lab.css has a class for each.
const shares = 24

// envelope is the one Cookie header, cut at its cookies, the grey one last: each
// as wide as its share of the bytes.
func envelope(views []*laneView, notebook int) template.HTML {
	total := notebook
	for _, v := range views {
		if v.Sent {
			total += v.Bytes
		}
	}
	var m markup
	segment := func(class, id, name string, bytes int) {
		m.raw(`<span class="segment `)
		m.raw(class)
		m.raw(id)
		m.raw(" share-")
		m.int(max(1, (bytes*shares+total/2)/total))
		m.raw(`" id="travelled-`)
		m.raw(id)
		m.raw(`"><code>`)
		m.text(name)
		m.raw(`</code> <span class="bytes">`)
		m.int(bytes)
		m.raw(" B</span></span>")
	}
	for _, v := range views {
		if v.Sent {
			segment("lane-", v.ID, v.Cookie, v.Bytes)
		}
	}
	if notebook > 0 {
		segment("", "notebook", notebookCookie, notebook)
	}
	return template.HTML(m.String())
}

// recordOf is a record as it lies on the server.
func recordOf(w *words, engine string, kept *serverRecord) template.HTML {
	var m markup
	m.Grow(2 << 10)
	expires := devToolsTime(*kept.Expires)
	if !kept.Live {
		expires += " (" + w.text("closer.over") + ")"
	}
	owner, reached := kept.Owner, w.text("closer.reached_no")
	if owner == "" {
		owner = w.text("dashboard.nobody")
	}
	if kept.Reached {
		reached = w.text("closer.reached_yes")
	}
	m.raw("<dl>")
	m.detail(w.text("closer.engine"), engine)
	m.detail(w.text("closer.filed"), shortKey(kept.ID)+" · "+w.text("closer.filed_note"))
	m.detail(w.text("closer.owner"), owner)
	m.detail(w.text("closer.version"), strconv.FormatUint(kept.Version, 10))
	m.detail(w.text("closer.created"), devToolsTime(*kept.Created))
	m.detail(w.text("closer.saved"), devToolsTime(*kept.Saved))
	m.detail(w.text("closer.expires"), expires)
	m.detail(w.text("closer.size"), w.say(say("closer.size_bytes", Args{"Bytes": kept.Bytes})))
	m.detail(w.text("closer.reached"), reached)
	m.raw(`</dl><pre class="json" id="record">`)
	m.text(string(kept.Data))
	m.raw("</pre>")
	return template.HTML(m.String())
}

// detail writes one line of a list of details.
func (m *markup) detail(name, text string) {
	m.raw("<dt>")
	m.text(name)
	m.raw("</dt><dd>")
	m.text(text)
	m.raw("</dd>")
}

// keyOf is a session's key.
func keyOf(key string) template.HTML {
	var m markup
	m.key(key)
	return template.HTML(m.String())
}

// key writes a session's key, of which paper shows no more than six characters.
func (m *markup) key(key string) {
	const shown = 6
	if len(key) <= shown {
		m.text(key)
		return
	}
	m.raw(`<span class="cut">`)
	m.text(key[:shown])
	m.raw(`<span class="rest">`)
	m.text(key[shown:])
	m.raw("</span></span>")
}

// partsOf are the parts of a value that was taken apart.
func partsOf(fields []field) template.HTML {
	if len(fields) == 0 {
		return ""
	}
	var m markup
	m.raw("<dl>")
	for _, f := range fields {
		m.detail(f.Name, f.Value)
	}
	m.raw("</dl>")
	return template.HTML(m.String())
}

// checksOf lists each check of a finding. The first that failed decided.
func checksOf(w *words, f Finding, described []LaneCheck) template.HTML {
	var m markup
	m.Grow(1 << 10)
	m.raw(`<ol class="checks">`)
	for i, check := range f.Checks {
		if check.OK {
			m.raw(`<li class="ok"><span aria-hidden="true">✓</span> `)
			m.text(w.say(check.Title()))
		} else {
			m.raw(`<li class="failed"><span aria-hidden="true">✗</span> `)
			m.text(w.say(check.Title()))
			m.raw(": ")
			m.text(w.text("closer.failed"))
		}
		m.raw(` <span class="detail">`)
		m.text(described[i].Detail)
		m.raw("</span></li>")
	}
	m.raw("</ol>")
	return template.HTML(m.String())
}
