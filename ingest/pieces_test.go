package ingest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// bySize loads the paths with long lists read in pieces of the size, -1 for whole.
func bySize(t *testing.T, size, workers int, paths ...string) *Snapshot {
	t.Helper()
	s, err := Load(context.Background(), Options{Paths: paths, Workers: workers, pieceSize: size})
	if err != nil {
		t.Fatal(err)
	}
	s.Elapsed = 0
	return s
}

func sameSnapshot(t *testing.T, name string, got, want *Snapshot) {
	t.Helper()
	if got.SHA256 != want.SHA256 || !reflect.DeepEqual(got.Documents, want.Documents) || !reflect.DeepEqual(got.Counts, want.Counts) {
		t.Errorf("%s: documents %v %v, want %v %v", name, got.Documents, got.Counts, want.Documents, want.Counts)
	}
	if !reflect.DeepEqual(got.Diagnostics, want.Diagnostics) {
		t.Errorf("%s: diagnostics\n%v\nwant\n%v", name, got.Diagnostics, want.Diagnostics)
	}
	// Look-ups that are no fields are keyed by pointers.
	a, b := reflect.ValueOf(*got.Network), reflect.ValueOf(*want.Network)
	for i := range a.NumField() {
		if f := a.Type().Field(i); f.IsExported() && !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			t.Errorf("%s: the networks differ in %s", name, f.Name)
		}
	}
	if !reflect.DeepEqual(got.Network.Facts(), want.Network.Facts()) || got.Network.RuleCount() != want.Network.RuleCount() {
		t.Errorf("%s: the networks differ in facts or rules", name)
	}
}

// resources are one of a kind each, some with faults, a duplicate with another body
// and elements that are none.
func resources(count int) []string {
	const id = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/"
	var out []string
	for i := range count {
		out = append(out,
			fmt.Sprintf(`{"id":"%snetworkSecurityGroups/nsg-%d","type":"Microsoft.Network/networkSecurityGroups","properties":{"securityRules":[`+
				`{"name":"web","properties":{"priority":100,"direction":"Inbound","access":"Allow","protocol":"Tcp","sourceAddressPrefix":"*","sourcePortRange":"*","destinationAddressPrefixes":["10.0.0.0/8","Storage"],"destinationPortRange":"443"}},`+
				`{"name":"bad-%[2]d","properties":{"priority":%[2]d,"direction":"Inbund","access":"Deny","protocol":"*","sourceAddressPrefix":"10.1.1.1/8","sourcePortRange":"9-1","destinationAddressPrefix":"x y","destinationPortRange":"*"}}],`+
				`"subnets":[{"id":"%[1]svirtualNetworks/v/subnets/s%[2]d"}]}}`, id, i),
			fmt.Sprintf(`{"id":"%snetworkInterfaces/nic-%d","type":"Microsoft.Network/networkInterfaces","properties":{"networkSecurityGroup":{"id":"%[1]snetworkSecurityGroups/nsg-%[2]d"},`+
				`"ipConfigurations":[{"name":"c","properties":{"privateIPAddress":"10.0.%d.%d","subnet":{"id":"%[1]svirtualNetworks/v/subnets/s%[2]d"},"applicationSecurityGroups":[{"id":"%[1]sapplicationSecurityGroups/a"}]}}],`+
				`"virtualMachine":{"id":"/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm-%[2]d"}}}`, id, i, i/200, i%200),
			fmt.Sprintf(`{"id":"%svirtualNetworks/v%d","type":"Microsoft.Network/virtualNetworks","properties":{"addressSpace":{"addressPrefixes":["10.%d.0.0/16"]},"subnets":[{"name":"s","properties":{"addressPrefix":"10.%[3]d.0.0/24"}}]}}`, id, i, i%250),
			fmt.Sprintf(`{"id":"/subscriptions/s/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/st%d","type":"Microsoft.Storage/storageAccounts","properties":{}}`, i),
		)
		if i%10 == 3 {
			out = append(out, `{"note":"no resource"}`, strings.Replace(out[len(out)-4], `"443"`, `"80"`, 1))
		}
	}
	return out
}

// Long lists read in pieces say the same as whole ones, whatever the layout, the
// size of the pieces and the number of workers.
func TestPiecesAreTheWhole(t *testing.T) {
	list := resources(60)
	lines := func(indent string) string { return "[\n" + indent + strings.Join(list, ",\n"+indent) + "\n]" }
	var pretty []byte
	var all any
	if err := json.Unmarshal([]byte(lines("")), &all); err != nil {
		t.Fatal(err)
	}
	pretty, err := json.MarshalIndent(map[string]any{"value": all, "nextLink": "https://next"}, "", "    ")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"list":          lines("  "),
		"list-crlf":     strings.ReplaceAll(lines("\t"), "\n", "\r\n"),
		"compact":       "[" + strings.Join(list, ",") + "]",
		"page":          string(pretty),
		"page-compact":  `{"value":[` + strings.Join(list, ",") + `]}`,
		"page-of-pages": "[" + `{"value":[` + strings.Join(list[:40], ",") + `]},` + strings.Join(list[40:], ",") + "]",
		"graph":         "{\n\"count\": 10,\n\"data\": " + lines("  ") + ",\n\"totalRecords\": 1000\n}",
		"graph-end":     "{\n\"data\": " + lines("  ") + ",\n\"count\": 318,\n\"skip_token\": null,\n\"total_records\": 318\n}",
		"not-a-graph":   "{\"data\": " + lines("  ") + "}",
		"a-resource":    `{"value":` + lines(" ") + `,"type":"a/b","name":"x","id":"/subscriptions/s/resourceGroups/r/providers/a/b/x"}`,
		"two-values":    `{"value":` + lines(" ") + `,"value":[]}`,
		"two-documents": lines(" ") + "\n" + lines(" "),
		"cut-off":       lines("  ")[:len(lines("  "))-3],
		"stray-comma":   strings.Replace(lines("  "), ",\n", ",,\n", 1),
		"bom":           "\xef\xbb\xbf" + lines("  "),
		"bad-utf8":      strings.ReplaceAll(lines("  "), "no resource", "no \xff\xfe resource"),
		"comments":      strings.ReplaceAll(lines("  "), ",\n", ", // {\n"),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "all.json"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			// A second file settles some ids anew.
			if err := os.WriteFile(filepath.Join(dir, "b.json"), []byte("["+strings.Join(list[:9], ",")+"]"), 0o600); err != nil {
				t.Fatal(err)
			}
			want := bySize(t, -1, 1, dir)
			for _, size := range []int{600, 2000, 9000} {
				for _, workers := range []int{1, 3} {
					sameSnapshot(t, fmt.Sprintf("size=%d/workers=%d", size, workers), bySize(t, size, workers, dir), want)
				}
			}
		})
	}
}

// The example and public exports, by pieces and whole.
func TestPiecesOfExports(t *testing.T) {
	compare := func(dir string) {
		whole, err := Load(context.Background(), Options{Paths: []string{dir}, pieceSize: -1})
		if err != nil {
			return // a folder without a snapshot
		}
		whole.Elapsed = 0
		sameSnapshot(t, dir, bySize(t, 700, 2, dir), whole)
	}
	compare("../docs/example/estate")
	for _, set := range []string{"exports", "azure-recorded", "azure-examples"} {
		folders, err := filepath.Glob(filepath.Join(sharedData(t, set), "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, dir := range folders {
			compare(dir)
		}
	}
}
