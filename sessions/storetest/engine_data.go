// The suite for engines: a session's data and what counts as a change.

package storetest

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"cookielab/sessions"
)

// everyValue is one value of each kind, as a handler sets it and finds it again.
var everyValue = []struct {
	name      string
	set, find any
}{
	{"text", "Kekse", "Kekse"},
	{"empty text", "", ""},
	{"any letters", "曲奇 🍪 \x00 \" \\ </script> \u2028", "曲奇 🍪 \x00 \" \\ </script> \u2028"},
	{"true", true, true},
	{"null", nil, nil},
	{"int", 7, int64(7)},
	{"largest integer", int64(math.MaxInt64), int64(math.MaxInt64)},
	{"smallest integer", int64(math.MinInt64), int64(math.MinInt64)},
	{"more than a float keeps", int64(1<<53 + 1), int64(1<<53 + 1)},
	{"fraction", 0.1, 0.1},
	{"small fraction", math.SmallestNonzeroFloat64, math.SmallestNonzeroFloat64},
	{"list", []any{"a", 1, nil, []int{2}}, []any{"a", int64(1), nil, []any{int64(2)}}},
	{"map", map[string]any{"b": 1, "a": []any{}}, map[string]any{"b": int64(1), "a": []any{}}},
	// As tried with Django: '1' with db, file and signed cookies, 1 with cache; ours is one for all.
	{"map with integer keys", map[int]string{1: "a"}, map[string]any{"1": "a"}},
	// Django: an error at the save. JSON has no time, but Go's is text in it.
	{"time", time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), "2026-01-02T03:04:05.000000006Z"},
	{"bytes", []byte("a\xff"), "Yf8="},
}

var dataFacts = []engineFact{
	// test_new_session
	{"a fresh session is neither accessed nor modified", func(t *testing.T, site *Site) {
		done(t, site.Browser().Visit(func(s *sessions.Session) error {
			flags(t, s, false, false)
			return nil
		}))
		done(t, signedUp(t, site, map[string]any{"a": 1}).Visit(func(s *sessions.Session) error {
			flags(t, s, false, false)
			return nil
		}))
	}},

	// test_get_empty
	{"a missing key is nil and no error", func(t *testing.T, site *Site) {
		done(t, site.Browser().Visit(func(s *sessions.Session) error {
			Equal(t, "Get", s.Get("cat"), nil)
			Equal(t, "Text", s.Text("cat"), "")
			into := "untouched"
			found, err := s.Into("cat", &into)
			Is(t, "Into", err, nil)
			Equal(t, "found", found, false)
			Equal(t, "into", into, "untouched")
			flags(t, s, true, false)
			return nil
		}))
	}},

	// test_store
	{"Set modifies, and Pop gives the value back", func(t *testing.T, site *Site) {
		done(t, site.Browser().Visit(func(s *sessions.Session) error {
			Is(t, "Set", s.Set("cat", "dog"), nil)
			flags(t, s, true, true)
			value, existed := s.Pop("cat")
			Equal(t, "Pop", value, any("dog"))
			Equal(t, "existed", existed, true)
			return nil
		}))
	}},

	// test_pop
	{"Pop of a key that is there removes it and modifies", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"some key": "exists", "other": 1})
		done(t, b.Visit(func(s *sessions.Session) error {
			value, existed := s.Pop("some key")
			Equal(t, "Pop", value, any("exists"))
			Equal(t, "existed", existed, true)
			Equal(t, "Has", s.Has("some key"), false)
			Equal(t, "Get", s.Get("some key"), nil)
			flags(t, s, true, true)
			return nil
		}))
		holds(t, b, map[string]any{"other": int64(1)})
	}},

	// test_pop_default, test_pop_default_named_argument, test_pop_no_default_keyerror_raised
	{"Pop and Delete of a missing key say so and modify nothing", func(t *testing.T, site *Site) {
		// Django: pop takes a default and del raises KeyError; Go says (value, false).
		b := signedUp(t, site, map[string]any{"a": 1})
		reply := b.Visit(func(s *sessions.Session) error {
			value, existed := s.Pop("some key")
			Equal(t, "Pop", value, nil)
			Equal(t, "existed", existed, false)
			Equal(t, "Delete", s.Delete("some key"), false)
			flags(t, s, true, false)
			return nil
		})
		done(t, reply)
		silent(t, reply)
	}},

	// test_setdefault
	{"SetDefault sets once", func(t *testing.T, site *Site) {
		b := site.Browser()
		done(t, b.Visit(func(s *sessions.Session) error {
			value, err := s.SetDefault("foo", "bar")
			Is(t, "SetDefault", err, nil)
			Equal(t, "first", value, any("bar"))
			flags(t, s, true, true)
			value, err = s.SetDefault("foo", "baz")
			Is(t, "SetDefault", err, nil)
			Equal(t, "second", value, any("bar"))
			return nil
		}))
		reply := b.Visit(func(s *sessions.Session) error {
			value, err := s.SetDefault("foo", "baz")
			Is(t, "SetDefault", err, nil)
			Equal(t, "in the next request", value, any("bar"))
			flags(t, s, true, false)
			return nil
		})
		done(t, reply)
		silent(t, reply)
	}},

	// test_has_key
	{"Has reads and does not modify", func(t *testing.T, site *Site) {
		done(t, signedUp(t, site, map[string]any{"a": nil}).Visit(func(s *sessions.Session) error {
			Equal(t, "Has, also of a null", s.Has("a"), true)
			Equal(t, "Has", s.Has("b"), false)
			flags(t, s, true, false)
			return nil
		}))
	}},

	// test_values, test_keys, test_items
	{"lists of an empty session are empty, and listing does not modify", func(t *testing.T, site *Site) {
		for _, list := range []func(*sessions.Session) int{
			func(s *sessions.Session) int { return len(s.Values()) },
			func(s *sessions.Session) int { return len(s.Keys()) },
			func(s *sessions.Session) int { return len(s.Items()) },
		} {
			done(t, site.Browser().Visit(func(s *sessions.Session) error {
				Equal(t, "entries", list(s), 0)
				flags(t, s, true, false)
				return nil
			}))
		}
	}},

	{"Keys and Values come in the alphabetical order of the keys", func(t *testing.T, site *Site) {
		// Django: in the order of a dict, which a Go map has not.
		b := signedUp(t, site, map[string]any{"b": 2, "a": 1, "ä": 4, "c": 3})
		done(t, b.Visit(func(s *sessions.Session) error {
			Equal(t, "Keys", s.Keys(), []string{"a", "b", "c", "ä"})
			Equal(t, "Values", s.Values(), []any{int64(1), int64(2), int64(3), int64(4)})
			flags(t, s, true, false)
			return nil
		}))
	}},

	// test_clear
	{"Clear empties the data and keeps the key", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"x": 1, "y": 2})
		key := b.Key()
		done(t, b.Visit(func(s *sessions.Session) error {
			s.Clear()
			Equal(t, "items", s.Items(), map[string]any{})
			Equal(t, "Key", s.Key(), key)
			flags(t, s, true, true)
			return s.Set("z", 3)
		}))
		Equal(t, "key", b.Key(), key)
		holds(t, b, map[string]any{"z": int64(3)})
	}},

	// test_decode; as tried with Django: integer keys; all engines encode alike
	{"each kind of value reads the same before and after the save", func(t *testing.T, site *Site) {
		b := site.Browser()
		done(t, b.Visit(func(s *sessions.Session) error {
			for _, v := range everyValue {
				Is(t, "Set "+v.name, s.Set(v.name, v.set), nil)
				Equal(t, v.name+" in the same request", s.Get(v.name), v.find)
			}
			return nil
		}))
		done(t, b.Visit(func(s *sessions.Session) error {
			for _, v := range everyValue {
				Equal(t, v.name+" in the next request", s.Get(v.name), v.find)
				Equal(t, v.name+" is there", s.Has(v.name), true)
			}
			return nil
		}))
	}},

	{"any text can be a key, but an empty one", func(t *testing.T, site *Site) {
		keys := []string{" ", "\x00", `"`, `\`, "曲奇", "<&>", "a.b", "_user", strings.Repeat("k", 900)}
		want := map[string]any{}
		for _, key := range keys {
			want[key] = key
		}
		b := signedUp(t, site, want)
		holds(t, b, want)
		done(t, b.Visit(func(s *sessions.Session) error {
			if s.Set("", 1) == nil {
				t.Error("an empty key was taken")
			}
			return nil
		}))
	}},

	{"Text is for strings alone, Into for any type", func(t *testing.T, site *Site) {
		type cart struct {
			Item  string
			Count uint64
		}
		want := cart{"Kekse", math.MaxUint64}
		b := signedUp(t, site, map[string]any{"text": "a\tb", "number": 5, "null": nil, "cart": want})
		done(t, b.Visit(func(s *sessions.Session) error {
			Equal(t, "Text of text", s.Text("text"), "a\tb")
			Equal(t, "Text of a number", s.Text("number"), "")
			Equal(t, "Text of null", s.Text("null"), "")
			var got cart
			found, err := s.Into("cart", &got)
			Is(t, "Into", err, nil)
			Equal(t, "found", found, true)
			Equal(t, "cart", got, want)
			if _, err = s.Into("text", &got); err == nil {
				t.Error("text went into a struct")
			}
			flags(t, s, true, false)
			return nil
		}))
	}},

	// B20
	{"a value that JSON cannot hold is refused at once and changes nothing", func(t *testing.T, site *Site) {
		// Django: fails at the save, with a 500 long after the mistake.
		b := signedUp(t, site, map[string]any{"a": "old"})
		reply := b.Visit(func(s *sessions.Session) error {
			for _, value := range []any{make(chan int), func() {}, math.NaN(), math.Inf(1), json.RawMessage("{"), map[bool]int{}} {
				if s.Set("a", value) == nil {
					t.Errorf("%T was taken", value)
				}
				if _, err := s.SetDefault("b", value); err == nil {
					t.Errorf("%T was taken as a default", value)
				}
			}
			Equal(t, "a", s.Get("a"), any("old"))
			Equal(t, "Has b", s.Has("b"), false)
			Equal(t, "modified", s.Modified(), false)
			return nil
		})
		done(t, reply)
		silent(t, reply)
	}},

	// As tried with Django: a list inside the session is appended to
	{"a change inside a list or map is lost unless it is Set again", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"list": []any{"a"}, "map": map[string]any{"a": "a"}})
		want := map[string]any{"list": []any{"a"}, "map": map[string]any{"a": "a"}}
		reply := b.Visit(func(s *sessions.Session) error {
			s.Get("list").([]any)[0] = "changed"
			s.Get("map").(map[string]any)["a"] = "changed"
			Equal(t, "items", s.Items(), want)
			flags(t, s, true, false)
			return nil
		})
		done(t, reply)
		silent(t, reply)
		holds(t, b, want)
		done(t, b.Visit(func(s *sessions.Session) error {
			return s.Set("list", append(s.Get("list").([]any), "b"))
		}))
		want["list"] = []any{"a", "b"}
		holds(t, b, want)
	}},

	{"a value that was Set is not changed by what its giver does with it later", func(t *testing.T, site *Site) {
		b := site.Browser()
		done(t, b.Visit(func(s *sessions.Session) error {
			list := []string{"a"}
			err := s.Set("list", list)
			list[0] = "changed"
			return err
		}))
		holds(t, b, map[string]any{"list": []any{"a"}})
	}},

	// Django: set_test_cookie, test_cookie_worked, delete_test_cookie (test_test_cookie)
	{"a test cookie is plain session data", func(t *testing.T, site *Site) {
		b := site.Browser()
		worked := func(want bool) {
			done(t, b.Visit(func(s *sessions.Session) error {
				Equal(t, "test cookie worked", s.Text("testcookie") == "worked", want)
				return nil
			}))
		}
		worked(false)
		done(t, b.Visit(setter("testcookie", "worked")))
		worked(true)
		done(t, b.Visit(func(s *sessions.Session) error {
			s.Delete("testcookie")
			return nil
		}))
		worked(false)
	}},
}
