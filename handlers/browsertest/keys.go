// This file names the keys of a keyboard.

package browsertest

import "github.com/chromedp/chromedp/kb"

// A key is what stands for it in the words of each browser's protocol.
type key struct{ chromium, firefox string }

// named are the keys that make no character, and the space bar.
var named = map[string]key{
	"Backspace":  {kb.Backspace, "\uE003"},
	"Tab":        {kb.Tab, "\uE004"},
	"Enter":      {kb.Enter, "\uE007"},
	"Escape":     {kb.Escape, "\uE00C"},
	"Space":      {" ", " "},
	"PageUp":     {kb.PageUp, "\uE00E"},
	"PageDown":   {kb.PageDown, "\uE00F"},
	"End":        {kb.End, "\uE010"},
	"Home":       {kb.Home, "\uE011"},
	"ArrowLeft":  {kb.ArrowLeft, "\uE012"},
	"ArrowUp":    {kb.ArrowUp, "\uE013"},
	"ArrowRight": {kb.ArrowRight, "\uE014"},
	"ArrowDown":  {kb.ArrowDown, "\uE015"},
	"Delete":     {kb.Delete, "\uE017"},
}

// keysOf are the keys that type a text.
func keysOf(text string) []key {
	var keys []key
	for _, r := range text {
		switch r {
		case '\n':
			keys = append(keys, named["Enter"])
		case '\t':
			keys = append(keys, named["Tab"])
		default:
			keys = append(keys, key{string(r), string(r)})
		}
	}
	return keys
}
