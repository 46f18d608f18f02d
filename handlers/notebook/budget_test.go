// The wire's budget: the weight of the wire is what it takes in memory, all notebooks
// together have one bound, and nobody can empty another's wire.

package notebook_test

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"cookielab/handlers/labtest"
	"cookielab/handlers/notebook"
	"cookielab/handlers/webtest"
	"cookielab/handlers/wire"
	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

// numbered is the ID of a made-up notebook.
func numbered(i int) (id sessions.ID) {
	binary.BigEndian.PutUint32(id[:], uint32(i)+1)
	return id
}

// large is an exchange with so many bytes of text, each time another text.
func large(bytes int) *notebook.Exchange {
	return &notebook.Exchange{Method: "GET", Target: "/dashboard", Cookie: strings.Repeat("x", bytes)}
}

// Without a budget, 200 notebooks of 50 large exchanges took 836 MB.
func TestWireKeepsItsBudget(t *testing.T) {
	before := labtest.HeapLeft()
	wire := notebook.NewLogs(nil)
	for range notebook.MaxExchanges {
		for i := range 200 {
			wire.Log(numbered(i)).Add(large(60 << 10))
		}
	}
	weight, grown := wire.Weight(), labtest.HeapLeft()-before
	if weight > notebook.MaxBytes || weight < notebook.MaxBytes*9/10 {
		t.Errorf("%d KB are on the wire, of %d", weight>>10, int64(notebook.MaxBytes)>>10)
	}
	if most := int64(notebook.MaxBytes) + 8<<20; grown > most {
		t.Errorf("the heap has grown by %d KB, with %d KB on the wire", grown>>10, weight>>10)
	}
	for i := range 200 {
		if n := len(wire.Log(numbered(i)).Exchanges()); n < 3 || n > 8 {
			t.Errorf("notebook %d is left %d exchanges: it got more or less than its part", i, n)
		}
	}
	wire.Clear()
	if left := wire.Weight(); left != 0 {
		t.Errorf("cleared, it weighs %d", left)
	}
	runtime.KeepAlive(wire)
}

// The weight is what the heap really holds, for everything that requests put into a Log.
func TestWireIsWeighedHonestly(t *testing.T) {
	long := strings.Repeat("x", 3<<10)
	for _, test := range []struct {
		name string
		do   func(c *webtest.Client)
	}{
		{"short exchanges", func(c *webtest.Client) { c.Get("/dashboard") }},
		{"whoami", func(c *webtest.Client) { c.Get("/api/whoami") }},
		{"a long address", func(c *webtest.Client) { c.Get("/dashboard?x=" + long) }},
		{"a long header of Fetch metadata", func(c *webtest.Client) { c.Get("/dashboard", webtest.With("Sec-Fetch-Dest", long)) }},
		{"long cookies", func(c *webtest.Client) {
			c.Get("/dashboard", webtest.With("Cookie", c.Header()+"; a="+long+"; b="+long))
		}},
		{"a long name in the plain cookie", func(c *webtest.Client) {
			c.Get("/api/lanes", webtest.With("Cookie", "plain_user=user="+long+"; "+webtest.NotebookCookie+"="+c.Cookie(webtest.NotebookCookie)))
		}},
		{"a cookie that cannot be found again", func(c *webtest.Client) {
			c.Get("/door/plain/"+long, webtest.With("Cookie", webtest.NotebookCookie+"="+c.Cookie(webtest.NotebookCookie)))
		}},
		{"deeds and copies", func(c *webtest.Client) { c.Post("/act/copy", nil) }},
		{"calls of the console", func(c *webtest.Client) {
			c.Post("/console", map[string][]string{"call": {"set"}, "key": {"k1"}, "value": {long}})
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			lab := labtest.New(t)
			readers := make([]*webtest.Client, 20)
			for i := range readers {
				readers[i] = lab.Client().SignIn("alice")
				test.do(readers[i])
			}
			runtime.GC() // what pools hold goes with the second
			before, weighed := labtest.HeapLeft(), lab.WireWeight()
			for range 30 {
				for _, c := range readers {
					test.do(c)
				}
			}
			runtime.GC()
			grown, weight := labtest.HeapLeft()-before, lab.WireWeight()-weighed
			if grown > weight*11/10+(512<<10) {
				t.Errorf("%d KB are weighed, and the heap holds %d KB more", weight>>10, grown>>10)
			}
		})
	}
}

// Visitors who flood the wire lose exchanges of their own; a visitor who has less on it
// loses none.
func TestFloodEmptiesNoOthersWire(t *testing.T) {
	wire := notebook.NewLogs(nil)
	alice := wire.Log(numbered(0))
	for range notebook.MaxExchanges {
		alice.Add(large(2 << 10))
	}
	for i := range 300 {
		log := wire.Log(numbered(1 + i%30))
		for range 20 {
			log.Add(large(64 << 10))
		}
		if weight := wire.Weight(); weight > notebook.MaxBytes {
			t.Fatalf("%d bytes are on the wire", weight)
		}
	}
	if n := len(alice.Exchanges()); n != notebook.MaxExchanges {
		t.Errorf("alice is left %d exchanges", n)
	}
}

// Thousands of visitors who come only once push out each other, and nobody who uses the
// lab. Whoever has been away for an hour makes room.
func TestStrangersPushOutStrangers(t *testing.T) {
	clock := storetest.NewClock()
	wire := notebook.NewLogs(clock.Now)
	for range 3 {
		wire.Log(numbered(0)).Add(large(10))
	}
	strangers := func() {
		for i := range 3 * notebook.MaxLogs {
			clock.Advance(time.Millisecond)
			wire.Log(numbered(1 + i)).Add(large(10))
		}
	}
	strangers()
	if n := len(wire.Log(numbered(0)).Exchanges()); n != 3 {
		t.Fatalf("who works is left %d exchanges", n)
	}
	clock.Advance(2 * time.Hour)
	strangers()
	if n := len(wire.Log(numbered(0)).Exchanges()); n != 0 {
		t.Error("who has been away for two hours is still there")
	}
	if n := wire.Len(); n > notebook.MaxLogs {
		t.Errorf("%d Logs", n)
	}
}

// Visitors without a login push out nobody who is signed in, however much they do.
func TestStrangersPushOutNobodyWhoIsSignedIn(t *testing.T) {
	clock := storetest.NewClock()
	wire := notebook.NewLogs(clock.Now)
	wire.Open(numbered(0), numbered(0), 1, true).Add(large(10))
	for i := range 3 * notebook.MaxLogs {
		clock.Advance(time.Millisecond)
		for range 3 {
			wire.Open(numbered(1+i), numbered(1+i), 1, false).Add(large(10))
		}
	}
	if n := len(wire.Log(numbered(0)).Exchanges()); n != 1 {
		t.Errorf("who is signed in is left %d exchanges", n)
	}
	if n := wire.Len(); n > notebook.MaxLogs {
		t.Errorf("%d Logs", n)
	}
}

// The lines that the composer has sent count, too.
func TestAllThatALogHoldsCounts(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client()
	c.Get("/composer")
	empty := lab.WireWeight()
	for i := range 10 {
		if r := c.Post("/send", map[string][]string{"line": {fmt.Sprintf("a%d=%s", i, strings.Repeat("x", 1<<10))}}); r.Status != http.StatusSeeOther {
			t.Fatalf("answered %d: %s", r.Status, r.Body)
		}
	}
	if grown := lab.WireWeight() - empty; grown < 20<<10 { // on the wire, and as lines
		t.Errorf("ten lines of 1 KB weigh %d", grown)
	}
	full := lab.WireWeight()
	for i := range 10 {
		c.Drop(fmt.Sprintf("a%d", i)) // so that the exchange to come is a short one
	}
	if r := c.Post("/send", map[string][]string{"act": {"forget"}, "line": {""}}); r.Status != http.StatusSeeOther {
		t.Fatalf("answered %d: %s", r.Status, r.Body)
	}
	if lighter := full - lab.WireWeight(); lighter < 4<<10 { // the lines are gone, and what deletes their cookies came to the wire
		t.Errorf("without the lines it weighs %d less", lighter)
	}
}

// stuck is a reply whose reader takes nothing until it is released.
type stuck struct {
	webtest.Unread
	begun    chan<- struct{}
	released <-chan struct{}
}

func (s *stuck) Write(b []byte) (int, error) {
	if s.begun != nil {
		s.begun <- struct{}{}
		s.begun = nil
	}
	<-s.released
	return len(b), nil
}

// A full wire has megabytes. However many readers take nothing of it, each of them holds
// only a small part: no reply is made as a whole before it is sent.
func TestReadersOfALargeWireHoldLittle(t *testing.T) {
	lab := labtest.New(t, labtest.AsUnconnected)
	readers := make([]*webtest.Client, 20)
	for i := range readers {
		readers[i] = lab.Client().SignIn("alice")
		for range notebook.MaxExchanges {
			readers[i].Get("/dashboard", webtest.With("User-Agent", strings.Repeat("x", 20<<10)))
		}
	}
	runtime.GC()
	before := labtest.HeapLeft()
	const each = 5
	begun, released := make(chan struct{}), make(chan struct{})
	var done sync.WaitGroup
	for _, c := range readers {
		for range each {
			done.Go(func() {
				request := httptest.NewRequest(http.MethodGet, "/api/wire", nil)
				request.Host = webtest.Unconnected
				request.Header.Set("Cookie", c.Header())
				lab.ServeHTTP(&stuck{Unread: webtest.Unread{Headers: http.Header{}}, begun: begun, released: released}, request)
			})
		}
	}
	for range each * len(readers) {
		<-begun
	}
	runtime.GC()
	grown := labtest.HeapLeft() - before
	close(released)
	done.Wait()
	if most := int64(each*len(readers)) * 150 << 10; grown > most {
		t.Errorf("%d readers hold %d KB", each*len(readers), grown>>10)
	}
	// And who reads has all of it.
	if wire := wireOf(t, readers[0]); len(wire) != notebook.MaxExchanges || len(wire[0].UserAgent) != 20<<10 {
		t.Errorf("who reads has %d exchanges", len(wire))
	}
}

// What a page shows of a full wire is bounded, and it says so; a program gets all.
func TestWirePageIsBounded(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client().SignIn("alice")
	for range notebook.MaxExchanges {
		c.Get("/dashboard?x="+strings.Repeat("%3C", 1<<10), webtest.With("User-Agent", strings.Repeat("<", 10<<10)))
	}
	for language, words := range map[string]string{"en": "Only the beginning is shown here", "zh": "此处只显示开头"} {
		page := c.Get("/wire?lang=" + language).Body
		if len(page) > 3<<20 || strings.Count(page, words) < notebook.MaxExchanges/2 {
			t.Errorf("in %s the page has %d KB, and says %d times that it is shortened", language, len(page)>>10, strings.Count(page, words))
		}
		if _, texts := webtest.Items(page); len(texts) != notebook.MaxExchanges || strings.Contains(texts[0], words) {
			t.Errorf("in %s %d are there, or the first is not whole", language, len(texts))
		}
	}
	for i := range 3 { // wherever a long text ends, no letter is left half
		c.Get("/dashboard", webtest.With("User-Agent", strings.Repeat("x", i)+strings.Repeat("课", 7<<10)))
	}
	if page := c.Get("/wire").Body; strings.Contains(page, "\uFFFD") {
		t.Error("the page has half a letter")
	}
	many := strings.Repeat("a;", 5000) + c.Header()
	c.Get("/dashboard", webtest.With("Cookie", many))
	wire := wireOf(t, c)
	if e := wire[len(wire)-1]; len(e.Cookies) != 200 || e.MoreCookies < 4800 || !strings.HasPrefix(e.Cookie, "a;a;") {
		t.Errorf("of 5,000 cookies %d are listed, and %d more are told of", len(e.Cookies), e.MoreCookies)
	}
}

// An exchange whose text was cut says that of its text alone: if it has exactly as many
// store operations as the wire keeps, none was left out.
func TestCutTextIsNoMissingOperation(t *testing.T) {
	for _, more := range []bool{false, true} {
		e := large(70 << 10)
		e.Client, e.Ops, e.MoreOps = notebook.ClientBrowser, make([]sessions.StoreOp, notebook.MaxOps), more
		notebook.NewLogs(nil).Log(numbered(0)).Add(e)
		says := strings.Contains(string(webtest.Draw("en", []*notebook.Exchange{e})), "The server asked the store more often")
		if !e.Cut || says != more {
			t.Errorf("operations were left out: %t; the drawing says so: %t; its text was cut: %t", more, says, e.Cut)
		}
	}
}

// wireOf is what /api/wire answers.
func wireOf(t *testing.T, c *webtest.Client) []wire.Exchange {
	t.Helper()
	return webtest.JSON[struct{ Exchanges []wire.Exchange }](t, c.Get("/api/wire")).Exchanges
}
