// The cells of the dashboard, as texts to compare: what it shows as changed by the action
// that was done last.

package auth

import (
	"maps"
	"strings"

	"cookielab/handlers/lanes"
	"cookielab/handlers/markup"
	"cookielab/handlers/notebook"
)

// CellsOf returns a text for each cell of the dashboard, by its row and its lane, to compare
// two dashboards. taken may be nil. Row ② has no texts, since it follows from row ①.
func CellsOf(findings []lanes.Finding, described []LaneFinding, taken *Copy) map[string]string {
	cells := map[string]string{}
	for i, f := range findings {
		keeps := described[i].ServerKeeps
		cells["1-"+f.Lane] = f.Raw
		if at := described[i].BrowserExpires; f.Sent && at != nil {
			cells["1-"+f.Lane] += " until " + markup.ClockTime(*at)
		}
		cells["3-"+f.Lane] = keeps.Kind + keeps.ID + markup.YesNo(keeps.Live)
		cells["4-"+f.Lane] = string(f.Verdict) + " " + f.Who.User + " " + f.Who.Role
	}
	if taken != nil {
		for _, lane := range taken.Lanes {
			cells["copy-"+lane.ID] = string(lane.Verdict) + " " + markup.TextOf(lane.User) + " " + markup.TextOf(lane.Role)
		}
	}
	return cells
}

// cells are what a Log keeps of the dashboard's cells, and of the values in the browser.
type cells struct {
	before           map[string]string // cells as they were before the last action
	shown            map[string]string // cells as the last dashboard showed them
	expected         map[string]string // values that the last action left in the browser, by lane
	changedElsewhere bool              // the browser's values have changed since, and not by an action
}

// Weigh is how much memory they take, in bytes.
func (c cells) Weigh() int {
	return notebook.WeighTexts(c.before) + notebook.WeighTexts(c.shown) + notebook.WeighTexts(c.expected)
}

// Shrink leaves out all texts. Whether the values changed elsewhere stays.
func (c cells) Shrink() notebook.Kept {
	if !c.changedElsewhere {
		return nil
	}
	return cells{changedElsewhere: true}
}

// keepBefore keeps what the cells show before an action.
func keepBefore(log *notebook.Log, now map[string]string) {
	notebook.Change(log, func(c *cells) { c.before = notebook.OwnTexts(now) })
}

// NewChapter makes the next dashboard show as changed what changed since the last one. With a
// nil Log it does nothing.
func NewChapter(log *notebook.Log) {
	notebook.Change(log, func(c *cells) { c.before = c.shown })
}

// expect keeps which values an action leaves in the browser.
func expect(log *notebook.Log, values map[string]string) {
	notebook.Change(log, func(c *cells) { c.expected, c.changedElsewhere = notebook.OwnTexts(values), false })
}

// reissued keeps what a reply gave the browser in place of what came, since a session that was
// sealed again has not changed elsewhere.
func reissued(log *notebook.Log, came, after map[string]string) {
	notebook.Change(log, func(c *cells) {
		own := maps.Clone(c.expected)
		for lane, value := range after {
			if expected, ok := own[lane]; ok && expected == came[lane] {
				own[lane] = strings.Clone(value)
			}
		}
		c.expected = own
	})
}

// Show keeps the cells that a dashboard is about to show, and the values that came, by lane.
// It returns the cells to compare with: those before the last action. changedElsewhere says
// that the browser's values have changed since, and not by an action, for example in DevTools
// or because their time was over; then before are the cells that were shown last before
// that. With a nil Log it returns nil.
func Show(log *notebook.Log, values, now map[string]string) (before map[string]string, changedElsewhere bool) {
	notebook.Change(log, func(c *cells) {
		if c.expected != nil && !maps.Equal(c.expected, values) {
			c.expected, c.before, c.changedElsewhere = notebook.OwnTexts(values), c.shown, true
		}
		c.shown = notebook.OwnTexts(now)
		before, changedElsewhere = c.before, c.changedElsewhere
	})
	return before, changedElsewhere
}
