// Addresses as a browser reads them: hosts in their canonical form, paths as they
// stand in the request line, and what makes two of them one site.

package browser

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// ErrURL: not an address of a page, that is one of http or https with a host.
var ErrURL = errors.New("browser: not an address of a page")

// URL is the part of an address that cookies depend on. Ports are not: they never
// count for cookies (RFC 6265bis 8.5).
type URL struct {
	Scheme string // "http", "https"
	Host   string // canonical (RFC 6265bis 5.1.2): lower case, punycode, IPv6 in brackets
	Path   string // as the request line has it: escaped, no query
}

// ParseURL reads an address as browsers do (the URL Standard of WHATWG):
// 127.1 is 127.0.0.1, and /a/../b is /b. [ErrURL] for whatever has no cookies.
func ParseURL(raw string) (URL, error) {
	raw = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(strings.Trim(raw, " \t\n\r\f\v\x00"))
	scheme, rest, ok := strings.Cut(raw, ":")
	scheme = strings.ToLower(scheme)
	if !ok || scheme != "http" && scheme != "https" {
		return URL{}, fmt.Errorf("%w: it does not begin with http:// or https://", ErrURL)
	}
	rest = strings.TrimLeft(rest, `/\`)
	end := strings.IndexAny(rest, `/\?#`)
	if end < 0 {
		end = len(rest)
	}
	authority, path := rest[:end], rest[end:]
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		authority = authority[at+1:]
	}
	host, err := hostOf(authority)
	if err != nil {
		return URL{}, err
	}
	if end := strings.IndexAny(path, "?#"); end >= 0 {
		path = path[:end]
	}
	return URL{Scheme: scheme, Host: host, Path: canonicalPath(path)}, nil
}

func (u URL) String() string { return u.Scheme + "://" + u.Host + u.Path }

// hostOf takes the port off and makes the rest canonical.
func hostOf(authority string) (string, error) {
	name, port := authority, ""
	if at := strings.LastIndexByte(authority, ':'); at > strings.LastIndexByte(authority, ']') {
		name, port = authority[:at], authority[at+1:]
	}
	if port != "" {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return "", fmt.Errorf("%w: %.300q is no port", ErrURL, port)
		}
	}
	if inner, ok := strings.CutPrefix(name, "["); ok {
		address, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		if err != nil || !address.Is6() || address.Zone() != "" || !strings.HasSuffix(inner, "]") {
			return "", fmt.Errorf("%w: %.300q is no IPv6 address", ErrURL, name)
		}
		return "[" + ipv6Text(address) + "]", nil
	}
	host, ok := canonicalHost(unescape(name))
	if !ok || host == "" || len(host) > maxHost {
		return "", fmt.Errorf("%w: %.300q is no host", ErrURL, name)
	}
	if last := host[strings.LastIndexByte(strings.TrimSuffix(host, "."), '.')+1:]; isNumber(strings.TrimSuffix(last, ".")) {
		address, ok := ipv4Of(strings.TrimSuffix(host, "."))
		if !ok {
			return "", fmt.Errorf("%w: %.300q is no IPv4 address", ErrURL, name)
		}
		return address, nil
	}
	return host, nil
}

// A host has at most 253 characters (RFC 1035 2.3.4) and a dot at the end. maxName is
// the limit for a name with other characters than ASCII, in bytes: the time that
// punycode takes grows with the square of its length.
const (
	maxHost = 254
	maxName = 4 * maxHost
)

// canonicalHost is RFC 6265bis 5.1.2 for a name: punycode, lower case.
func canonicalHost(name string) (string, bool) {
	if strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`#%/:<>?@[\]^|`, r) }) {
		return "", false
	}
	if !isASCII(name) {
		if len(name) > maxName {
			return "", false
		}
		ascii, err := idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false)).ToASCII(name)
		return ascii, err == nil
	}
	return lower(name), true
}

// ipv4Of reads the forms of an IPv4 address that the URL Standard knows: one to
// four numbers, each decimal, octal (0…) or hexadecimal (0x…).
func ipv4Of(host string) (string, bool) {
	parts := strings.Split(host, ".")
	if len(parts) > 4 {
		return "", false
	}
	var address uint64
	for i, part := range parts {
		n, err := number(part)
		if err != nil {
			return "", false
		}
		if i < len(parts)-1 {
			if n > 255 {
				return "", false
			}
			address |= n << (8 * (3 - i))
			continue
		}
		if n >= 1<<(8*(5-len(parts))) {
			return "", false
		}
		address |= n
	}
	return netip.AddrFrom4([4]byte{byte(address >> 24), byte(address >> 16), byte(address >> 8), byte(address)}).String(), true
}

func isNumber(label string) bool {
	if label == "" {
		return false
	}
	_, err := number(label)
	return err == nil || strings.Trim(label, "0123456789") == ""
}

func number(text string) (uint64, error) {
	if hex, ok := strings.CutPrefix(text, "0x"); ok {
		if hex == "" {
			return 0, nil
		}
		return strconv.ParseUint(hex, 16, 34)
	}
	if len(text) > 1 && text[0] == '0' {
		return strconv.ParseUint(text[1:], 8, 34)
	}
	return strconv.ParseUint(text, 10, 34)
}

// ipv6Text writes an IPv4 address inside an IPv6 one in hexadecimal, as browsers
// do and netip does not.
func ipv6Text(address netip.Addr) string {
	if address.Is4In6() {
		b := address.As16()
		return fmt.Sprintf("::ffff:%x:%x", uint(b[12])<<8|uint(b[13]), uint(b[14])<<8|uint(b[15]))
	}
	return address.String()
}

// canonicalPath is the path of a request: dot segments resolved, what has no
// place in a request line escaped.
func canonicalPath(path string) string {
	segments := strings.Split(strings.ReplaceAll(path, `\`, "/"), "/")[min(1, len(path)):]
	var kept []string
	for i, segment := range segments {
		last := i == len(segments)-1
		switch strings.ReplaceAll(lower(segment), "%2e", ".") {
		case ".":
			if last {
				kept = append(kept, "")
			}
		case "..":
			kept = kept[:max(len(kept)-1, 0)]
			if last {
				kept = append(kept, "")
			}
		default:
			kept = append(kept, escape(segment))
		}
	}
	return "/" + strings.Join(kept, "/")
}

func escape(segment string) string {
	var out strings.Builder
	for i := range len(segment) {
		if c := segment[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"#<>?^`{}", c) >= 0 {
			fmt.Fprintf(&out, "%%%02X", c)
		} else {
			out.WriteByte(c)
		}
	}
	return out.String()
}

// unescape decodes the percent signs of a host.
func unescape(host string) string {
	var out strings.Builder
	for i := 0; i < len(host); i++ {
		if host[i] == '%' && i+2 < len(host) {
			if b, err := strconv.ParseUint(host[i+1:i+3], 16, 8); err == nil {
				out.WriteByte(byte(b))
				i += 2
				continue
			}
		}
		out.WriteByte(host[i])
	}
	return out.String()
}

// isIP reports whether a canonical host is an address and not a name.
func isIP(host string) bool {
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil
}

// registrable is the domain that somebody can register, with its public suffix
// (eTLD+1); "" for addresses, for public suffixes and for names of one label, such
// as localhost. A name that the list does not know has its last label as suffix.
func registrable(host string) string {
	name, dot := strings.CutSuffix(host, ".")
	if isIP(name) {
		return ""
	}
	domain, err := publicsuffix.EffectiveTLDPlusOne(name)
	if err != nil {
		return ""
	}
	if dot {
		domain += "."
	}
	return domain
}

// isPublicSuffix is RFC 6265bis 5.7, step 9.
func isPublicSuffix(domain string) bool {
	if isIP(domain) || domain == "" {
		return false
	}
	suffix, _ := publicsuffix.PublicSuffix(strings.TrimSuffix(domain, "."))
	return suffix == strings.TrimSuffix(domain, ".")
}

// Site is what two addresses of one site have in common (RFC 6265bis 5.2): the
// registrable domain, or the host if there is none.
func (u URL) Site() string {
	if domain := registrable(u.Host); domain != "" {
		return domain
	}
	return u.Host
}

// Secure reports whether cookies with Secure may travel (RFC 6265bis 5.8.3, step
// 1). Both browsers count this machine itself among the secure connections
// (measured; W3C Secure Contexts 3.1), but not its IPv4 address written as IPv6.
func (u URL) Secure() bool {
	if u.Scheme == "https" {
		return true
	}
	host := strings.TrimSuffix(u.Host, ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && address.IsLoopback() && !address.Is4In6()
}

// path is that of an address as the profile asks for it.
func (p Profile) path(u URL) string {
	if p.does(barEscaped) {
		return strings.ReplaceAll(u.Path, "|", "%7C")
	}
	return u.Path
}

// defaultPath is RFC 6265bis 5.1.4.
func (u URL) defaultPath() string {
	last := strings.LastIndexByte(u.Path, '/')
	if last <= 0 {
		return "/"
	}
	return u.Path[:last]
}

// pathMatches is RFC 6265bis 5.1.4.
func pathMatches(request, cookie string) bool {
	rest, ok := strings.CutPrefix(request, cookie)
	return ok && cookie != "" && (rest == "" || cookie[len(cookie)-1] == '/' || rest[0] == '/')
}

// domainMatches is RFC 6265bis 5.1.3.
func domainMatches(host, domain string) bool {
	above, ok := strings.CutSuffix(host, domain)
	return ok && (above == "" || above[len(above)-1] == '.' && !isIP(host))
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return false
		}
	}
	return true
}

// lower makes ASCII letters small and leaves all other bytes as they are.
func lower(text string) string {
	out := []byte(text)
	for i, c := range out {
		if 'A' <= c && c <= 'Z' {
			out[i] = c + 'a' - 'A'
		}
	}
	return string(out)
}

// IsAddress reports whether the host is an IP address and not a name.
func (u URL) IsAddress() bool { return isIP(u.Host) }
