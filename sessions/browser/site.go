// Who asks: whether a request is same-site, and in which jar its cookies lie.

package browser

// sameSite reports whether a request to an address is same-site (RFC 6265bis 5.2).
// Nobody's request is.
func (p Profile) sameSite(to URL, c Context) bool {
	if p.does(redirectsCount) {
		for _, via := range c.Via {
			if !p.oneSite(via, to) {
				return false
			}
		}
	}
	return c.From == nil || p.oneSite(*c.From, to)
}

// oneSite reports whether two addresses are of one site. The scheme is a part of
// it, for those who count it.
func (p Profile) oneSite(a, b URL) bool {
	return a.Site() == b.Site() && (a.Scheme == b.Scheme || p.does(schemeless))
}

// thirdParty reports whether a request is a third party's: of another site than
// the page in the address bar.
func (p Profile) thirdParty(to URL, c Context) bool {
	return !c.Navigation && c.From != nil && !p.oneSite(*c.From, to)
}

// partition is the top-level site in whose jar a cookie of this request lies, ""
// for the jar of all: that of the page for a third party in Firefox, and for who
// asks for it with Partitioned.
func (j *Jar) partition(to URL, c Context, asked bool) string {
	top := to
	if !c.Navigation && c.From != nil {
		top = *c.From
	}
	divides := j.profile.does(partitionsThirdParties) && j.profile.thirdParty(to, c)
	if !asked && !divides {
		return ""
	}
	return top.Scheme + "://" + top.Site()
}

// blocks reports whether the cookies of this request are blocked for being a third
// party's, but those that are Partitioned.
func (j *Jar) blocks(to URL, c Context) bool {
	return j.profile.does(blocksThirdParties) && !j.ThirdParty && j.profile.thirdParty(to, c)
}
