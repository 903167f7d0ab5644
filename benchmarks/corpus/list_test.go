package corpus

import (
	"fmt"
	"slices"
	"testing"

	"ipflow/ingest/flow"
)

// TestListsAndTraces: sizes, shares of wildcards, and nine packets in ten inside
// some rule.
func TestListsAndTraces(t *testing.T) {
	for _, c := range []struct {
		kind       ListKind
		wild, span float64
	}{{ACL, 0.10, 0}, {Firewall, 0.40, 0.5}} {
		for _, rules := range []int{100, 1000, 10000} {
			t.Run(fmt.Sprintf("%s%d", c.kind, rules), func(t *testing.T) {
				list := List(c.kind, rules, 1)
				if !slices.Equal(list, List(c.kind, rules, 1)) || slices.Equal(list, List(c.kind, rules, 2)) {
					t.Error("the list does not follow the seed")
				}
				wild, ranged := 0.0, 0.0
				for _, r := range list {
					if r.Source.Bits() == 0 {
						wild++
					}
					if r.SourcePorts != flow.AllPorts {
						ranged++
					}
				}
				n, slack := float64(rules), 0.12
				if len(list) != rules || wild/n < c.wild-slack || wild/n > c.wild+slack || ranged/n < c.span-slack || ranged/n > c.span+slack {
					t.Errorf("%d rules, %.2f with a wild source, %.2f with source ports", len(list), wild/n, ranged/n)
				}
				trace := Trace(list, 300, 1)
				inside := 0
				for _, p := range trace {
					if slices.ContainsFunc(list, func(r ListRule) bool { return r.Matches(p) }) {
						inside++
					}
				}
				if inside < 255 {
					t.Errorf("%d of 300 packets lie in a rule", inside)
				}
			})
		}
	}
}

func TestParseWords(t *testing.T) {
	for _, k := range []ListKind{ACL, Firewall} {
		if got, err := ParseListKind(k.String()); err != nil || got != k {
			t.Errorf("%s: %v, %v", k, got, err)
		}
	}
	for m := range mixNames {
		if got, err := ParseMix(Mix(m).String()); err != nil || got != Mix(m) {
			t.Errorf("%s: %v, %v", Mix(m), got, err)
		}
	}
	for _, name := range addressNames {
		if got, err := ParseAddresses(name); err != nil || addressNames[got] != name {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := ParseListKind("ipc"); err == nil {
		t.Error("ipc was taken")
	}
	if _, err := ParseMix(""); err == nil {
		t.Error("no mix was taken")
	}
	if _, err := ParseAddresses("hex"); err == nil {
		t.Error("hex was taken")
	}
}
