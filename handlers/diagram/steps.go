// A diagram's list: the same steps, with the same numbers, in words. It holds
// what a label has no room for, and it is all that a narrow screen shows.

package diagram

import (
	"strings"
	"time"

	"cookielab/handlers/lanes"
	"cookielab/handlers/markup"
	"cookielab/handlers/notebook"
	"cookielab/sessions"
)

// maxStepText is how much of a stranger's text a step shows, in cells; the raw
// text has all.
const maxStepText = 200

// li begins a step. Its number is said, because some items have none.
func (s *Sequence) li(text string) {
	s.list.Raw(`<li value="`)
	s.list.Int(s.step)
	s.list.Raw(`">`)
	s.list.Text(text)
}

// aside begins an item that belongs to no arrow.
func (s *Sequence) aside(class, text string) {
	s.list.Raw(`<li class="`)
	s.list.Raw(class)
	s.list.Raw(`">`)
	s.list.Text(text)
}

func (s *Sequence) end() { s.list.Raw(`</li>`) }

// more goes on with a step's sentence.
func (s *Sequence) more(text string) { s.list.Text(text) }

// space keeps words apart, but for a Chinese colon, which has room within.
func (s *Sequence) space() {
	if !strings.HasSuffix(s.list.String(), "：") {
		s.list.Raw(" ")
	}
}

// code appends a value of the wire; a class gives it a colour.
func (s *Sequence) code(class, text string) {
	s.space()
	s.list.Raw(`<code`)
	if class != "" {
		s.list.Raw(` class="`)
		s.list.Raw(class)
		s.list.Raw(`"`)
	}
	s.list.Raw(`>`)
	s.list.Text(markup.Clip(text, maxStepText))
	s.list.Raw(`</code>`)
}

func (s *Sequence) requestStep(e *notebook.Exchange, row *Strip) {
	if e.Client == notebook.ClientOther {
		s.li(s.W.Text("wire.step.other_asks"))
	} else {
		s.li(s.W.Text("wire.step.browser_asks"))
	}
	s.code("", RequestLabel(e))
	if row.n == 0 && row.others == 0 {
		s.more(s.W.Text("wire.step.brings_nothing"))
	}
	if row.n > 0 {
		s.more(s.W.Text("wire.step.brings"))
		s.pieces(row, false)
	}
	s.others(row)
	s.end()
	for _, cookie := range e.KeptBack {
		s.aside("aside", s.W.Text("wire.step.stayed"))
		s.code("lane-"+cookie.Lane, cookie.Name)
		s.list.Raw(" · ")
		s.more(s.W.Say(cookie.Reason))
		s.end()
	}
}

// pieces lists cookies: those that are set, or those that are deleted.
func (s *Sequence) pieces(row *Strip, deleted bool) (n int) {
	for _, p := range row.pieces[:row.n] {
		if p.deleted == deleted {
			s.code(lanes.CSSClass(p.lane), p.name)
			n++
		}
	}
	return n
}

// others says how many cookies have no place in the picture.
func (s *Sequence) others(row *Strip) {
	if row.others > 0 {
		s.more(s.W.Text("wire.step.and_others"))
		s.space()
		s.list.Int(row.others)
	}
}

func (s *Sequence) operationStep(op *sessions.StoreOp, name, answer string) {
	s.li(s.W.Text("wire.step.asks_store"))
	s.code("", name)
	s.more(s.W.Text("wire.step.store_answers"))
	s.code("", answer)
	s.list.Raw(` <span class="took">`)
	if op.Bytes > 0 {
		s.list.Int(op.Bytes)
		s.list.Raw(` B, `)
	}
	s.list.Raw(markup.Milliseconds(op.Duration))
	s.list.Raw(`</span>`)
	s.end()
}

func (s *Sequence) conclusionStep(f *lanes.Finding) {
	s.li(s.W.Text("wire.step.concludes"))
	s.space()
	s.list.Raw(`<b class="lane-`)
	s.list.Raw(f.Lane)
	s.list.Raw(`">`)
	s.list.Text(s.W.Text("way." + f.Lane + ".title"))
	s.list.Raw(`</b> · `)
	s.more(s.W.Text("verdict." + string(f.Verdict) + ".word"))
	for _, part := range [...]string{f.Who.User, f.Who.Role} {
		if part != "" {
			s.list.Raw(` · <strong><bdi>`)
			s.list.Text(markup.Clip(part, maxStepText))
			s.list.Raw(`</bdi></strong>`)
		}
	}
	s.end()
}

func (s *Sequence) responseStep(e *notebook.Exchange, row *Strip) {
	s.li(s.W.Text("wire.step.answers"))
	s.code("", markup.StatusLabel(e.Status))
	s.list.Raw(` <span class="took">`)
	s.list.Raw(markup.Milliseconds(e.Duration))
	s.list.Raw(`</span>`)
	if e.Location != "" {
		s.more(s.W.Text("wire.step.sends_on"))
		s.code("", e.Location)
	}
	sets, deletes := row.counts()
	if sets > 0 {
		s.more(s.W.Text("wire.step.sets"))
		s.pieces(row, false)
	}
	if deletes > 0 {
		s.more(s.W.Text("wire.step.deletes"))
		s.pieces(row, true)
	}
	s.others(row)
	s.end()
	s.own(e)
}

func (row *Strip) counts() (sets, deletes int) {
	for _, p := range row.pieces[:row.n] {
		if p.deleted {
			deletes++
		} else {
			sets++
		}
	}
	return sets, deletes
}

// own sums up in one grey item what the lab asked the store for itself.
func (s *Sequence) own(e *notebook.Exchange) {
	n, took := 0, time.Duration(0)
	for _, op := range e.Ops {
		if !notebook.OfSession(op) {
			n++
			took += op.Duration
		}
	}
	if n == 0 {
		return
	}
	s.aside("aside own", s.W.Text("wire.step.own"))
	s.space()
	s.list.Int(n)
	s.list.Raw(` ×, `)
	s.list.Raw(markup.Milliseconds(took))
	s.end()
}

// closing says who was not needed.
func (s *Sequence) closing() {
	if !s.byBrowser {
		s.aside("aside", s.W.Text("wire.step.no_part"))
		s.end()
	}
	if !s.storeAsked {
		s.aside("aside", s.W.Text("wire.step.not_asked"))
		s.end()
	}
}

// OperationLabels returns what a store was asked, and what it answered, in words.
func (s *Sequence) OperationLabels(op *sessions.StoreOp) (name, answer string) {
	switch outcome := notebook.OutcomeOf(op.Err); {
	case outcome != "":
		answer = outcome
	case op.Name == "load" || op.Name == "stamp":
		answer = "found"
	case op.Name == "create" || op.Name == "update" || op.Name == "put":
		answer = "stored"
	case op.Name == "delete":
		answer = "deleted"
	default:
		answer = "done"
	}
	name = strings.ReplaceAll(op.Name, " ", "_")
	return s.W.Text("wire.op." + name), s.W.Text("wire.answer." + answer)
}

// PieceView is one piece of a [Strip], for a template.
type PieceView struct {
	Class, Name string // Class is its CSS class: see lanes.CSSClass
	Deleted     bool
}
