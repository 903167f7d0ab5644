package reach

import (
	"context"
	"errors"
	"testing"

	"ipflow/verify/internal/world"
)

// A question tells each of its parts as it is done, and stops where its context
// ends.
func TestProgressAndStop(t *testing.T) {
	w := world.New([]byte("progress of questions, told and stopped"))
	all := End{Text: "all", Members: members(w.Net.NICs)}
	for name, q := range map[string]Question{
		"anything": {From: Anything, To: Anything}, "one-end": {From: Anything, To: all}, "both-ends": {From: all, To: all},
	} {
		t.Run(name, func(t *testing.T) {
			last, of := 0, 0
			progress := func(done, total int) {
				if done != last+1 || done > total {
					t.Errorf("%d of %d after %d", done, total, last)
				}
				last, of = done, total
			}
			p := newProber(t, w, 0)
			if _, err := p.AskContext(context.Background(), q, progress); err != nil || last == 0 || last != of {
				t.Errorf("%d of %d told at the end, %v", last, of, err)
			}
			for stop := 1; stop <= of; stop++ {
				ctx, cancel := context.WithCancel(context.Background())
				answer, err := p.AskContext(ctx, q, func(done, _ int) {
					if done == stop {
						cancel()
					} else if done > stop {
						t.Errorf("part %d is done after part %d was the last", done, stop)
					}
				})
				if cancel(); !errors.Is(err, context.Canceled) || len(answer.Sets) > 0 {
					t.Errorf("stopped at %d: %v with %d sets", stop, err, len(answer.Sets))
				}
			}
		})
	}
}
