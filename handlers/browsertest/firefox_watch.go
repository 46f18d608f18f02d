// This file listens to what Firefox tells about its tabs.

package browsertest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// firefoxEvents are what Firefox is asked to tell.
var firefoxEvents = []string{
	"browsingContext",
	"log.entryAdded",
	"script.message",
	"network.beforeRequestSent", "network.responseStarted", "network.responseCompleted", "network.fetchError",
}

// firefoxEvent is what matters of any event.
type firefoxEvent struct {
	Context, Parent string
	Navigation      string // the name of a load; only requests for documents have one
	URL             string
	Message         string // of a dialog

	Request   struct{ Request, URL string }
	Response  struct{ Status int }
	ErrorText string

	Source struct{ Context string }
	Type   string // of an entry in the console
	Method string
	Level  string
	Text   string
	Data   remote // of a message of helpScript
}

// firefoxNews is a message of helpScript: an entry in the console or, if
// Restored, that the document is complete which the tab had left before.
type firefoxNews struct {
	Context, Category, Text, URL string
	Restored                     bool
}

// firefoxWatch fills a watch. Firefox names every load by a navigation ID.
type firefoxWatch struct {
	*watch
	context   string // of the tab
	committed string // the latest load whose document is there
	early     string // the address of a document that was complete before
}

// attend begins to watch a tab.
func (b *firefox) attend(context string) *firefoxWatch {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := &firefoxWatch{watch: newWatch(), context: context}
	b.watches[context] = w
	return w
}

// hear takes in one event and gives it to the tab that it is about.
func (b *firefox) hear(event string, params json.RawMessage) {
	var e firefoxEvent
	if err := json.Unmarshal(params, &e); err != nil {
		panic(fmt.Sprintf("Firefox sends %s: %v", params, err))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	context := e.Context
	switch event {
	case "browsingContext.contextCreated":
		if w := b.watches[e.Parent]; w != nil {
			b.watches[context] = w
		}
	case "browsingContext.contextDestroyed":
		delete(b.watches, context)
	case "log.entryAdded":
		context = e.Source.Context
	case "script.message":
		var news firefoxNews
		if value, err := e.Data.json(); err != nil || json.Unmarshal(value, &news) != nil {
			panic(fmt.Sprintf("the help in Firefox sends %s", params))
		}
		if w := b.watches[news.Context]; w != nil {
			w.learn(news)
		}
		return
	}
	if w := b.watches[context]; w != nil {
		w.hear(event, e)
	}
}

// learn takes in a message of helpScript.
func (w *firefoxWatch) learn(news firefoxNews) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.latest = time.Now()
	if news.Restored {
		w.loading = false
	} else {
		w.complain(news.Category, news.Text, news.URL)
	}
}

// hear takes in an event of BiDi.
func (w *firefoxWatch) hear(event string, e firefoxEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.latest = time.Now()
	top := e.Context == w.context
	switch kind, event, _ := strings.Cut(event, "."); kind {
	case "browsingContext":
		if top {
			w.navigate(event, e)
		}
	case "network":
		w.fetch(event, e, top && e.Navigation != "")
	case "log":
		if e.Type == "console" && (e.Level == "error" || e.Level == "warn") {
			w.complain("console."+e.Method, e.Text, "")
		}
	}
}

// navigate hears of the documents of the tab.
func (w *firefoxWatch) navigate(event string, e firefoxEvent) {
	latest := e.Navigation == w.document
	switch event {
	case "navigationStarted":
		w.begin(e.Navigation, e.URL)
		w.early = ""
	case "fragmentNavigated", "historyUpdated":
		w.begun++
	case "navigationCommitted":
		if !latest { // Firefox does not announce what it refuses at once
			w.begin(e.Navigation, e.URL)
		}
		w.committed = e.Navigation
		clear(w.requests)
		reason, address, failed := failed(e.URL)
		if failed {
			w.complain("document", reason, address)
		}
		if failed || w.early == e.URL {
			w.loading = false
		}
	case "load":
		switch {
		case latest && w.committed == w.document:
			w.loading = false
		case latest:
			// It is that of the document before or, some milliseconds early, of
			// the new one.
			w.early = e.URL
		}
	case "navigationFailed", "downloadWillBegin":
		if latest {
			w.fail()
		}
	case "userPromptOpened":
		w.complain("dialog", e.Message, "")
	}
}

// fail ends a navigation that brings no document. The reason may be another
// navigation, which then is about to begin.
func (w *firefoxWatch) fail() {
	if w.loading {
		w.loading, w.until = false, w.latest.Add(moment)
	}
}

// fetch hears of requests.
func (w *firefoxWatch) fetch(event string, e firefoxEvent, document bool) {
	if !strings.HasPrefix(e.Request.URL, "http") {
		return
	}
	switch event {
	case "beforeRequestSent":
		w.requests[e.Request.Request] = e.Navigation
	case "responseStarted":
		switch status := e.Response.Status; {
		case document:
			w.statuses[e.Navigation] = status
		case status >= 400:
			w.complain("network", fmt.Sprintf("the status is %d (%s)", status, http.StatusText(status)), e.Request.URL)
		}
	case "responseCompleted":
		delete(w.requests, e.Request.Request)
	case "fetchError":
		delete(w.requests, e.Request.Request)
		aborted := e.ErrorText == "NS_BINDING_ABORTED" // by a navigation or by a script
		switch {
		case document && aborted && e.Navigation == w.document:
			w.fail()
		case !document && !aborted:
			w.complain("network", e.ErrorText, e.Request.URL)
		}
	}
}
