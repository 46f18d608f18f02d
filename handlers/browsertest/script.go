// This file holds the questions that a driver asks a page in JavaScript. They
// are plain DOM, so they serve every browser.

package browsertest

import (
	"encoding/json"
	"fmt"
	"strings"
)

// script is an expression; its value is an object with one function for each
// question. No function ever waits: null or a problem means "not yet".
const script = `(() => {
	const first = selector => document.querySelector(selector)

	const visible = e => e.checkVisibility() ||
		getComputedStyle(e).display === "contents" && !!e.parentElement && visible(e.parentElement)

	const visibleText = e => visible(e) ? e.innerText.trim() : ""

	// The centre of the first box, because an inline element may have several.
	const centre = e => {
		const box = e.getClientRects()[0]
		return {x: box.x + box.width / 2, y: box.y + box.height / 2}
	}

	const reaches = (point, e) => {
		const hit = document.elementFromPoint(point.x, point.y)
		return !!hit && (e.contains(hit) || hit.closest("label")?.control === e)
	}

	return {
		text(selector) {
			const e = first(selector)
			return e && visibleText(e)
		},

		texts(selector) {
			return Array.from(document.querySelectorAll(selector), visibleText)
		},

		has(selector) {
			return first(selector) !== null
		},

		attr(selector, name) {
			const e = first(selector)
			return e && (e.getAttribute(name) ?? "")
		},

		// Where to click; the element is in view afterwards.
		aim(selector) {
			const e = first(selector)
			if (!e) return {problem: "does not exist"}
			if (!visible(e) || e.getClientRects().length === 0) return {problem: "is not visible"}
			for (const block of ["nearest", "center"]) {
				e.scrollIntoView({block, inline: "nearest", behavior: "instant"})
				const point = centre(e)
				if (reaches(point, e)) return point
			}
			const cover = document.elementFromPoint(centre(e).x, centre(e).y)
			return {problem: cover ? "is covered by " + cover.cloneNode().outerHTML : "is out of reach"}
		},

		// Gives the keyboard to a field, with its whole content selected.
		focus(selector) {
			const e = first(selector)
			if (!e) return "does not exist"
			e.focus()
			if (document.activeElement !== e) return "does not take the focus"
			if (e.isContentEditable) getSelection().selectAllChildren(e)
			else e.select?.()
			return ""
		},
	}
})()`

// question is the expression that asks the page one of the questions.
func question(name string, args ...any) string {
	return calling(script+"."+name, args...)
}

// calling is the expression that calls a function.
func calling(function string, args ...any) string {
	list := make([]string, len(args))
	for i, arg := range args {
		text, err := json.Marshal(arg)
		if err != nil {
			panic(err) // the arguments are plain values
		}
		list[i] = string(text)
	}
	return fmt.Sprintf("%s(%s)", function, strings.Join(list, ", "))
}
