// User agents: which browser a request says that it comes from.

package browser

import "strings"

// ClientName names the program that sent a request, by its User-Agent header, for a list
// in which its user should know it again: a browser by name and version, another program
// by the first word of the header, at most 40 bytes.
func ClientName(userAgent string) string {
	if name := NameOf(userAgent); name != "" {
		return name
	}
	first, _, _ := strings.Cut(strings.ToValidUTF8(userAgent, ""), " ")
	return first[:min(len(first), 40)]
}

// NameOf names a browser and its version, as its User-Agent header tells them, such as
// "Firefox 153.0"; "" for what is no known browser. Chromium's relatives name themselves
// beside it, so they are looked for first.
func NameOf(userAgent string) string {
	for _, known := range [][2]string{{"Firefox/", "Firefox"}, {"Edg/", "Edge"}, {"OPR/", "Opera"}, {"Chrome/", "Chromium"}, {"Version/", "Safari"}} {
		if _, version, ok := strings.Cut(userAgent, known[0]); ok {
			version, _, _ = strings.Cut(version, " ")
			return known[1] + " " + version
		}
	}
	return ""
}
