// Secrets: keys in the hands of those whom a lesson plays. They lie in memory only.

package course

import (
	"maps"
	"strings"

	"cookielab/handlers/notebook"
)

// secrets are such keys, by whose they are.
type secrets map[string]string

// Weigh is how much memory they take, in bytes.
func (s secrets) Weigh() int { return notebook.WeighTexts(s) }

// Secret returns the key in the hands of somebody whom a lesson plays, by a name; "": none.
func (s *Step) Secret(name string) string { return notebook.Of[secrets](s.Notebook.Log())[name] }

// KeepSecret puts a key into such hands; "" takes it away.
func (s *Step) KeepSecret(name, key string) {
	notebook.Change(s.Notebook.Log(), func(kept *secrets) {
		own := secrets{}
		maps.Copy(own, *kept)
		own[name] = strings.Clone(key)
		*kept = own
	})
}
