package sessions_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

// What is saved within the handler is not saved again at the end of a request
// that saves always; and the client is told of it.
func TestSavedInTheHandlerIsSavedOnce(t *testing.T) {
	site, _, _ := keyedOver(t)
	site = site.With(func(o *sessions.Options) { o.SaveEveryRequest = true })
	b := site.Browser()
	b.Visit(setter("a", 1))
	for name, save := range map[string]func(*sessions.Session) error{
		"Save": func(s *sessions.Session) error {
			return errors.Join(s.Set("a", 2), s.Save(context.Background()))
		},
		"Update": func(s *sessions.Session) error {
			return s.Update(context.Background(), func(v sessions.Values) error { return v.Set("a", 2) })
		},
	} {
		var before uint64
		reply := b.Visit(func(s *sessions.Session) error {
			record, _ := s.Record()
			before = record.Version
			err := save(s)
			storetest.Equal(t, name+": modified", s.Modified(), true)
			return err
		})
		if len(reply.Header["Set-Cookie"]) != 1 {
			t.Errorf("%s: the client is told %q", name, reply.Header["Set-Cookie"])
		}
		b.Visit(func(s *sessions.Session) error {
			record, _ := s.Record()
			storetest.Equal(t, name+": version", record.Version, before+1)
			return nil
		})
	}
}

// A handler may answer a refused save by itself: what it discards is not tried
// again at the end.
func TestDiscard(t *testing.T) {
	site, _, _ := keyedOver(t)
	b := site.Browser()
	b.Visit(setter("a", 1))
	reply := b.Visit(func(s *sessions.Session) error {
		if err := errors.Join(s.Set("a", 2), s.Set("big", strings.Repeat("x", sessions.MaxStored))); err != nil {
			return err
		}
		storetest.Is(t, "Save", s.Save(context.Background()), sessions.ErrTooLarge)
		s.Discard()
		storetest.Equal(t, "items", s.Items(), map[string]any{"a": int64(1)})
		storetest.Equal(t, "modified", s.Modified(), true)
		return s.Set("b", 3)
	})
	storetest.Equal(t, "status", reply.Status, 200)
	b.Visit(func(s *sessions.Session) error {
		storetest.Equal(t, "items", s.Items(), map[string]any{"a": int64(1), "b": int64(3)})
		return nil
	})
	reply = site.Browser().Visit(func(s *sessions.Session) error {
		err := s.Set("a", 1)
		s.Discard()
		storetest.Equal(t, "items", s.Items(), map[string]any{})
		return err
	})
	storetest.Equal(t, "Set-Cookie", reply.Header["Set-Cookie"], nil)
}

// Asking when a session ends is reading it, and one reading of the clock does.
func TestExpiryIsReadOnce(t *testing.T) {
	site, _, _ := keyedOver(t)
	at := time.Now()
	site = site.With(func(o *sessions.Options) {
		o.Clock = func() time.Time { at = at.Add(time.Millisecond); return at } // as a real one: never the same
	})
	site.Browser().Visit(func(s *sessions.Session) error {
		storetest.Equal(t, "accessed", s.Accessed(), false)
		storetest.Equal(t, "age", s.ExpiryAge(), 14*24*time.Hour)
		storetest.Equal(t, "accessed", s.Accessed(), true)
		return nil
	})
	for name, ask := range map[string]func(*sessions.Session){
		"ExpiryDate":            func(s *sessions.Session) { s.ExpiryDate() },
		"ExpiresAtBrowserClose": func(s *sessions.Session) { s.ExpiresAtBrowserClose() },
	} {
		site.Browser().Visit(func(s *sessions.Session) error {
			ask(s)
			storetest.Equal(t, name+": accessed", s.Accessed(), true)
			storetest.Equal(t, name+": modified", s.Modified(), false)
			return nil
		})
	}
}
