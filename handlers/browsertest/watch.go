// This file remembers what a driver heard about a tab: where it navigates and
// what the browser complains about.

package browsertest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// watch remembers what happened in one tab. A browser has a name for every load
// of a document.
type watch struct {
	mu sync.Mutex

	until    time.Time         // when a navigation that was announced begins at the latest
	begun    int               // navigations so far, also those within a document
	document string            // the name of the latest navigation to another document
	url      string            // where that navigation went first
	loading  bool              // whether it is still under way
	statuses map[string]int    // HTTP statuses of the documents of the tab
	requests map[string]string // requests under way, and for which document

	latest     time.Time // event
	complaints []string
}

func newWatch() *watch {
	return &watch{statuses: map[string]int{}, requests: map[string]string{}}
}

// navigations is the number of navigations that have begun so far.
func (w *watch) navigations() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.begun
}

// loaded reports whether no navigation is under way, or announced.
func (w *watch) loaded() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.loading && time.Now().After(w.until)
}

// status is the HTTP status of the latest document, or 0.
func (w *watch) status() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.statuses[w.document]
}

// quiet reports whether no request is under way and nothing happens any more.
func (w *watch) quiet() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.requests) == 0 && time.Since(w.latest) > 2*moment
}

// complained are the complaints so far.
func (w *watch) complained() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.complaints)
}

// begin notes a navigation to another document. The caller holds the lock, as
// for all that follow.
func (w *watch) begin(document, url string) {
	w.until = time.Time{}
	w.begun++
	w.document, w.url, w.loading = document, url, true
}

// complain notes a complaint with its source and, if known, the address.
func (w *watch) complain(source, text, url string) {
	complaint := source + ": " + text
	if url != "" && !strings.Contains(text, url) {
		complaint += fmt.Sprintf(" (%s)", url)
	}
	w.complaints = append(w.complaints, complaint)
}
