// What tests of the wire need to reach inside the lab.

package handlers_test

import (
	"html/template"

	"cookielab/handlers/diagram"
	"cookielab/handlers/notebook"
)

// Draw draws exchanges in a language.
func (lab *testLab) Draw(language string, exchanges []*notebook.Exchange) template.HTML {
	return diagram.Draw(lab.Site.Languages.Named(language), exchanges)
}

// WatchersOf are how many streams the notebook that this key opens has now.
func (lab *testLab) WatchersOf(key string) int { return lab.Logs.OfKey(key).Watchers() }

// WireWeight is what all books of the lab weigh.
func (lab *testLab) WireWeight() int64 { return lab.Logs.Weight() }
