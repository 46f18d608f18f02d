// Carriers: how the value of a session travels between client and server.

package sessions

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// MaxCookie is how many bytes the name and the value of a cookie may have
// together: browsers ignore a longer one, without a word (RFC 6265bis 5.7).
const MaxCookie = 4096

// Carrier reads a session's value from a request and gives the client a new
// one. A program has one for each way in which its clients carry values.
type Carrier interface {
	// Read returns the value that the request carries. found is false when it
	// carries none; an empty value is one.
	Read(r *http.Request) (value string, found bool)
	// Write gives the client a value. maxAge is how long it should carry it;
	// zero: until the client is closed. [ErrTooLarge] when no client would keep
	// it; nothing is written then.
	Write(header http.Header, value string, maxAge time.Duration, now time.Time) error
	// Erase tells the client to forget its value.
	Erase(header http.Header)
	// Vary is the request header that the reply depends on.
	Vary() string
}

// Cookie carries the value in the cookie that the options describe (RFC
// 6265bis). Several cookies of one name: the first counts, as for
// http.Request.Cookie.
func Cookie(o Options) Carrier { return cookieCarrier{o} }

type cookieCarrier struct{ o Options }

func (c cookieCarrier) Read(r *http.Request) (string, bool) {
	values := ReadCookies(r, c.o.Name)
	if len(values) == 0 {
		return "", false
	}
	return values[0], true
}

// ReadCookies returns the values of all cookies of one name, in the order in
// which they came. Pairs that net/http does not accept (control characters,
// quotes and backslashes inside) count as not sent.
func ReadCookies(r *http.Request, name string) []string {
	var values []string
	for _, cookie := range r.CookiesNamed(name) {
		values = append(values, cookie.Value)
	}
	return values
}

// RawCookies returns the values of all cookies of one name, as they stand in the Cookie
// headers: with quotes, and also those that net/http refuses to read. Compare
// [ReadCookies].
func RawCookies(r *http.Request, name string) []string {
	var values []string
	for _, line := range r.Header["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			if before, value, _ := strings.Cut(pair, "="); strings.Trim(before, " \t") == name {
				values = append(values, strings.Trim(value, " \t"))
			}
		}
	}
	return values
}

func (c cookieCarrier) Write(header http.Header, value string, maxAge time.Duration, now time.Time) error {
	if size := len(c.o.Name) + len(value); size > MaxCookie {
		return fmt.Errorf("%w for a cookie: its name and value have %d bytes, at most %d", ErrTooLarge, size, MaxCookie)
	}
	cookie := c.cookie(value)
	if maxAge > 0 {
		// Both: Max-Age decides, Expires is what DevTools and old programs show.
		cookie.MaxAge = int(maxAge / time.Second)
		cookie.Expires = now.Add(maxAge)
	}
	header.Add("Set-Cookie", cookie.String())
	return nil
}

func (c cookieCarrier) Erase(header http.Header) {
	// A deletion is a Set-Cookie that is over already. It must repeat Path and
	// Domain, or it names another cookie (RFC 6265bis 5.7).
	cookie := c.cookie("")
	cookie.MaxAge = -1 // "Max-Age=0"
	cookie.Expires = time.Unix(0, 0)
	header.Add("Set-Cookie", cookie.String())
}

func (c cookieCarrier) Vary() string { return "Cookie" }

func (c cookieCarrier) cookie(value string) *http.Cookie {
	return &http.Cookie{
		Name: c.o.Name, Value: value, Path: c.o.Path, Domain: c.o.Domain,
		Secure: c.o.Secure, HttpOnly: c.o.HTTPOnly, SameSite: c.o.SameSite,
	}
}

// Authorization carries the value in the header Authorization, after the name of
// a scheme: "Authorization: Token <value>" (RFC 9110 11.6.2; "Token" is the
// keyword of Django REST framework). The scheme's case does not matter. A client
// puts the header there by itself, so Write and Erase have nothing to say to it.
// One space between scheme and value, nothing after: anything else is a value
// that no engine issued, and so is a second header.
func Authorization(scheme string) Carrier { return authorizationCarrier{scheme} }

type authorizationCarrier struct{ scheme string }

func (a authorizationCarrier) Read(r *http.Request) (string, bool) {
	lines := r.Header["Authorization"]
	if len(lines) == 0 {
		return "", false
	}
	scheme, value, _ := strings.Cut(lines[0], " ")
	if len(lines) > 1 || !strings.EqualFold(scheme, a.scheme) {
		return "", true
	}
	return value, true
}

func (authorizationCarrier) Write(http.Header, string, time.Duration, time.Time) error { return nil }

func (authorizationCarrier) Erase(http.Header) {}

func (authorizationCarrier) Vary() string { return "Authorization" }
