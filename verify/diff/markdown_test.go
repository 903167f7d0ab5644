package diff

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"ipflow/ingest/network"
	"ipflow/verify/internal/estate"
)

func TestMarkdownFitsAndIsInert(t *testing.T) {
	var rules []*network.Rule
	for i := range 300 {
		rules = append(rules, estate.Rule(t, int32(100+i), fmt.Sprintf("r%d Inbound Allow tcp 203.0.113.%d * %d", i, i%200, 1000+i)))
	}
	before, after := estate.New(nil, estate.Group("nsg")), estate.New(nil, estate.Group("nsg", rules...))
	after.NICs[0].Name = "n|<img src=x>`@org/team` #12 [x](https://evil.example)\nrow"
	r, err := Run(context.Background(), estate.Linked(before), estate.Linked(after), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Changes) != 300 {
		t.Fatalf("%d changes", len(r.Changes))
	}
	for _, limit := range []int{2000, 20000, 0} {
		var b strings.Builder
		if err := r.WriteMarkdown(&b, limit); err != nil {
			t.Fatal(err)
		}
		text := b.String()
		most := limit
		if most == 0 {
			most = MarkdownLimit
		}
		rows := strings.Count(text, "\n| **")
		if len(text) > most || rows == 0 {
			t.Errorf("limit %d: %d bytes, %d rows", limit, len(text), rows)
		}
		if rows < 300 && !strings.Contains(text, fmt.Sprintf("%d more changes are left out", 300-rows)) {
			t.Errorf("limit %d: %d rows, and nothing says how many are left out", limit, rows)
		}
		for _, live := range []string{"<img", "@org", "](", "https://", " #12", "n|"} {
			if strings.Contains(text, live) {
				t.Errorf("%q is live in %.400s", live, text)
			}
		}
	}
}
