package sessions_test

import (
	"net/http"
	"testing"
	"time"

	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

func requestWith(lines ...string) *http.Request {
	return &http.Request{Header: http.Header{"Cookie": lines}}
}

func TestReadCookiesGivesAllOfANameInTheirOrder(t *testing.T) {
	for _, c := range []struct {
		name  string
		lines []string
		want  []string
	}{
		{"none", nil, nil},
		{"another name", []string{"b=1"}, nil},
		{"another case", []string{"A=1"}, nil},
		{"one", []string{"b=0; a=1; c=2"}, []string{"1"}},
		{"empty", []string{"a="}, []string{""}},
		{"without =", []string{"a"}, []string{""}},
		{"several", []string{"a=1; b=2; a=3"}, []string{"1", "3"}},
		{"in several lines", []string{"a=1", "a=2; a=3"}, []string{"1", "2", "3"}},
		{"= in the value", []string{"a=user=alice&role=student"}, []string{"user=alice&role=student"}},
		{"in quotes", []string{`a="1 2"`}, []string{"1 2"}},
		{"odd spaces", []string{"  a=1 ;a=2;  "}, []string{"1", "2"}},
		{"quote inside", []string{`a=1"2; a=3`}, []string{"3"}},
		{"backslash", []string{`a=1\2; a=3`}, []string{"3"}},
		{"control character", []string{"a=1\x012; a=3"}, []string{"3"}},
		{"beyond ASCII", []string{"a=曲奇; a=3"}, []string{"3"}},
	} {
		storetest.Equal(t, c.name, sessions.ReadCookies(requestWith(c.lines...), "a"), c.want)
		value, found := sessions.Cookie(sessions.Options{Name: "a"}).Read(requestWith(c.lines...))
		storetest.Equal(t, c.name+": found", found, c.want != nil)
		if found {
			storetest.Equal(t, c.name+": the first", value, c.want[0])
		}
	}
}

func TestACookieIsErasedAsItWasWritten(t *testing.T) {
	now := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		options        sessions.Options
		age            time.Duration
		written, erase string
	}{
		{
			sessions.Options{Name: "a", Path: "/", SameSite: http.SameSiteLaxMode}, 0,
			"a=v; Path=/; SameSite=Lax",
			"a=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; SameSite=Lax",
		}, {
			sessions.Options{Name: "__Secure-a", Path: "/b", Domain: "example.com", Secure: true, HTTPOnly: true, SameSite: http.SameSiteNoneMode}, time.Minute,
			"__Secure-a=v; Path=/b; Domain=example.com; Expires=Mon, 23 Nov 2026 08:01:00 GMT; Max-Age=60; HttpOnly; Secure; SameSite=None",
			"__Secure-a=; Path=/b; Domain=example.com; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Secure; SameSite=None",
		},
	} {
		header := http.Header{"Set-Cookie": {"other=1"}}
		carrier := sessions.Cookie(c.options)
		carrier.Write(header, "v", c.age, now)
		carrier.Erase(header)
		storetest.Equal(t, "Set-Cookie", header["Set-Cookie"], []string{"other=1", c.written, c.erase})
		storetest.Equal(t, "Vary", carrier.Vary(), "Cookie")
	}
}
