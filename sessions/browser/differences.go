// What the browsers do otherwise than the draft says, each with where it was seen.
// Everything else in this package holds for all three.

package browser

import "slices"

// difference names one thing.
type difference int

const (
	tabIsControl difference = iota
	nulFailsResponse
	nulFailsAnywhere
	lineBreaks
	crEndsHeader
	foldIsOneSpace
	spaceBeforeColon
	nameWithoutEquals
	namelessRefused
	namelessEqualsRefused
	lossyValues
	scriptNeedsUTF8
	maxAgePlus
	maxAgeFull
	maxAgeMinus
	lastExpiryCounts
	lenientDates
	looseDates
	datesByServerClock
	domainToPunycode
	lonelyDotRefused
	addressIsHostOnly
	longFlagsKept
	tabInPathRefused
	longDefaultPathLost
	barEscaped
	newValueIsNewer
	prefixByResult
	moreHTTPPrefixes
	partitions
	partitionsThirdParties
	blocksThirdParties
	laxByDefault
	laxMethodExempt
	schemeless
	redirectsCount
	priorities
	partitionOneByOne
	partitionInBytes
	usedAtOnce
	evictsAtOnce
	refusesWhenFull
	differences // how many
)

// parting is who does it, and the proof.
type parting struct {
	who    []Profile
	what   string
	source string
}

const (
	seen156 = "Chromium 156.0.8078.79 and .108"
	seen153 = "Firefox 153.7.0"
	seen    = seen156 + ", " + seen153
)

// partings is the one table. The draft stands in it only where it says something
// that a browser does not do.
//
// What the draft leaves open its profile takes so: this machine itself is reached
// securely (5.8.3, step 1), nothing is evicted (6.1), no third party is blocked
// (7.2), and a young cookie without SameSite is as Lax as an old one (5.6.7.2).
var partings = [differences]parting{
	tabIsControl:           {[]Profile{Chromium}, "a tab inside a name, a value or an attribute is a control character", seen156 + ": DisallowedCharacter"},
	nulFailsResponse:       {[]Profile{Chromium, Firefox}, "a NUL in the header makes the whole response fail", seen + ": ERR_INVALID_HTTP_RESPONSE, NS_ERROR_DOM_INVALID_HEADER_VALUE"},
	nulFailsAnywhere:       {[]Profile{Chromium}, "so does a NUL in what is no header, such as a line without a colon", seen156},
	lineBreaks:             {[]Profile{Chromium, Firefox}, "a line feed ends the header: what follows is another, goes on with it if it begins with white space, or is the page behind an empty line", seen + "; RFC 9112 5.2"},
	crEndsHeader:           {[]Profile{Chromium}, "a carriage return ends the header, too", seen156},
	foldIsOneSpace:         {[]Profile{Chromium}, "white space at the start of a header that goes on becomes one space", seen156},
	spaceBeforeColon:       {[]Profile{Chromium}, "white space between the name of a header and its colon does no harm", seen156},
	nameWithoutEquals:      {[]Profile{Firefox}, "without = it is a name with an empty value", seen153},
	namelessRefused:        {[]Profile{Firefox}, "an empty name before = is refused", seen153 + ": invalid characters in the name"},
	namelessEqualsRefused:  {[]Profile{Chromium, Firefox}, "a nameless cookie whose value has a = at its start is refused", seen},
	lossyValues:            {[]Profile{Firefox}, "bytes of a value that are not UTF-8 are sent back as U+FFFD", seen153},
	scriptNeedsUTF8:        {[]Profile{Chromium}, "a script reads no cookies at all if one of them is not UTF-8", seen156},
	maxAgePlus:             {[]Profile{Chromium}, "Max-Age may begin with +", seen156},
	maxAgeFull:             {[]Profile{Chromium}, "a Max-Age that begins with 9223372036854775807 is the longest, whatever follows", seen156},
	maxAgeMinus:            {[]Profile{Firefox}, "a Max-Age that begins with - is in the past, whatever follows", seen153},
	lastExpiryCounts:       {[]Profile{Chromium, Firefox}, "of several Max-Age or Expires the last counts, even if it is unreadable", seen},
	lenientDates:           {[]Profile{Firefox}, "dates are read by NSPR: zones count, numbers overflow, the time may be missing", seen153},
	looseDates:             {[]Profile{Chromium}, "years up to 99999, before 1601 in the past; the tokens of a date are told apart by their first character, and its numbers hold digits only", seen156},
	datesByServerClock:     {[]Profile{Chromium, Firefox}, "Expires is shifted by the difference of the clocks, after the header Date", seen},
	domainToPunycode:       {[]Profile{Chromium}, "Domain may have other characters than ASCII: it is read like a host in an address", seen156},
	lonelyDotRefused:       {[]Profile{Chromium, Firefox}, "Domain=. is refused", seen},
	addressIsHostOnly:      {[]Profile{Chromium, Firefox}, "Domain with the address of the host itself gives a cookie for that host only", seen},
	longFlagsKept:          {[]Profile{Firefox}, "Secure, HttpOnly, Partitioned and SameSite count however long their value is", seen153},
	tabInPathRefused:       {[]Profile{Firefox}, "a tab inside the path is refused", seen153},
	longDefaultPathLost:    {[]Profile{Firefox}, "a default path over 1024 bytes does not count: the path stays as it was given, and the cookie is never sent", seen153},
	barEscaped:             {[]Profile{Chromium}, "| is escaped in the path of an address", seen156},
	newValueIsNewer:        {[]Profile{Chromium}, "a cookie that gets another value counts as created now", seen156},
	prefixByResult:         {[]Profile{Firefox}, "__Host- looks at the path and the domain that result, not at the attributes", seen153},
	moreHTTPPrefixes:       {[]Profile{Chromium, Firefox}, "__Http- and __Host-Http- are prefixes, too (draft-ietf-httpbis-layered-cookies)", seen},
	partitions:             {[]Profile{Chromium, Firefox}, "Partitioned is an attribute and needs Secure (CHIPS)", seen},
	partitionsThirdParties: {[]Profile{Firefox}, "what a third party sets lies in a jar of the top-level site", seen153 + ": Total Cookie Protection"},
	blocksThirdParties:     {[]Profile{Chromium}, "third-party cookies without Partitioned are blocked", seen156 + " of Debian 12, by default: UserPreferences"},
	laxByDefault:           {[]Profile{Draft, Chromium}, "without SameSite a cookie is Lax", "RFC 6265bis 5.6.7; " + seen156 + "; not " + seen153},
	laxMethodExempt:        {[]Profile{Chromium}, "without SameSite it goes with a cross-site POST for two minutes", seen156 + ": at 0 s, not at 130 s"},
	schemeless:             {[]Profile{Firefox}, "http and https of one host are one site", seen153},
	redirectsCount:         {[]Profile{Firefox}, "a redirect through another site makes a request cross-site", seen153},
	priorities:             {[]Profile{Chromium}, "Priority is kept, and decides who goes first when the jar is full", seen156},
	partitionOneByOne:      {[]Profile{Chromium}, "from a partition with over 180 cookies or 10,240 bytes the oldest go one by one", seen156},
	partitionInBytes:       {[]Profile{Firefox}, "a partition with over 12,288 bytes, but for cookies of the new one's name, is cut to 10,240", seen153},
	usedAtOnce:             {[]Profile{Firefox}, "all cookies of a response are used at one moment: the first created go first", seen153},
	evictsAtOnce:           {[]Profile{Chromium}, "the jar is cut after a cookie is stored, and may lose just that one", "Chromium source, cookie_monster.cc"},
	refusesWhenFull:        {[]Profile{Firefox}, "a jar full of Secure cookies takes none without Secure", "Firefox source, CookieStorage.cpp"},
}

// does reports whether the profile does it.
func (p Profile) does(d difference) bool {
	return slices.Contains(partings[d].who, p)
}
