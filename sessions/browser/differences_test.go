package browser

import "testing"

// Each difference says who does it, what it is and where it was seen, and no two
// say the same.
func TestPartings(t *testing.T) {
	said := map[string]bool{}
	for d, p := range partings {
		if len(p.who) == 0 || len(p.who) == len(Profiles()) || p.what == "" || p.source == "" || said[p.what] {
			t.Errorf("difference %d: %+v", d, p)
		}
		said[p.what] = true
	}
}
