// POST /api/predict: what a browser would do with some responses and a request,
// by the model in sessions/browser. Nothing of it is kept.

package composer

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/input"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/sessions/browser"
)

// The bounds of one question.
const (
	MaxPredict    = 1 << 20 // bytes of its body
	maxResponses  = 200
	maxLines      = 2000    // of all responses; a line break inside a line begins another one
	maxAttributes = 20_000  // of all lines
	maxAddress    = 2 << 10 // bytes of an address
)

// The bound of its answer, in bytes: maxAnswer, and maxAnswerFor more for each byte of the
// question. (The answer repeats each line's cookie up to three times.)
const (
	maxAnswer    = 256 << 10
	maxAnswerFor = 4
)

type predictQuestion struct {
	Browser   browser.Profile   `json:"browser"`
	Responses []predictResponse `json:"responses"`
	SendTo    *predictSendTo    `json:"send_to"`
	Now       *time.Time        `json:"now"` // the browser's clock; null: this server's
}

type predictResponse struct {
	URL          string     `json:"url"`
	SetCookie    []string   `json:"set_cookie"`
	SetCookieB64 []string   `json:"set_cookie_b64"` // the same, for bytes that are no text
	Script       []string   `json:"script"`         // what document.cookie is set to, after the response came
	Date         *time.Time `json:"date"`
}

type predictSendTo struct {
	URL        string `json:"url"`
	From       string `json:"from"`       // the page that begins the request; "": it was typed
	Method     string `json:"method"`     // "": GET
	Navigation *bool  `json:"navigation"` // of the top level; null: true
	Script     bool   `json:"script"`     // document.cookie reads
}

// PredictAnswer is what POST /api/predict answers, as JSON: what a browser would do. No list is
// null.
type PredictAnswer struct {
	Results         [][]PredictResult `json:"results"` // of each response
	Jar             []PredictCookie   `json:"jar"`
	CookieHeader    string            `json:"cookie_header"`
	CookieHeaderB64 string            `json:"cookie_header_b64"` // byte by byte
	KeptBack        []predictKeptBack `json:"kept_back"`
}

// PredictResult is what became of one Set-Cookie line, or of one that a script wrote.
type PredictResult struct {
	Outcome  browser.Outcome  `json:"outcome"`
	Rule     string           `json:"rule"`
	Section  string           `json:"section"` // of RFC 6265bis, or what else says so
	Reason   string           `json:"reason"`
	Cookie   *PredictCookie   `json:"cookie"` // null: it is not in the jar
	Warnings []predictWarning `json:"warnings"`
}

// predictWarning is something about a line that a careful developer wants to hear.
type predictWarning struct {
	ID   string `json:"id"`
	Text string `json:"text"`
	Tip  bool   `json:"tip"` // nothing is wrong, and it could be tighter
}

// PredictCookie is a cookie in the jar, as the browser would keep it.
type PredictCookie struct {
	Name        string `json:"name"`
	Value       string `json:"value"`
	Domain      string `json:"domain"`
	HostOnly    bool   `json:"host_only"`
	Path        string `json:"path"`
	ExpiresIn   *int64 `json:"expires_in"` // seconds; null for a session cookie
	Secure      bool   `json:"secure"`
	HTTPOnly    bool   `json:"http_only"`
	SameSite    string `json:"same_site"` // "": not given
	Partitioned bool   `json:"partitioned"`
	Priority    string `json:"priority"` // "": the browser has none
}

// predictKeptBack is a cookie that does not go with the request.
type predictKeptBack struct {
	Name   string `json:"name"`
	Rule   string `json:"rule"`
	Reason string `json:"reason"`
}

// Predict serves POST /api/predict.
func (h *Page) Predict(c echo.Context) error {
	var q predictQuestion
	if err := input.ReadJSON(c, &q); err != nil {
		return err
	}
	at := h.site.Clock.Now()
	if q.Now != nil {
		at = *q.Now
	}
	jar, err := q.jar()
	if err != nil {
		return err
	}
	w := h.site.Words(c)
	body, _ := c.Get(input.JSONKey).([]byte)
	size := answerSize{most: min(maxAnswer+maxAnswerFor*len(body), MaxPredict)}
	answer := PredictAnswer{Results: [][]PredictResult{}, KeptBack: []predictKeptBack{}}
	for _, response := range q.Responses {
		verdicts, err := response.play(jar, at)
		if err != nil {
			return err
		}
		results := make([]PredictResult, len(verdicts))
		for i, v := range verdicts {
			results[i] = predictResult(w, v, at)
			if err := size.add(results[i]); err != nil {
				return err
			}
		}
		answer.Results = append(answer.Results, results)
	}
	if q.SendTo != nil {
		request, err := q.SendTo.request(at)
		if err != nil {
			return err
		}
		sent := jar.Send(request)
		if err := size.add(sent.Header); err != nil {
			return err
		}
		answer.CookieHeader = markup.AsText(sent.Header)
		answer.CookieHeaderB64 = base64.StdEncoding.EncodeToString([]byte(sent.Header))
		for _, back := range sent.KeptBack {
			one := predictKeptBack{markup.AsText(back.Cookie.Name), back.Rule.ID, w.Say(ruleReason(back.Rule))}
			if err := size.add(one); err != nil {
				return err
			}
			answer.KeptBack = append(answer.KeptBack, one)
		}
	}
	answer.Jar = []PredictCookie{}
	for _, cookie := range jar.Cookies(at) {
		one := predictCookie(cookie, at)
		if err := size.add(one); err != nil {
			return err
		}
		answer.Jar = append(answer.Jar, one)
	}
	return c.JSON(http.StatusOK, answer)
}

// answerSize is how many bytes an answer has so far, and how many it may have. They are
// counted while the answer is made, so that no answer that is too long is made as a whole.
type answerSize struct{ bytes, most int }

func (s *answerSize) add(part any) error {
	raw, err := json.Marshal(part)
	if s.bytes += len(raw); s.bytes > s.most {
		return input.NewProblem(http.StatusUnprocessableEntity, "too_large", locale.Msg("predict.long_answer", locale.Args{"KB": s.most >> 10}))
	}
	return err
}

// jar checks the question, decodes the lines that are in base64, and makes an empty jar.
func (q *predictQuestion) jar() (*browser.Jar, error) {
	if !slices.Contains(browser.Profiles(), q.Browser) {
		return nil, badPrediction(locale.Msg("predict.no_browser"))
	}
	lines, attributes := 0, 0
	for i := range q.Responses {
		r := &q.Responses[i]
		if r.SetCookie != nil && r.SetCookieB64 != nil {
			return nil, badPrediction(locale.Msg("predict.two_forms"))
		}
		for _, encoded := range r.SetCookieB64 {
			line, err := base64.StdEncoding.DecodeString(encoded)
			if err != nil {
				return nil, badPrediction(locale.Msg("predict.not_base64")).Wrap(err)
			}
			r.SetCookie = append(r.SetCookie, string(line))
		}
		for _, line := range slices.Concat(r.SetCookie, r.Script) {
			attributes += strings.Count(line, ";")
			lines += strings.Count(line, "\n") + strings.Count(line, "\r")
		}
		lines += len(r.SetCookie) + len(r.Script)
	}
	if len(q.Responses) > maxResponses || lines > maxLines || attributes > maxAttributes {
		return nil, badPrediction(locale.Msg("predict.too_many", locale.Args{"Responses": maxResponses, "Lines": maxLines, "Attributes": maxAttributes}))
	}
	return browser.New(q.Browser), nil
}

// play lets the jar receive one response, and then its page's script.
func (r *predictResponse) play(jar *browser.Jar, at time.Time) ([]browser.Verdict, error) {
	url, err := predictURL(r.URL)
	if err != nil {
		return nil, err
	}
	response := browser.Response{URL: url, SetCookie: r.SetCookie, Now: at, Context: browser.Typed}
	if r.Date != nil {
		response.Date = *r.Date
	}
	verdicts := jar.Receive(response)
	for _, text := range r.Script {
		if len(verdicts) > 0 && verdicts[0].Failed() { // no page came that could have a script
			verdicts = append(verdicts, verdicts[0])
			continue
		}
		verdicts = append(verdicts, jar.Script(url, text, at))
	}
	return verdicts, nil
}

// request is the request that the cookies may go with.
func (s *predictSendTo) request(at time.Time) (browser.Request, error) {
	url, err := predictURL(s.URL)
	if err != nil {
		return browser.Request{}, err
	}
	request := browser.Request{URL: url, Now: at, Script: s.Script, Context: browser.Typed}
	request.Method = strings.ToUpper(s.Method)
	if s.Navigation != nil {
		request.Navigation = *s.Navigation
	}
	if s.From != "" {
		from, err := predictURL(s.From)
		if err != nil {
			return browser.Request{}, err
		}
		request.From = &from
	}
	return request, nil
}

func predictURL(raw string) (browser.URL, error) {
	url, flaw := addressOf(raw)
	if flaw.ID != "" {
		return url, badPrediction(flaw)
	}
	return url, nil
}

// addressOf reads an address that somebody typed. flaw says why it cannot be used; no ID:
// it can.
func addressOf(raw string) (url browser.URL, flaw locale.Message) {
	if len(raw) > maxAddress {
		return url, locale.Msg("predict.long_url", locale.Args{"Most": maxAddress})
	}
	url, err := browser.ParseURL(raw)
	if err != nil {
		return url, locale.Msg("predict.bad_url", locale.Args{"URL": markup.Excerpt(raw)})
	}
	return url, locale.Message{}
}

func badPrediction(message locale.Message) *input.Problem {
	return input.NewProblem(http.StatusBadRequest, "bad_request", message)
}

func predictResult(w *locale.Printer, v browser.Verdict, at time.Time) PredictResult {
	result := PredictResult{
		Outcome: v.Outcome, Rule: v.Rule.ID, Section: v.Rule.Section, Reason: w.Say(ruleReason(v.Rule)), Warnings: []predictWarning{},
	}
	if v.Cookie != nil {
		cookie := predictCookie(*v.Cookie, at)
		result.Cookie = &cookie
	}
	for _, warning := range v.Warnings {
		result.Warnings = append(result.Warnings, predictWarning{warning.ID, w.Say(warningText(warning)), warning.Tip})
	}
	return result
}

// predictCookie writes a cookie down; bytes that are no text cannot stand in JSON.
func predictCookie(c browser.Cookie, at time.Time) PredictCookie {
	p := PredictCookie{
		Name: markup.AsText(c.Name), Value: markup.AsText(c.Value), Domain: markup.AsText(c.Domain), HostOnly: c.HostOnly, Path: markup.AsText(c.Path),
		Secure: c.Secure, HTTPOnly: c.HTTPOnly, SameSite: c.SameSite, Partitioned: c.Partitioned, Priority: c.Priority,
	}
	if !c.Expires.IsZero() {
		seconds := int64(math.Round(c.Expires.Sub(at).Seconds()))
		p.ExpiresIn = &seconds
	}
	return p
}

// ruleReason is the sentence for a rule, and warningText that for a warning.
func ruleReason(rule browser.Rule) locale.Message {
	reason := rule.ID
	return locale.Msg("rule."+reason, locale.Args{"About": markup.Excerpt(rule.About)})
}

func warningText(warning browser.Warning) locale.Message {
	hint := warning.ID
	return locale.Msg("warning."+hint, locale.Args{"About": markup.Excerpt(warning.About)})
}
