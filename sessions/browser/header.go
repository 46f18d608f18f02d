// A Set-Cookie header on the wire: what the browsers' readers of HTTP make of line
// breaks and of NUL in it, before anybody looks for a cookie.

package browser

import "strings"

// values are those of Set-Cookie in each of the headers of a response, in which a
// line break may begin another one. Headers behind an empty line have none: they are
// a part of the page. It fails if there is a NUL in what was read.
func (p Profile) values(headers []string) (values [][]string, fails bool) {
	values = make([][]string, len(headers))
	for i, header := range headers {
		if !p.does(lineBreaks) {
			values[i] = []string{header}
			continue
		}
		lines, ended := p.lines(header)
		for n, line := range lines {
			if n == 0 {
				values[i] = append(values[i], line)
				fails = fails || strings.Contains(line, "\x00") && p.does(nulFailsResponse)
				continue
			}
			name, value, ok := strings.Cut(line, ":")
			nul := strings.Contains(line, "\x00") && p.does(nulFailsResponse)
			fails = fails || nul && (ok && isToken(name) || p.does(nulFailsAnywhere))
			if p.does(spaceBeforeColon) {
				name = trim(name)
			}
			if ok && lower(name) == "set-cookie" {
				values[i] = append(values[i], value)
			}
		}
		if ended {
			break
		}
	}
	return values, fails
}

// lines takes a header apart where its lines end, puts those together that are
// folded, and reports whether an empty line ends the headers in it.
func (p Profile) lines(header string) (lines []string, ended bool) {
	var folded [][]string                                   // the pieces of each line
	for n, line := range strings.Split(header+"\r", "\n") { // its own end is CR LF
		if ended = n > 0 && (line == "" || line == "\r"); ended {
			break
		}
		pieces := []string{strings.TrimSuffix(line, "\r")}
		if p.does(crEndsHeader) {
			pieces = strings.Split(line, "\r")
		}
		for _, piece := range pieces {
			last := len(folded) - 1
			switch {
			case last < 0:
				folded = append(folded, []string{piece})
			case piece == "":
			case piece[0] != ' ' && piece[0] != '\t':
				folded = append(folded, []string{piece})
			case p.does(foldIsOneSpace):
				folded[last] = append(folded[last], " ", strings.TrimLeft(piece, " \t"))
			default:
				folded[last] = append(folded[last], piece)
			}
		}
	}
	for _, pieces := range folded {
		lines = append(lines, strings.Join(pieces, ""))
	}
	return lines, ended
}
