// Package tokens is the token lane for programs: its API, and the page that shows an opaque
// and a self-contained token side by side, with another program that the lab plays.
package tokens

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/auth"
	"cookielab/handlers/input"
	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/handlers/notebook"
	"cookielab/handlers/web"
	"cookielab/sessions"
	"cookielab/sessions/browser"
)

// tokenKind is one of the two kinds of token.
type tokenKind struct {
	ID          string // "opaque", "sealed"
	lane        lanes.TokenLane
	Whoami, End string // the addresses that take it
}

const (
	opaque = "opaque"
	sealed = "sealed"
)

// tokenKinds are those that this server can issue: the engine signed_cookies
// keeps nothing on the server, and so has no opaque ones.
func (h *Page) tokenKinds() []tokenKind {
	kinds := []tokenKind{
		{opaque, h.auth.Lanes.Opaque, "/api/whoami", "/api/token"},
		{sealed, h.auth.Lanes.Sealed, "/api/whoami/sealed", "/api/token/sealed"},
	}
	if !h.auth.Lanes.Opaque.Manager.KeepsRecords() {
		return kinds[1:]
	}
	return kinds
}

// wallet is what the program that the lab plays holds: tokens, in this server's memory. It is
// changed as a whole, not in parts.
type wallet struct {
	Tokens []heldToken // in the order of tokenKinds
	Fresh  bool        // not shown yet; once they were, nobody sees them whole again
	Action string      // what was done last: "got", "asked", "ended"
}

// heldToken is a token in the wallet.
type heldToken struct {
	Kind  string
	Value string
	ID    sessions.ID // its record's; zero where nothing lies on the server
	Who   lanes.Identity
	Ends  time.Time

	Asked     *notebook.Exchange // when it was last sent to ask who one is; nil: not yet
	Answer    string             // the body that came back
	Ending    *notebook.Exchange // when it was to be ended; nil: not yet
	EndAnswer string
}

// Weigh returns how much memory the wallet takes, in bytes.
func (h wallet) Weigh() (n int) {
	for _, held := range h.Tokens {
		n += notebook.StructBytes + len(held.Value) + len(held.Answer) + len(held.EndAnswer)
		for _, e := range []*notebook.Exchange{held.Asked, held.Ending} {
			if e != nil {
				n += e.Weigh() // counted again, as it may no longer be on the wire
			}
		}
	}
	return n
}

// Post serves POST /tokens (fields username, password, pin): it gives the program one token
// of each kind.
func (h *Page) Post(c echo.Context) error {
	given, err := auth.CredentialsIn(c.Request().PostForm)
	if err != nil {
		return err
	}
	who, err := h.auth.Admit(c, given)
	if refused := auth.Refusal(err); refused != nil {
		return h.showTokens(c, refused.Status, h.auth.RefusedForm(given, refused))
	}
	if err != nil {
		return err
	}
	got := wallet{Fresh: true, Action: "got"}
	for _, kind := range h.tokenKinds() {
		token, err := kind.lane.Issue(c.Request().Context(), who, h.auth.Age(), browser.ClientName(c.Request().UserAgent()))
		if err != nil {
			return err
		}
		held := heldToken{Kind: kind.ID, Value: token.Key(), Who: who, Ends: token.Ends()}
		if record, filed := token.Record(); filed {
			held.ID = record.ID
		}
		got.Tokens = append(got.Tokens, held)
	}
	h.site.Log.Info("token issued", "name", who.User, "role", who.Role)
	n := notebook.From(c)
	if err := n.ChangeKey(); err != nil { // somebody who knows the old key must not see the tokens
		return err
	}
	sessions.AfterCommit(c, func() { notebook.Change(n.Log(), func(held *wallet) { *held = got }) })
	return c.Redirect(http.StatusSeeOther, "/tokens")
}

// Ask serves POST /tokens/ask: the program sends each of its tokens, and asks who it is.
func (h *Page) Ask(c echo.Context) error {
	return h.withWallet(c, func(log *notebook.Log, held *heldToken, kind tokenKind) error {
		return h.askWith(c, log, held, kind)
	}, "asked")
}

// End serves POST /tokens/end: the program ends each of its tokens, and then sends it once
// more.
func (h *Page) End(c echo.Context) error {
	return h.withWallet(c, func(log *notebook.Log, held *heldToken, kind tokenKind) (err error) {
		if held.Ending, held.EndAnswer, err = h.sendToken(c, log, http.MethodDelete, kind.End, held.Value); err != nil {
			return err
		}
		return h.askWith(c, log, held, kind)
	}, "ended")
}

func (h *Page) askWith(c echo.Context, log *notebook.Log, held *heldToken, kind tokenKind) (err error) {
	held.Asked, held.Answer, err = h.sendToken(c, log, http.MethodGet, kind.Whoami, held.Value)
	return err
}

// withWallet does something with each token that the program holds. If it holds none, the
// page says so.
func (h *Page) withWallet(c echo.Context, do func(*notebook.Log, *heldToken, tokenKind) error, action string) error {
	log := notebook.From(c).Log()
	before := notebook.Of[wallet](log)
	after := wallet{Tokens: slices.Clone(before.Tokens), Action: action}
	for _, kind := range h.tokenKinds() {
		for i := range after.Tokens {
			if held := &after.Tokens[i]; held.Kind == kind.ID {
				if err := do(log, held, kind); err != nil {
					return err
				}
			}
		}
	}
	if len(after.Tokens) > 0 {
		notebook.Change(log, func(held *wallet) {
			if sameTokens(*held, before) { // else another tab got new ones meanwhile
				*held = after
			}
		})
	}
	return c.Redirect(http.StatusSeeOther, "/tokens")
}

func sameTokens(a, b wallet) bool {
	return slices.EqualFunc(a.Tokens, b.Tokens, func(x, y heldToken) bool { return x.Value == y.Value })
}

// sendToken sends a token as another program does, and returns that exchange as
// it stands on the wire.
func (h *Page) sendToken(c echo.Context, log *notebook.Log, method, path, token string) (*notebook.Exchange, string, error) {
	e, body, err := h.auth.Program.Exchange(c, log, method, path, http.Header{"Authorization": {lanes.TokenScheme + " " + token}})
	return e, string(bytes.TrimSpace(body)), err
}

// Revoke serves POST /tokens/revoke (field id): it ends one token of whoever is signed in.
func (h *Page) Revoke(c echo.Context) error {
	text, err := input.Single(c.Request().PostForm, "id")
	if err != nil {
		return err
	}
	who, ok, err := h.auth.Who(c)
	if err != nil {
		return err
	}
	if !ok {
		return c.Redirect(http.StatusSeeOther, "/login?next=/tokens")
	}
	ctx := c.Request().Context()
	id, _ := sessions.ParseID(text)
	if _, err := auth.FindOwned(ctx, h.auth.Lanes.Opaque.Manager, who.User, id); errors.Is(err, sessions.ErrNotFound) {
		return input.NewProblem(http.StatusNotFound, "not_found", locale.Msg("error.no_such_token")) // over already, or somebody else's
	} else if err != nil {
		return err
	}
	if err := h.auth.Lanes.Opaque.Manager.End(ctx, id, 0); err != nil && !errors.Is(err, sessions.ErrNotFound) {
		return err
	}
	h.site.Log.Info("token ended", "name", who.User)
	return c.Redirect(http.StatusSeeOther, "/tokens#mine")
}

// Page serves this page and its API: see New.
type Page struct {
	site *web.Site
	auth *auth.Auth
}

// New makes the page.
func New(site *web.Site, auth *auth.Auth) *Page { return &Page{site, auth} }

type pageData struct {
	web.Page
	SignIn   auth.Form
	Sentence string
	Held     bool
	Kinds    []tokenView
	NoOpaque bool
	Engine   string

	Mine    []ownToken // of whoever is signed in
	Next    string     // the address of the list's next page; "": there is none
	Further bool       // this is not the list's first page
	Curl    auth.TokenCurl
}

// tokenView is one column.
type tokenView struct {
	tokenKind
	Held           bool
	Whole          string // only this once
	Short          string
	Length         int
	Curl           string        // sends it; only while it is whole
	Claims         template.HTML // who it says, to anybody
	Content        string        // what anybody can read in it
	Ends           markup.Ending
	Sent           string // the header, shortened
	Bytes          int
	OnServer, Over bool // a record lies on the server; its time is over
	Owner          template.HTML
	Record         string // what it says
	Filed          string // under which hash
	Verdict        lanes.Verdict
	Mark, Word     string
	Line           string
	Who            template.HTML
	Status         string // of the answer
	Answer         string
	Checks         template.HTML
	EndStatus      string // when it was to be ended
	EndAnswer      string
	Ended          bool
}

// ownToken is one line of the list.
type ownToken struct {
	ID, Short     string
	Created, Ends markup.Ending
	Client        string
}

// The page lists mostTokens tokens, those last saved first; a link leads to the next ones.
const mostTokens = 20

// Get serves GET /tokens: the tokens that the program holds, and those of whoever is signed
// in.
func (h *Page) Get(c echo.Context) error {
	return h.showTokens(c, http.StatusOK, auth.Form{})
}

// showTokens shows the page. A form that was not filled in yet is prefilled with
// whoever is signed in.
func (h *Page) showTokens(c echo.Context, status int, form auth.Form) error {
	after, err := input.After(c)
	if err != nil {
		return err
	}
	page, err := h.site.Page(c, locale.Msg("way.token.title"))
	if err != nil {
		return err
	}
	w := h.site.Words(c)
	p := pageData{Page: page, Engine: h.site.Assets.Engine}
	who, signedIn := h.auth.SignedIn(c)
	if p.SignIn = form; form.Problem.ID == "" {
		p.SignIn = h.auth.Form(c)
		if signedIn {
			p.SignIn.Username, p.SignIn.Teacher = who.User, who.Role == lanes.RoleTeacher
		}
	}
	p.SignIn.ForToken = true
	log := notebook.From(c).Log()
	held := notebook.Of[wallet](log)
	if held.Fresh = held.Fresh && c.Request().Method == http.MethodGet; held.Fresh { // HEAD shows nothing
		held = notebook.Change(log, func(held *wallet) { held.Fresh = false }) // of two tabs, one
	}
	p.Held = len(held.Tokens) > 0
	p.NoOpaque = !h.auth.Lanes.Opaque.Manager.KeepsRecords()
	for _, kind := range h.tokenKinds() {
		v, err := h.viewToken(c, w, kind, held)
		if err != nil {
			return err
		}
		p.Kinds = append(p.Kinds, v)
	}
	p.Sentence = tokenSentence(w, held, p.Kinds)
	p.Curl = h.auth.TokenCurl(c.Request().Host, p.SignIn.Username)
	if signedIn && !p.NoOpaque {
		if err := h.listTokens(c, w, &p, who.User, after); err != nil {
			return err
		}
	}
	return h.site.Render(c, status, "tokens", p)
}

// viewToken makes the column of one kind.
func (h *Page) viewToken(c echo.Context, w *locale.Printer, kind tokenKind, held wallet) (v tokenView, err error) {
	v.tokenKind = kind
	i := slices.IndexFunc(held.Tokens, func(t heldToken) bool { return t.Kind == kind.ID })
	if i < 0 {
		return v, nil
	}
	t := held.Tokens[i]
	v.Held, v.Short, v.Length = true, markup.ShortKey(t.Value), len(t.Value)
	v.Ends = markup.Ending{At: markup.ISOTime(t.Ends), Text: markup.DevToolsTime(t.Ends)}
	if held.Fresh {
		v.Whole, v.Curl = t.Value, "curl -i -H 'Authorization: "+lanes.TokenScheme+" "+t.Value+"' 'http://"+c.Request().Host+kind.Whoami+"'"
	}
	if kind.ID == sealed {
		if parts, err := sessions.Dissect(t.Value); err == nil {
			v.Content = strings.TrimSpace(parts.Content)
			v.Claims = lanes.WhoIs(lanes.Claims(t.Value))
		}
	} else if err := h.viewTokenRecord(c, t.ID, &v); err != nil {
		return v, err
	}
	if e := t.Asked; e != nil {
		v.Sent, v.Bytes = e.Authorization, len(lanes.TokenScheme)+1+len(t.Value)
		v.Status, v.Answer = markup.StatusLabel(e.Status), t.Answer
		if len(e.Findings) > 0 {
			f := e.Findings[0].Finding
			v.Verdict, v.Mark, v.Who = f.Verdict, lanes.VerdictMarks[f.Verdict], lanes.WhoIs(f.Who)
			v.Word, v.Line = w.Text("verdict."+string(f.Verdict)+".word"), w.Text("verdict."+string(f.Verdict)+".line")
			v.Checks = auth.ChecksOf(w, f, auth.DescribeChecks(w, f))
		}
	}
	if e := t.Ending; e != nil {
		v.EndStatus, v.Ended = markup.StatusLabel(e.Status), e.Status == http.StatusNoContent
		v.EndAnswer = messageIn(t.EndAnswer)
	}
	return v, nil
}

// viewTokenRecord shows what lies on the server for a token.
func (h *Page) viewTokenRecord(c echo.Context, id sessions.ID, v *tokenView) error {
	v.Filed = markup.ShortKey(id.String())
	record, err := h.auth.Lanes.Opaque.Manager.Find(c.Request().Context(), id)
	if errors.Is(err, sessions.ErrNotFound) {
		return nil
	}
	if err != nil && !errors.Is(err, sessions.ErrExpired) {
		return err
	}
	v.OnServer, v.Over = true, !record.Expires.After(h.site.Clock.Now())
	v.Owner, v.Record = lanes.WhoIs(lanes.SaidBy(record.Data)), markup.Indented(string(record.Data))
	return nil
}

// messageIn is what an error of the API says.
func messageIn(body string) string {
	var answer struct{ Message string }
	_ = json.Unmarshal([]byte(body), &answer) // an empty body says nothing
	return answer.Message
}

// tokenSentence is what just happened: what was done, and what the server
// concluded of both.
func tokenSentence(w *locale.Printer, h wallet, kinds []tokenView) string {
	if len(h.Tokens) == 0 {
		return w.Text("tokens.say.none")
	}
	var verdicts []string
	for _, v := range kinds {
		verdicts = append(verdicts, string(v.Verdict))
	}
	switch concluded := strings.Join(verdicts, " "); {
	case h.Fresh:
		return w.Say(locale.Msg("tokens.say.fresh", locale.Args{"Name": h.Tokens[0].Who.User}))
	case h.Action == "got":
		return w.Text("tokens.say.got")
	case concluded == "found verified":
		return w.Text("tokens.say.both")
	case concluded == "unknown verified":
		return w.Text("tokens.say.ended")
	case concluded == "verified" && h.Action == "ended":
		return w.Text("tokens.say.stays")
	case concluded == "verified":
		return w.Text("tokens.say.sealed")
	case !slices.ContainsFunc(kinds, func(v tokenView) bool { return v.Verdict.Accepted() }):
		return w.Text("tokens.say.over")
	default:
		return w.Text("tokens.say.differ")
	}
}

// listTokens lists the tokens of a user that come after a record, the newest first.
func (h *Page) listTokens(c echo.Context, w *locale.Printer, p *pageData, user string, after sessions.Record) error {
	owned, err := h.auth.Lanes.Opaque.Manager.Owned(c.Request().Context(), user, after, mostTokens+1) // one more shows whether there is a next page
	if err != nil {
		return err
	}
	p.Further = !after.Saved.IsZero()
	if owned, p.Next = input.FirstOf(owned, mostTokens, "/tokens"); p.Next != "" {
		p.Next += "#mine"
	}
	for _, record := range owned {
		one := ownToken{
			ID: record.ID.String(), Short: markup.ShortKey(record.ID.String()), Client: w.Text("tokens.client_unknown"),
			Created: markup.Ending{At: markup.ISOTime(record.Created), Text: markup.DevToolsTime(record.Created)},
			Ends:    markup.Ending{At: markup.ISOTime(record.Expires), Text: markup.DevToolsTime(record.Expires)},
		}
		client, err := auth.ClientNamed(c.Request().Context(), h.auth.Lanes.Opaque.Manager, user, record.ID)
		if err != nil {
			return err
		}
		one.Client = cmp.Or(client, one.Client)
		p.Mine = append(p.Mine, one)
	}
	return nil
}
