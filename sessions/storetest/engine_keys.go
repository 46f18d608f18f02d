// The suite for engines: keys that were issued, and all that were not.

package storetest

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"cookielab/sessions"
)

// strangers are values that no engine issued, and what it says to each.
var strangers = map[string]error{
	"abcdefghijklmnopqrstuvwxyz012345":         sessions.ErrNotFound, // the right shape
	"00000000000000000000000000000000":         sessions.ErrNotFound,
	"1":                                        sessions.ErrMalformed, // test_invalid_key
	"":                                         sessions.ErrMalformed, // test_session_key_empty_string_invalid
	"1234567":                                  sessions.ErrMalformed, // test_session_key_too_short_invalid
	"12345678":                                 sessions.ErrMalformed, // test_session_key_valid_string_saved; Django: a candidate
	"abcdefghijklmnopqrstuvwxyz01234":          sessions.ErrMalformed, // one less
	"abcdefghijklmnopqrstuvwxyz0123456":        sessions.ErrMalformed, // one more
	"Abcdefghijklmnopqrstuvwxyz012345":         sessions.ErrMalformed, // a file system may ignore case
	"abcdefghijklmnopqrstuvwxyz01234/":         sessions.ErrMalformed, // test_invalid_key_forwardslash
	"abcdefghijklmnopqrstuvwxyz01234.":         sessions.ErrMalformed,
	"abcdefghijklmnopqrstuvwxyz01234-":         sessions.ErrMalformed,
	"abcdefghijklmnopqrstuvwxyz0123 5":         sessions.ErrMalformed,
	"abcdefghijklmnopqrstuvwxyz0123é":          sessions.ErrMalformed, // 32 bytes
	"../../etc/passwd":                         sessions.ErrMalformed, // E
	"../../../../../../../etc/passwd0":         sessions.ErrMalformed, // the same in 32 characters
	strings.Repeat("0123456789", 124):          sessions.ErrMalformed, // test_load_overlong_key
	strings.Repeat("a", sessions.MaxStored):    sessions.ErrMalformed,
	"'; DROP TABLE sessions; SELECT '12345678": sessions.ErrMalformed,
}

// unsendable are values that net/http takes no cookie from: as if none came.
var unsendable = []string{
	`abcdefghijklmnopqrstuvwxyz01234\`, // test_invalid_key_backslash
	"abcdefghijklmnopqrstuvwxyz01234\x00",
	"abcdefghijklmnopqrstuvwxyz01234\n",
}

var keyFacts = []engineFact{
	// As tried with Django: key length for one small pair
	{"a key that is issued has the one exact shape of a key, and no two are alike", func(t *testing.T, site *Site) {
		seen := map[string]bool{}
		for range 10 {
			key := signedUp(t, site, map[string]any{"a": 1}).Key()
			Equal(t, "valid", sessions.ValidKey(key), true)
			Equal(t, "seen before", seen[key], false)
			seen[key] = true
		}
	}},

	{"a value that was not issued is refused by its kind", func(t *testing.T, site *Site) {
		for value, want := range strangers {
			_, err := site.Engine.Load(context.Background(), value)
			Is(t, value[:min(len(value), 40)], err, want)
		}
		for _, value := range unsendable {
			_, err := site.Engine.Load(context.Background(), value)
			Is(t, value, err, sessions.ErrMalformed)
		}
	}},

	{"a malformed value is refused before any store sees it", func(t *testing.T, site *Site) {
		asked := 0
		ctx := sessions.WithTrace(context.Background(), &sessions.Trace{StoreDone: func(sessions.StoreOp) { asked++ }})
		for value, want := range strangers {
			if want == sessions.ErrMalformed {
				_, err := site.Engine.Load(ctx, value)
				Is(t, value[:min(len(value), 40)], err, want)
			}
		}
		Equal(t, "store operations", asked, 0)
	}},

	// test_session_load_does_not_create_record; as tried with Django: unknown key, view only reads
	{"an unknown key is never adopted by a read, creates nothing, and stays in the browser", func(t *testing.T, site *Site) {
		// Django: deletes the cookie on a mere read; see "can be dropped" below.
		for _, value := range sendable() {
			b := site.Browser().Carry(value)
			reply := b.Visit(func(s *sessions.Session) error {
				Is(t, "Rejected "+value, s.Rejected(), strangers[value])
				Equal(t, "Key", s.Key(), "")
				Equal(t, "items", s.Items(), map[string]any{})
				_, stored := s.Record()
				_, expired := s.Expired()
				Equal(t, "a record", stored || expired, false)
				return nil
			})
			done(t, reply)
			silent(t, reply)
			Equal(t, "Vary", reply.Header["Vary"], []string{"Cookie"})
			Equal(t, "what the browser carries", b.Key(), value)
			dead(t, site, value, strangers[value])
		}
	}},

	// test_invalid_key; as tried with Django: unknown key, view writes
	{"an unknown key is never adopted by a write: a new one is issued", func(t *testing.T, site *Site) {
		for _, value := range sendable() {
			b := site.Browser().Carry(value)
			done(t, b.Visit(setter("a", 1)))
			Equal(t, "valid", sessions.ValidKey(b.Key()), true)
			if b.Key() == value {
				t.Errorf("%q was adopted", value)
			}
			holds(t, b, map[string]any{"a": int64(1)})
			dead(t, site, value, strangers[value])
		}
	}},

	{"an unknown key is never adopted by Clear, CycleKey, Flush or Update either", func(t *testing.T, site *Site) {
		const value = "abcdefghijklmnopqrstuvwxyz012345"
		for _, change := range []func(*sessions.Session) error{
			func(s *sessions.Session) error { s.Clear(); return nil },
			func(s *sessions.Session) error { s.CycleKey(); return nil },
			logout,
			func(s *sessions.Session) error { return count(s, "n") },
		} {
			b := site.Browser().Carry(value)
			done(t, b.Visit(change))
			if b.Key() == value {
				t.Error("still carried after a write") // it stays until a write
			}
			dead(t, site, value, sessions.ErrNotFound)
		}
	}},

	{"a value that no cookie can have counts as none", func(t *testing.T, site *Site) {
		// Sent with a raw header; Go's client refuses the control characters.
		reply := site.Browser().Carry(unsendable[0]).Visit(func(s *sessions.Session) error {
			Is(t, "Rejected", s.Rejected(), sessions.ErrAbsent)
			return nil
		})
		done(t, reply)
		silent(t, reply)
	}},

	// As tried with Django: key of 7 characters, view only reads
	{"a rejected cookie can be dropped at once, as Django does", func(t *testing.T, site *Site) {
		site = site.With(func(o *sessions.Options) { o.DropRejected = true })
		for _, value := range sendable() {
			b := site.Browser().Carry(value)
			reply := b.Visit(look)
			done(t, reply)
			Equal(t, "Set-Cookie", reply.Header["Set-Cookie"], []string{erased})
			Equal(t, "Vary", reply.Header["Vary"], []string{"Cookie"})
			Equal(t, "what the browser carries", b.Key(), "")
		}
		silent(t, site.Browser().Visit(look)) // nothing came, nothing to drop
	}},

	// As tried with Django: last character of the key changed
	{"a key with one character changed is rejected", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"a": 1})
		for _, at := range []int{0, len(b.Key()) - 1} {
			key := []byte(b.Key())
			key[at] = 'a' + (key[at]-'a'+1)%26 // never the same letter, whatever it was
			dead(t, site, string(key), sessions.ErrNotFound)
		}
		holds(t, b, map[string]any{"a": int64(1)})
	}},

	// test_session_key_is_read_only
	{"nobody but the package can assign a session's key", func(t *testing.T, site *Site) {
		for _, field := range reflect.VisibleFields(reflect.TypeFor[sessions.Session]()) {
			Equal(t, field.Name+" is exported", field.IsExported(), false)
		}
	}},

	{"a session's text form and its record show no key", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"a": 1})
		done(t, b.Visit(func(s *sessions.Session) error {
			rec, _ := s.Record()
			for _, text := range []string{s.String(), rec.ID.String(), string(rec.ID[:]), string(rec.Data)} {
				if strings.Contains(text, b.Key()) {
					t.Errorf("%q contains the key", text)
				}
			}
			return nil
		}))
	}},
}

// sendable are the strangers that fit into a header.
func sendable() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(strangers)), func(value string) bool {
		return len(value) > 4096 || strings.ContainsAny(value, ";é")
	})
}
