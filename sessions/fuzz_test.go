package sessions_test

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"cookielab/sessions"
)

// Run one with, for instance: go test -fuzz '^FuzzKey$' ./sessions
// What lies in testdata/fuzz was picked by hand; a failure that Go finds is
// added there by itself, to stay once it is mended.

var keyShape = regexp.MustCompile(`\A[a-z0-9]{32}\z`)

// untouchable is a store that must not be asked.
type untouchable struct {
	sessions.Store
	t *testing.T
}

func (s untouchable) Load(context.Context, sessions.ID) (sessions.Record, error) {
	s.t.Error("the store was asked for something that is no key")
	return sessions.Record{}, sessions.ErrUnavailable
}

func FuzzKey(f *testing.F) {
	for _, key := range []string{"", "1", "1234567", "../../etc/passwd", strings.Repeat("a", 32), strings.Repeat("A", 32), sessions.NewKey()} {
		f.Add(key)
	}
	empty := openMemory(f, nil)
	f.Fuzz(func(t *testing.T, key string) {
		valid := sessions.ValidKey(key)
		if valid != keyShape.MatchString(key) {
			t.Errorf("ValidKey(%q) = %v", key, valid)
		}
		var store sessions.Store = untouchable{t: t}
		want := sessions.ErrMalformed
		if valid {
			store, want = empty, sessions.ErrNotFound
		}
		if _, err := sessions.Keyed("session", store).Load(t.Context(), key); !errors.Is(err, want) {
			t.Errorf("Load(%q): %v, want %v", key, err, want)
		}
		id := sessions.KeyID("session", key)
		if id == sessions.KeyID("token", key) {
			t.Errorf("%q has the same ID for two purposes", key)
		}
		if back, ok := sessions.ParseID(id.String()); !ok || back != id {
			t.Errorf("the ID of %q is not read back", key)
		}
		if parsed, ok := sessions.ParseID(key); ok && !strings.EqualFold(parsed.String(), key) {
			t.Errorf("ParseID(%q) = %v", key, parsed)
		}
	})
}

func FuzzReadCookies(f *testing.F) {
	for _, line := range []string{
		"", "sessionid=a", "sessionid=a; sessionid=b", `sessionid="a b"`, "sessionid", "=a", "sessionid=a\x00b", "sessionid=\xff", ";;;",
	} {
		f.Add(line, "sessionid")
	}
	f.Add("a=1; A=2;a=3", "A")
	f.Fuzz(func(t *testing.T, line, name string) {
		same := func(r *http.Request) {
			t.Helper()
			var want []string
			for _, cookie := range r.CookiesNamed(name) {
				want = append(want, cookie.Value)
			}
			got := sessions.ReadCookies(r, name)
			if !slices.Equal(got, want) {
				t.Errorf("ReadCookies(%q, %q) = %q, net/http says %q", line, name, got, want)
			}
			for _, value := range got {
				if !strings.Contains(line, value) || strings.ContainsAny(value, ";\\\"\x00\r\n\x7f") {
					t.Errorf("ReadCookies(%q, %q) made up %q", line, name, value)
				}
			}
			value, found := sessions.Cookie(sessions.Options{Name: name}).Read(r)
			first, err := r.Cookie(name)
			if found != (err == nil) || (found && value != first.Value) {
				t.Errorf("Read(%q, %q) = %q, %v, net/http says %v, %v", line, name, value, found, first, err)
			}
		}
		same(&http.Request{Header: http.Header{"Cookie": {line}}})
		same(&http.Request{Header: http.Header{"Cookie": {line, line}}})
		// As it comes from the wire, if the server lets it in.
		raw := "GET / HTTP/1.1\r\nHost: localhost\r\nCookie: " + line + "\r\n\r\n"
		if r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw))); err == nil {
			same(r)
		}
	})
}

// sealHolds is the judgement of crypto/hmac alone, without securecookie: is the
// MAC that of this content, time and purpose under the secret?
func sealHolds(parts sessions.Sealed, purpose string, secret []byte) bool {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(purpose + "|" + parts.Stamp + "|" + parts.Inner))
	return hmac.Equal(mac.Sum(nil), parts.MAC)
}

func FuzzSigner(f *testing.F) {
	s := signer(f, "user", secondSecret, firstSecret)
	for _, content := range []string{"", "alice", "user=alice&role=student", "曲奇 \x00", strings.Repeat("x", 2000)} {
		f.Add(seal(f, s, content), content)
	}
	f.Add(seal(f, signer(f, "other", firstSecret), "alice"), "")
	f.Add(seal(f, s, 1), "")
	f.Add(strings.Repeat("A", 4097), strings.Repeat("x", 5000))
	f.Fuzz(func(t *testing.T, sealed, content string) {
		parts, formErr := sessions.Dissect(sealed)
		ours := formErr == nil && (sealHolds(parts, "user", firstSecret) || sealHolds(parts, "user", secondSecret))
		var want string // securecookie reads one JSON value and leaves what follows
		fits := json.NewDecoder(strings.NewReader(parts.Content)).Decode(&want) == nil

		var got string
		err := s.Verify(sealed, &got)
		if (err == nil) != (ours && fits && len(sealed) <= 4096) || (err == nil && got != want) {
			t.Errorf("Verify(%q) = %q, %v; sealed by us: %v, contains %q", sealed, got, err, ours, want)
		}
		if errors.Is(err, sessions.ErrTampered) && ours {
			t.Errorf("Verify(%q): %v, and the MAC is ours", sealed, err)
		}
		if err != nil && !errors.Is(err, sessions.ErrTampered) && !errors.Is(err, sessions.ErrUnreadable) && !errors.Is(err, sessions.ErrTooLong) {
			t.Errorf("Verify(%q): an error of no kind: %v", sealed, err)
		}

		again, err := s.Sign(content)
		if err != nil {
			if !errors.Is(err, sessions.ErrTooLong) || len(content) < 500 {
				t.Errorf("Sign(%q): %v", content, err)
			}
			return
		}
		if err := s.Verify(again, &got); err != nil || (utf8.ValidString(content) && got != content) {
			t.Errorf("%q came back as %q (%v)", content, got, err)
		}
		if !reflect.DeepEqual(sessions.ReadCookies(requestWith("user="+again), "user"), []string{again}) {
			t.Errorf("%q does not fit into a cookie", again)
		}
	})
}
