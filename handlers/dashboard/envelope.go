// The envelope: the Cookie header, cut at its cookies.

package dashboard

import (
	"cookielab/handlers/notebook"
)

// shares is how finely the envelope is divided: lab.css has a class for each.
const shares = 24

// segment is one cookie of the envelope.
type segment struct {
	ID, Name     string // ID: of the lane, or "notebook"
	OfLane       bool
	Bytes, Share int // Share: of all bytes, in parts of shares
}

// envelope returns the Cookie header as a strip of its cookies, with the notebook's last. Each
// is as wide as its share of the bytes.
func envelope(views []*laneView, ofNotebook int) (segments []segment) {
	total := ofNotebook
	for _, v := range views {
		if v.Sent {
			total += v.Bytes
			segments = append(segments, segment{ID: v.ID, Name: v.Cookie, OfLane: true, Bytes: v.Bytes})
		}
	}
	if ofNotebook > 0 {
		segments = append(segments, segment{ID: "notebook", Name: notebook.CookieName, Bytes: ofNotebook})
	}
	for i, s := range segments {
		segments[i].Share = max(1, (s.Bytes*shares+total/2)/total)
	}
	return segments
}
