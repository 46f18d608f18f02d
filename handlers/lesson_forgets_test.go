package handlers_test

import "strings"

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
	s.claim("notebook", s.jar(notebookCookie) != "" && strings.Contains(s.Text("#observe"), notebookCookie), "the notebook %q", s.jar(notebookCookie))
	s.came()
	if s.waits {
		s.closer("flows")
		if got := s.Text("#closer-flows"); !strings.Contains(got, "POST /lessons/forgets") || !strings.Contains(got, "hello") {
			s.t.Errorf("the flow is not drawn: %s", got)
		}
	}
}
