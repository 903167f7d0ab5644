package jsontree

import (
	"strings"
	"testing"
)

// Names equal but for ASCII case have one hash, whatever their length.
func TestHashNameFoldsCase(t *testing.T) {
	long := "sourceApplicationSecurityGroups-Ä\u00e9"
	for n := range len(long) + 1 {
		name := long[:n]
		upper := strings.Map(func(r rune) rune {
			if 'a' <= r && r <= 'z' {
				return r - 'a' + 'A'
			}
			return r
		}, name)
		if n == len(long) && hashName(name) != hashName(upper) {
			t.Errorf("%q and %q differ", name, upper)
		}
		if equalFold(name, upper) && hashName(name) != hashName(upper) {
			t.Errorf("%q and %q differ", name, upper)
		}
	}
	if hashName("source") == hashName("destination") || hashName("") == hashName("a") {
		t.Error("the hash tells nothing apart")
	}
}

func TestFields(t *testing.T) {
	names := []string{"name", "id", "properties", "A", "sourceAddressPrefix", "sourceAddressPrefixes", "absent", "", "Ä"}
	f := NewFields(names...)
	parsed := parseOne(t, `{"NAME":1,"name":2,"\u0049d":3,"PROPERTIES":{"id":9},"a":4,"sourceaddressprefix":5,"SourceAddressPrefixes":[6],"":7,"ä":8,"Ä":9,"other":0}`)
	made := NewObject(parsed.Origin(), parsed.Members())
	values := make([]*Node, len(names))
	for _, n := range []*Node{parsed, made, parsed.Get("properties"), parsed.Get("a"), nil} {
		f.Of(n, values)
		for i, name := range names {
			if want := n.Get(name); values[i] != want {
				t.Errorf("%s: field %q is %q, Get answers %q", n.Encode(), name, values[i].Encode(), want.Encode())
			}
		}
	}
	plain := parseOne(t, `{"name":1,"id":2,"a":{"b":3}}`) // an escaped name is unquoted
	if n := testing.AllocsPerRun(10, func() { f.Of(plain, values) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	defer func() {
		if recover() == nil {
			t.Error("NewFields took a name twice")
		}
	}()
	NewFields("Name", "nAME")
}
