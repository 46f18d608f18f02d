// What tests of the wire need to reach inside the lab.

package handlers

import (
	"html/template"

	"cookielab/handlers/diagram"
	"cookielab/handlers/notebook"
)

// MaxWatchers is how many streams one notebook may have.
const MaxWatchers = notebook.MaxWatchers

// Draw draws exchanges in a language.
func (lab *Lab) Draw(language string, exchanges []*notebook.Exchange) template.HTML {
	return diagram.Draw(lab.Site.Languages.Named(language), exchanges)
}

// WatchersOf are how many streams the notebook that this key opens has now.
func (lab *Lab) WatchersOf(key string) int { return lab.Logs.OfKey(key).Watchers() }

// MaxWireBytes is the budget of all books.
const MaxWireBytes = notebook.MaxBytes

// WireWeight is what all books of the lab weigh.
func (lab *Lab) WireWeight() int64 { return lab.Logs.Weight() }
