package azure

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
)

// piece parses the documents as elements of a long list; again spoils whatever the
// list was read from.
func piece(docs [][]byte) (elements *jsontree.Node, again func(), ok bool) {
	text := []byte("[\n  " + string(bytes.Join(append(docs, []byte("{}")), []byte(",\n  "))) + "\n]")
	list, head, ok := jsontree.NewLong("f.json", text)
	if !ok {
		return nil, nil, false
	}
	text = text[head:]
	p := list.Next(text[:list.Cut(text)])
	elements, ok = p.Parse()
	return elements, func() {
		p.Release()
		for i := range text {
			text[i] = '#'
		}
		list.Next(bytes.Repeat([]byte("\n  {\"a\": [\"b\", {}]},"), len(text)/20+1)).Parse()
	}, ok
}

// said is all that a part leads to.
func said(p *Part) (*Result, *network.Network) {
	d := NewDecoder()
	d.Join(p)
	r := d.Finish()
	r.Diagnostics = append(r.Diagnostics, network.Link(r.Network)...)
	n := r.Network
	r.Network = nil
	return r, n
}

// A part that says it needs its nodes no more says the same when they and their text
// are used for something else.
func TestDetachedPartsKeepNothing(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "shapes", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range append(files, filepath.Join("testdata", "kept.json")) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		useAgain(t, data)
	}
}

// FuzzDetached is the same for any small document.
func FuzzDetached(f *testing.F) {
	f.Add([]byte(groupJSON(ruleJSON("a"), ruleJSON("A", "priority", `"x"`), ruleJSON("b", "sourceAddressPrefix", `"10.1.2.3/8"`))))
	const nics = "/subscriptions/s/resourceGroups/r/providers/Microsoft.Network/networkInterfaces/"
	f.Add([]byte(`[{"id":"` + nics + `a","name":"a","macAddress":"00-0D-3A-00-00-01","ipConfigurations":[{"name":"c","privateIPAddress":"10.0.0.4"}]},
		{"id":"` + nics + `b","name":"b","ipConfigurations":[{"name":"d","subnet":{"id":"` + vnet + `/subnets/s"}}],"virtualMachine":{"id":"vm"}}]`))
	f.Fuzz(useAgain)
}

func useAgain(t *testing.T, data []byte) {
	docs, _ := jsontree.Parse("f.json", data)
	var texts [][]byte
	for _, d := range docs {
		// As a whole, and its own elements.
		texts = append(texts, d.Encode())
		for _, list := range []*jsontree.Node{d, d.Get("value"), d.Get("data")} {
			for item := range list.Elements() {
				texts = append(texts, item.Encode())
			}
		}
	}
	for i := range texts {
		compareDetached(t, texts[i:i+1])
	}
	compareDetached(t, texts)
}

func compareDetached(t *testing.T, texts [][]byte) {
	t.Helper()
	for _, member := range []string{"", "data"} {
		var parts Parts
		mine, spoil, ok := piece(texts)
		if !ok {
			return
		}
		part := parts.Elements("f.json", member, mine)
		if !part.Detached() {
			continue
		}
		spoil()
		theirs, _, _ := piece(texts)
		got, gotNet := said(part)
		want, wantNet := said(parts.Elements("f.json", member, theirs))
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v\nwant %+v", texts, got, want)
		}
		a, b := reflect.ValueOf(*gotNet), reflect.ValueOf(*wantNet)
		for i := range a.NumField() {
			if field := a.Type().Field(i); field.IsExported() && !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
				t.Errorf("%q: the networks differ in %s", texts, field.Name)
			}
		}
	}
}

// Security groups are let go of; what is read at the end is not.
func TestDetached(t *testing.T) {
	for text, want := range map[string]bool{
		groupJSON(ruleJSON("a")): true,
		`{"id":"` + nicA + `","type":"Microsoft.Network/networkInterfaces","ipConfigurations":[]}`: true,
		`{"id":"/subscriptions/s/resourceGroups/r/providers/a/b/x","type":"a/b"}`:                  true,
		`{"note":"no resource"}`: true,
		`{"id":"` + vnet + `","type":"Microsoft.Network/virtualNetworks","addressSpace":{}}`:            false,
		`{"source":"User","nextHopType":"None","addressPrefix":["0.0.0.0/0"]}`:                          false,
		`{"networkSecurityGroup":{},"effectiveSecurityRules":[{}]}`:                                     false,
		`{"changeNumber":1,"cloud":"x","values":[]}`:                                                    false,
		`{"$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"}`: false,
		`{"contentVersion":"1.0.0.0","$schema":"https://x/deploymentParameters.json#","parameters":{}}`: false,
	} {
		var parts Parts
		elements, _, ok := piece([][]byte{[]byte(text)})
		if !ok {
			t.Fatalf("%s is no piece", text)
		}
		if got := parts.Elements("f.json", "", elements).Detached(); got != want {
			t.Errorf("%s: detached %t", text, got)
		}
	}
}
