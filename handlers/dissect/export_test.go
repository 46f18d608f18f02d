// What tests of the dissector need of it without a request.

package dissect

import "cookielab/handlers/markup"

// Dissect takes a value apart and verifies it with each key. It returns what it
// is, and the verdicts with the lab's own key and with the given one.
func (h *Page) Dissect(value, key string) (form, own, typed string) {
	d := h.dissect(value)
	a, b := h.verify(&d, "", ""), h.verify(&d, key, "")
	return string(d.Format), a.Verdict(), b.Verdict()
}

// Shown is how much markup there is of a value taken apart.
func (h *Page) Shown(value string) (bytes int) {
	d := h.dissect(value)
	for _, p := range d.Wire {
		bytes += len(p.HTML)
	}
	for _, s := range d.Steps {
		for _, b := range s.Blocks {
			bytes += len(b.HTML)
		}
	}
	return bytes
}

// MaxShown is how much there may be.
const MaxShown = markup.MaxShown

// Unwrap is what stands before a value, the value, and what stands after it.
func (h *Page) Unwrap(typed string) (before, value, after string) {
	before, value, after, _ = h.unwrap(typed)
	return before, value, after
}
