package main

import "testing"

func TestStepsLine(t *testing.T) {
	var s steps
	progress := s.begin("asking NICs")
	if text, fields := s.line(); text != "asking NICs" || len(fields) != 1 {
		t.Errorf("%q %v before anything is known", text, fields)
	}
	progress(41, 200)
	if text, fields := s.line(); text != "asking NICs: 20% done" || fields["done"] != int64(41) || fields["total"] != int64(200) {
		t.Errorf("%q %v", text, fields)
	}
	if done, total := s.share(); done != 41 || total != 200 {
		t.Errorf("%d of %d", done, total)
	}
	s.begin("comparing zones")
	if text, _ := s.line(); text != "comparing zones" {
		t.Errorf("%q after a new step", text)
	}
}
