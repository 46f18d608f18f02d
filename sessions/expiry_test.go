package sessions_test

import (
	"encoding/json"
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

// The far future is as good as never. It must not turn into the options' age
// because its year has too many digits.
func TestAnInstantBeyondTheYear9999IsKept(t *testing.T) {
	site, _, _ := keyedOver(t)
	for _, end := range []time.Time{
		time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
		time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(30000, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		b := site.Browser()
		reply := b.Visit(func(s *sessions.Session) error { s.SetExpiry(sessions.Until(end)); return nil })
		if cookie := reply.Cookie("sessionid"); cookie == nil || cookie.MaxAge != int(sessions.MaxAge/time.Second) {
			t.Errorf("Set-Cookie: %v: browsers keep cookies for 400 days at most", cookie)
		}
		b.Visit(func(s *sessions.Session) error {
			rec, ok := s.Record()
			storetest.Equal(t, "stored", ok, true)
			if rec.Expires.Year() < 9999 {
				t.Errorf("%v became %v", end, rec.Expires)
			}
			return nil
		})
	}
}
