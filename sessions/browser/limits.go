// What happens when a jar is full. RFC 6265bis 6.1 asks for room for 50 cookies of
// a domain and lets a browser choose; the draft's profile therefore never evicts.

package browser

import (
	"cmp"
	"slices"
)

// Both browsers keep 180 cookies of a site, and cut it to 150 when there are more
// (measured on Chromium 156 and Firefox 153).
const (
	MaxPerSite  = 180
	LeftPerSite = 150
)

// A partition may have so many bytes of names and values of one site, and Firefox
// lets it have a fifth more before it acts.
const (
	MaxPartition  = 10240
	overPartition = MaxPartition + MaxPartition/5
)

// insert puts a cookie into the jar and gives those that had to go for it. The
// cookie itself may be among them.
func (j *Jar) insert(c *Cookie) []Cookie {
	if j.profile.does(refusesWhenFull) {
		return j.makeRoom(c)
	}
	j.cookies = append(j.cookies, c)
	if c.Partition != "" && j.profile.does(partitionOneByOne) {
		return j.shrink(c)
	}
	if j.profile.does(evictsAtOnce) {
		return j.cut(c)
	}
	return nil
}

// ofSite are the cookies that share a limit with one, the least recently used
// first; of those used at one moment the one that was created first.
func (j *Jar) ofSite(c *Cookie) []*Cookie {
	var all []*Cookie
	for _, other := range j.cookies {
		if other.site == c.site && other.Partition == c.Partition {
			all = append(all, other)
		}
	}
	slices.SortStableFunc(all, func(a, b *Cookie) int { return cmp.Or(a.used-b.used, a.number-b.number) })
	return all
}

// makeRoom is Firefox: before a 181st cookie comes, the oldest without Secure go,
// and if there is none of them, the oldest for a Secure one.
func (j *Jar) makeRoom(c *Cookie) []Cookie {
	all := j.ofSite(c)
	if len(all) < MaxPerSite {
		var gone []Cookie
		if c.Partitioned && j.profile.does(partitionInBytes) {
			gone = j.cutBytes(c, all)
		}
		j.cookies = append(j.cookies, c)
		return gone
	}
	leaving := slices.DeleteFunc(slices.Clone(all), func(c *Cookie) bool { return c.Secure })
	if len(leaving) == 0 {
		if !c.Secure {
			return []Cookie{*c}
		}
		leaving = all
	}
	gone := j.evict(leaving[:min(len(leaving), len(all)-LeftPerSite+1)])
	j.cookies = append(j.cookies, c)
	return gone
}

// cutBytes is Firefox with a partition: those of the new cookie's name do not count
// but may go, and the oldest without Secure go first.
func (j *Jar) cutBytes(c *Cookie, all []*Cookie) []Cookie {
	others := slices.DeleteFunc(slices.Clone(all), func(other *Cookie) bool { return other.Name == c.Name })
	total := bytesOf(others) + c.size()
	if total <= overPartition {
		return nil
	}
	slices.SortStableFunc(all, func(a, b *Cookie) int {
		switch {
		case a.Secure == b.Secure:
			return 0
		case b.Secure:
			return -1
		}
		return 1
	})
	n, excess := 0, total-MaxPartition
	for ; n < len(all) && excess > 0; n++ {
		excess -= all[n].size()
	}
	return j.evict(all[:n])
}

// cut is Chromium: when there are more than 180, it goes by priority, and among
// those first without Secure. Of each priority some are protected, see quotas.
func (j *Jar) cut(c *Cookie) []Cookie {
	all := j.ofSite(c)
	if len(all) <= MaxPerSite {
		return nil
	}
	excess := len(all) - LeftPerSite
	var gone []Cookie
	for _, round := range rounds {
		var at, secure []*Cookie
		for _, one := range j.ofSite(c) {
			if one.Priority != round.priority {
				continue
			}
			if at = append(at, one); one.Secure {
				secure = append(secure, one)
			}
		}
		quota := quotas[round.priority]
		if len(at) <= quota {
			continue
		}
		may := len(at) - quota
		if round.insecureOnly {
			may = len(at) - max(len(secure), quota)
			at = slices.DeleteFunc(at, func(c *Cookie) bool { return c.Secure })
		}
		gone = append(gone, j.evict(at[:max(0, min(may, excess-len(gone), len(at)))])...)
	}
	return gone
}

// quotas are how many cookies of a priority stay in any case.
var quotas = map[string]int{"Low": 30, "Medium": 50, "High": 70}

// rounds are the order in which Chromium looks for cookies to evict.
var rounds = []struct {
	priority     string
	insecureOnly bool
}{
	{"Low", true}, {"Low", false}, {"Medium", true}, {"High", true}, {"Medium", false}, {"High", false},
}

// shrink is Chromium with a partition: the oldest go until it has few enough bytes
// and cookies.
func (j *Jar) shrink(c *Cookie) []Cookie {
	all := j.ofSite(c)
	n, left := 0, bytesOf(all)
	for ; n < len(all) && (left > MaxPartition || len(all)-n > MaxPerSite); n++ {
		left -= all[n].size()
	}
	return j.evict(all[:n])
}

func bytesOf(cookies []*Cookie) int {
	total := 0
	for _, c := range cookies {
		total += c.size()
	}
	return total
}

func (j *Jar) evict(cookies []*Cookie) []Cookie {
	var gone []Cookie
	for _, c := range cookies {
		j.remove(c)
		gone = append(gone, *c)
	}
	return gone
}
