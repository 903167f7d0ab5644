package index

import (
	"math/rand/v2"
	"testing"

	"ipflow/ingest/flow"
)

// TestVerdictTable: equal verdicts have equal ids, whatever was added together.
func TestVerdictTable(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	var table verdictTable
	ids := map[verdict]VerdictID{}
	reasons := map[[3]fact]int32{}
	for range 6 {
		var added []verdict
		var rows []uint32
		var hashes []uint64
		for range 3000 {
			facts := [3]fact{fact(rng.IntN(2)), -1 - fact(rng.IntN(20)), fact(rng.IntN(20))}
			reason := table.reason(facts[1:], facts[0] == 1)
			if old, ok := reasons[facts]; ok && old != reason {
				t.Fatalf("%v is reason %d and %d", facts, old, reason)
			}
			reasons[facts] = reason
			v := verdict{access: 1, layer: 2, rule: flow.RuleRef(rng.IntN(40)), nic: flow.RuleRef(rng.IntN(40)), reason: reason}
			words := v.words()
			added, rows, hashes = append(added, v), append(rows, words[:]...), append(hashes, scramble(hashRow(words[:])))
		}
		for i, id := range table.internAll(rows, hashes) {
			if old, ok := ids[added[i]]; ok && old != id {
				t.Fatalf("%v is %d and %d", added[i], old, id)
			}
			ids[added[i]] = id
			if again := table.intern(added[i]); again != id {
				t.Fatalf("%v is %d, added alone %d", added[i], id, again)
			}
		}
		if table.len() != len(ids) {
			t.Fatalf("%d verdicts, not %d", table.len(), len(ids))
		}
	}
	for v, id := range ids {
		words := v.words()
		if !equalRows(words[:], table.row(int(id))) {
			t.Fatalf("%d is %v, not %v", id, table.row(int(id)), words)
		}
	}
	for facts, reason := range reasons {
		if got := table.reasons.list(reason - firstReason); !equalRows(facts[:], got) {
			t.Fatalf("reason %d is %v, not %v", reason, got, facts)
		}
	}
}
