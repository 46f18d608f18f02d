// Package wire shows the last exchanges of a notebook: as a page, as JSON, as a stream.
package wire

import (
	"cmp"
	"context"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/diagram"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/handlers/notebook"
	"cookielab/handlers/web"
)

// Page serves these pages: see New.
type Page struct {
	site    *web.Site
	streams chan struct{}   // has one item for each stream under way
	closing context.Context // done when streams must end
}

// New makes the page. most is how many streams there may be at the same time; 0: a quarter of
// the connections that this system allows the program, and at most 1,000. They end when
// closing is done.
func New(site *web.Site, closing context.Context, most int) *Page {
	return &Page{site: site, closing: closing, streams: make(chan struct{}, cmp.Or(most, maxStreams()))}
}

type pageData struct {
	web.Page
	Exchanges []exchangeView // the newest first
	Events    string         // where the stream tells of newer ones
	Most      int
}

// exchangeView is one exchange on the page.
type exchangeView struct {
	Number                 int
	Open                   bool
	Other                  bool // by another program
	At, Clock              string
	Took                   string
	Method, Target, Status string
	Accepted               bool // the status says so
	Sent, Set              []diagram.PieceView
	SentOthers             int // further cookies
	KeptBack               []notebook.KeptBack
	Raw                    string
	Cut                    bool // of its text, when it was put on the wire
	Shortened              bool // it is too long for this page
	NamesOnly, Hidden      bool
	Drawing                template.HTML
}

// Get serves GET /wire: the exchanges of the request's notebook.
func (h *Page) Get(c echo.Context) error {
	page, err := h.site.Page(c, locale.Msg("wire.title"))
	if err != nil {
		return err
	}
	w := h.site.Words(c)
	p := pageData{Page: page, Most: notebook.MaxExchanges}
	seen, room := 0, maxRawOfPage
	for _, e := range slices.Backward(notebook.From(c).Log().Exchanges()) {
		v := viewExchange(w, e, max(minRaw, min(room, maxRaw)))
		p.Exchanges = append(p.Exchanges, v)
		room -= len(v.Raw)
		seen = max(seen, e.Number)
	}
	if len(p.Exchanges) > 0 {
		p.Exchanges[0].Open = true
	}
	// The page's own language, also where the notebook does not keep it.
	p.Events = "/wire/events?" + url.Values{"after": {strconv.Itoa(seen)}, "lang": {w.Tag.String()}}.Encode()
	return h.site.Render(c, http.StatusOK, "wire", p)
}

// How much of the exchanges' text a page shows, in bytes: of each one at most, of all
// together, and of each one at least, even when those are used up. As markup one byte can
// become five.
const (
	maxRaw       = 16 << 10
	maxRawOfPage = 256 << 10
	minRaw       = 2 << 10
)

// maxTargetText is how many characters of its address an exchange's line shows.
const maxTargetText = 500

// viewExchange is an exchange on the page, with at most mostRaw bytes of its text.
func viewExchange(w *locale.Printer, e *notebook.Exchange, mostRaw int) exchangeView {
	v := exchangeView{
		Number: e.Number, Other: e.Client == notebook.ClientOther, At: markup.ISOTime(e.Start), Clock: e.Start.Format("15:04:05"), Took: markup.Milliseconds(e.Duration),
		Method: markup.Clip(e.Method, maxTargetText), Target: markup.Clip(e.Target, maxTargetText), Status: markup.StatusLabel(e.Status), Accepted: e.Status < http.StatusBadRequest,
		KeptBack: e.KeptBack, Raw: rawText(e), Cut: e.Cut, NamesOnly: e.NamesOnly, Hidden: e.Hidden, Drawing: diagram.Draw(w, []*notebook.Exchange{e}),
	}
	if v.Shortened = len(v.Raw) > mostRaw; v.Shortened {
		v.Raw = markup.AtMost(v.Raw, mostRaw) + "…"
	}
	sent, set := diagram.SentStrip(e), diagram.Strip{}
	for line := range e.Sets() {
		set.Add(line.Name, line.Lane, line.Deletes)
	}
	set.End()
	v.Sent, v.SentOthers = sent.View()
	v.Set, _ = set.View()
	return v
}

// rawText is the exchange as text: the lines that are about cookies, and about who
// sent what, as they stood there.
func rawText(e *notebook.Exchange) string {
	var text strings.Builder
	line := func(name, value string) {
		if value != "" {
			text.WriteString(name + ": " + value + "\n")
		}
	}
	text.WriteString(e.Method + " " + e.Target + " " + e.Protocol + "\n")
	line("Host", e.Host)
	line("Sec-Fetch-Site", e.Fetch.Site)
	line("Sec-Fetch-Mode", e.Fetch.Mode)
	line("Sec-Fetch-Dest", e.Fetch.Dest)
	line("Sec-Fetch-User", e.Fetch.User)
	line("User-Agent", e.UserAgent)
	line("Authorization", e.Authorization)
	line("Cookie", e.Cookie)
	text.WriteString("\n" + e.Protocol + " " + markup.StatusLabel(e.Status) + "\n")
	line("Location", e.Location)
	for _, cookie := range e.SetCookie {
		line("Set-Cookie", cookie)
	}
	return strings.TrimSuffix(text.String(), "\n")
}
