// This file listens to what Chromium tells about a tab: where it navigates and
// what it complains about.

package browsertest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// watch remembers what happened in one tab. Chromium names every load of a
// document by a loader ID, and the request for the document has the same ID.
type watch struct {
	mu    sync.Mutex
	ctx   context.Context // of the tab, to answer dialogs
	frame cdp.FrameID     // the main frame of the tab

	asked    time.Time                          // when the page asked for a navigation that has not begun
	begun    int                                // navigations so far, also those within a document
	loader   cdp.LoaderID                       // of the latest navigation to another document
	url      string                             // where that navigation went first
	loading  bool                               // whether it is still under way
	statuses map[network.RequestID]int          // HTTP statuses of the documents of the tab
	requests map[network.RequestID]cdp.LoaderID // requests under way, and for whom

	latest     time.Time // event
	complaints []string
}

func newWatch() *watch {
	return &watch{statuses: map[network.RequestID]int{}, requests: map[network.RequestID]cdp.LoaderID{}}
}

// begin tells the watch which tab it watches.
func (w *watch) begin(ctx context.Context, frame cdp.FrameID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ctx, w.frame = ctx, frame
}

// navigations is the number of navigations that have begun so far.
func (w *watch) navigations() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.begun
}

// loaded reports whether no navigation is under way. One that the page asked
// for begins within a second or never, as when the browser refuses it.
func (w *watch) loaded() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.loading && time.Since(w.asked) > time.Second
}

// status is the HTTP status of the latest document, or 0.
func (w *watch) status() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.statuses[network.RequestID(w.loader)]
}

// quiet reports whether no request is under way and nothing happens any more.
func (w *watch) quiet() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.requests) == 0 && time.Since(w.latest) > 2*moment
}

// hear takes in one event. Chromium sends them one after the other.
func (w *watch) hear(event any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.latest = time.Now()
	switch e := event.(type) {
	case *page.EventFrameRequestedNavigation:
		here := e.Disposition == page.ClientNavigationDispositionCurrentTab
		if e.FrameID == w.frame && here && !strings.HasPrefix(e.URL, "javascript:") {
			w.asked = w.latest
		}
	case *page.EventFrameStartedNavigating:
		within := e.NavigationType == page.FrameStartedNavigatingNavigationTypeSameDocument ||
			e.NavigationType == page.FrameStartedNavigatingNavigationTypeHistorySameDocument
		if e.FrameID == w.frame && !within {
			w.asked = time.Time{}
			w.begun++
			w.loader, w.url, w.loading = e.LoaderID, e.URL, true
		}
	case *page.EventNavigatedWithinDocument:
		if e.FrameID == w.frame {
			w.begun++
		}
	case *page.EventFrameNavigated:
		if e.Frame.ID == w.frame {
			maps.DeleteFunc(w.requests, func(_ network.RequestID, loader cdp.LoaderID) bool { return loader != e.Frame.LoaderID })
			if e.Type == page.NavigationTypeBackForwardCacheRestore {
				w.loading = false // it is complete and will not load again
			}
		}
	case *page.EventLifecycleEvent:
		if e.Name == "load" && e.LoaderID == w.loader {
			w.loading = false
		}
	case *page.EventJavascriptDialogOpening:
		w.complain("dialog", e.Message, "")
		go chromedp.Call(w.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})

	case *network.EventRequestWillBeSent:
		if e.Type != network.ResourceTypeEventSource {
			w.requests[e.RequestID] = e.LoaderID
		}
	case *network.EventResponseReceived:
		if e.FrameID == w.frame && string(e.RequestID) == string(e.LoaderID) {
			w.statuses[e.RequestID] = int(e.Response.Status)
		}
	case *network.EventLoadingFinished:
		delete(w.requests, e.RequestID)
	case *network.EventLoadingFailed:
		delete(w.requests, e.RequestID)
		document := string(e.RequestID) == string(w.loader)
		switch {
		case document && e.Canceled:
			w.loading = false // else Chromium goes on to load a page that explains the failure
		case document && w.statuses[e.RequestID] == 0:
			w.complain("document", e.ErrorText, w.url)
		}

	case *log.EventEntryAdded:
		_, document := w.statuses[e.Entry.NetworkRequestID]
		bad := e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning
		if bad && !document {
			w.complain(e.Entry.Source.String(), e.Entry.Text, e.Entry.URL)
		}
	case *runtime.EventConsoleAPICalled:
		bad := []runtime.ConsoleAPICalledType{runtime.ConsoleAPICalledTypeError, runtime.ConsoleAPICalledTypeWarning, runtime.ConsoleAPICalledTypeAssert}
		if slices.Contains(bad, e.Type) {
			words := make([]string, len(e.Args))
			for i, arg := range e.Args {
				words[i] = plain(arg)
			}
			w.complain("console."+e.Type.String(), strings.Join(words, " "), "")
		}
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + plain(e.ExceptionDetails.Exception)
		}
		w.complain("exception", text, e.ExceptionDetails.URL)
	}
}

// complain notes a complaint with its source and, if known, the address.
func (w *watch) complain(source, text, url string) {
	complaint := source + ": " + text
	if url != "" && !strings.Contains(text, url) {
		complaint += fmt.Sprintf(" (%s)", url)
	}
	w.complaints = append(w.complaints, complaint)
}

// plain is a value of a script as the console shows it.
func plain(value *runtime.RemoteObject) string {
	var text string
	switch {
	case json.Unmarshal(value.Value, &text) == nil:
		return text
	case value.Description != "":
		return value.Description
	}
	return string(value.Value)
}

func (p *tab) Complaints() []string {
	p.t.Helper()
	p.settle()
	poll(time.Second, p.watch.quiet)
	p.watch.mu.Lock()
	defer p.watch.mu.Unlock()
	return slices.Clone(p.watch.complaints)
}
