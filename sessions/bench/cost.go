// What a session adds to a request.

package main

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"time"
)

// cost is of one request, in microseconds.
type cost struct{ wall, cpu float64 }

func (c cost) less(d cost) cost { return cost{c.wall - d.wall, c.cpu - d.cpu} }

// client asks one path again and again, with as little of its own as can be.
type client struct {
	site    *site
	request http.Request
	reply   *reply
}

func (v *visitor) client(path string) *client {
	return &client{v.site, *requestTo(path, v.cookie), newReply()}
}

// ask makes n requests.
func (c *client) ask(n int) error {
	for range n {
		request := c.request // gorilla keeps its session in it
		c.reply.again()
		c.site.ServeHTTP(c.reply, &request)
		if c.reply.status != http.StatusOK {
			return fmt.Errorf("%s: %d %s", c.request.RequestURI, c.reply.status, c.reply.body)
		}
	}
	return nil
}

func (c *client) spend(n int) (cost, error) {
	start, before := time.Now(), cpuTime()
	err := c.ask(n)
	wall, cpu := time.Since(start), cpuTime()-before
	return cost{float64(wall.Nanoseconds()) / 1e3 / float64(n), float64(cpu.Nanoseconds()) / 1e3 / float64(n)}, err
}

// comparison is the outcome of many rounds, by their medians.
type comparison struct{ ours, theirs, ratio cost }

// compare lets all three take turns, so that they see the same machine.
func compare(e effort, bare, ours, theirs *client) (comparison, error) {
	n, err := calibrate(e.round, ours)
	if err != nil {
		return comparison{}, err
	}
	runtime.GC()
	sides := []*client{bare, ours, theirs}
	var our, their, ratio []cost
	for round := range e.rounds {
		var costs [3]cost
		for i := range sides {
			turn := (round + i) % len(sides)
			if costs[turn], err = sides[turn].spend(n); err != nil {
				return comparison{}, err
			}
		}
		a, b := costs[1].less(costs[0]), costs[2].less(costs[0])
		our, their, ratio = append(our, a), append(their, b), append(ratio, cost{a.wall / b.wall, a.cpu / b.cpu})
	}
	return comparison{median(our), median(their), median(ratio)}, nil
}

// calibrate finds how many requests fill a round, and warms up by the way.
func calibrate(round time.Duration, c *client) (int, error) {
	for n := 16; ; n *= 2 {
		start := time.Now()
		if err := c.ask(n); err != nil {
			return 0, err
		}
		if spent := time.Since(start); spent >= round/2 || n > 1<<20 {
			return max(16, int(float64(n)*float64(round)/float64(spent))), nil
		}
	}
}

func median(costs []cost) cost {
	of := func(part func(cost) float64) float64 {
		var values []float64
		for _, c := range costs {
			values = append(values, part(c))
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	return cost{of(func(c cost) float64 { return c.wall }), of(func(c cost) float64 { return c.cpu })}
}

// sides are a visitor without a session, one of ours and one of the peer's.
func (p place) sides() (nobody, ours, theirs *visitor, err error) {
	library, err := newOurs(p.engine)
	if err != nil {
		return nil, nil, nil, err
	}
	if ours, err = newSite(library).signedIn(); err == nil {
		theirs, err = newSite(p.theirs).signedIn()
	}
	if err != nil {
		return nil, nil, nil, err
	}
	return &visitor{site: bare(), cookie: ours.cookie}, ours, theirs, nil
}

func measureRequests(h *host, e effort, t *table) error {
	b, err := h.backs()
	if err != nil {
		return err
	}
	places, err := b.all(e.places)
	if err != nil {
		return err
	}
	t.heading("One request, over bare Echo", "ours", "peer", "ratio")
	for _, p := range places {
		nobody, ours, theirs, err := p.sides()
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		for _, path := range []string{"load", "modify"} {
			result, err := compare(e, nobody.client("/"+path), ours.client("/"+path), theirs.client("/"+path))
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			bar := p.load
			if path == "modify" {
				bar = p.modify
			}
			t.row(p.name+" "+path, p.peer, atMost(bar, result.ratio.wall, "%.2f x"), micros(result.ours), micros(result.theirs),
				fmt.Sprintf("%.2f (%.2f)", result.ratio.wall, result.ratio.cpu))
		}
	}
	return nil
}

func micros(c cost) string { return fmt.Sprintf("%.1f µs (%.1f)", c.wall, c.cpu) }

// profileOne profiles our side of one row, or the peer's with "peer:" before it.
func profileOne(h *host, what string) error {
	name, path, _ := strings.Cut(what, "/")
	b, err := h.backs()
	if err != nil {
		return err
	}
	places, err := b.all(strings.TrimPrefix(name, "peer:"))
	if err != nil {
		return err
	}
	if len(places) == 0 {
		return fmt.Errorf("there is no place %q", name)
	}
	_, v, peer, err := places[0].sides()
	if err != nil {
		return err
	}
	if strings.HasPrefix(name, "peer:") {
		v = peer
	}
	out, err := os.Create("cpu.out")
	if err != nil {
		return err
	}
	defer out.Close()
	c := v.client("/" + path)
	var before, after runtime.MemStats
	runtime.GC()
	if err := pprof.StartCPUProfile(out); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	runtime.ReadMemStats(&before)
	used, asked := cpuTime(), 0
	for start := time.Now(); time.Since(start) < 4*time.Second; asked += 100 {
		if err := c.ask(100); err != nil {
			return err
		}
	}
	used = cpuTime() - used
	runtime.ReadMemStats(&after)
	fmt.Printf("%d requests: %.1f µs of CPU, %d allocations and %d bytes each\n", asked, float64(used.Microseconds())/float64(asked),
		(after.Mallocs-before.Mallocs)/uint64(asked), (after.TotalAlloc-before.TotalAlloc)/uint64(asked))
	memory, err := os.Create("mem.out")
	if err != nil {
		return err
	}
	defer memory.Close()
	return pprof.Lookup("allocs").WriteTo(memory, 0)
}
