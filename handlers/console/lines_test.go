// The Go lines that the console shows, as a program has them: this file is
// compiled, and a test looks each of the page's lines up in it.

package console_test

import (
	"context"
	"html"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"cookielab/handlers/labtest"
	"cookielab/handlers/webtest"
	"cookielab/sessions"
)

func goLines(ctx context.Context, manager *sessions.Manager, session *sessions.Session, record sessions.Record, key string, at time.Time, t string) {
	use := func(...any) {}
	{
		value := session.Get("k1")
		there := session.Has("k1")
		use(value, there)
	}
	{
		err := session.Set("k1", 123)
		use(err)
	}
	{
		value, err := session.SetDefault("k1", 123)
		use(value, err)
	}
	{
		err := session.Set("a", 1)
		use(err)
		err = session.Set("b", 2)
		use(err)
	}
	{
		increment := func(v sessions.Values) error {
			n, _ := v.Get("visits").(int64)
			return v.Set("visits", n+1)
		}
		err := session.Update(ctx, increment)
		use(err)
	}
	{
		value, existed := session.Pop("k1")
		use(value, existed)
	}
	{
		existed := session.Delete("k1")
		use(existed)
	}
	{
		keys := session.Keys()
		values := session.Values()
		items := session.Items()
		use(keys, values, items)
	}
	{
		err := session.SetExpiry(sessions.Idle(300 * time.Second))
		use(err)
	}
	{
		err := session.SetExpiry(sessions.Until(at))
		use(err)
	}
	{
		err := session.SetExpiry(sessions.BrowserClose())
		use(err)
	}
	{
		err := session.SetExpiry(sessions.Policy())
		use(err)
	}
	{
		age := session.ExpiryAge()
		date := session.ExpiryDate()
		atClose := session.ExpiresAtBrowserClose()
		use(age, date, atClose)
	}
	{
		session.CycleKey()
		session.Clear()
		session.Flush()
	}
	{
		key := session.Key()
		use(key)
	}
	{
		there, err := manager.Exists(ctx, key)
		use(there, err)
	}
	{
		err := manager.End(ctx, record.ID, 0)
		use(err)
	}
	{
		n, err := manager.ClearExpired(ctx)
		use(n, err)
	}
	{
		n, _ := session.Get("visits").(int64)
		err := session.Set("visits", n+1)
		use(err)
	}
	_ = session.Set("a", t)
	_ = session.Set("b", t)
}

func TestConsoleLinesCompile(t *testing.T) {
	_ = goLines // compiled, never run
	source, err := os.ReadFile("lines_test.go")
	if err != nil {
		t.Fatal(err)
	}
	compiled := map[string]bool{}
	for line := range strings.SplitSeq(string(source), "\n") {
		compiled[strings.TrimPrefix(strings.TrimSpace(line), "_ = ")] = true
	}
	c := labtest.New(t).Client()
	shown := regexp.MustCompile(`(?s)<pre translate="no"(?: id="line-go")?>(.*?)</pre>`)
	lines := 0
	for _, id := range webtest.ConsoleCallsOf(c) {
		page := regexp.MustCompile(`(?s)<pre translate="no" id="line-django">.*?</pre>`).ReplaceAllString(c.Get("/console?call="+id).Body, "")
		found := shown.FindAllStringSubmatch(page, -1)
		if len(found) == 0 {
			t.Errorf("%s shows no Go", id)
		}
		for _, text := range found {
			for line := range strings.SplitSeq(html.UnescapeString(text[1]), "\n") {
				line, _, _ = strings.Cut(line, " //")
				if lines++; !compiled[strings.TrimSpace(line)] {
					t.Errorf("%s: no program has the line %q", id, line)
				}
			}
		}
	}
	if lines < 30 {
		t.Errorf("only %d lines were looked at", lines)
	}
}
