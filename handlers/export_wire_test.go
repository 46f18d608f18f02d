// What tests of the wire need to reach inside the lab.

package handlers

import (
	"html/template"

	"cookielab/sessions"
)

// MaxWatchers is how many streams one notebook may have.
const MaxWatchers = maxWatchers

// Draw draws exchanges in a language.
func (lab *Lab) Draw(language string, exchanges []*Exchange) template.HTML {
	return drawExchanges(lab.site.languages.Named(language), exchanges)
}

// WatchersOf are how many streams the notebook that this key opens has now.
func (lab *Lab) WatchersOf(key string) int {
	lab.revoke.wire.mu.Lock()
	book := lab.revoke.wire.byKey[sessions.KeyID(notebookPurpose, key)]
	lab.revoke.wire.mu.Unlock()
	if book == nil {
		return 0
	}
	book.mu.Lock()
	defer book.mu.Unlock()
	return book.watchers
}

// MaxWireBytes is the budget of all books.
const MaxWireBytes = maxWireBytes

// Weight is what all books weigh.
func (w *Wire) Weight() int64 { return w.weight.Load() }

// Books are how many there are.
func (w *Wire) Books() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.books)
}

// WireWeight is what all books of the lab weigh.
func (lab *Lab) WireWeight() int64 { return lab.revoke.wire.Weight() }
