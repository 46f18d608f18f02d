// Diagrams: exchanges drawn as one sequence diagram, an SVG, with a list that
// says the same in words. The dashboard draws one for each request, so this
// writes markup by hand. Whatever came from outside passes through markup.text.

package handlers

import (
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"time"

	"cookielab/sessions"
)

// The drawing's measures, in CSS pixels: it is never scaled, so that no text is
// smaller than it should be. Where there is no room for it, wire.css shows the
// list alone.
const (
	drawingWidth = 928
	browserX     = 64
	otherX       = 204
	serverX      = 640
	storeX       = 824

	headHeight       = 76
	requestHeight    = 72
	homeHeight       = 36
	operationHeight  = 72
	conclusionHeight = 36

	cellWidth = 9.7 // of one character of 16 px monospace; 了 takes two cells
	maxCells  = 32  // of a label; the rest is in the list
)

// moment is one thing that happened, to be drawn: the lines of the exchanges
// are brought into the order of time, so that a replay stands inside of the
// deed that caused it.
type moment struct {
	at   time.Time
	kind momentKind
	of   *Exchange
	i    int // which of its findings or store operations
}

type momentKind int

const (
	asked momentKind = iota
	storeAsked
	concluded
	answered
)

// sequence is a diagram while it is drawn.
type sequence struct {
	w         *words
	svg, list markup
	y         int // where the next row begins
	step      int

	byBrowser, byOther, storeAsked bool
}

// drawExchanges draws exchanges of one notebook, in words' language.
func drawExchanges(w *words, exchanges []*Exchange) template.HTML {
	if len(exchanges) == 0 {
		return ""
	}
	s := &sequence{w: w, y: headHeight}
	moments := make([]moment, 0, 16)
	height := headHeight
	note := func(at time.Time, kind momentKind, of *Exchange, i, rows int) {
		moments = append(moments, moment{at, kind, of, i})
		height += rows
	}
	for _, e := range exchanges {
		s.byBrowser = s.byBrowser || e.Client == ClientBrowser
		s.byOther = s.byOther || e.Client == ClientOther
		note(e.Start, asked, e, 0, requestHeight+homeHeight*len(e.Home))
		for i, op := range e.Ops {
			if ofSession(op) {
				s.storeAsked = true
				note(op.Start, storeAsked, e, i, operationHeight)
			}
		}
		for i := range e.Findings {
			note(e.Findings[i].At, concluded, e, i, conclusionHeight)
		}
		note(e.Start.Add(e.Duration), answered, e, 0, responseHeight(e))
	}
	slices.SortStableFunc(moments, func(a, b moment) int { return a.at.Compare(b.at) })
	s.begin(exchanges, height)
	for _, m := range moments {
		switch m.kind {
		case asked:
			s.request(m.of)
		case storeAsked:
			s.operation(&m.of.Ops[m.i])
		case concluded:
			s.conclusion(&m.of.Findings[m.i].Finding)
		case answered:
			s.response(m.of)
		}
	}
	s.closing()
	s.svg.raw(`</svg><ol class="steps">`)
	s.svg.raw(s.list.String())
	s.svg.raw(`</ol></div></figure>`)
	return template.HTML(s.svg.String())
}

// responseHeight is more where cookies are set.
func responseHeight(e *Exchange) int {
	if len(e.SetCookie) > 0 {
		return requestHeight
	}
	return requestHeight - 14
}

// ofSession reports whether a store operation belongs to the session way or to
// the token, which is a session that travels otherwise. The lab's own are those of the notebook, and its looking at what lies there.
func ofSession(op sessions.StoreOp) bool {
	return op.Purpose == sessionPurpose || op.Purpose == tokenPurpose || op.Purpose == "" && op.Name != "load"
}

// begin opens the figure and draws the lifelines, behind all that follows.
func (s *sequence) begin(exchanges []*Exchange, height int) {
	b := &s.svg
	b.Grow(8 << 10)
	s.list.Grow(3 << 10)
	id := exchanges[0].Number
	b.raw(`<figure class="sequence"><div class="both"><svg role="img" width="`)
	b.int(drawingWidth)
	b.raw(`" height="`)
	b.int(height)
	b.raw(`" aria-labelledby="drawn-`)
	b.int(id)
	b.raw(` described-`)
	b.int(id)
	b.raw(`"><title id="drawn-`)
	b.int(id)
	b.raw(`">`)
	for i, e := range exchanges {
		if i > 0 {
			b.raw("; ")
		}
		b.text(requestLabel(e))
		b.raw(" → ")
		b.text(statusLabel(e.Status))
	}
	b.raw(`</title><desc id="described-`)
	b.int(id)
	b.raw(`">`)
	if s.byOther {
		b.text(s.w.text("wire.picture_other"))
	} else {
		b.text(s.w.text("wire.picture"))
	}
	b.raw(`</desc>`)
	s.lifeline(browserX, height, "wire.browser", "wire.no_part", s.byBrowser)
	if s.byOther {
		s.lifeline(otherX, height, "wire.second", "", true)
	}
	s.lifeline(serverX, height, "wire.server", "", true)
	s.lifeline(storeX, height, "wire.store", "wire.not_asked", s.storeAsked)
}

// lifeline draws somebody who takes part, or pale, who does not and why.
func (s *sequence) lifeline(x, height int, name, absence string, takesPart bool) {
	label := s.w.text(name)
	width := int(float64(cells(label))*cellWidth) + 24
	s.svg.raw(`<g class="lifeline`)
	if !takesPart {
		s.svg.raw(` pale`)
	}
	s.svg.raw(`"><path d="M`)
	s.svg.point(x, 44)
	s.svg.raw("V")
	s.svg.int(height - 8)
	s.svg.raw(`"/>`)
	s.svg.rect(x-width/2, 12, width, 32)
	s.svg.label(x, 34, "middle", label)
	if !takesPart {
		s.svg.label(x, 66, "middle", s.w.text(absence))
	}
	s.svg.raw(`</g>`)
}

// clientX is where the lifeline of an exchange's client stands.
func clientX(e *Exchange) int {
	if e.Client == ClientOther {
		return otherX
	}
	return browserX
}

// request draws the arrow to the server with the Cookie header on it, and what
// stayed home.
func (s *sequence) request(e *Exchange) {
	x := clientX(e)
	s.svg.raw(`<g class="request">`)
	s.svg.label(x+22, s.y+18, "start", clip(requestLabel(e), maxCells))
	s.arrow(x, serverX, s.y+44)
	row := e.sent()
	s.strip(x+24, s.y+30, &row, "wire.no_cookie")
	s.number(x, s.y+44)
	s.svg.raw(`</g>`)
	s.y += requestHeight
	for _, home := range e.Home {
		s.svg.raw(`<g class="home lane-`)
		s.svg.raw(home.Lane)
		s.svg.raw(`">`)
		label := clip(s.w.text("wire.stayed")+" "+home.Name, maxCells)
		s.box(x+24, s.y, label, home.Lane, false)
		s.svg.raw(`</g>`)
		s.y += homeHeight
	}
	s.requestStep(e, &row)
}

// operation draws what the store was asked, and its answer.
func (s *sequence) operation(op *sessions.StoreOp) {
	const middle = (serverX + storeX) / 2
	name, answer := s.operationLabels(op)
	s.svg.raw(`<g class="store">`)
	s.svg.label(middle+6, s.y+16, "middle", clip(name, maxCells))
	s.arrow(serverX, storeX, s.y+26)
	s.svg.label(middle, s.y+46, "middle", clip(answer, maxCells))
	s.back(storeX, serverX, s.y+54)
	s.svg.raw(`<g class="took">`)
	s.svg.label(storeX+14, s.y+45, "start", milliseconds(op.Duration))
	s.svg.raw(`</g>`)
	s.number(serverX, s.y+26)
	s.svg.raw(`</g>`)
	s.y += operationHeight
	s.operationStep(op, name, answer)
}

// conclusion draws what the server concludes, at its lifeline.
func (s *sequence) conclusion(f *Finding) {
	label := verdictMarks[f.Verdict] + " " + s.w.text("way."+f.Lane+".short") + s.w.text("wire.colon") + s.w.text("verdict."+string(f.Verdict)+".word")
	who := whoLabel(f.Who)
	x := serverX - 20
	s.svg.raw(`<g class="concluded lane-`)
	s.svg.raw(f.Lane)
	s.svg.raw(` verdict-`)
	s.svg.raw(string(f.Verdict))
	s.svg.raw(`">`)
	if who != "" {
		width := boxWidth(who)
		x -= width
		s.svg.raw(`<g class="facts">`)
		s.svg.rect(x, s.y, width, 28)
		s.svg.label(x+10, s.y+20, "start", who)
		s.svg.raw(`</g>`)
		x -= 8
	}
	label = clip(label, maxCells)
	s.box(x-boxWidth(label), s.y, label, f.Lane, false)
	s.number(serverX, s.y+14)
	s.svg.raw(`</g>`)
	s.y += conclusionHeight
	s.conclusionStep(f)
}

// response draws the dashed arrow back, with what it sets.
func (s *sequence) response(e *Exchange) {
	x := clientX(e)
	label := statusLabel(e.Status)
	if e.Location != "" {
		label += " → " + e.Location
	}
	s.svg.raw(`<g class="response">`)
	s.svg.label(x+22, s.y+18, "start", clip(label, maxCells))
	var row strip
	for line := range e.sets() {
		row.add(line.Name, line.Lane, line.Deletes)
	}
	row.end()
	line := s.y + responseHeight(e) - 28
	s.back(serverX, x, line)
	if row.n > 0 || row.others > 0 {
		s.strip(x+24, line-14, &row, "")
	}
	s.number(serverX, line)
	s.svg.raw(`</g>`)
	if e.MoreOps { // beside the answer there is room
		s.svg.raw(`<g class="store">`)
		s.svg.label((serverX+storeX)/2, s.y+18, "middle", "…")
		s.svg.raw(`</g>`)
		s.aside("aside", s.w.text("wire.step.more_operations"))
		s.end()
	}
	s.y += responseHeight(e)
	s.responseStep(e, &row)
}

// strip is what one request carried or one response sets: the token, the cookies
// of the three ways as they came, how many others, and the grey one last.
type strip struct {
	pieces   [7]piece
	n        int
	strange  int // of the pieces: cookies of no way, such as a lesson's
	others   int // further ones
	notebook bool
}

type piece struct {
	name, lane string
	deleted    bool
}

func (row *strip) add(name, lane string, deleted bool) {
	room := row.n < len(row.pieces)-1 // one is kept for the notebook's
	strange := lane == "" && name != notebookCookie
	switch {
	case name == notebookCookie && !deleted:
		row.notebook = true
	case room && (!strange || row.strange < 2):
		row.pieces[row.n] = piece{name, lane, deleted}
		row.n++
		if strange {
			row.strange++
		}
	default:
		row.others++
	}
}

// end puts the grey one behind the others.
func (row *strip) end() {
	if row.notebook {
		row.pieces[row.n] = piece{name: notebookCookie}
		row.n++
	}
}

// strip draws cookies as one piece of paper, cut in coloured segments, that
// lies on its arrow.
func (s *sequence) strip(x, y int, row *strip, none string) {
	pieces := row.pieces[:row.n]
	if len(pieces) == 0 && row.others == 0 {
		label := s.w.text(none)
		s.svg.raw(`<g class="none">`)
		s.box(x, y, label, "", false)
		s.svg.raw(`</g>`)
		return
	}
	var most int
	for _, most = range [...]int{maxCells, 12, 10, 8, 6} { // until it fits
		total := 0
		for _, p := range pieces {
			total += boxWidth(clip(p.name, most))
		}
		if row.others > 0 {
			total += boxWidth("+1000")
		}
		if total <= serverX-x-24 {
			break
		}
	}
	for _, p := range pieces {
		label := clip(p.name, most)
		s.svg.raw(`<g class="`)
		s.svg.raw(wayClass(p.lane))
		s.svg.raw(`">`)
		x += s.box(x, y, label, p.lane, p.deleted)
		s.svg.raw(`</g>`)
	}
	if row.others > 0 {
		s.svg.raw(`<g class="none">`)
		s.box(x, y, "+"+strconv.Itoa(row.others), "", false)
		s.svg.raw(`</g>`)
	}
}

// wayClass is the class that gives a cookie its colour.
func wayClass(lane string) string {
	if lane == "" {
		return "notebook"
	}
	return "lane-" + lane
}

// box draws a label in a frame with its way's edge, so that the ways can be
// told apart without colour, and returns its width.
func (s *sequence) box(x, y int, label, lane string, crossed bool) int {
	width := boxWidth(label)
	s.svg.rect(x, y, width, 28)
	switch lane {
	case Plain:
		s.svg.raw(`<path class="edge dotted" d="M`)
		s.svg.point(x+2, y+1)
		s.svg.raw(`v26"/>`)
	case Signed:
		s.svg.raw(`<path class="edge double" d="M`)
		s.svg.point(x+1, y)
		s.svg.raw(`v28m4 0v-28"/>`)
	case Session:
		s.svg.raw(`<path class="edge" d="M`)
		s.svg.point(x+2, y)
		s.svg.raw(`v28"/>`)
	case Token:
		s.svg.raw(`<path class="edge dashed" d="M`)
		s.svg.point(x+2, y+1)
		s.svg.raw(`v26"/>`)
	}
	s.svg.label(x+10, y+20, "start", label)
	if crossed {
		s.svg.raw(`<path class="crossed" d="M`)
		s.svg.point(x+6, y+14)
		s.svg.raw("h")
		s.svg.int(width - 12)
		s.svg.raw(`"/>`)
	}
	return width
}

// arrow draws a request to the right.
func (s *sequence) arrow(from, to, y int) {
	s.svg.raw(`<path class="arrow" d="M`)
	s.svg.point(from, y)
	s.svg.raw("H")
	s.svg.int(to - 2)
	s.svg.raw(`m-9 -6l9 6l-9 6"/>`)
}

// back draws an answer to the left, dashed.
func (s *sequence) back(from, to, y int) {
	s.svg.raw(`<path class="arrow dashed" d="M`)
	s.svg.point(from, y)
	s.svg.raw("H")
	s.svg.int(to + 2)
	s.svg.raw(`"/><path class="arrow" d="M`)
	s.svg.point(to+11, y-6)
	s.svg.raw(`l-9 6l9 6"/>`)
}

// number draws the next step's number; the list has the same.
func (s *sequence) number(x, y int) {
	s.step++
	s.svg.raw(`<circle cx="`)
	s.svg.int(x)
	s.svg.raw(`" cy="`)
	s.svg.int(y)
	radius := 12
	if s.step >= 100 {
		radius = 16
	}
	s.svg.raw(`" r="`)
	s.svg.int(radius)
	s.svg.raw(`"/><text class="step" text-anchor="middle" x="`)
	s.svg.int(x)
	s.svg.raw(`" y="`)
	s.svg.int(y + 5)
	s.svg.raw(`">`)
	s.svg.int(s.step)
	s.svg.raw(`</text>`)
}

func boxWidth(label string) int { return int(float64(cells(label))*cellWidth) + 18 }

func requestLabel(e *Exchange) string { return e.Method + " " + e.Target }

// statusLabel is "303 See Other".
func statusLabel(status int) string {
	if text := http.StatusText(status); text != "" {
		return strconv.Itoa(status) + " " + text
	}
	return strconv.Itoa(status)
}

// whoLabel is "alice · student", each part cut by itself; "" for nobody.
func whoLabel(who Identity) string {
	switch {
	case who.User == "":
		return ""
	case who.Role == "":
		return clip(who.User, maxCells)
	default:
		return clip(who.User, 18) + " · " + clip(who.Role, 11)
	}
}

// milliseconds is "0.05 ms".
func milliseconds(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 2, 64) + " ms"
}
