package handlers_test

// Stolen tells lesson 7: with the button, and with the line of curl.
func (tellers) Stolen(s *student) {
	s.predict("A")
	s.act("copy")
	s.claim("all-accept", s.row("copy") == "warn yes yes" && s.row("you") == "warn yes yes", "%q, %q", s.row("you"), s.row("copy"))
	s.claim("signed-too", s.cell("copy", 2) == "yes", "%q", s.row("copy"))
	s.claim("session-too", s.cell("copy", 3) == "yes", "%q", s.row("copy"))
	s.came()
	if !s.waits {
		return
	}

	s.Click(".restart button")
	s.predict("C")
	s.sendByCurl()
	s.came()
}
