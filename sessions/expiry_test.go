package sessions_test

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"testing"
	"time"

	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

// When a session ends is in storetest.Engine; here is how its expiry is kept.

func TestAnExpiryIsKeptAsPlainJSON(t *testing.T) {
	east := time.FixedZone("east", 8*3600)
	for name, c := range map[string]struct {
		expiry sessions.Expiry
		want   string
	}{
		"Idle":                {sessions.Idle(10 * time.Second), `10`}, // Django: an integer
		"Idle, cut":           {sessions.Idle(10*time.Second + 999*time.Millisecond), `10`},
		"Idle, past":          {sessions.Idle(-10 * time.Second), `-10`},
		"Idle, 0":             {sessions.Idle(0), `0`},
		"Until":               {sessions.Until(time.Date(2026, 1, 2, 11, 4, 5, 6000, east)), `"2026-01-02T03:04:05.000006Z"`}, // Django 4.1: ISO text
		"BrowserClose":        {sessions.BrowserClose(), `"browser_close"`},
		"Policy":              {sessions.Policy(), `null`},
		"the zero value, too": {sessions.Expiry{}, `null`},
	} {
		raw, err := json.Marshal(c.expiry)
		storetest.Is(t, name, err, nil)
		storetest.Equal(t, name, string(raw), c.want)
		var back sessions.Expiry
		storetest.Is(t, name, json.Unmarshal(raw, &back), nil)
		again, err := json.Marshal(back)
		storetest.Is(t, name, err, nil)
		storetest.Equal(t, name+", read and written again", string(again), c.want)
	}
}

func TestWhatIsNoExpiryIsAnError(t *testing.T) {
	for _, raw := range []string{`"tomorrow"`, `""`, `"2026-01-02"`, `true`, `1.5`, `1e99`, `[]`, `{}`} {
		e := sessions.Idle(time.Second)
		if err := json.Unmarshal([]byte(raw), &e); err == nil {
			t.Errorf("%s was read", raw)
		}
		after, err := json.Marshal(e)
		storetest.Is(t, raw, err, nil)
		storetest.Equal(t, raw+": what there was", string(after), "1")
	}
}

// Browsers keep nothing for longer than 400 days, and neither do we.
func TestAnExpiryIsAtMost400DaysAhead(t *testing.T) {
	site, _, _ := keyedOver(t)
	now := site.Clock.Now()
	west := time.FixedZone("west", -8*3600)
	for name, c := range map[string]struct {
		expiry sessions.Expiry
		want   error
	}{
		"400 days":              {sessions.Until(now.Add(sessions.MaxAge)), nil},
		"400 days, elsewhere":   {sessions.Until(now.Add(sessions.MaxAge).In(west)), nil},
		"and a moment":          {sessions.Until(now.Add(sessions.MaxAge + 1)), sessions.ErrExpiryTooFar},
		"the year 9999":         {sessions.Until(time.Date(9999, 12, 31, 23, 59, 59, 0, west)), sessions.ErrExpiryTooFar},
		"the year 30000":        {sessions.Until(time.Date(30000, 1, 1, 0, 0, 0, 0, time.UTC)), sessions.ErrExpiryTooFar},
		"Idle for 400 days":     {sessions.Idle(sessions.MaxAge), nil},
		"Idle, and a second":    {sessions.Idle(sessions.MaxAge + time.Second), sessions.ErrExpiryTooFar},
		"Idle for ever":         {sessions.Idle(math.MaxInt64), sessions.ErrExpiryTooFar},
		"Idle for less than no": {sessions.Idle(math.MinInt64), nil},
		"the year 0":            {sessions.Until(time.Date(0, 1, 1, 0, 0, 0, 0, west)), nil},
		"before any year":       {sessions.Until(time.Date(-30000, 1, 1, 0, 0, 0, 0, west)), nil},
	} {
		site.Browser().Visit(func(s *sessions.Session) error {
			storetest.Is(t, name, errors.Join(s.Set("a", 1), s.SetExpiry(sessions.Idle(time.Minute))), nil)
			storetest.Is(t, name, s.SetExpiry(c.expiry), c.want)
			if c.want != nil {
				storetest.Equal(t, name+": what was set before", s.ExpiryAge(), time.Minute)
			}
			storetest.Is(t, name+": the clock of the answer", s.Save(t.Context()), nil)
			rec, _ := s.Record()
			for _, at := range []time.Time{rec.Created, rec.Saved, rec.Expires, s.ExpiryDate()} {
				if _, err := json.Marshal(at); err != nil || at.Location() != time.UTC {
					t.Errorf("%s: %v: %v", name, at, err)
				}
			}
			return nil
		})
	}
}

// A store may already hold records with a later expiry than can be set now.
func TestAnOldRecordThatIsDatedTooFarLives400Days(t *testing.T) {
	for _, data := range []string{
		`{"_expiry":"9999-12-31T23:59:59Z","a":1}`, `{"_expiry":1000000000000000000,"a":1}`, `{"_expiry":9223372036854775807,"a":1}`, `{"a":1}`,
	} {
		site, _, memory := keyedOver(t)
		b := site.Browser().Carry(sessions.NewKey())
		rec := sessions.Record{
			ID: sessions.KeyID("session", b.Key()), Created: site.Clock.Now(), Saved: site.Clock.Now(),
			Expires: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), Data: []byte(data),
		}
		storetest.Is(t, "Create", memory.Create(t.Context(), rec), nil)
		want := site.Clock.Now().Add(sessions.MaxAge).Truncate(time.Microsecond)
		ends := func(rejected error) {
			t.Helper()
			wantStatus(t, b.Twin().Visit(func(s *sessions.Session) error {
				storetest.Is(t, data+": Rejected", s.Rejected(), rejected)
				storetest.Equal(t, data+": Ends", s.Ends(), want)
				return nil
			}), http.StatusOK)
			found, err := site.Manager.Find(t.Context(), rec.ID)
			storetest.Is(t, "Find", err, nil)
			storetest.Equal(t, data+": Expires", found.Expires, want)
		}
		ends(nil)
		site.Clock.Advance(sessions.MaxAge)
		ends(sessions.ErrExpired)
		site.Clock.Advance(-time.Hour)
		if data != `{"a":1}` {
			want = site.Clock.Now().Add(sessions.MaxAge).Truncate(time.Microsecond)
			wantStatus(t, b.Visit(setter("a", 2)), http.StatusOK) // from this save on it is 400 days again
			ends(nil)
		}
	}
}
