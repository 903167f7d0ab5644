package azure

import (
	"os"
	"path/filepath"
	"testing"

	"ipflow/ingest/flow"
	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
)

// FuzzDecode: whatever the documents hold, decoding and linking end without a
// panic, and every NIC has a subnet or a reason why not.
func FuzzDecode(f *testing.F) {
	// One resource at a time: large seeds take minutes to minimise.
	data, err := os.ReadFile(filepath.Join("testdata", "shapes", "mixed.json"))
	if err != nil {
		f.Fatal(err)
	}
	docs, _ := jsontree.Parse("mixed.json", data)
	for _, d := range docs {
		f.Add(d.Encode())
	}
	f.Add([]byte(groupJSON(ruleJSON("a"), ruleJSON("a", "priority", `"x"`))))
	f.Add([]byte(`{"changeNumber":1,"cloud":"x","values":[{"name":"A","properties":{"addressPrefixes":["1.0.0.0/8"]}}]}`))
	f.Add([]byte(`{"value":[{"networkSecurityGroup":{},"effectiveSecurityRules":[{}],"tagMap":{"a":["1.0.0.0/8"]}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		docs, _ := jsontree.Parse("a.json", data)
		var inputs []Input
		for _, d := range docs {
			inputs = append(inputs, Input{Path: "a.json", Root: d})
		}
		res := Decode(inputs)
		if len(res.Documents) != len(inputs) {
			t.Fatalf("%d documents from %d inputs", len(res.Documents), len(inputs))
		}
		network.Link(res.Network)
		for _, c := range res.Network.NICs {
			if c.Subnet == nil && c.SubnetFact == "" {
				t.Errorf("NIC %q has neither a subnet nor a reason", c.ID)
			}
		}
		for i := 1; i < res.Network.RuleCount(); i++ {
			r := res.Network.Rule(flow.RuleRef(i))
			if len(r.SourcePorts) == 0 || len(r.DestinationPorts) == 0 {
				t.Errorf("rule %q matches no port", r.ID)
			}
		}
	})
}
