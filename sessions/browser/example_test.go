package browser_test

import (
	"fmt"
	"time"

	"cookielab/sessions/browser"
)

// Three readers of one line: the tab inside the value makes Chromium drop it.
func ExampleJar_Receive() {
	at, err := browser.ParseURL("http://localhost/login")
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	for _, profile := range browser.Profiles() {
		jar := browser.New(profile)
		verdicts := jar.Receive(browser.Response{
			URL: at, SetCookie: []string{"id=a\tb; Max-Age=60"}, Now: now, Context: browser.Typed,
		})
		fmt.Println(profile, verdicts[0].Outcome, verdicts[0].Rule.ID, verdicts[0].Rule.Section)
	}
	// Output:
	// draft stored stored 5.7 step 24
	// chromium ignored control-character measured
	// firefox stored stored 5.7 step 24
}

// A form on another site: the cookie without SameSite goes with Firefox, and for
// two minutes with Chromium.
func ExampleJar_Send() {
	at, err := browser.ParseURL("https://shop.example/")
	if err != nil {
		fmt.Println(err)
		return
	}
	from, err := browser.ParseURL("https://evil.example/")
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	for _, profile := range browser.Profiles() {
		jar := browser.New(profile)
		jar.Receive(browser.Response{URL: at, SetCookie: []string{"id=1", "ui=2; SameSite=Lax"}, Now: now, Context: browser.Typed})
		sent := jar.Send(browser.Request{
			URL: at, Now: now.Add(5 * time.Minute),
			Context: browser.Context{From: &from, Navigation: true, Method: "POST"},
		})
		fmt.Printf("%s sends %q\n", profile, sent.Header)
	}
	// Output:
	// draft sends ""
	// chromium sends ""
	// firefox sends "id=1"
}
