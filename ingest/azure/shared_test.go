package azure

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
)

// sharedDir finds the folder of recorded data, or skips the test.
func sharedDir(t *testing.T, part string) string {
	t.Helper()
	root := os.Getenv("IPFLOW_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared")
	}
	dir := filepath.Join(root, "data", part)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no shared data: %v; set IPFLOW_SHARED", err)
	}
	return dir
}

// readDir reads every JSON file below dir.
func readDir(t *testing.T, dir string) []Input {
	t.Helper()
	var out []Input
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".json") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		docs, faults := jsontree.Parse(rel, data)
		for _, f := range faults {
			t.Errorf("%v", f)
		}
		for _, d := range docs {
			out = append(out, Input{Path: rel, Root: d})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// checkAccounted holds that every rule is read whole or carries a fact with a
// diagnostic at or below its place.
func checkAccounted(t *testing.T, res *Result) (rules int) {
	t.Helper()
	for _, g := range res.Network.SecurityGroups {
		for _, r := range g.Rules {
			rules++
			whole := r.Priority != 0 && r.Direction != 0 && r.Access != flow.Unknown && len(r.Facts) == 0 &&
				len(r.Source) > 0 && len(r.Destination) > 0 && len(r.SourcePorts) > 0 && len(r.DestinationPorts) > 0
			for _, s := range append(append([]network.Selector{}, r.Source...), r.Destination...) {
				whole = whole && s.Kind != network.SelectUnknown
			}
			if !whole && !reportedBelow(res.Diagnostics, r.Origin) {
				t.Errorf("%s: rule %s is not whole and nothing says why: %+v", r.Origin, r.ID, r)
			}
		}
	}
	return rules
}

func reportedBelow(list diag.List, o diag.Origin) bool {
	for _, d := range list {
		if d.Origin.File == o.File && strings.HasPrefix(d.Origin.Pointer, o.Pointer) {
			return true
		}
	}
	return false
}

func TestSharedExports(t *testing.T) {
	for _, dir := range []string{"exports/azure-cli", "exports/batfish-cloud-azure/list", "exports/batfish-cloud-azure/files", "exports/c7n"} {
		t.Run(strings.ReplaceAll(dir, "/", "-"), func(t *testing.T) {
			res := Decode(readDir(t, sharedDir(t, dir)))
			rules := checkAccounted(t, res)
			t.Logf("%v, %d rules", res.Counts, rules)
			for _, d := range res.Documents {
				if d.Kind != REST {
					t.Errorf("%s is %s, want %s", d.Path, d.Kind, REST)
				}
			}
			for _, d := range res.Diagnostics {
				t.Log(d.Severity, d.Code, d)
				if d.Severity == diag.Error {
					t.Errorf("error in a real export: %v", d)
				}
			}
			if rules == 0 || len(res.Counts) == 0 {
				t.Error("nothing was read")
			}
		})
	}
}

func TestSharedRecordings(t *testing.T) {
	dir := sharedDir(t, "azure-recorded")
	cases, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	effective := 0
	for _, c := range cases {
		snapshot := filepath.Join(dir, c.Name(), "snapshot")
		if _, err := os.Stat(snapshot); err != nil {
			continue
		}
		t.Run(c.Name(), func(t *testing.T) {
			res := Decode(readDir(t, snapshot))
			rules := checkAccounted(t, res)
			linked := network.Link(res.Network)
			t.Logf("%v, %d rules", res.Counts, rules)
			for _, d := range append(res.Diagnostics, linked...) {
				t.Log(d.Severity, d.Code, d)
				if d.Severity == diag.Error {
					t.Errorf("error in a recording: %v", d)
				}
			}
			for _, nic := range res.Network.NICs {
				if nic.Subnet == nil && nic.SubnetFact == "" {
					t.Errorf("NIC %s has neither a subnet nor a reason why", nic.ID)
				}
			}
			answer := Decode(readDir(t, filepath.Join(dir, c.Name()))).EffectiveNSGs
			for _, e := range answer {
				effective++
				for _, g := range e.Groups {
					if len(g.Rules) == 0 || len(g.Facts) > 0 {
						t.Errorf("effective group %s: %d rules, facts %v", g.GroupID, len(g.Rules), g.Facts)
					}
					for _, r := range g.Rules {
						if len(r.Facts) > 0 || len(r.Source) == 0 || len(r.Destination) == 0 {
							t.Errorf("effective rule %s: %+v", r.Name, r)
						}
					}
				}
			}
		})
	}
	if effective == 0 {
		t.Error("no effective-rules answer was recognised among the recordings")
	}
}

func TestSharedServiceTags(t *testing.T) {
	dir := sharedDir(t, "service-tags")
	res := Decode(readDir(t, dir))
	if res.Network.Tags == nil {
		t.Fatal("no service tags")
	}
	t.Logf("%d tags, change number %s, cloud %s", res.Network.Tags.Len(), res.Network.Tags.ChangeNumber, res.Network.Tags.Cloud)
	if n := res.Network.Tags.Len(); n < 1000 {
		t.Errorf("only %d tags", n)
	}
	if tag := res.Network.Tag("STORAGE.westus"); tag == nil || len(tag.Prefixes) == 0 {
		t.Error("Storage.WestUS is not found by another case")
	}
	if n := res.Diagnostics.Count(diag.Error); n > 0 {
		t.Errorf("%d errors: %v", n, res.Diagnostics)
	}
}

func TestSharedFlowLogsAndTemplates(t *testing.T) {
	for _, d := range Decode(readDir(t, sharedDir(t, "flowlogs"))).Documents {
		if d.Kind != FlowLog || d.Resources == 0 {
			t.Errorf("%s is %s with %d records", d.Path, d.Kind, d.Resources)
		}
	}
	kinds := map[Kind]int{}
	for _, d := range Decode(readDir(t, sharedDir(t, "arm/templates"))).Documents {
		kinds[d.Kind]++
		if d.Kind != ARMTemplate && d.Kind != ARMParameters {
			t.Logf("%s is %s", d.Path, d.Kind)
		}
	}
	t.Logf("%v", kinds)
	if kinds[ARMTemplate] == 0 {
		t.Error("no template was recognised")
	}
}
