package estate

import (
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ipflow/ingest/azure"
	"ipflow/ingest/flow"
	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
)

// The ids of the network that New builds.
const (
	VNet   = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/vnet"
	Subnet = VNet + "/subnets/app"
	NIC    = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/networkInterfaces/nic1"
	VM     = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm1"
	groups = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/networkSecurityGroups/"
)

// GroupID returns the id of the group with the name.
func GroupID(name string) string { return groups + name }

// Rule reads a rule from words: name, priority is given apart, then direction,
// access, protocol, source, destination, destination ports. Lists are joined by
// commas; asg:ID is an application security group.
func Rule(t testing.TB, priority int32, words string) *network.Rule {
	t.Helper()
	w := strings.Fields(words)
	if len(w) != 7 {
		t.Fatalf("estate: rule %q has %d words, not 7", words, len(w))
	}
	r := &network.Rule{Name: w[0], Priority: priority, Protocol: network.AnyProtocol}
	r.SourcePorts = []flow.PortRange{flow.AllPorts}
	direction, ok := flow.ParseDirection(w[1])
	if !ok {
		t.Fatalf("estate: direction in %q", words)
	}
	r.Direction = direction
	r.Access = map[string]flow.Access{"Allow": flow.Allow, "Deny": flow.Deny}[w[2]]
	if w[3] != "*" {
		p, ok := flow.ParseProtocol(w[3])
		if !ok {
			t.Fatalf("estate: protocol in %q", words)
		}
		r.Protocol = network.ProtocolMatch(p)
	}
	r.Source, r.Destination = selectors(t, w[4]), selectors(t, w[5])
	for _, text := range strings.Split(w[6], ",") {
		p, ok := flow.ParsePortRange(text)
		if !ok {
			t.Fatalf("estate: port %q in %q", text, words)
		}
		r.DestinationPorts = append(r.DestinationPorts, p)
	}
	return r
}

func selectors(t testing.TB, list string) (out []network.Selector) {
	t.Helper()
	for _, text := range strings.Split(list, ",") {
		if id, ok := strings.CutPrefix(text, "asg:"); ok {
			out = append(out, network.Selector{Kind: network.SelectASG, Text: id})
			continue
		}
		s, _, ok := network.ParseSelector(text)
		if !ok {
			t.Fatalf("estate: selector %q", text)
		}
		out = append(out, s)
	}
	return out
}

// Group returns a security group with the rules; Link adds the default rules.
func Group(name string, rules ...*network.Rule) *network.SecurityGroup {
	g := &network.SecurityGroup{ID: GroupID(name), Name: name, Rules: rules}
	for _, r := range rules {
		r.ID = g.ID + "/securityRules/" + r.Name
	}
	return g
}

// New returns, not yet linked, a virtual network 10.0.0.0/16 with a subnet
// 10.0.0.0/24 and a virtual machine with one NIC at 10.0.0.4, behind the groups
// of the subnet and the NIC; nil is no group.
func New(subnet, nic *network.SecurityGroup) *network.Network {
	s := &network.Subnet{ID: Subnet, Name: "app", VirtualNetworkID: VNet, Prefixes: Prefixes("10.0.0.0/24")}
	c := &network.NIC{
		ID: NIC, Name: "nic1", VMID: VM, SubnetID: Subnet,
		IPConfigs: []network.IPConfig{{Name: "ip1", Address: netip.MustParseAddr("10.0.0.4"), SubnetID: Subnet, Primary: true}},
	}
	n := &network.Network{
		VirtualNetworks: []*network.VirtualNetwork{{ID: VNet, Name: "vnet", Prefixes: Prefixes("10.0.0.0/16")}},
		Subnets:         []*network.Subnet{s},
		NICs:            []*network.NIC{c},
		VirtualMachines: []*network.VirtualMachine{{ID: VM, Name: "vm1", NICIDs: []string{NIC}}},
		Internet:        network.DefaultInternet(true),
	}
	if subnet != nil {
		s.Group.ID = subnet.ID
		n.SecurityGroups = append(n.SecurityGroups, subnet)
	}
	if nic != nil {
		c.Group.ID = nic.ID
		if nic != subnet {
			n.SecurityGroups = append(n.SecurityGroups, nic)
		}
	}
	return n
}

// Linked links the network and returns it.
func Linked(n *network.Network) *network.Network {
	network.Link(n)
	return n
}

// Prefixes parses prefixes.
func Prefixes(texts ...string) (out []netip.Prefix) {
	for _, text := range texts {
		out = append(out, netip.MustParsePrefix(text))
	}
	return out
}

// Decode reads the JSON texts of a snapshot by path and links what they hold.
func Decode(t testing.TB, files map[string]string) *network.Network {
	t.Helper()
	var inputs []azure.Input
	for path, text := range files {
		docs, faults := jsontree.Parse(path, []byte(text))
		for _, f := range faults {
			t.Fatalf("estate: %v", f)
		}
		for _, d := range docs {
			inputs = append(inputs, azure.Input{Path: path, Root: d})
		}
	}
	return Linked(azure.Decode(inputs).Network)
}

// Shared finds a folder or file of the recorded data, or skips the test.
func Shared(t testing.TB, parts ...string) string {
	t.Helper()
	root := os.Getenv("IPFLOW_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared")
	}
	path := filepath.Join(append([]string{root}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no shared data: %v; set IPFLOW_SHARED", err)
	}
	return path
}

// Recorded returns the folders of the recorded cases whose name ends in suffix.
func Recorded(t testing.TB, suffix string) []string {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(Shared(t, "data", "azure-recorded"), "*"+suffix))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("estate: no recorded case ends in %s: %v", suffix, err)
	}
	return dirs
}

// Snapshot decodes the JSON files below a folder.
func Snapshot(t testing.TB, dir string) *network.Network {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".json") {
			return err
		}
		data, err := os.ReadFile(path)
		files[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return Decode(t, files)
}
