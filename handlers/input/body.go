// Bodies of requests, and the fields in them.

package input

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
)

// What a request's body may have.
const (
	MaxBody   = 64 << 10 // bytes, unless its route says otherwise
	MaxFields = 100      // fields, if it is a form
)

// IsAPI reports whether a request is for a program: its path begins with /api/.
func IsAPI(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/api/") }

// readBody reads the whole body, of at most most bytes. The error is a [Problem]: 413 if the
// body is longer, 400 if it breaks off.
func readBody(r *http.Request, most int) ([]byte, error) {
	if r.ContentLength > int64(most) {
		return nil, NewProblem(http.StatusRequestEntityTooLarge, "too_large", locale.Msg("error.too_large"))
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, int64(most)+1))
	if err != nil {
		return nil, NewProblem(http.StatusBadRequest, "bad_request", locale.Msg("error.broken_request")).Wrap(err)
	}
	if len(body) > most {
		return nil, NewProblem(http.StatusRequestEntityTooLarge, "too_large", locale.Msg("error.too_large"))
	}
	return body, nil
}

// JSONKey is the key, in a request's context, of the body that [ReadJSON] decodes: a
// []byte that [JSONBody] returned.
const JSONKey = "cookielab/input.json"

// JSONBody reads a body of JSON, of at most most bytes. The error is a [Problem]: 413 if the
// body is longer, 415 if its Content-Type is not JSON, 400 if it is broken. An empty body
// needs no Content-Type.
func JSONBody(r *http.Request, most int) ([]byte, error) {
	body, err := readBody(r, most)
	if err != nil || len(body) == 0 {
		return nil, err
	}
	switch kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); {
	case err != nil:
		return nil, NewProblem(http.StatusBadRequest, "bad_request", locale.Msg("error.broken_type")).Wrap(err)
	case kind != "application/json":
		return nil, NewProblem(http.StatusUnsupportedMediaType, "unsupported_media_type", locale.Msg("error.json_only"))
	case !json.Valid(body):
		return nil, NewProblem(http.StatusBadRequest, "bad_request", locale.Msg("error.broken_json"))
	}
	return body, nil
}

// ReadJSON decodes the request's body, which is under [JSONKey], into a struct. An empty
// body counts as {}. The error is a [Problem], a 400: the body is no object, or it has a
// field twice, or one that the struct does not have, or one of another type; the last three
// name the field.
func ReadJSON(c echo.Context, into any) error {
	body, _ := c.Get(JSONKey).([]byte)
	if len(body) == 0 {
		return nil
	}
	if trimmed := bytes.TrimLeft(body, " \t\r\n"); trimmed[0] != '{' {
		return NewProblem(http.StatusBadRequest, "bad_request", locale.Msg("error.json_object"))
	}
	if field := repeatedField(body); field != "" { // decoding would take the last, another program the first
		return NewProblem(http.StatusBadRequest, "bad_request", locale.Msg("error.repeated", locale.Args{"Field": markup.Excerpt(field)}))
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		var kind *json.UnmarshalTypeError
		if errors.As(err, &kind) && kind.Field != "" {
			return NewProblem(http.StatusBadRequest, "bad_request", locale.Msg("error.json_type", locale.Args{"Field": markup.Excerpt(kind.Field), "Value": markup.Excerpt(kind.Value)})).Wrap(err)
		}
		return NewProblem(http.StatusBadRequest, "bad_request", locale.Msg("error.json_field", locale.Args{"Cause": markup.Excerpt(strings.TrimPrefix(err.Error(), "json: "))})).Wrap(err)
	}
	return nil
}

// repeatedField returns the name of a field that a JSON object has twice; "" if there is
// none. Like decoding, it ignores the case of letters.
func repeatedField(object []byte) string {
	decoder := json.NewDecoder(bytes.NewReader(object))
	_, _ = decoder.Token() // the brace; all of it is known to be well formed
	seen := map[string]bool{}
	for decoder.More() {
		token, _ := decoder.Token()
		name, _ := token.(string)
		if seen[strings.ToLower(name)] {
			return name
		}
		seen[strings.ToLower(name)] = true
		var value json.RawMessage
		_ = decoder.Decode(&value)
	}
	return ""
}

// ParseForm reads a body of form fields, of at most most bytes. The error is a [Problem]: 413
// if the body is longer or has more than [MaxFields] fields, 415 if its Content-Type is not
// that of a form, 400 if it is broken. An empty body needs no Content-Type.
func ParseForm(r *http.Request, most int) (url.Values, error) {
	body, err := readBody(r, most)
	if err != nil {
		return nil, err
	}
	if strings.Count(string(body), "&") >= MaxFields {
		return nil, NewProblem(http.StatusRequestEntityTooLarge, "too_large", locale.Msg("error.too_large"))
	}
	if len(body) == 0 {
		return url.Values{}, nil
	}
	switch kind, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type")); {
	case err != nil, kind == "multipart/form-data" && parameters["boundary"] == "":
		return nil, NewProblem(http.StatusBadRequest, "bad_request", locale.Msg("error.broken_type")).Wrap(err)
	case kind != "application/x-www-form-urlencoded":
		return nil, NewProblem(http.StatusUnsupportedMediaType, "unsupported_media_type", locale.Msg("error.forms_only"))
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, NewProblem(http.StatusBadRequest, "bad_request", locale.Msg("error.broken_form")).Wrap(err)
	}
	return form, nil
}

// IsSafe reports whether a method only reads: GET, HEAD or OPTIONS (RFC 9110 section 9.2.1,
// but for TRACE, which the lab does not answer).
func IsSafe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// Single returns the value of a form field; "" if it is missing. The error is a [Problem], a
// 400, if the field is repeated.
func Single(form url.Values, name string) (string, error) {
	if values := form[name]; len(values) > 1 {
		return "", NewProblem(http.StatusBadRequest, "bad_request", locale.Msg("error.repeated", locale.Args{"Field": name}))
	}
	return form.Get(name), nil
}

// Singles returns the values of several form fields by their names. Its errors are those of
// [Single].
func Singles(form url.Values, names ...string) (texts map[string]string, err error) {
	texts = make(map[string]string, len(names))
	for _, name := range names {
		if texts[name], err = Single(form, name); err != nil {
			return nil, err
		}
	}
	return texts, nil
}
