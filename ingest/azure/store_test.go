package azure

import (
	"reflect"
	"strconv"
	"strings"
	"testing"

	"ipflow/ingest/diag"
	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
)

// Words come back as they went in, of every length and however many there are.
func TestWords(t *testing.T) {
	s := newStore()
	check := func(text string) {
		t.Helper()
		for range 2 {
			if got := s.word(text); got != text {
				t.Errorf("word(%q) = %q", text, got)
			}
			word, key := s.usual(text)
			if want := network.Key(strings.TrimSpace(text)); word != text || key != want {
				t.Errorf("usual(%q) = %q, %q; want the key %q", text, word, key, want)
			}
		}
	}
	for i := range 20_000 {
		check(strconv.Itoa(i))
		check("10." + strconv.Itoa(i%256) + "." + strconv.Itoa(i%199) + ".0/" + strconv.Itoa(i%33))
	}
	for n := range 60 {
		check(strings.Repeat("a", n))
		check(strings.Repeat("\x00", n))
		check(strings.Repeat("a", n) + "b")
		check("b" + strings.Repeat("a", n))
	}
	for _, text := range []string{"Inbound", "inbound", "Outbound", "Allow", "ALLOW", "Deny", " Deny ", "Tcp", "TCP", "Udp", "udp", "*", "\u212a"} {
		check(text)
	}
}

// A list begun with room is what keep would have made of it.
func TestRoom(t *testing.T) {
	var direct, copied block[int]
	var kept [][2][]int
	for n := range 3 * blockItems {
		n %= 50
		list := direct.room(n + 2) // more than are used
		var want []int
		for i := range n {
			list, want = append(list, i*n), append(want, i*n)
		}
		got, keep := direct.filled(list), copied.keep(want)
		if cap(got) != len(got) {
			t.Fatalf("%d elements can grow to %d in place", len(got), cap(got))
		}
		kept = append(kept, [2][]int{got, keep})
	}
	for _, k := range kept {
		if !reflect.DeepEqual(k[0], k[1]) {
			t.Errorf("%v, want %v", k[0], k[1])
		}
	}
}

// What plainPrefix takes, selector reads alike and without a word.
func TestPlainPrefixIsTheSelector(t *testing.T) {
	taken := 0
	for _, text := range []string{
		`"10.0.0.0/8"`, `"10.0.0.4"`, `"0.0.0.0/0"`, `"255.255.255.255/32"`, `" 10.0.0.0/8"`, `"10.0.0.1/8"`, `"\u0031.2.3.4"`, `"::/0"`, `"fe80::1"`,
		`"*"`, `"Any"`, `"Internet"`, `"VirtualNetwork"`, `"Storage"`, `"abcd"`, `"3232235777"`, `3232235777`, `10.5`, `""`, `null`, `{}`, `["10.0.0.0/8"]`, `"System.Object[]"`, `"x y"`,
	} {
		docs, _ := jsontree.Parse("f.json", []byte(text))
		residue := jsontree.NewResidue(docs[0].Origin(), docs[0].Text())
		for _, n := range []*jsontree.Node{docs[0], residue} {
			for _, effective := range []bool{false, true} {
				var faults diag.List
				read := func() *ruleReader {
					return &ruleReader{reader: &reader{&faults, newStore()}, Rule: &network.Rule{}, effective: effective}
				}
				var got network.Selector
				if !read().plainPrefix(n, &got) {
					continue
				}
				taken++
				q := read()
				if want := q.selector(n); got != want || len(faults) > 0 || len(q.Facts) > 0 {
					t.Errorf("%s: %+v, want %+v; %v", text, got, want, faults)
				}
			}
		}
	}
	if taken != 10 {
		t.Errorf("%d taken, want five texts twice", taken)
	}
}
