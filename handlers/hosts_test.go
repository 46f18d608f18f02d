// Hosts: whom this server answers, by the Host header alone. A page of another
// site whose name points to 127.0.0.1 is not among them.

package handlers_test

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"cookielab/handlers"
	"cookielab/handlers/labtest"
	"cookielab/handlers/webtest"
)

func TestHosts(t *testing.T) {
	lab := labtest.New(t, func(c *handlers.Config) {
		c.AllowHosts = []string{"lab.school.example", "lab.school.example:8443"}
	})
	_, port, err := net.SplitHostPort(lab.Addr)
	if err != nil {
		t.Fatal(err)
	}
	const ok, misdirected, bad = http.StatusOK, http.StatusMisdirectedRequest, http.StatusBadRequest
	for _, test := range []struct {
		name, host string // PORT stands for the listener's
		status     int
	}{
		{"localhost", "localhost:PORT", ok},
		{"localhost, in capitals", "LocalHost:PORT", ok},
		{"a name below localhost", "a.localhost:PORT", ok},
		{"a name far below localhost", "a-1.b_2.localhost:PORT", ok},
		{"127.0.0.1", "127.0.0.1:PORT", ok},
		{"[::1]", "[::1]:PORT", ok},
		{"[::1], in full", "[0:0:0:0:0:0:0:1]:PORT", ok},
		{"127.0.0.1 as IPv6", "[::ffff:127.0.0.1]:PORT", ok},
		{"127.0.0.1 as IPv6, in hex", "[::FFFF:7f00:1]:PORT", ok},
		{"an allowed host", "lab.school.example", ok},
		{"an allowed host, in capitals", "LAB.School.Example", ok},
		{"an allowed host with its port", "lab.school.example:8443", ok},
		{"an allowed host with another port", "lab.school.example:PORT", misdirected},
		{"a name below an allowed host", "x.lab.school.example", misdirected},

		{"row 54: another host", "evil.example", misdirected},
		{"row 54: another host with our port", "evil.example:PORT", misdirected},
		{"row 54: a dot at the end", "localhost.:PORT", misdirected},
		{"row 54: another port", "localhost:1", misdirected},
		{"row 54: no port", "localhost", misdirected},
		{"row 54: an empty port", "localhost:", misdirected},
		{"row 54: the port twice", "localhost:PORT:PORT", misdirected},
		{"row 54: the port with a nought", "localhost:0PORT", misdirected},
		{"row 54: localhost as part of a name", "localhost.evil.example:PORT", misdirected},
		{"row 54: localhost at the end of a word", "evillocalhost:PORT", misdirected},
		{"row 54: nothing before .localhost", ".localhost:PORT", misdirected},
		{"row 54: nothing between dots", "a..localhost:PORT", misdirected},
		{"row 54: a label of 64 letters", strings.Repeat("a", 64) + ".localhost:PORT", misdirected},
		{"row 54: the rest of 127/8", "127.0.0.2:PORT", misdirected},
		{"row 54: 127.1", "127.1:PORT", misdirected},
		{"row 54: 127.0.0.1 as a number", "2130706433:PORT", misdirected},
		{"row 54: 127.0.0.1 in octal", "0177.0.0.1:PORT", misdirected},
		{"row 54: 0.0.0.0", "0.0.0.0:PORT", misdirected},
		{"row 54: [::]", "[::]:PORT", misdirected},
		{"row 54: ::1 without brackets", "::1:PORT", misdirected},
		{"row 54: 127.0.0.1 in brackets", "[127.0.0.1]:PORT", misdirected},
		{"row 54: [::1] with a zone", "[::1%25lo]:PORT", misdirected},
		{"row 54: a bracket left open", "[::1:PORT", misdirected},
		{"row 54: a host that is empty", "", misdirected},
		{"row 54: a port alone", ":PORT", misdirected},
		{"row 55: a space in the host", "a b", bad},
		{"row 55: a user in the host", "u@localhost:PORT", bad},
	} {
		t.Run(test.name, func(t *testing.T) {
			host := strings.ReplaceAll(test.host, "PORT", port)
			for _, path := range []string{"/dashboard", "/api/lanes", "/static/lab.css", "/healthz", "/nothing-here"} {
				answer := webtest.Raw(t, lab.Addr, "GET "+path+" HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
				want := test.status
				if want == ok && path == "/nothing-here" {
					want = http.StatusNotFound
				}
				if answer.Status != want {
					t.Errorf("GET %s with Host %q answers %d, not %d", path, host, answer.Status, want)
				}
				if want == misdirected && (len(answer.Cookies) > 0 || strings.Contains(answer.Body, "evil")) {
					t.Errorf("the refusal sets %v, says %s", answer.Cookies, answer.Body)
				}
			}
		})
	}
}

func TestHostsOtherwiseGiven(t *testing.T) {
	lab := labtest.New(t)
	for _, test := range []struct {
		name, request string
		status        int
	}{
		{"row 54: the host of an absolute address counts, not the header", "GET http://evil.example/dashboard HTTP/1.1\r\nHost: " + lab.Addr + "\r\n\r\n", http.StatusMisdirectedRequest},
		{"an absolute address of ours will do", "GET http://" + lab.Addr + "/dashboard HTTP/1.1\r\nHost: evil.example\r\n\r\n", http.StatusOK},
		{"row 54: HTTP/1.0 without Host", "GET /dashboard HTTP/1.0\r\n\r\n", http.StatusMisdirectedRequest},
		{"row 55: no Host", "GET /dashboard HTTP/1.1\r\n\r\n", http.StatusBadRequest},
		{"row 55: two Hosts", "GET /dashboard HTTP/1.1\r\nHost: " + lab.Addr + "\r\nHost: " + lab.Addr + "\r\n\r\n", http.StatusBadRequest},
		{"row 19: a space before a header’s colon", "GET /dashboard HTTP/1.1\r\nHost : " + lab.Addr + "\r\n\r\n", http.StatusBadRequest},
		{"a forwarded host does not help", "GET /dashboard HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: " + lab.Addr + "\r\n\r\n", http.StatusMisdirectedRequest},
		{"a forwarded host does not hurt", "GET /dashboard HTTP/1.1\r\nHost: " + lab.Addr + "\r\nX-Forwarded-Host: evil.example\r\nForwarded: host=evil.example\r\n\r\n", http.StatusOK},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := webtest.Raw(t, lab.Addr, test.request)
			if answer.Status != test.status {
				t.Errorf("answered %d, not %d", answer.Status, test.status)
			}
			if strings.Contains(answer.Body, "evil.example") {
				t.Error("the page repeats a host that is not ours")
			}
		})
	}
}

// A page whose own name points here (DNS rebinding) posts as if from our own
// origin; its name gives it away.
func TestRebindingSignsNobodyOut(t *testing.T) {
	lab := labtest.New(t)
	alice := lab.Client().SignIn("alice")
	before := lab.Rows(t)
	answer := alice.Post("/logout", nil, func(r *http.Request) { r.Host = "evil.example" }, webtest.With("Origin", "http://evil.example"))
	if answer.Status != http.StatusMisdirectedRequest || len(answer.Cookies) > 0 {
		t.Errorf("answered %d with cookies %v", answer.Status, answer.Cookies)
	}
	if lab.Rows(t) != before || alice.Verdicts() != webtest.Everywhere {
		t.Error("something has changed")
	}
}
