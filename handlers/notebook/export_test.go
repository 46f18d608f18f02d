// What tests of the wire need of it without a request.

package notebook

import "cookielab/sessions"

// Open returns the Log of a notebook to a request that carried its key: see open.
func (l *Logs) Open(id, key sessions.ID, turn int, signedIn bool) *Log {
	return l.open(id, key, turn, signedIn)
}

// Len returns how many Logs there are.
func (l *Logs) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.byID)
}

// Add puts an exchange on the wire.
func (l *Log) Add(e *Exchange) { l.add(e) }
