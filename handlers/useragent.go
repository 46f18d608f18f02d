// User agents: which browser a request says that it comes from.

package handlers

import (
	"net/http"
	"strings"
)

// clientName is the program that sent a request, for a list in which its user
// should know it again: a browser by name and version, another program by the
// beginning of its User-Agent.
func clientName(r *http.Request) string {
	agent := r.UserAgent()
	if name := browserName(agent); name != "" {
		return name
	}
	agent, _, _ = strings.Cut(strings.ToValidUTF8(agent, ""), " ")
	return agent[:min(len(agent), 40)]
}

// browserName is a browser and its version as its User-Agent header tells them,
// such as "Firefox 153.0"; "" for what is no known browser. Chromium's relatives
// name themselves beside it, so they are looked for first.
func browserName(userAgent string) string {
	for _, known := range [][2]string{{"Firefox/", "Firefox"}, {"Edg/", "Edge"}, {"OPR/", "Opera"}, {"Chrome/", "Chromium"}, {"Version/", "Safari"}} {
		if _, version, ok := strings.Cut(userAgent, known[0]); ok {
			version, _, _ = strings.Cut(version, " ")
			return known[1] + " " + version
		}
	}
	return ""
}
