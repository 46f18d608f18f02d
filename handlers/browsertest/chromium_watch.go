// This file listens to what Chromium tells about a tab.

package browsertest

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// chromiumWatch fills a watch. Chromium names every load of a document by a
// loader ID, and the request for the document has the same ID.
type chromiumWatch struct {
	*watch
	ctx   context.Context // of the tab, to answer dialogs
	frame cdp.FrameID     // the main frame of the tab
}

// attend tells the watch which tab it watches.
func (w *chromiumWatch) attend(ctx context.Context, frame cdp.FrameID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ctx, w.frame = ctx, frame
}

// hear takes in one event. Chromium sends them one after the other.
func (w *chromiumWatch) hear(event any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.latest = time.Now()
	switch e := event.(type) {
	case *page.EventFrameRequestedNavigation:
		here := e.Disposition == page.ClientNavigationDispositionCurrentTab
		if e.FrameID == w.frame && here && !strings.HasPrefix(e.URL, "javascript:") {
			// It begins soon or never, as when the browser refuses it.
			w.until = w.latest.Add(time.Second)
		}
	case *page.EventFrameStartedNavigating:
		within := e.NavigationType == page.FrameStartedNavigatingNavigationTypeSameDocument ||
			e.NavigationType == page.FrameStartedNavigatingNavigationTypeHistorySameDocument
		if e.FrameID == w.frame && !within {
			w.begin(string(e.LoaderID), e.URL)
		}
	case *page.EventNavigatedWithinDocument:
		if e.FrameID == w.frame {
			w.begun++
		}
	case *page.EventFrameNavigated:
		if e.Frame.ID == w.frame {
			maps.DeleteFunc(w.requests, func(_, loader string) bool { return loader != string(e.Frame.LoaderID) })
			if e.Type == page.NavigationTypeBackForwardCacheRestore {
				w.loading = false // it is complete and will not load again
			}
		}
	case *page.EventLifecycleEvent:
		if e.Name == "load" && string(e.LoaderID) == w.document {
			w.loading = false
		}
	case *page.EventJavascriptDialogOpening:
		w.complain("dialog", e.Message, "")
		go chromedp.Call(w.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})

	case *network.EventRequestWillBeSent:
		if e.Type != network.ResourceTypeEventSource {
			w.requests[string(e.RequestID)] = string(e.LoaderID)
		}
	case *network.EventResponseReceived:
		if e.FrameID == w.frame && string(e.RequestID) == string(e.LoaderID) {
			w.statuses[string(e.RequestID)] = int(e.Response.Status)
		}
	case *network.EventLoadingFinished:
		delete(w.requests, string(e.RequestID))
	case *network.EventLoadingFailed:
		delete(w.requests, string(e.RequestID))
		document := string(e.RequestID) == w.document
		switch {
		case document && e.Canceled:
			w.loading = false // else Chromium goes on to load a page that explains the failure
		case document && w.statuses[w.document] == 0:
			w.complain("document", e.ErrorText, w.url)
		}

	case *log.EventEntryAdded:
		_, document := w.statuses[string(e.Entry.NetworkRequestID)]
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
