package corpus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ipflow/ingest"
	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

var small = Options{Seed: 7, NICs: 300, NSGs: 40, Rules: []RuleMix{{20, 3}, {120, 1}}, Tags: 0.15, IPv6: 0.5}

func newEstate(t testing.TB, o Options) *Estate {
	t.Helper()
	e, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func writeEstate(t testing.TB, e *Estate) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, f := range e.Files() {
		var b bytes.Buffer
		if err := f.Write(&b); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, f.Name), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestFilesAndNetworkAreOneEstate loads the written files and compares every
// object with the network made in memory: all but where it was read from and the
// text kept for reports.
func TestFilesAndNetworkAreOneEstate(t *testing.T) {
	for _, c := range []struct {
		name string
		o    Options
	}{
		{"dual-stack", small},
		{"IPv4-without-tags", Options{Seed: 3, NICs: 130, Subnets: 40, Rules: []RuleMix{{10, 1}}}},
		{"one-NIC", Options{NICs: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := newEstate(t, c.o)
			s, err := ingest.Load(context.Background(), ingest.Options{Paths: []string{writeEstate(t, e)}})
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range s.Diagnostics {
				t.Errorf("loading says: %s", d)
			}
			want := e.Network()
			if n := len(want.NICs); n != c.o.NICs {
				t.Fatalf("the network has %d NICs, not %d", n, c.o.NICs)
			}
			compareNetworks(t, want, s.Network)
		})
	}
}

func compareNetworks(t *testing.T, want, got *network.Network) {
	t.Helper()
	text := func(s []string) []string { slices.Sort(s); return s }
	opts := cmp.Options{
		cmpopts.IgnoreTypes(diag.Origin{}, network.RuleText{}, network.Assumptions{}),
		cmpopts.IgnoreUnexported(network.Network{}, network.ServiceTags{}, network.VirtualNetwork{}),
		cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{}),
		cmpopts.EquateEmpty(),
		// Links back to larger objects: compared as ids.
		cmp.Transformer("group", func(g network.GroupRef) [2]string {
			if g.Group == nil {
				return [2]string{g.ID, g.Fact}
			}
			return [2]string{g.Group.ID, g.Fact}
		}),
		cmp.Transformer("table", func(g network.RouteTableRef) [2]string {
			if g.Table == nil {
				return [2]string{g.ID, g.Fact}
			}
			return [2]string{g.Table.ID, g.Fact}
		}),
		cmpopts.IgnoreFields(network.Rule{}, "Group"),
		cmpopts.IgnoreFields(network.Subnet{}, "VirtualNetwork"),
		cmpopts.IgnoreFields(network.Peering{}, "RemoteVNet"),
		cmpopts.IgnoreFields(network.NIC{}, "Subnet"),
		cmpopts.IgnoreFields(network.VirtualMachine{}, "NICs"),
	}
	for _, n := range []*network.Network{want, got} {
		for _, g := range n.SecurityGroups {
			text(g.SubnetIDs)
			text(g.NICIDs)
		}
		for _, r := range n.RouteTables {
			text(r.SubnetIDs)
		}
	}
	if d := cmp.Diff(want, got, opts); d != "" {
		t.Errorf("the files are another estate than the network (-network +files):\n%s", d)
	}
	if want.RuleCount() != got.RuleCount() {
		t.Errorf("%d rules in memory, %d in the files", want.RuleCount(), got.RuleCount())
	}
	if want.Tags == nil && got.Tags == nil {
		return
	}
	if want.Tags.Len() != got.Tags.Len() {
		t.Errorf("%d tags in memory, %d in the files", want.Tags.Len(), got.Tags.Len())
	}
	for _, name := range []string{"AzureCloud", "Storage.westeurope", "Sql"} {
		if d := cmp.Diff(want.Tag(name), got.Tag(name), opts); d != "" {
			t.Errorf("tag %s differs:\n%s", name, d)
		}
	}
}

// TestEstatesAreRepeatable: a seed gives the same bytes, another seed others.
func TestEstatesAreRepeatable(t *testing.T) {
	content := func(o Options) string {
		var b strings.Builder
		for _, f := range newEstate(t, o).Files() {
			if err := f.Write(&b); err != nil {
				t.Fatal(err)
			}
		}
		return b.String()
	}
	first := content(small)
	if content(small) != first {
		t.Error("one seed gave two estates")
	}
	other := small
	other.Seed++
	if content(other) == first {
		t.Error("two seeds gave one estate")
	}
}

// TestProportions pins the mix that published figures were measured with.
func TestProportions(t *testing.T) {
	e := newEstate(t, Options{Seed: 1, NICs: 500, Subnets: 40, NSGs: 60, Tags: 0.08})
	n := e.Network()
	counts, rules := map[string]float64{}, 0.0
	sizes := map[int]int{}
	for _, g := range n.SecurityGroups {
		sizes[len(g.Rules)-6]++
		for _, r := range g.Rules {
			if r.Kind != network.UserRule {
				continue
			}
			rules++
			remote, local := r.Source, r.Destination
			if r.Direction == flow.Outbound {
				remote, local = local, remote
			}
			count := func(what string, is bool) {
				if is {
					counts[what]++
				}
			}
			count("inbound", r.Direction == flow.Inbound)
			count("allow", r.Access == flow.Allow)
			count("tcp", r.Protocol == 6)
			count("icmp", r.Protocol == 1)
			count("tag", remote[0].Kind == network.SelectServiceTag)
			count("any-remote", remote[0].Kind == network.SelectAny)
			count("cidr", remote[0].Kind == network.SelectPrefix)
			count("any-local", local[0].Kind == network.SelectAny)
			count("asg-local", local[0].Kind == network.SelectASG)
			count("port-list", len(r.DestinationPorts) > 1)
			if r.Priority < minPriority || r.Priority > maxPriority {
				t.Errorf("priority %d", r.Priority)
			}
		}
	}
	if want := map[int]int{50: 36, 200: 18, 1000: 6}; !cmp.Equal(sizes, want) {
		t.Errorf("group sizes %v, want %v", sizes, want)
	}
	for what, want := range map[string]float64{
		"inbound": 0.70, "allow": 0.75, "tcp": 0.65, "icmp": 0.04, "tag": 0.08, "any-remote": 0.15, "cidr": 0.56, "any-local": 0.55,
		"asg-local": 0.10, "port-list": 0.22 * 0.96,
	} {
		if got := counts[what] / rules; got < want-0.015 || got > want+0.015 {
			t.Errorf("share of %s is %.3f, want %.3f", what, got, want)
		}
	}
	if n.Tags.Len() != tagCount {
		t.Errorf("%d tags, want %d: names collide", n.Tags.Len(), tagCount)
	}
	if l := len(n.Tag("AzureCloud").Prefixes); l != cloud4+cloud6 {
		t.Errorf("AzureCloud has %d prefixes", l)
	}
}

func TestOptionsAreRefused(t *testing.T) {
	for name, o := range map[string]Options{
		"no-NICs": {}, "full-subnet": {NICs: 121, Subnets: 1}, "too-many-rules": {NICs: 1, Rules: []RuleMix{{1001, 1}}},
		"no-weight": {NICs: 1, Rules: []RuleMix{{10, 0}}}, "tags": {NICs: 1, Tags: 0.7}, "ipv6": {NICs: 1, IPv6: -1},
		"subnets": {NICs: 1, Subnets: maxSubnets + 1}, "asgs": {NICs: 3, ASGs: 4}, "negative-weight": {NICs: 1, Rules: []RuleMix{{10, -1}, {20, 2}}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := New(o); err == nil {
				t.Errorf("%+v was taken", o)
			}
		})
	}
}

func TestParseRules(t *testing.T) {
	got, err := ParseRules("50:36, 200:18,1000")
	if want := []RuleMix{{50, 36}, {200, 18}, {1000, 1}}; err != nil || !cmp.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	for _, s := range []string{"", "x", "1:", ":1", "1:2:3", "50,"} {
		if m, err := ParseRules(s); err == nil {
			t.Errorf("%q gave %v", s, m)
		}
	}
}

type fullDisk struct{ left int }

var errFull = errors.New("no space left")

func (d *fullDisk) Write(p []byte) (int, error) {
	if d.left -= len(p); d.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestWritingStopsAtAnError(t *testing.T) {
	for _, f := range newEstate(t, small).Files() {
		if err := f.Write(&fullDisk{left: 1}); !errors.Is(err, errFull) {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}

// TestWritingKeepsNothing: a large file is written object by object, in memory
// that does not grow with it.
func TestWritingKeepsNothing(t *testing.T) {
	e := newEstate(t, Options{Seed: 1, NICs: 10, NSGs: 500, Rules: []RuleMix{{100, 1}}})
	for _, f := range e.Files() {
		if f.Name != "networkSecurityGroups.json" {
			continue
		}
		d := &drain{every: 8 << 20}
		if err := f.Write(d); err != nil {
			t.Fatal(err)
		}
		if d.total < 50_000_000 {
			t.Errorf("%d bytes; exports have about 1.2 KB a rule", d.total)
		}
		if grown := int64(slices.Max(d.heap)) - int64(d.heap[0]); grown > 4<<20 {
			t.Errorf("the heap grew by %d bytes while %d were written: %v", grown, d.total, d.heap)
		}
	}
}

// drain discards, and notes the live heap now and then.
type drain struct {
	every, total, next int
	heap               []uint64
}

func (d *drain) Write(p []byte) (int, error) {
	if d.total += len(p); d.total >= d.next {
		d.next += d.every
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		d.heap = append(d.heap, m.HeapAlloc)
	}
	return len(p), nil
}

// FuzzParseRules: no panic, and what is read is written back the same.
func FuzzParseRules(f *testing.F) {
	f.Add("50:36,200:18,1000:6")
	f.Add("10, 20:-1")
	f.Fuzz(func(t *testing.T, s string) {
		mix, err := ParseRules(s)
		if err != nil {
			return
		}
		var parts []string
		for _, m := range mix {
			parts = append(parts, fmt.Sprintf("%d:%d", m.Rules, m.Weight))
		}
		if again, err := ParseRules(strings.Join(parts, ",")); err != nil || !slices.Equal(again, mix) {
			t.Errorf("%q: %v, then %v, %v", s, mix, again, err)
		}
	})
}
