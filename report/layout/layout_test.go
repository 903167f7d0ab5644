package layout_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipflow/report/layout"
	"ipflow/verify"
)

type table []verify.Row

func (t table) Row(id verify.ID) *verify.Row { return &t[id] }
func (t table) Len() int                     { return len(t) }

func TestDistinctIsInOrderOfFirstAppearance(t *testing.T) {
	tab := table{{Rule: "a", Priority: 5, HasPriority: true}, {Rule: "b"}, {}, {Rule: "a", Priority: 0, HasPriority: true}}
	// Twice, so that the second meets the first's stamps.
	for range 2 {
		d := layout.NewDistinct([]verify.ID{1, 0, 1, 2, 3, 0}, tab)
		if diff := cmp.Diff([]uint32{0, 1, 0, 2, 3, 1}, d.Local); diff != "" {
			t.Error(diff)
		}
		d.Strings(layout.Rule) // asking twice changes nothing
		values, code := d.Strings(layout.Rule)
		if diff := cmp.Diff([]string{"b", "a"}, values); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]int32{0, 1, -1, 1}, code); diff != "" {
			t.Error(diff)
		}
		priorities, code := d.Priorities()
		if diff := cmp.Diff([]int32{5, 0}, priorities); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]int32{-1, 0, -1, 1}, code); diff != "" {
			t.Error(diff)
		}
		d.Release()
	}
}

func TestDistinctDoesNotAllocatePerRow(t *testing.T) {
	tab := make(table, 100)
	ids := make([]verify.ID, 50_000)
	for i := range ids {
		ids[i] = verify.ID(i % len(tab))
	}
	if n := testing.AllocsPerRun(10, func() { layout.NewDistinct(ids, tab).Release() }); n > 5 {
		t.Errorf("%v allocations", n)
	}
}
