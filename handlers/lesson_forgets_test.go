// Lesson 1, forgets, in real browsers.

package handlers_test

import (
	"strings"

	"cookielab/handlers/webtest"
)

// Forgets tells lesson 1.
func (tellers) Forgets(s *student) {
	s.predict("A")
	s.act("ask")
	s.act("ask")
	s.claim("forgets", s.row("first") == "none no" && s.row("second") == "none no", "%q, %q", s.row("first"), s.row("second"))
	s.act("tag")
	number := s.jar("hello")
	s.act("ask")
	s.claim("cookie", number != "" && s.row("third") == " yes" && strings.Contains(s.Text("#row-third"), "hello="+number), "%q of visitor %q: %q", s.row("third"), number, s.Text("#row-third"))
	s.claim("notebook", s.jar(webtest.NotebookCookie) != "" && strings.Contains(s.Text("#observe"), webtest.NotebookCookie), "the notebook %q", s.jar(webtest.NotebookCookie))
	s.came()
	if !s.Has("#closer-flows figure svg") {
		s.t.Error("the request that brought the name tag is not drawn")
	}
}
