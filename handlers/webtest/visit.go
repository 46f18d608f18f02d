// What a client does on the pages, and what it reads there.

package webtest

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// Typed is what stands in the page's field.
func (r Reply) Typed(t testing.TB) string {
	t.Helper()
	found := typedValue.FindStringSubmatch(r.Body)
	if found == nil {
		t.Fatalf("no field: %d %.200s", r.Status, r.Body)
	}
	return html.UnescapeString(found[1])
}

// Verdict is what the page says in large type: its name and its words.
func (r Reply) Verdict(t testing.TB) (name, words string) {
	t.Helper()
	found := headline.FindStringSubmatch(r.Body)
	if found == nil {
		t.Fatalf("no verdict: %d %.2000s", r.Status, TextIn(r.Body))
	}
	return found[1], TextIn(found[2])
}

// Checks are the outcomes of the four checks as signs, and what each says.
func (r Reply) Checks() (signs string, details map[string]string) {
	details = map[string]string{}
	for _, found := range checkOf.FindAllStringSubmatch(r.Body, -1) {
		signs += map[string]string{"passed": "✓", "failed": "✗", "open": "–"}[found[2]]
		details[found[1]] = TextIn(found[3])
	}
	return signs, details
}

// Call makes one session call.
func (c *Client) Call(op, fields string, changes ...func(*http.Request)) Reply {
	c.Server.t.Helper()
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

// Compose posts names and values of fields to the composer.
func (c *Client) Compose(fields ...string) Reply {
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return c.Post("/composer", form)
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

var headline = regexp.MustCompile(`(?s)<h2 class="headline" data-dissected="(\w+)">.*?<span class="word">(.*?)</span></h2>`)

var checkOf = regexp.MustCompile(`(?s)<li id="check-(\w+)" data-outcome="(\w+)">.*?<span class="because">(.*?)</span></li>`)

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

// AskToken asks for a token with a body of JSON.
func (c *Client) AskToken(text string, changes ...func(*http.Request)) Reply {
	c.Server.t.Helper()
	return c.Do(http.MethodPost, "/api/token", append([]func(*http.Request){Body(JSONType, text)}, changes...)...)
}

// Token gets a token.
func (c *Client) Token(name string) string {
	c.Server.t.Helper()
	word := ClassPassword
	if name == "teacher" {
		word = TeacherPIN
	}
	r := c.AskToken(`{"username":"` + name + `","password":"` + word + `"}`)
	var answer struct{ Token string }
	if err := json.Unmarshal([]byte(r.Body), &answer); err != nil || r.Status != http.StatusCreated || answer.Token == "" {
		c.Server.t.Fatalf("a token for %s: %d %s %v", name, r.Status, r.Body, err)
	}
	return answer.Token
}

// Act presses a button; the answer always leads to the dashboard.
func (c *Client) Act(t *testing.T, path string) {
	t.Helper()
	if r := c.Post(path, nil); r.Status != 303 || r.Header.Get("Location") != "/dashboard" {
		t.Fatalf("POST %s answers %d to %q: %s", path, r.Status, r.Header.Get("Location"), r.Body)
	}
}

// Press presses a button of the page, and gives the page that follows.
func (c *Client) Press(action string) string {
	c.Server.t.Helper()
	r := c.Post(EnginesPath+"/"+action, nil)
	if r.Status != http.StatusSeeOther || r.Header.Get("Location") != EnginesPath {
		c.Server.t.Fatalf("%s answers %d to %q: %s", action, r.Status, r.Header.Get("Location"), r.Body)
	}
	page := c.Get(EnginesPath)
	if page.Status != http.StatusOK {
		c.Server.t.Fatalf("after %s the page answers %d", action, page.Status)
	}
	return page.Body
}

// Sentence is the sentence below the dashboard's lanes.
func (c *Client) Sentence() string {
	c.Server.t.Helper()
	return Part(c.Server.t, c.Get("/dashboard").Body, "sentence", "</p>")
}

// EnginesPath is the address of the engines page.
const EnginesPath = "/engines"

// Outcomes are the cells of one action as the page shows them: their short names in
// the order of the engines, the one of Django's way last where there is one.
func Outcomes(page, action string) string {
	var words []string
	cell := regexp.MustCompile(`<td role="cell" id="` + action + `-[a-z_]+"(?: data-outcome="(\w+)")?`)
	for _, found := range cell.FindAllStringSubmatch(page, -1) {
		words = append(words, found[1])
	}
	row, _, _ := strings.Cut(page[strings.Index(page, `id="deed-`+action+`"`):], "</tr>")
	if _, django, ok := strings.Cut(row, `class="more django" data-outcome="`); ok {
		words = append(words, "django:"+django[:strings.Index(django, `"`)])
	}
	return strings.Join(words, " ")
}

// EngineOf is the column of one engine.
func EngineOf(page, engine string) string {
	_, column, _ := strings.Cut(page, `id="engine-`+engine+`"`)
	column, _, _ = strings.Cut(column, "</section>")
	return column
}

// EnginesTable is what has to come out with a cache in each server's own memory.
var EnginesTable = []struct{ Action, Want string }{
	{"write", "written written written written written"},
	{"read", "found found found found found"},
	{"clear", "survived gone survived survived survived"},
	{"restart", "survived gone survived survived survived"},
	{"second", "known unknown known known known"},
	{"elsewhere", "ended works ended ended works django:works"},
	{"tabs", "kept kept kept kept lost"},
}

// ConsoleCallsOf are the calls that the page offers.
func ConsoleCallsOf(c *Client) (ids []string) {
	for _, link := range regexp.MustCompile(`href="/console\?call=(\w+)"`).FindAllStringSubmatch(c.Get("/console").Body, -1) {
		ids = append(ids, link[1])
	}
	return ids
}

// ClassPath is the address where a class is ended.
const ClassPath = "/class"

// Sure is the form that begins a new class.
var Sure = url.Values{"sure": {"yes"}}
