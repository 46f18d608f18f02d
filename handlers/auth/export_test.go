// What tests of the throttle need of it without a request.

package auth

// ThrottledNames returns how many counters of students' names have counted a try.
func (a *Auth) ThrottledNames() (names int) {
	a.throttle.mu.Lock()
	defer a.throttle.mu.Unlock()
	for _, tried := range a.throttle.places {
		if tried.count > 0 {
			names++
		}
	}
	return names
}

// TryFailed counts a wrong try for a student's name, as Admit does.
func (a *Auth) TryFailed(name string) { a.throttle.try(name) }
