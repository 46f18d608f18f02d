// POST /api/predict over HTTP: the form of its answer, and what it refuses.

package composer_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"cookielab/handlers/composer"
	"cookielab/handlers/webtest"
	"cookielab/sessions/browser"
)

func TestPredict(t *testing.T) {
	lab := newLab(t)
	r := ask(lab.Client(), `{"browser":"firefox","now":"2026-11-26T12:00:00Z",
		"responses":[
			{"url":"http://app.localhost/a/b","set_cookie":["s=1; SameSite=Strict; Max-Age=60; HttpOnly","n=2; SameSite=None"],"script":["j=3; Domain=app.localhost"],"date":"2026-11-26T11:00:00Z"},
			{"url":"http://app.localhost/a/b","set_cookie_b64":["`+base64.StdEncoding.EncodeToString([]byte("v=\xfc; Path=/; Secure; Partitioned; Expires=Thu, 26 Nov 2026 11:00:30 GMT"))+`"],"date":"2026-11-26T11:00:00Z"}],
		"send_to":{"url":"http://app.localhost/a/c","from":"http://localhost/","method":"get"}}`)
	if r.Status != http.StatusOK {
		t.Fatalf("%d %s", r.Status, r.Body)
	}
	var got composer.PredictAnswer
	decoder := json.NewDecoder(strings.NewReader(r.Body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&got); err != nil {
		t.Fatal(err)
	}
	outcomes := ""
	for _, results := range got.Results {
		for _, result := range results {
			outcomes += fmt.Sprintf("%s %s %s; ", result.Outcome, result.Rule, result.Section)
			if result.Reason == "" || strings.Contains(result.Reason, "⟨") || (result.Cookie == nil) != (result.Outcome == "ignored") {
				t.Errorf("%+v", result)
			}
		}
		outcomes += "| "
	}
	if want := "stored stored 5.7 step 24; ignored none-needs-secure 5.7 step 19; stored stored 5.7 step 24; | stored stored 5.7 step 24; | "; outcomes != want {
		t.Errorf("outcomes %s", outcomes)
	}
	first, _ := json.Marshal(got.Results[0][0].Cookie)
	if want := `{"name":"s","value":"1","domain":"app.localhost","host_only":true,"path":"/a","expires_in":60,"secure":false,"http_only":true,"same_site":"Strict","partitioned":false,"priority":""}`; string(first) != want {
		t.Errorf("the cookie is %s", first)
	}
	if last := got.Results[1][0].Cookie; last.ExpiresIn == nil || *last.ExpiresIn != 30 || !last.Partitioned || !last.Secure || last.Path != "/" {
		t.Errorf("the cookie is %+v", last)
	}
	header, err := base64.StdEncoding.DecodeString(got.CookieHeaderB64)
	if want := "j=3; v=\uFFFD"; err != nil || string(header) != want || got.CookieHeader != want {
		t.Errorf("%q and %q are sent, %v", got.CookieHeader, header, err)
	}
	if len(got.Jar) != 3 || len(got.KeptBack) != 1 || got.KeptBack[0].Name != "s" || got.KeptBack[0].Rule != "strict" {
		t.Errorf("the jar is %+v, kept back %+v", got.Jar, got.KeptBack)
	}
	hasWarning := func(result composer.PredictResult, id string) bool {
		for _, warning := range result.Warnings {
			if warning.ID == id && warning.Text != "" && !strings.Contains(warning.Text, "⟨") {
				return true
			}
		}
		return false
	}
	if !hasWarning(got.Results[0][2], "domain-widens") || !hasWarning(got.Results[0][2], "no-samesite") || hasWarning(got.Results[0][0], "no-samesite") {
		t.Errorf("warnings %+v", got.Results[0])
	}
}

func TestPredictInChinese(t *testing.T) {
	r := ask(newLab(t).Client(), `{"browser":"draft","responses":[{"url":"http://localhost/","set_cookie":["a=b; SameSite=None"]}]}`, webtest.With("Accept-Language", "zh-CN"))
	if !strings.Contains(r.Body, "必须和 Secure 一起才有效") {
		t.Errorf("%d %s", r.Status, r.Body)
	}
}

// A NUL byte makes a browser drop the response, and all of it.
func TestPredictFailedResponse(t *testing.T) {
	lab := newLab(t)
	for profile, want := range map[string]string{"draft": "stored control-character stored", "chromium": "response-fails response-fails response-fails", "firefox": "response-fails response-fails response-fails"} {
		question, err := json.Marshal(map[string]any{"browser": profile, "responses": []any{map[string]any{"url": "http://localhost/", "set_cookie": []string{"a=b", "c=\x00"}, "script": []string{"d=e"}}}})
		if err != nil {
			t.Fatal(err)
		}
		answer := webtest.JSON[composer.PredictAnswer](t, ask(lab.Client(), string(question)))
		var rules []string
		for _, result := range answer.Results[0] {
			rules = append(rules, result.Rule)
		}
		if got := strings.Join(rules, " "); got != want {
			t.Errorf("%s: %s, want %s", profile, got, want)
		}
	}
}

func TestPredictRefuses(t *testing.T) {
	lab := newLab(t)
	many := func(n int, what string) string { return strings.TrimSuffix(strings.Repeat(what+",", n), ",") }
	for name, test := range map[string]struct {
		question string
		status   int
		says     string
	}{
		"nothing":             {``, 400, "draft, chromium and firefox"},
		"no JSON":             {`{"browser":`, 400, ""},
		"no object":           {`[]`, 400, ""},
		"another browser":     {`{"browser":"safari"}`, 400, "draft, chromium and firefox"},
		"an unknown field":    {`{"browser":"draft","cookies":[]}`, 400, "cookies"},
		"a field of a kind":   {`{"browser":"draft","responses":[{"url":1}]}`, 400, "field responses.url"},
		"no address":          {`{"browser":"draft","responses":[{"set_cookie":["a=b"]}]}`, 400, "not an address"},
		"a strange address":   {`{"browser":"draft","responses":[{"url":"javascript:alert(1)"}]}`, 400, "javascript:alert(1)"},
		"a broken host":       {`{"browser":"draft","responses":[{"url":"http://[::1"}]}`, 400, "not an address"},
		"no base64":           {`{"browser":"draft","responses":[{"url":"http://a/","set_cookie_b64":["?"]}]}`, 400, "base64"},
		"two forms":           {`{"browser":"draft","responses":[{"url":"http://a/","set_cookie_b64":[""],"set_cookie":[""]}]}`, 400, "not both"},
		"a strange date":      {`{"browser":"draft","responses":[{"url":"http://a/","date":"yesterday"}]}`, 400, ""},
		"a strange now":       {`{"browser":"draft","now":"now"}`, 400, ""},
		"nowhere to send":     {`{"browser":"draft","send_to":{}}`, 400, "not an address"},
		"from nowhere":        {`{"browser":"draft","send_to":{"url":"http://a/","from":"about:blank"}}`, 400, "about:blank"},
		"too many responses":  {`{"browser":"draft","responses":[` + many(201, `{"url":"http://a/"}`) + `]}`, 400, "200"},
		"too many lines":      {`{"browser":"draft","responses":[{"url":"http://a/","set_cookie":[` + many(2001, `"a=b"`) + `]}]}`, 400, "2000"},
		"too long":            {`{"browser":"draft","responses":[{"url":"http://a/","set_cookie":["` + strings.Repeat("x", 1<<20) + `"]}]}`, 413, ""},
		"nothing to do":       {`{"browser":"draft"}`, 200, `"results":[]`},
		"a long one":          {`{"browser":"draft","responses":[{"url":"http://a/","set_cookie":["` + strings.Repeat("x", 900<<10) + `"]}]}`, 200, "too-big"},
		"every byte":          {`{"browser":"chromium","responses":[{"url":"http://a/\u0000\u00ff","set_cookie":["\u0000\u0001\ud800=\uffff; Path=\u0000; Domain=\u00ff; Expires=\u0000"],"script":["\u0000"]}]}`, 200, "ignored"},
		"years out of range":  {`{"browser":"draft","now":"0001-01-01T00:00:00Z","responses":[{"url":"http://a/","set_cookie":["a=b; Max-Age=60"],"date":"9999-12-31T23:59:59Z"}]}`, 200, `"expires_in":60`},
		"a method in letters": {`{"browser":"draft","responses":[{"url":"http://a/","set_cookie":["a=b; SameSite=Lax"]}],"send_to":{"url":"http://a/","from":"http://b/","method":"post"}}`, 200, `"cookie_header":""`},
	} {
		r := ask(lab.Client(), test.question)
		if r.Status != test.status || !strings.Contains(r.Body, test.says) || r.Status != 200 && !strings.Contains(r.Body, `"message"`) || strings.Contains(r.Body, "⟨") {
			t.Errorf("%s: %d %.300s", name, r.Status, r.Body)
		}
		if len(r.Cookies) > 0 {
			t.Errorf("%s sets %v", name, r.Cookies)
		}
	}
	if r := lab.Client().Get("/api/predict"); r.Status != http.StatusMethodNotAllowed {
		t.Errorf("GET answers %d", r.Status)
	}
}

// A small question has a small answer. A question that would make much work is refused
// with a sentence that says why.
func TestPredictBounds(t *testing.T) {
	lab := newLab(t)
	repeated := strings.Repeat
	lines := func(n int, form string) (all []string) {
		for i := range n {
			all = append(all, strings.ReplaceAll(form, "#", fmt.Sprint(i)))
		}
		return all
	}
	type response = map[string]any
	one := func(url string, lines []string) []response { return []response{{"url": url, "set_cookie": lines}} }
	var responses []response
	for i := range 200 {
		responses = append(responses, response{"url": fmt.Sprintf("https://a%d.example/%s/", i, repeated("p", 200)), "set_cookie": lines(10, "a=b")})
	}
	const (
		long = "The answer would be longer than"
		many = "lines and 20000 attributes"
	)
	for name, test := range map[string]struct {
		responses []response
		says      string
	}{
		"many lines":                   {one("https://a.example/", lines(2000, "#=b")), long},
		"lines with many warnings":     {one("https://a.example/", lines(2000, `a="b";c;d=;e;f;g;h`)), long},
		"lines that are refused":       {one("https://a.example/", lines(2000, "a=\x00")), long},
		"a long path":                  {one("https://a.example/"+repeated("<", 1500)+"/x", lines(2000, "#=b")), long},
		"a longer path":                {one("https://a.example/"+repeated("<", 30000)+"/x", lines(2000, "#=b")), "2048 bytes"},
		"a long host":                  {one("https://"+repeated("a.", 900)+"example/", lines(2000, "#=b")), "not an address"},
		"a long host in other letters": {one("https://"+repeated("é", 800)+".example/", lines(10, "#=b")), "not an address"},
		"many addresses":               {responses, long},
		"scripts":                      {[]response{{"url": "https://a.example/", "script": lines(2000, "#=b")}}, long},
		"line breaks":                  {one("https://a.example/", []string{"a=b" + repeated("\nset-cookie: a=b", 3000)}), many},
		"line breaks in base64":        {[]response{{"url": "https://a.example/", "set_cookie_b64": []string{base64.StdEncoding.EncodeToString([]byte("a=b" + repeated("\n", 3000)))}}}, many},
		"attributes":                   {one("https://a.example/", []string{"a=b" + repeated(";a", 30000)}), many},
		"no address":                   {one("ftp:"+repeated("'", 2000), nil), "…"},
	} {
		for _, profile := range browser.Profiles() {
			question, err := json.Marshal(map[string]any{"browser": profile, "responses": test.responses, "send_to": map[string]any{"url": "https://b.example/", "from": "https://c.example/"}})
			if err != nil {
				t.Fatal(err)
			}
			r := ask(lab.Client(), string(question))
			if r.Status != http.StatusBadRequest && r.Status != http.StatusUnprocessableEntity || len(r.Body) > 2000 || !strings.Contains(r.Body, test.says) {
				t.Errorf("%s, %s: %d, %d bytes: %.200s", name, profile, r.Status, len(r.Body), r.Body)
			}
		}
	}
	// Questions that people really have are answered: about a full jar, and large cookies.
	for name, lines := range map[string][]string{
		"300 short lines": lines(300, "c#=v"), "40 large cookies": lines(40, "c#="+repeated("v", 4000)), "long lines": lines(180, "c#="+repeated("v", 100)+"; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax"),
	} {
		for _, profile := range browser.Profiles() {
			question, _ := json.Marshal(map[string]any{"browser": profile, "responses": one("https://a.example/", lines), "send_to": map[string]any{"url": "https://a.example/"}})
			r := ask(lab.Client(), string(question))
			if r.Status != http.StatusOK || len(r.Body) > 256<<10+4*len(question)+4096 {
				t.Errorf("%s, %s: %d, %d bytes become %d", name, profile, r.Status, len(question), len(r.Body))
			}
		}
	}
	// The error for a broken question is short.
	for _, question := range []string{`{"` + repeated("<", 60000) + `":1}`, `{"a":1,"a":2}`, `{"` + repeated("a", 30000) + `":1,"` + repeated("a", 30000) + `":1}`, `{"browser":` + repeated("1", 60000) + `}`} {
		if r := ask(lab.Client(), question); r.Status != http.StatusBadRequest || len(r.Body) > 2000 {
			t.Errorf("%.20s: %d, %d bytes", question, r.Status, len(r.Body))
		}
	}
}

// ask asks /api/predict.
func ask(c *webtest.Client, question string, changes ...func(*http.Request)) webtest.Reply {
	return c.Do(http.MethodPost, "/api/predict", append([]func(*http.Request){webtest.Body(webtest.JSONType, question)}, changes...)...)
}
