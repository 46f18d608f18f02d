// Carriers: how the value of a session travels between client and server.

package sessions

import (
	"net/http"
	"time"
)

// Carrier reads a session's value from a request and gives the client a new
// one. A program has one for each way in which its clients carry values.
type Carrier interface {
	// Read returns the value that the request carries. found is false when it
	// carries none; an empty value is one.
	Read(r *http.Request) (value string, found bool)
	// Write gives the client a value. maxAge is how long it should carry it;
	// zero: until the client is closed.
	Write(header http.Header, value string, maxAge time.Duration, now time.Time)
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

func (c cookieCarrier) Write(header http.Header, value string, maxAge time.Duration, now time.Time) {
	cookie := c.cookie(value)
	if maxAge > 0 {
		// Both: Max-Age decides, Expires is what DevTools and old programs show.
		cookie.MaxAge = int(maxAge / time.Second)
		cookie.Expires = now.Add(maxAge)
	}
	header.Add("Set-Cookie", cookie.String())
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
