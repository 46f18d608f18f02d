// What a client does on the lab's pages.

package labtest

import (
	"bufio"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"cookielab/handlers/notebook"
	"cookielab/handlers/wire"
	"cookielab/sessions"
	"cookielab/sessions/browser"
)

// Drawing is a diagram taken apart; taking it apart proves that it is
// well-formed XML, so that no text of it can be anything but text.
type Drawing struct {
	t           *testing.T
	Elements    map[string]int
	titles      []string // of <title> and <desc>
	Labels      []string // of <text>, from the top down, without the numbers
	numbers     []string // the numbers in the picture
	Steps       []string // the list's items that have a number
	values      []string // their numbers
	Asides      []string // the list's other items
	Pale        []string // the labels of lifelines that take no part
	described   string   // aria-labelledby
	ids         []string
	attributes  []string // names of all
	CrossedOut  int
	DashedLines int
}

func TakeApart(t *testing.T, figure string) *Drawing {
	t.Helper()
	d := &Drawing{t: t, Elements: map[string]int{}}
	decoder := xml.NewDecoder(strings.NewReader(figure))
	var path []xml.StartElement
	var item strings.Builder
	attribute := func(e xml.StartElement, name string) string {
		for _, a := range e.Attr {
			if a.Name.Local == name {
				return a.Value
			}
		}
		return ""
	}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return d
		}
		if err != nil {
			t.Fatalf("not well-formed: %v\n%s", err, figure)
		}
		switch token := token.(type) {
		case xml.StartElement:
			token = token.Copy()
			path = append(path, token)
			d.Elements[token.Name.Local]++
			for _, a := range token.Attr {
				d.attributes = append(d.attributes, a.Name.Local)
				if a.Name.Local == "id" {
					d.ids = append(d.ids, a.Value)
				}
			}
			switch class := attribute(token, "class"); {
			case token.Name.Local == "svg":
				d.described = attribute(token, "aria-labelledby")
			case token.Name.Local == "li":
				item.Reset()
			case class == "crossed":
				d.CrossedOut++
			case class == "arrow dashed":
				d.DashedLines++
			}
		case xml.CharData:
			inside := path[len(path)-1]
			switch inside.Name.Local {
			case "title", "desc":
				d.titles = append(d.titles, string(token))
			case "text":
				switch {
				case attribute(inside, "class") == "step":
					d.numbers = append(d.numbers, string(token))
					continue
				case attribute(path[len(path)-2], "class") == "lifeline pale":
					d.Pale = append(d.Pale, string(token))
				}
				d.Labels = append(d.Labels, string(token))
			default:
				item.Write(token)
			}
		case xml.EndElement:
			if token.Name.Local == "li" {
				if value := attribute(path[len(path)-1], "value"); value != "" {
					d.Steps, d.values = append(d.Steps, item.String()), append(d.values, value)
				} else {
					d.Asides = append(d.Asides, item.String())
				}
			}
			path = path[:len(path)-1]
		}
	}
}

// Sound are what holds of every drawing.
func (d *Drawing) Sound(written ...string) {
	d.t.Helper()
	for element, n := range map[string]int{"figure": 1, "svg": 1, "title": 1, "desc": 1, "ol": 1} {
		if d.Elements[element] != n {
			d.t.Errorf("%d × <%s>", d.Elements[element], element)
		}
	}
	if len(d.ids) != 2 || d.described != strings.Join(d.ids, " ") {
		d.t.Errorf("labelled by %q, but the ids are %q", d.described, d.ids)
	}
	for _, text := range d.titles {
		if strings.TrimSpace(text) == "" {
			d.t.Error("title or description are empty")
		}
	}
	for _, label := range d.Labels {
		if n := utf8.RuneCountInString(label); n > 32 {
			d.t.Errorf("a label of %d characters: %q", n, label)
		}
		if strings.Contains(label, "⟨wire") && !slices.Contains(written, label) {
			d.t.Errorf("a label without words: %q", label)
		}
	}
	for _, forbidden := range []string{"style", "href", "onload", "onclick"} {
		if slices.Contains(d.attributes, forbidden) {
			d.t.Errorf("it has the attribute %s", forbidden)
		}
	}
	var counted []string
	for i := range d.numbers {
		counted = append(counted, strconv.Itoa(i+1))
	}
	if !slices.Equal(d.numbers, counted) || !slices.Equal(d.values, counted) {
		d.t.Errorf("numbered %q, in the list %q", d.numbers, d.values)
	}
}

// Draw takes the drawing of a client's exchanges apart, from the nth last on.
func (c *Client) Draw(t *testing.T, language string, n int, written ...string) *Drawing {
	t.Helper()
	wire := c.Wire()
	d := TakeApart(t, string(c.Lab.Draw(language, wire[len(wire)-n:])))
	d.Sound(written...)
	return d
}

// Call makes one session call.
func (c *Client) Call(op, fields string, changes ...func(*http.Request)) Reply {
	c.Lab.t.Helper()
	own := []func(*http.Request){Body("application/json", fields), With("Sec-Fetch-Site", "same-origin")}
	return c.Do(http.MethodPost, "/api/session/"+op, append(own, changes...)...)
}

// Answers makes a call, complains unless it answers 200 with this result and
// these flags, and returns the session's key.
func (c *Client) Answers(t *testing.T, op, fields, result string, flags ...bool) (key string) {
	t.Helper()
	r := c.Call(op, fields)
	var a struct {
		Op                 string
		Result             json.RawMessage
		SessionKey         *string `json:"session_key"`
		Accessed, Modified bool
	}
	decoder := json.NewDecoder(strings.NewReader(r.Body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&a); err != nil || r.Status != http.StatusOK {
		t.Fatalf("%s %s: answered %d %s", op, fields, r.Status, r.Body)
	}
	if a.Op != op || string(a.Result) != result {
		t.Errorf("%s %s: %s gives %s, not %s", op, fields, a.Op, a.Result, result)
	}
	if len(flags) == 2 && (a.Accessed != flags[0] || a.Modified != flags[1]) {
		t.Errorf("%s %s: accessed %t, modified %t, not %v", op, fields, a.Accessed, a.Modified, flags)
	}
	for _, cookie := range r.Cookies {
		if cookie.Name != SessionCookie {
			t.Errorf("%s %s sets %s", op, fields, cookie.Name)
		}
	}
	if a.SessionKey != nil {
		key = *a.SessionKey
	}
	if set := r.Sets(SessionCookie); set != nil && set.MaxAge >= 0 && set.Value != key {
		t.Errorf("%s %s: the answer tells the key %q, the cookie is %q", op, fields, key, set.Value)
	}
	return key
}

// Refuses complains unless a call is refused with this status and code, and the
// sentence has these words; nothing is set then.
func (c *Client) Refuses(t *testing.T, op, fields string, status int, code string, words ...string) {
	t.Helper()
	r := c.Call(op, fields)
	var a struct{ Error, Message string }
	if err := json.Unmarshal([]byte(r.Body), &a); err != nil || r.Status != status || a.Error != code {
		t.Errorf("%s %.200s: answered %d %.300s, not %d %s", op, fields, r.Status, r.Body, status, code)
	}
	for _, word := range words {
		if !strings.Contains(a.Message, word) {
			t.Errorf("%s %.200s: the message does not name %q: %s", op, fields, word, a.Message)
		}
	}
	if len(r.Cookies) > 0 {
		t.Errorf("%s %.200s is refused, and sets %v", op, fields, r.Cookies)
	}
}

// Following is a stream as a browser reads it.
type Following struct {
	T        testing.TB
	Status   int
	Header   http.Header
	Lines    *bufio.Reader
	Close    func()
	Comments int
}

// event is one server-sent event.
type event struct{ Id, Name, Data string }

// Follow opens the stream of a client. One that hangs is ended by the time
// limit of the lab's own client.
func (c *Client) Follow(query string, changes ...func(*http.Request)) *Following {
	t := c.Lab.t
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.Lab.Addr+StreamPath+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	if line := c.Header(); line != "" {
		request.Header.Set("Cookie", line)
	}
	for _, change := range changes {
		change(request)
	}
	response, err := c.Lab.Web.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	if cookies := response.Header.Values("Set-Cookie"); len(cookies) > 0 {
		t.Errorf("the stream sets %q", cookies)
	}
	return &Following{T: t, Status: response.StatusCode, Header: response.Header, Lines: bufio.NewReader(response.Body), Close: cancel}
}

// read returns the next event, or the error with which the stream ended.
func (f *Following) read() (event, error) {
	var e event
	var data []string
	for {
		line, err := f.Lines.ReadString('\n')
		if err != nil {
			return e, err
		}
		switch name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); {
		case name == "id":
			e.Id = value
		case name == "event":
			e.Name = value
		case name == "data", name == "data:":
			data = append(data, value)
		case name == ":", name == "retry":
			f.Comments++
		case line == "\n" && data != nil:
			e.Data = strings.Join(data, "\n")
			return e, nil
		case line != "\n":
			return e, fmt.Errorf("a line that is none: %q", line)
		}
	}
}

func (f *Following) Next() event {
	f.T.Helper()
	e, err := f.read()
	if err != nil {
		f.T.Fatalf("no event: %v", err)
	}
	return e
}

// Ends complains unless the stream ends now, by the server's will.
func (f *Following) Ends() {
	f.T.Helper()
	for {
		switch _, err := f.read(); {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			f.T.Fatalf("the stream ends with: %v", err)
		}
	}
}

func (c *Client) Compose(fields ...string) Reply {
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return c.Post("/composer", form)
}

// jar is a browser that stores cookies as our model of a browser does, so that each
// address is sent only the cookies that match it.
type jar struct {
	*Client
	*browser.Jar
	Lab  *Lab
	host string // without its port
}

func (j *jar) Url(path string) browser.URL {
	return browser.URL{Scheme: "http", Host: j.host, Path: path}
}

func (j *jar) Ask(method, path string, changes ...func(*http.Request)) Reply {
	now := j.Lab.Clock.Now()
	j.Client.Cookies = nil
	cookie := With("Cookie", j.Send(browser.Request{URL: j.Url(path), Now: now, Context: browser.Typed}).Header)
	host := func(r *http.Request) { r.Host = j.host + j.Lab.Addr[strings.LastIndexByte(j.Lab.Addr, ':'):] }
	r := j.Do(method, path, append([]func(*http.Request){host, cookie}, changes...)...)
	j.Receive(browser.Response{URL: j.Url(path), SetCookie: r.Header["Set-Cookie"], Now: now, Context: browser.Typed})
	return r
}

// SendTo asks the composer to send a line, and reports whether the reply has it.
func (j *jar) SendTo(line string) bool {
	j.Lab.t.Helper()
	r := j.Ask(http.MethodPost, "/send", Body(FormType, url.Values{"line": {line}}.Encode()), With("Sec-Fetch-Site", "same-origin"))
	went := slices.Contains(r.Header["Set-Cookie"], line)
	if went != (r.Status == http.StatusSeeOther) || !went && r.Status != http.StatusConflict {
		j.Lab.t.Fatalf("%.60q is answered %d", line, r.Status)
	}
	return went
}

// Answers fails the test if there is a path of the lab that this browser can no longer open.
func (j *jar) Answers() {
	j.Lab.t.Helper()
	paths := []string{"/static/lab.css", "/lessons/forgets/x", "/reset/x/y", "/sent", "/none"}
	for _, route := range j.Lab.Routes() {
		paths = append(paths, strings.NewReplacer(":lane", "plain", ":slug", "forgets", ":deed", "write", ":op", "items", "*", "lab.css").Replace(route.Path))
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "/events") {
			continue // answers for ever, and its path is below others
		}
		if r := j.Ask(http.MethodHead, path); r.Status == http.StatusRequestHeaderFieldsTooLarge {
			j.Lab.t.Errorf("%s%s answers %d", j.host, path, r.Status)
		}
	}
}

// Dissect posts a value and further fields, as one of the page's buttons does.
func (c *Client) Dissect(act, value string, fields ...string) Reply {
	form := url.Values{"act": {act}, "value": {value}}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return c.Post("/dissect", form)
}

// DissectExample presses a button that fills in a value, and returns it and the
// key that comes with it.
func (c *Client) DissectExample(t testing.TB, name string) (value, key string) {
	t.Helper()
	r := c.Post("/dissect", url.Values{"example": {name}})
	if r.Status != http.StatusOK {
		t.Fatalf("the example %s is answered %d", name, r.Status)
	}
	return r.Typed(t), html.UnescapeString(regexp.MustCompile(`name="key" value="([^"]*)"`).FindStringSubmatch(r.Body)[1])
}

var typedValue = regexp.MustCompile(`(?s)<textarea [^>]*>(.*?)</textarea>`)

var anyTag = regexp.MustCompile(`<[^>]*>`)

var headline = regexp.MustCompile(`(?s)<h2 class="headline" data-dissected="(\w+)">.*?<span class="word">(.*?)</span></h2>`)

var checkOf = regexp.MustCompile(`(?s)<li id="check-(\w+)" data-outcome="(\w+)">.*?<span class="because">(.*?)</span></li>`)

// words are the text of a piece of a page.
func TextIn(markup string) string {
	return strings.Join(strings.Fields(html.UnescapeString(anyTag.ReplaceAllString(markup, ""))), " ")
}

// WireText is all that a client reads of its wire: by the API, on the page, and
// from the stream.
func (c *Client) WireText(t *testing.T) string {
	t.Helper()
	text := c.Get("/api/wire").Body + c.Get("/wire").Body
	if f := c.Follow(""); f.Status == http.StatusOK {
		var list struct{ Exchanges []json.RawMessage }
		if err := json.Unmarshal([]byte(c.Get("/api/wire").Body), &list); err != nil {
			t.Fatal(err)
		}
		for range list.Exchanges {
			text += f.Next().Data
		}
		f.Close()
	}
	return text
}

// KeepsFrom complains where a text has a value of a cookie, as it is or as a page spells it.
func (c *Client) KeepsFrom(t *testing.T, whose, text string) {
	t.Helper()
	for _, cookie := range c.Cookies {
		for _, spelled := range []string{cookie.Value, Escaped(cookie.Value), strings.ReplaceAll(cookie.Value, "&", `\u0026`)} {
			if strings.Contains(text, spelled) {
				t.Errorf("%s shows the value of another's %s", whose, cookie.Name)
			}
		}
	}
}

// Learn answers a lesson's question and does some of its acts, through HTTP.
func (c *Client) Learn(slug string, acts ...string) (page string) {
	c.Lab.t.Helper()
	c.Get("/lessons/" + slug)
	c.Post("/lessons/"+slug, url.Values{"act": {"predict"}, "said": {"D"}})
	c.Lab.Clock.Advance(time.Second) // what was done before it began does not count
	c.Get("/lessons/" + slug)
	for _, act := range acts {
		if r := c.Post("/lessons/"+slug, url.Values{"act": {act}}); r.Status != http.StatusSeeOther {
			c.Lab.t.Fatalf("%s of %s: %d", act, slug, r.Status)
		}
		page = c.Get("/lessons/" + slug).Body
	}
	return page
}

// Outlive lets ten seconds go by, after which a browser sends none of the three.
func (c *Client) Outlive(lab *Lab) {
	lab.Clock.Advance(11 * time.Second)
	for _, name := range CookieOf {
		c.Drop(name)
	}
}

// Run makes a call of the console with what stands in its form, but for some
// fields, and returns the page that shows what it did.
func (c *Client) Run(t *testing.T, id string, fields ...string) Reply {
	t.Helper()
	form := url.Values{"call": {id}}
	page := c.Get("/console?call=" + id).Body
	for _, input := range regexp.MustCompile(`<input name="(\w+)" value="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		form.Set(input[1], html.UnescapeString(input[2]))
	}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	r := c.Post("/console", form)
	if r.Status != http.StatusSeeOther {
		return r
	}
	if want := "/console?call=" + id + "#outcome"; r.Header.Get("Location") != want {
		t.Errorf("%s goes on to %q", id, r.Header.Get("Location"))
	}
	return c.Get("/console?call=" + id)
}

// NewClass begins a new class, and gives the page that says so.
func (c *Client) NewClass() Reply {
	c.Lab.t.Helper()
	r := c.Post(ClassPath, Sure)
	if r.Status != http.StatusSeeOther || !strings.HasPrefix(r.Header.Get("Location"), ClassPath+"?done=") {
		c.Lab.t.Fatalf("a new class is answered %d to %q: %s", r.Status, r.Header.Get("Location"), r.Body)
	}
	proof := c.Get(r.Header.Get("Location"))
	if ClassState(proof) != "200 ended" {
		c.Lab.t.Fatalf("the proof is %s: %s", ClassState(proof), proof.Body)
	}
	return proof
}

// ClassState is a reply's status, and what the page is: asks, ended, refused.
func ClassState(r Reply) string {
	_, state, _ := strings.Cut(r.Body, `data-class="`)
	state, _, _ = strings.Cut(state, `"`)
	return fmt.Sprint(r.Status, " ", state)
}

// AskToken asks for a token with a body of JSON.
func (c *Client) AskToken(text string, changes ...func(*http.Request)) Reply {
	c.Lab.t.Helper()
	return c.Do(http.MethodPost, "/api/token", append([]func(*http.Request){Body(JsonType, text)}, changes...)...)
}

// Token gets a token.
func (c *Client) Token(name string) string {
	c.Lab.t.Helper()
	word := ClassPassword
	if name == "teacher" {
		word = TeacherPIN
	}
	r := c.AskToken(`{"username":"` + name + `","password":"` + word + `"}`)
	var answer struct{ Token string }
	if err := json.Unmarshal([]byte(r.Body), &answer); err != nil || r.Status != http.StatusCreated || answer.Token == "" {
		c.Lab.t.Fatalf("a token for %s: %d %s %v", name, r.Status, r.Body, err)
	}
	return answer.Token
}

// WireJSON is what /api/wire answers.
func (c *Client) WireJSON(with ...func(*http.Request)) []wire.Exchange {
	c.Lab.t.Helper()
	r := c.Get("/api/wire", with...)
	if kind := r.Header.Get("Content-Type"); r.Status != http.StatusOK || kind != "application/json" || len(r.Cookies) > 0 {
		c.Lab.t.Fatalf("GET /api/wire: %d, %s, cookies %v", r.Status, kind, r.Cookies)
	}
	var answer struct {
		Exchanges []wire.Exchange `json:"exchanges"`
	}
	decoder := json.NewDecoder(strings.NewReader(r.Body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&answer); err != nil || answer.Exchanges == nil {
		c.Lab.t.Fatalf("%v: %s", err, r.Body)
	}
	return answer.Exchanges
}

// RecordOf is the ID of the record that a client's key leads to.
func (c *Client) RecordOf() string {
	return sessions.KeyID("session", c.Cookie("lab_sessionid")).String()
}

// Listed are the programs on the page, in order.
func (c *Client) Listed() (clients []string) {
	c.Lab.t.Helper()
	return ClientsOn(c.Get("/sessions").Body)
}

// ClientsOn are the programs on a page.
func ClientsOn(page string) (clients []string) {
	for _, match := range regexp.MustCompile(`(?s)<p class="client">.*?</p>`).FindAllString(page, -1) {
		clients = append(clients, strings.Join(strings.Fields(MarkupIn.ReplaceAllString(match, " ")), " "))
	}
	return clients
}

// Deed presses a button; the answer always leads to the dashboard.
func (c *Client) Deed(t *testing.T, path string) {
	t.Helper()
	if r := c.Post(path, nil); r.Status != 303 || r.Header.Get("Location") != "/dashboard" {
		t.Fatalf("POST %s answers %d to %q: %s", path, r.Status, r.Header.Get("Location"), r.Body)
	}
}

// Thief is another client with a copy of every cookie.
func (c *Client) Thief() *Client {
	thief := c.Lab.Client()
	for _, cookie := range c.Cookies {
		thief.Carry(cookie.Name, cookie.Value)
	}
	return thief
}

// Press presses a button of the page, and gives the page that follows.
func (c *Client) Press(deed string) string {
	c.Lab.t.Helper()
	r := c.Post(EnginesPath+"/"+deed, nil)
	if r.Status != http.StatusSeeOther || r.Header.Get("Location") != EnginesPath {
		c.Lab.t.Fatalf("%s answers %d to %q: %s", deed, r.Status, r.Header.Get("Location"), r.Body)
	}
	page := c.Get(EnginesPath)
	if page.Status != http.StatusOK {
		c.Lab.t.Fatalf("after %s the page answers %d", deed, page.Status)
	}
	return page.Body
}

// Ask asks the lab without a connection, so that nothing but the lab allocates.
func (c *Client) Ask(path string) {
	t := c.Lab.t
	t.Helper()
	request := httptest.NewRequest(http.MethodGet, path, nil)
	request.Host = Unconnected
	request.Header.Set("Cookie", c.Header())
	answer := &Unread{Kept: http.Header{}}
	if c.Lab.ServeHTTP(answer, request); answer.status != http.StatusOK {
		t.Fatalf("GET %s: %d", path, answer.status)
	}
}

// Wire is a client's wire.
func (c *Client) Wire() []*notebook.Exchange { return c.Lab.WireOf(c.Cookie(NotebookCookie)) }

// Last is the last exchange on it.
func (c *Client) Last() *notebook.Exchange {
	c.Lab.t.Helper()
	wire := c.Wire()
	if len(wire) == 0 {
		c.Lab.t.Fatal("nothing is on the wire")
	}
	return wire[len(wire)-1]
}

func (c *Client) Sentence() string {
	c.Lab.t.Helper()
	return Part(c.Lab.t, c.Get("/dashboard").Body, "sentence", "</p>")
}
