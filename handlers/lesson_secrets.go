// Secrets: keys in the hands of those whom a lesson plays. They lie in memory only.

package handlers

import (
	"maps"
	"strings"

	"cookielab/handlers/notebook"
)

// secrets are such keys, by whose they are.
type secrets map[string]string

// Weigh is how much memory they take, in bytes.
func (s secrets) Weigh() int { return notebook.WeighTexts(s) }

// secret is a key in the hands of somebody whom a lesson plays, by a name; "": none.
func (s *lessonStep) secret(name string) string { return notebook.Of[secrets](s.book.Log())[name] }

// keepSecret puts a key into such hands, or, "", takes it away.
func (s *lessonStep) keepSecret(name, key string) {
	notebook.Change(s.book.Log(), func(kept *secrets) {
		own := secrets{}
		maps.Copy(own, *kept)
		own[name] = strings.Clone(key)
		*kept = own
	})
}
