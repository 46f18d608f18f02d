// This file holds what BiDi lacks: functions that run in the chrome of Firefox,
// where its own user interface runs, and do per visit what WebDriver does not.

package browsertest

import (
	"encoding/json"
	"fmt"
)

// helpScript installs the functions. They tell their news through a channel.
const helpScript = `tell => {
	const load = name => ChromeUtils.importESModule("chrome://remote/content/shared/" + name + ".sys.mjs")[name]
	const tabs = load("NavigableManager")
	const containers = load("UserContextManager")
	const attributes = visit => ({userContextId: containers.getInternalIdById(visit)})
	const visitors = new Map() // their options, by the number of the container

	// A navigation may replace the browsing context and lose what was set on it.
	Services.obs.addObserver(context => {
		const o = visitors.get(context.originAttributes.userContextId)
		if (!o || !context.isContent || context.parent) return
		context.allowJavascript = !o.noScript
		context.prefersColorSchemeOverride = o.dark ? "dark" : "light"
		context.prefersReducedMotionOverride = o.reducedMotion ? "reduce" : "no-preference"
		if (o.print) context.mediumOverride = "print"
	}, "browsing-context-attached")

	// Tabs that are not in front can have the focus too.
	const style = document.createElement("style")
	style.textContent = "tabpanels > * { -moz-subtree-hidden-only-visually: 0 !important; visibility: visible !important }"
	document.documentElement.append(style)

	// BiDi passes on what console.log and its like say, but no warning of the
	// browser; and not that a document is back which was kept as it was left.
	// This runs in the process of each page, where both can be heard.
	const listen = () => {
		const hear = message => {
			if (!(message instanceof Ci.nsIScriptError) || message.flags & Ci.nsIScriptError.infoFlag) return
			const page = WindowGlobalChild.getByInnerWindowId(message.innerWindowID)
			if (page?.browsingContext.top !== docShell.browsingContext) return
			sendAsyncMessage("cookielab", {category: message.category, text: message.errorMessage, url: message.sourceName})
		}
		Services.console.registerListener(hear)
		addEventListener("unload", () => Services.console.unregisterListener(hear))
		addEventListener("pageshow", event => {
			if (event.persisted && event.target === content.document) sendAsyncMessage("cookielab", {restored: true})
		})
	}
	messageManager.addMessageListener("cookielab", ({target, data}) => tell({context: tabs.getIdForBrowser(target), ...data}))
	messageManager.loadFrameScript("data:,(" + encodeURIComponent(listen) + ")()", true)

	const sameSites = {[Ci.nsICookie.SAMESITE_NONE]: "None", [Ci.nsICookie.SAMESITE_LAX]: "Lax", [Ci.nsICookie.SAMESITE_STRICT]: "Strict"}

	window.cookielab = {
		dress(visit, options) {
			visitors.set(attributes(visit).userContextId, options)
		},

		forget(visit) {
			visitors.delete(attributes(visit).userContextId)
		},

		// Lets a tab behind others live as one in front.
		wake(tab) {
			tabs.getBrowserById(tab).docShellIsActive = true
		},

		focus(tab) {
			tabs.getBrowserById(tab).focus()
		},

		cookies(visit) {
			const {userContextId} = attributes(visit)
			// A name comes as bytes, a value as text.
			const text = bytes => new TextDecoder().decode(Uint8Array.from(bytes, byte => byte.charCodeAt(0)))
			// Those that have expired lie there still.
			const lives = c => c.isSession || c.expiry > Date.now()
			return Services.cookies.cookies.filter(c => c.originAttributes.userContextId === userContextId && lives(c)).map(c => ({
				name: text(c.name), value: c.value, host: c.host, path: c.path,
				expires: c.isSession ? 0 : c.expiry, httpOnly: c.isHttpOnly, secure: c.isSecure,
				sameSite: sameSites[c.sameSite] ?? "", partition: c.originAttributes.partitionKey,
			}))
		},

		setCookie(visit, c) {
			const sameSite = Object.keys(sameSites).find(number => sameSites[number] === c.sameSite) ?? Ci.nsICookie.SAMESITE_UNSET
			const scheme = c.secure ? Ci.nsICookie.SCHEME_HTTPS : Ci.nsICookie.SCHEME_HTTP
			const {result, errorString} = Services.cookies.add(c.host, c.path, c.name, c.value,
				c.secure, c.httpOnly, c.expires === 0, c.expires || Number.MAX_SAFE_INTEGER, attributes(visit), Number(sameSite), scheme)
			if (result !== Ci.nsICookieValidation.eOK) throw new Error(errorString)
		},

		clearCookies(visit) {
			Services.cookies.removeCookiesWithOriginAttributes(JSON.stringify(attributes(visit)))
		},

		deleteCookie(visit, c) {
			Services.cookies.remove(c.host, c.name, c.path, {...attributes(visit), partitionKey: c.partition})
		},
	}
}`

// installHelp runs the script in the chrome.
func (b *firefox) installHelp() error {
	return b.call("script.callFunction", object{
		"functionDeclaration": helpScript,
		"arguments":           []any{object{"type": "channel", "value": object{"channel": "console"}}},
		"target":              object{"context": b.window},
		"awaitPromise":        false,
	}, nil)
}

// help calls one of the functions and decodes its value; nil drops it.
func (b *firefox) help(function string, into any, args ...any) error {
	value, err := b.evaluate(object{"context": b.window}, calling("cookielab."+function, args...))
	if err != nil || into == nil {
		return err
	}
	return json.Unmarshal(value, into)
}

// evaluate runs a script in the chrome or in a page and gives its value as JSON.
func (b *firefox) evaluate(target object, js string) (json.RawMessage, error) {
	var answer struct {
		Result           remote
		ExceptionDetails *struct{ Text string }
	}
	err := b.call("script.evaluate", object{"expression": js, "target": target, "awaitPromise": true}, &answer)
	switch {
	case err != nil:
		return nil, err
	case answer.ExceptionDetails != nil:
		return nil, thrown(fmt.Sprintf("exception: %s", answer.ExceptionDetails.Text))
	}
	return answer.Result.json()
}
