// Values of cookies and tokens, made as the lab or an attacker would make them.

package webtest

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cookielab/sessions"
)

// JSONType is the content type of JSON.
const JSONType = "application/json"

// Sending is the header that a token travels in.
func Sending(token string) func(*http.Request) { return With("Authorization", "Token "+token) }

// Facts are what the signed cookie holds.
type Facts struct {
	User    string `json:"user"`
	Role    string `json:"role"`
	Issued  int64  `json:"iat"`
	Expires int64  `json:"exp"`
}

// Seal makes a signed value as the lab does.
func Seal(t testing.TB, purpose string, secret []byte, content any) string {
	t.Helper()
	signer, err := sessions.NewSigner(purpose, secret)
	if err != nil {
		t.Fatal(err)
	}
	value, err := signer.Sign(content)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// Unseal is the text inside the outer base64.
func Unseal(t testing.TB, value string) string {
	t.Helper()
	text, err := base64.URLEncoding.DecodeString(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	LaneIDs  = []string{"plain", "signed", "session"}
	CookieOf = map[string]string{"plain": "plain_user", "signed": "signed_user", "session": "lab_sessionid"}
)

// ForgeSigned makes a teacher of whoever a sealed value names, and keeps the
// seal, since nobody outside can make a new one.
func ForgeSigned(value string) string {
	outer, _ := base64.URLEncoding.DecodeString(value)
	parts := strings.SplitN(string(outer), "|", 3)
	content, _ := base64.URLEncoding.DecodeString(parts[1])
	content = []byte(strings.Replace(string(content), "student", "teacher", 1))
	parts[1] = base64.URLEncoding.EncodeToString(content)
	return base64.URLEncoding.EncodeToString([]byte(strings.Join(parts, "|")))
}

// ProxyName is the host under which a proxy passes requests on.
const ProxyName = "lab.example"

// Via sends a request as the proxy does for a client with this address.
func Via(address string) func(*http.Request) {
	return func(r *http.Request) {
		r.Host = ProxyName
		r.Header.Set("X-Forwarded-For", address)
	}
}

// Wrong is the form of somebody with wrong secrets.
func Wrong(name string) url.Values {
	return url.Values{"username": {name}, "password": {"wrong"}, "pin": {"000000"}}
}

// Text is a text that may be missing.
func Text(t *string) string {
	if t == nil {
		return ""
	}
	return *t
}

// Firefox is what Firefox says that it is.
const Firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"

// Limit is how many bytes a form may have.
const Limit = 64 << 10

// SessionCookie is the name of the session lane's cookie.
const SessionCookie = "lab_sessionid"

// Addresses for another site: of a lab, and of its other server. Neither need be there.
const (
	TheLab       = "http://localhost:8080"
	TheNeighbour = "http://localhost:8082"
)
