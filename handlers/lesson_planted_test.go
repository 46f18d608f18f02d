package handlers_test

// Planted tells lesson 14: the same key planted for two logins, and an invented one.
func (tellers) Planted(s *student) {
	s.predict("A")
	s.act("plant")
	first := s.jar("play_key")
	s.claim("worthless", first != "" && s.row("plant") == "none none", "%q", s.row("plant"))
	s.act("keep")
	s.claim("kept", s.row("keep") == "yes warn" && s.jar("play_key") == first, "%q, the key stayed: %v", s.row("keep"), s.jar("play_key") == first)
	s.act("plant")
	second := s.jar("play_key")
	if second == first || second == "" {
		s.t.Error("the second attack has the key of the first")
	}
	s.act("cycle")
	s.claim("cycled", s.row("cycle") == "yes no" && s.jar("play_key") != second, "%q, the key stayed: %v", s.row("cycle"), s.jar("play_key") == second)
	s.came()
	if !s.waits {
		return
	}
	s.closer("invented")
	s.act("invent")
	invented := s.jar("play_key")
	s.closer("invented")
	s.act("adopt")
	if s.row("adopt") != "yes no" || s.jar("play_key") == invented {
		s.t.Errorf("an invented key: %q, adopted: %v", s.row("adopt"), s.jar("play_key") == invented)
	}
	s.open(s.t, "/composer?preset=sister", 200)
}
