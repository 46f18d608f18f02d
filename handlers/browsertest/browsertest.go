// This file says what a test can do with a browser: the interfaces Browser and
// Page and the values they take and give. Nothing in it belongs to one browser.

// Package browsertest lets end-to-end tests drive a real browser. A test reads
// as the story of a visitor:
//
//	browser := browsertest.Chromium(t)
//	t.Cleanup(browser.Close)
//
//	page := browser.Visit(t, browsertest.Options{})
//	page.Open(server.URL + "/login")
//	page.Type("[name=user]", "ada")
//	page.Click("button")
//	page.WaitText("h1", "Welcome, ada")
//
// No method returns an error: what goes wrong ends the test with a sentence.
// So the methods of a Page, like those of its testing.TB, are called from the
// goroutine of the test only. A method that waits gives up after twenty seconds.
//
// There are two browsers, Chromium and Firefox. The file tab.go says what a
// browser has to offer for a third.
package browsertest

import (
	"testing"
	"time"
)

// A Browser is one running real browser; it serves many independent visits,
// also those of parallel tests.
type Browser interface {
	// Name is the name of the browser, such as "Chromium".
	Name() string

	// Version is the version of the browser, such as "156.0.8078.79".
	Version() string

	// Visit gives a fresh profile, with its own cookie jar and cache, and one
	// open tab in it. The end of the test closes it.
	Visit(t testing.TB, o Options) Page

	// Close ends the browser. Whoever started the browser closes it, after the
	// last visit has ended.
	Close()
}

// Options say what kind of visitor comes. The zero Options are a visitor in an
// English browser with a light window of 1280 by 800 pixels and scripts on.
type Options struct {
	// NoScript is a visitor who has switched JavaScript off.
	NoScript bool

	// Width and Height are the size of the page in CSS pixels.
	Width, Height int

	// Dark is a visitor who prefers a dark color scheme.
	Dark bool

	// ReducedMotion is a visitor who prefers that little moves.
	ReducedMotion bool

	// Print shows the pages as they would be printed.
	Print bool

	// Language is the language the visitor asks for, such as "de" or "pt-BR".
	Language string
}

// A Page is one tab of a visit. Where a method takes a CSS selector it means
// the first element that matches.
type Page interface {
	// Open goes to the URL, waits until the document has loaded, and gives the
	// HTTP status of the document after all redirects. The status is 0 for a
	// document that does not come by HTTP, such as about:blank.
	Open(url string) int

	// Reload loads the document again and gives its HTTP status.
	Reload() int

	// URL is the address of the document, with its fragment.
	URL() string

	// Title is the title of the document.
	Title() string

	// Text is the visible text of the element, without the space around it. It
	// waits until the element exists.
	Text(selector string) string

	// Texts are the visible texts of all elements that match now.
	Texts(selector string) []string

	// Has reports whether an element matches now.
	Has(selector string) bool

	// Attr is the value of an attribute of the element, "" if the element does
	// not have it. It waits until the element exists.
	Attr(selector, name string) string

	// Type clears the field and types the text with real key events. A line
	// break is the Enter key; if it submits a form, Type waits like Click. A
	// field that does not hold free text, such as a date, is for Eval.
	Type(selector, text string)

	// Click waits until the element can be clicked, scrolls it into view if it
	// is not there, and clicks its centre with the mouse. If a link, a form or a
	// script starts a navigation of this tab at the click, Click waits until the
	// new document has loaded. For a script that does so later, use WaitText.
	Click(selector string)

	// Press presses one key on whatever has the focus, and waits like Click. The
	// key is a character or has the name that a script would see: "Tab",
	// "Enter", "Escape", "Backspace", "Delete", "Home", "End", "PageUp",
	// "PageDown", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"; the space
	// bar is "Space".
	Press(key string)

	// ScrollY says how far the page is scrolled down, in CSS pixels.
	ScrollY() float64

	// WaitText waits until the visible text of the element contains want.
	WaitText(selector, want string)

	// Eval runs a script in the page and decodes the value of its last
	// expression from JSON into the value that into points to; nil drops it. A
	// promise is awaited. The script is the tester's and not the page's, so
	// NoScript does not stop it; timers and event handlers stay off all the
	// same. In Firefox the script of such a tester cannot leave variables
	// behind in the page.
	Eval(js string, into any)

	// Run is Eval for a script that does not care about the focus. Other tabs may
	// act while it waits, so much can be done at once.
	Run(js string, into any)

	// Cookies is the whole cookie jar of the profile, those that are HttpOnly
	// too, as the browser itself reports it, in the order of domain, path and
	// name.
	Cookies() []Cookie

	// SetCookie writes a cookie to the jar, as the developer tools would. Path
	// defaults to "/"; Size does not matter.
	SetCookie(c Cookie)

	// DeleteCookie removes the cookies with this name that the browser would
	// send to the URL.
	DeleteCookie(name, url string)

	// ClearCookies empties the cookie jar of the profile.
	ClearCookies()

	// Complaints are the things the browser disliked since the tab was opened:
	// errors and warnings in the console, uncaught exceptions, violations of
	// the content security policy, dialogs such as that of alert (they are
	// accepted at once), and requests that failed. An HTTP status of 400 and
	// above is a complaint for what a document loads, not for the document of
	// the tab itself. Frames of other sites and workers may not be heard.
	//
	// Complaints first waits, up to a second, for requests under way. The
	// words are those of the browser, so look for a part of them.
	Complaints() []string

	// Screenshot writes the full page, also what is out of view, to a PNG file.
	Screenshot(file string)

	// ScreenshotView writes only what is in the window now to a PNG file.
	ScreenshotView(file string)

	// NewTab opens another tab of the same visit: it shares the cookie jar.
	NewTab() Page

	// CloseTab closes this tab and leaves the others of the visit open.
	CloseTab()
}

// A Cookie is one cookie in the jar of a browser.
type Cookie struct {
	Name, Value string

	// Domain is the host or domain, never with a leading dot.
	Domain string

	// HostOnly cookies go to exactly the host Domain, all others also to the
	// hosts below it.
	HostOnly bool

	Path string

	// Expires is zero for a session cookie.
	Expires time.Time

	// Size is the length of name and value in bytes.
	Size int

	HTTPOnly, Secure bool

	// SameSite is "Lax", "Strict", "None", or "" if the cookie does not say.
	SameSite string

	// Partitioned cookies lie apart, in the jar of one top-level site.
	Partitioned bool

	// Priority is "Low", "Medium" or "High", and "" in a browser without it.
	Priority string
}
