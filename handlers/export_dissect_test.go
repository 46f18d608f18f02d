// What tests of the dissector need of it without a request.

package handlers

// Dissect takes a value apart and verifies it with each key. It returns what it
// is, and the verdicts with the lab's own key and with the given one.
func (lab *Lab) Dissect(value, key string) (form, own, typed string) {
	d := lab.dissect(value)
	a, b := lab.verify(&d, "", ""), lab.verify(&d, key, "")
	return string(d.Form), a.Verdict(), b.Verdict()
}

// Unwrap is what stands before a value, the value, and what stands after it.
func (lab *Lab) Unwrap(typed string) (before, value, after string) {
	before, value, after, _ = lab.unwrap(typed)
	return before, value, after
}
