// What lies in the envelope and on the server.

package dashboard

import (
	"cookielab/handlers/auth"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
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

// recordView is a record as it lies on the server.
type recordView struct {
	*auth.ServerRecord
	Engine, Filed                 string
	CreatedAt, SavedAt, ExpiresAt string
	Size, Text                    string
}

func viewRecord(w *locale.Printer, engine string, record *auth.ServerRecord) *recordView {
	return &recordView{
		ServerRecord: record, Engine: engine, Filed: markup.ShortKey(record.ID),
		CreatedAt: markup.DevToolsTime(*record.Created), SavedAt: markup.DevToolsTime(*record.Saved), ExpiresAt: markup.DevToolsTime(*record.Expires),
		Size: w.Say(locale.Msg("closer.size_bytes", locale.Args{"Bytes": record.Bytes})), Text: string(record.Data),
	}
}
