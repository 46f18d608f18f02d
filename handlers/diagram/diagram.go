// Package diagram draws exchanges as a sequence, with the list that says the same.
package diagram

import (
	"html/template"
	"slices"
	"strconv"
	"time"

	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/handlers/notebook"
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
	keptBackHeight   = 36
	operationHeight  = 72
	conclusionHeight = 36

	cellWidth = 9.7 // of one character of 16 px monospace; 了 takes two cells
	maxCells  = 32  // of a label; the rest is in the list
)

// moment is one thing that happened, to be drawn: the lines of the exchanges
// are brought into the order of time, so that a replay stands inside of the
// action that caused it.
type moment struct {
	at   time.Time
	kind momentKind
	of   *notebook.Exchange
	i    int // which of its findings or store operations
}

type momentKind int

const (
	asked momentKind = iota
	storeAsked
	concluded
	answered
)

// Sequence is a diagram while it is drawn. A zero Sequence with W can be used for
// [Sequence.OperationLabels].
type Sequence struct {
	W         *locale.Printer
	svg, list markup.Writer
	y         int // where the next row begins
	step      int

	byBrowser, byOther, storeAsked bool
}

// Draw draws exchanges of one notebook in one language; "" if there are none.
func Draw(w *locale.Printer, exchanges []*notebook.Exchange) template.HTML {
	if len(exchanges) == 0 {
		return ""
	}
	s := &Sequence{W: w, y: headHeight}
	moments := make([]moment, 0, 16)
	height := headHeight
	note := func(at time.Time, kind momentKind, of *notebook.Exchange, i, rows int) {
		moments = append(moments, moment{at, kind, of, i})
		height += rows
	}
	for _, e := range exchanges {
		s.byBrowser = s.byBrowser || e.Client == notebook.ClientBrowser
		s.byOther = s.byOther || e.Client == notebook.ClientOther
		note(e.Start, asked, e, 0, requestHeight+keptBackHeight*len(e.KeptBack))
		for i, op := range e.Ops {
			if notebook.OfSession(op) {
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
	s.svg.Raw(`</svg><ol class="steps">`)
	s.svg.Raw(s.list.String())
	s.svg.Raw(`</ol></div></figure>`)
	return template.HTML(s.svg.String())
}

// responseHeight is more where cookies are set.
func responseHeight(e *notebook.Exchange) int {
	if len(e.SetCookie) > 0 {
		return requestHeight
	}
	return requestHeight - 14
}

// begin opens the figure and draws the lifelines, behind all that follows.
func (s *Sequence) begin(exchanges []*notebook.Exchange, height int) {
	b := &s.svg
	b.Grow(8 << 10)
	s.list.Grow(3 << 10)
	id := exchanges[0].Number
	b.Raw(`<figure class="sequence"><div class="both"><svg role="img" width="`)
	b.Int(drawingWidth)
	b.Raw(`" height="`)
	b.Int(height)
	b.Raw(`" aria-labelledby="drawn-`)
	b.Int(id)
	b.Raw(` described-`)
	b.Int(id)
	b.Raw(`"><title id="drawn-`)
	b.Int(id)
	b.Raw(`">`)
	for i, e := range exchanges {
		if i > 0 {
			b.Raw("; ")
		}
		b.Text(RequestLabel(e))
		b.Raw(" → ")
		b.Text(markup.StatusLabel(e.Status))
	}
	b.Raw(`</title><desc id="described-`)
	b.Int(id)
	b.Raw(`">`)
	if s.byOther {
		b.Text(s.W.Text("wire.picture_other"))
	} else {
		b.Text(s.W.Text("wire.picture"))
	}
	b.Raw(`</desc>`)
	s.lifeline(browserX, height, "wire.browser", "wire.no_part", s.byBrowser)
	if s.byOther {
		s.lifeline(otherX, height, "wire.second", "", true)
	}
	s.lifeline(serverX, height, "wire.server", "", true)
	s.lifeline(storeX, height, "wire.store", "wire.not_asked", s.storeAsked)
}

// lifeline draws somebody who takes part, or pale, who does not and why.
func (s *Sequence) lifeline(x, height int, name, absence string, takesPart bool) {
	label := s.W.Text(name)
	width := int(float64(markup.Cells(label))*cellWidth) + 24
	s.svg.Raw(`<g class="lifeline`)
	if !takesPart {
		s.svg.Raw(` pale`)
	}
	s.svg.Raw(`"><path d="M`)
	s.svg.Point(x, 44)
	s.svg.Raw("V")
	s.svg.Int(height - 8)
	s.svg.Raw(`"/>`)
	s.svg.Rect(x-width/2, 12, width, 32)
	s.svg.Label(x, 34, "middle", label)
	if !takesPart {
		s.svg.Label(x, 66, "middle", s.W.Text(absence))
	}
	s.svg.Raw(`</g>`)
}

// clientX is where the lifeline of an exchange's client stands.
func clientX(e *notebook.Exchange) int {
	if e.Client == notebook.ClientOther {
		return otherX
	}
	return browserX
}

// request draws the arrow to the server with the Cookie header on it, and the cookies that
// the browser kept back.
func (s *Sequence) request(e *notebook.Exchange) {
	x := clientX(e)
	s.svg.Raw(`<g class="request">`)
	s.svg.Label(x+22, s.y+18, "start", markup.Clip(RequestLabel(e), maxCells))
	s.arrow(x, serverX, s.y+44)
	row := SentStrip(e)
	s.strip(x+24, s.y+30, &row, "wire.no_cookie")
	s.number(x, s.y+44)
	s.svg.Raw(`</g>`)
	s.y += requestHeight
	for _, cookie := range e.KeptBack {
		s.svg.Raw(`<g class="home lane-`)
		s.svg.Raw(cookie.Lane)
		s.svg.Raw(`">`)
		label := markup.Clip(s.W.Text("wire.stayed")+" "+cookie.Name, maxCells)
		s.box(x+24, s.y, label, cookie.Lane, false)
		s.svg.Raw(`</g>`)
		s.y += keptBackHeight
	}
	s.requestStep(e, &row)
}

// operation draws what the store was asked, and its answer.
func (s *Sequence) operation(op *sessions.StoreOp) {
	const middle = (serverX + storeX) / 2
	name, answer := s.OperationLabels(op)
	s.svg.Raw(`<g class="store">`)
	s.svg.Label(middle+6, s.y+16, "middle", markup.Clip(name, maxCells))
	s.arrow(serverX, storeX, s.y+26)
	s.svg.Label(middle, s.y+46, "middle", markup.Clip(answer, maxCells))
	s.back(storeX, serverX, s.y+54)
	s.svg.Raw(`<g class="took">`)
	s.svg.Label(storeX+14, s.y+45, "start", markup.Milliseconds(op.Duration))
	s.svg.Raw(`</g>`)
	s.number(serverX, s.y+26)
	s.svg.Raw(`</g>`)
	s.y += operationHeight
	s.operationStep(op, name, answer)
}

// conclusion draws what the server concludes, at its lifeline.
func (s *Sequence) conclusion(f *lanes.Finding) {
	label := lanes.VerdictMarks[f.Verdict] + " " + s.W.Text("way."+f.Lane+".short") + s.W.Text("wire.colon") + s.W.Text("verdict."+string(f.Verdict)+".word")
	who := whoLabel(f.Who)
	x := serverX - 20
	s.svg.Raw(`<g class="concluded lane-`)
	s.svg.Raw(f.Lane)
	s.svg.Raw(` verdict-`)
	s.svg.Raw(string(f.Verdict))
	s.svg.Raw(`">`)
	if who != "" {
		width := boxWidth(who)
		x -= width
		s.svg.Raw(`<g class="facts">`)
		s.svg.Rect(x, s.y, width, 28)
		s.svg.Label(x+10, s.y+20, "start", who)
		s.svg.Raw(`</g>`)
		x -= 8
	}
	label = markup.Clip(label, maxCells)
	s.box(x-boxWidth(label), s.y, label, f.Lane, false)
	s.number(serverX, s.y+14)
	s.svg.Raw(`</g>`)
	s.y += conclusionHeight
	s.conclusionStep(f)
}

// response draws the dashed arrow back, with what it sets.
func (s *Sequence) response(e *notebook.Exchange) {
	x := clientX(e)
	label := markup.StatusLabel(e.Status)
	if e.Location != "" {
		label += " → " + e.Location
	}
	s.svg.Raw(`<g class="response">`)
	s.svg.Label(x+22, s.y+18, "start", markup.Clip(label, maxCells))
	var row Strip
	for line := range e.Sets() {
		row.Add(line.Name, line.Lane, line.Deletes)
	}
	row.End()
	line := s.y + responseHeight(e) - 28
	s.back(serverX, x, line)
	if row.n > 0 || row.others > 0 {
		s.strip(x+24, line-14, &row, "")
	}
	s.number(serverX, line)
	s.svg.Raw(`</g>`)
	if e.MoreOps { // beside the answer there is room
		s.svg.Raw(`<g class="store">`)
		s.svg.Label((serverX+storeX)/2, s.y+18, "middle", "…")
		s.svg.Raw(`</g>`)
		s.aside("aside", s.W.Text("wire.step.more_operations"))
		s.end()
	}
	s.y += responseHeight(e)
	s.responseStep(e, &row)
}

// Strip is what one request carried or one response sets: the token, the cookies of the
// three lanes in their order, the number of others, and last the notebook's cookie. The zero
// Strip is empty.
type Strip struct {
	pieces   [7]piece
	n        int
	strange  int // of the pieces: cookies of no lane, such as a lesson's
	others   int // further ones
	notebook bool
}

type piece struct {
	name, lane string
	deleted    bool
}

// Add adds a cookie or the header Authorization by its name; lane is its lane's ID, or "" if
// it has none. deleted says that the response deletes the cookie.
func (row *Strip) Add(name, lane string, deleted bool) {
	room := row.n < len(row.pieces)-1 // one is kept for the notebook's
	strange := lane == "" && name != notebook.CookieName
	switch {
	case name == notebook.CookieName && !deleted:
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

// End puts the notebook's cookie last. It must be called once, after all of them were added.
func (row *Strip) End() {
	if row.notebook {
		row.pieces[row.n] = piece{name: notebook.CookieName}
		row.n++
	}
}

// strip draws cookies as one piece of paper, cut in coloured segments, that
// lies on its arrow.
func (s *Sequence) strip(x, y int, row *Strip, none string) {
	pieces := row.pieces[:row.n]
	if len(pieces) == 0 && row.others == 0 {
		label := s.W.Text(none)
		s.svg.Raw(`<g class="none">`)
		s.box(x, y, label, "", false)
		s.svg.Raw(`</g>`)
		return
	}
	var most int
	for _, most = range [...]int{maxCells, 12, 10, 8, 6} { // until it fits
		total := 0
		for _, p := range pieces {
			total += boxWidth(markup.Clip(p.name, most))
		}
		if row.others > 0 {
			total += boxWidth("+1000")
		}
		if total <= serverX-x-24 {
			break
		}
	}
	for _, p := range pieces {
		label := markup.Clip(p.name, most)
		s.svg.Raw(`<g class="`)
		s.svg.Raw(lanes.CSSClass(p.lane))
		s.svg.Raw(`">`)
		x += s.box(x, y, label, p.lane, p.deleted)
		s.svg.Raw(`</g>`)
	}
	if row.others > 0 {
		s.svg.Raw(`<g class="none">`)
		s.box(x, y, "+"+strconv.Itoa(row.others), "", false)
		s.svg.Raw(`</g>`)
	}
}

// box draws a label in a frame with its lane's edge, so that the lanes can be told apart
// without colour. It returns the width of the frame.
func (s *Sequence) box(x, y int, label, lane string, crossed bool) int {
	width := boxWidth(label)
	s.svg.Rect(x, y, width, 28)
	switch lane {
	case lanes.Plain:
		s.svg.Raw(`<path class="edge dotted" d="M`)
		s.svg.Point(x+2, y+1)
		s.svg.Raw(`v26"/>`)
	case lanes.Signed:
		s.svg.Raw(`<path class="edge double" d="M`)
		s.svg.Point(x+1, y)
		s.svg.Raw(`v28m4 0v-28"/>`)
	case lanes.Session:
		s.svg.Raw(`<path class="edge" d="M`)
		s.svg.Point(x+2, y)
		s.svg.Raw(`v28"/>`)
	case lanes.Token:
		s.svg.Raw(`<path class="edge dashed" d="M`)
		s.svg.Point(x+2, y+1)
		s.svg.Raw(`v26"/>`)
	}
	s.svg.Label(x+10, y+20, "start", label)
	if crossed {
		s.svg.Raw(`<path class="crossed" d="M`)
		s.svg.Point(x+6, y+14)
		s.svg.Raw("h")
		s.svg.Int(width - 12)
		s.svg.Raw(`"/>`)
	}
	return width
}

// arrow draws a request to the right.
func (s *Sequence) arrow(from, to, y int) {
	s.svg.Raw(`<path class="arrow" d="M`)
	s.svg.Point(from, y)
	s.svg.Raw("H")
	s.svg.Int(to - 2)
	s.svg.Raw(`m-9 -6l9 6l-9 6"/>`)
}

// back draws an answer to the left, dashed.
func (s *Sequence) back(from, to, y int) {
	s.svg.Raw(`<path class="arrow dashed" d="M`)
	s.svg.Point(from, y)
	s.svg.Raw("H")
	s.svg.Int(to + 2)
	s.svg.Raw(`"/><path class="arrow" d="M`)
	s.svg.Point(to+11, y-6)
	s.svg.Raw(`l-9 6l9 6"/>`)
}

// number draws the next step's number; the list has the same.
func (s *Sequence) number(x, y int) {
	s.step++
	s.svg.Raw(`<circle cx="`)
	s.svg.Int(x)
	s.svg.Raw(`" cy="`)
	s.svg.Int(y)
	radius := 12
	if s.step >= 100 {
		radius = 16
	}
	s.svg.Raw(`" r="`)
	s.svg.Int(radius)
	s.svg.Raw(`"/><text class="step" text-anchor="middle" x="`)
	s.svg.Int(x)
	s.svg.Raw(`" y="`)
	s.svg.Int(y + 5)
	s.svg.Raw(`">`)
	s.svg.Int(s.step)
	s.svg.Raw(`</text>`)
}

func boxWidth(label string) int { return int(float64(markup.Cells(label))*cellWidth) + 18 }

// RequestLabel returns a request's method and target, such as "GET /dashboard".
func RequestLabel(e *notebook.Exchange) string { return e.Method + " " + e.Target }

// whoLabel is "alice · student", each part cut by itself; "" for nobody.
func whoLabel(who lanes.Identity) string {
	switch {
	case who.User == "":
		return ""
	case who.Role == "":
		return markup.Clip(who.User, maxCells)
	default:
		return markup.Clip(who.User, 18) + " · " + markup.Clip(who.Role, 11)
	}
}

// View returns the strip's pieces for a template, and how many others there are.
func (row *Strip) View() (pieces []PieceView, others int) {
	for _, p := range row.pieces[:row.n] {
		pieces = append(pieces, PieceView{lanes.CSSClass(p.lane), markup.Clip(p.name, markup.MaxValueText), p.deleted})
	}
	return pieces, row.others
}
