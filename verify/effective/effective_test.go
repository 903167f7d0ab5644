package effective

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipflow/index"
	"ipflow/ingest/diag"
	"ipflow/ingest/network"
	"ipflow/verify/internal/estate"
	"ipflow/verify/oracle"
)

// generic is an answer as any reader of its JSON sees it.
func generic(t *testing.T, text []byte) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func marshal(t *testing.T, a Answer) []byte {
	t.Helper()
	text, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// internetOf returns the expansion of the Internet tag that an answer holds.
func internetOf(t *testing.T, answer map[string]any) (out []netip.Prefix) {
	t.Helper()
	for _, g := range answer["value"].([]any) {
		for _, r := range g.(map[string]any)["effectiveSecurityRules"].([]any) {
			if r := r.(map[string]any); r["destinationAddressPrefix"] == "Internet" {
				for _, p := range r["expandedDestinationAddressPrefix"].([]any) {
					out = append(out, netip.MustParsePrefix(p.(string)))
				}
				return out
			}
		}
	}
	t.Fatal("no rule to Internet")
	return nil
}

// align rewrites an answer to what all years have in common: recordings before
// 2019 print 0.0.0.0/0 once, those before 2020 know the load balancer by IPv4
// only, and the oldest list prefixes in another order. Members that the
// recording lacks (plural lists and tagMap came later) are dropped from ours.
func align(v, recorded any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		r, _ := recorded.(map[string]any)
		for k, x := range v {
			if y, ok := r[k]; ok {
				out[k] = align(x, y)
			}
		}
		return out
	case []any:
		r, _ := recorded.([]any)
		out := []any{}
		for i, x := range v {
			if s, ok := x.(string); ok {
				if !slices.Contains(out, any(s)) && s != "fe80::1234:5678:9abc/128" {
					out = append(out, s)
				}
				continue
			}
			var y any
			if i < len(r) {
				y = r[i]
			}
			out = append(out, align(x, y))
		}
		if len(out) > 10 {
			slices.SortFunc(out, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
		}
		return out
	}
	return v
}

// TestRecorded reproduces whole recorded answers. The Internet list differs from
// year to year, so each recording is compared under its own list, given as a
// user would with --internet-prefixes; that the newest one is our default is
// TestNewestRecording's matter.
func TestRecorded(t *testing.T) {
	for _, dir := range estate.Recorded(t, "-effnsg") {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(dir, "answer.json"))
			if err != nil {
				t.Fatal(err)
			}
			want := generic(t, text)
			n := estate.Snapshot(t, filepath.Join(dir, "snapshot"))
			n.Internet = network.InternetFrom("recording", internetOf(t, want))
			a, notes := Of(n, n.NICs[0])
			if len(notes) > 0 {
				t.Errorf("notes %q", notes)
			}
			got := generic(t, marshal(t, a))
			if diff := cmp.Diff(align(want, want), align(got, want)); diff != "" {
				t.Errorf("(-recorded +ours)\n%s", diff)
			}
		})
	}
}

// The full answers of 2019 and 2024: the newest must come out word for word
// with the built-in Internet list.
func TestNewestRecording(t *testing.T) {
	const id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/cli_nic_convenience_test000001/providers/Microsoft.Network/"
	for _, c := range []struct {
		file    string
		builtIn bool
	}{{"effective_nsg_2024-08-26.json", true}, {"effective_nsg_2019-10-24.json", false}} {
		t.Run(c.file, func(t *testing.T) {
			text, err := os.ReadFile(estate.Shared(t, "azure", "recorded", c.file))
			if err != nil {
				t.Fatal(err)
			}
			want := generic(t, text)
			var rules []*network.Rule
			if !c.builtIn {
				rules = append(rules, estate.Rule(t, 1000, "default-allow-ssh In Allow Tcp * * 22"))
			}
			g := estate.Group("x", rules...)
			g.ID = id + "networkSecurityGroups/conveniencevm1NSG"
			n := estate.New(nil, g)
			n.NICs[0].ID = id + "networkInterfaces/conveniencevm1VMNic"
			n.VirtualMachines[0].NICIDs = []string{n.NICs[0].ID}
			if !c.builtIn {
				n.Internet = network.InternetFrom("recording", internetOf(t, want))
			}
			network.Link(n)
			a, _ := Of(n, n.NICs[0])
			got := generic(t, marshal(t, a))
			if c.builtIn {
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("(-recorded +ours)\n%s", diff)
				}
				return
			}
			if diff := cmp.Diff(align(want, want), align(got, want)); diff != "" {
				t.Errorf("(-recorded +ours)\n%s", diff)
			}
		})
	}
}

func TestNoGroup(t *testing.T) {
	n := estate.Linked(estate.New(nil, nil))
	a, notes := Of(n, n.NICs[0])
	if text, err := json.Marshal(a); err != nil || string(text) != `{"value":[]}` || len(notes) > 0 {
		t.Errorf("%s, %v, notes %q", text, err, notes)
	}
}

// vector-35 and vector-36: the spellings that a reader of effective exports must
// understand are the ones printed here.
func TestSpelling(t *testing.T) {
	g := estate.Group("g",
		estate.Rule(t, 300, "out Out Deny Udp 10.0.0.4 internet 53"),
		estate.Rule(t, 200, "lists In Allow Tcp 10.1.0.0/16,10.2.0.0/16 virtualNetwork 80,500-1000"),
		estate.Rule(t, 100, "any In Allow * * * 22"),
		estate.Rule(t, 150, "group In Deny Esp asg:/asgs/web asg:/asgs/none *"),
		estate.Rule(t, 160, "tag In Deny 47 storage 0.0.0.0/0 *"),
	)
	n := estate.New(g, nil)
	n.NICs[0].IPConfigs[0].ASGs = []string{"/asgs/web"}
	n.Tags = network.NewServiceTags(diag.Origin{}, "1", "Public")
	n.Tags.Add(&network.ServiceTag{Name: "Storage", Prefixes: estate.Prefixes("20.60.0.0/24", "2603::/48")})
	network.Link(n)
	a, notes := Of(n, n.NICs[0])
	if len(a.Value) != 1 || len(notes) != 0 {
		t.Fatalf("%d groups, notes %q", len(a.Value), notes)
	}
	find := func(name string) Rule {
		i := slices.IndexFunc(a.Value[0].Rules, func(r Rule) bool { return r.Name == name })
		if i < 0 {
			t.Fatalf("no rule %s", name)
		}
		return a.Value[0].Rules[i]
	}
	all := []string{"0-65535"}
	anywhere := []string{"0.0.0.0/0", "0.0.0.0/0"}
	vnet := []string{"10.0.0.0/16", "168.63.129.16/32"}
	for name, c := range map[string]struct{ got, want Rule }{
		"vector-35": {find("securityRules/any"), Rule{
			"securityRules/any", "All", "0-65535", "22-22", all,
			[]string{"22-22"},
			"0.0.0.0/0", "0.0.0.0/0", anywhere, anywhere, nil, nil, "Allow", 100, "Inbound",
		}},
		"vector-36": {find("securityRules/lists"), Rule{
			"securityRules/lists", "Tcp", "0-65535", "80-80", all,
			[]string{"80-80", "500-1000"},
			"10.1.0.0/16", "VirtualNetwork",
			[]string{"10.1.0.0/16", "10.2.0.0/16"},
			[]string{"VirtualNetwork"},
			nil, vnet, "Allow", 200, "Inbound",
		}},
		"group-members": {find("securityRules/group"), Rule{
			"securityRules/group", "Esp", "0-65535", "0-65535", all, all,
			"10.0.0.4/32", "",
			[]string{"10.0.0.4/32"},
			[]string{},
			nil, nil, "Deny", 150, "Inbound",
		}},
		"tag-and-literal": {find("securityRules/tag"), Rule{
			"securityRules/tag", "47", "0-65535", "0-65535", all, all,
			"Storage", "0.0.0.0/0",
			[]string{"Storage"},
			[]string{"0.0.0.0/0"},
			[]string{"20.60.0.0/24", "2603::/48"},
			nil, "Deny", 160, "Inbound",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, c.got); diff != "" {
				t.Error(diff)
			}
		})
	}
	var order []string
	for _, r := range a.Value[0].Rules {
		order = append(order, network.LastSegment(r.Name))
	}
	want := "any group tag lists AllowVnetInBound AllowAzureLoadBalancerInBound DenyAllInBound out AllowVnetOutBound AllowInternetOutBound DenyAllOutBound"
	if got := strings.Join(order, " "); got != want {
		t.Errorf("order %s", got)
	}
	var names []string
	for _, tag := range a.Value[0].TagMap {
		names = append(names, tag.Name)
	}
	if got := strings.Join(names, " "); got != "Storage VirtualNetwork AzureLoadBalancer Internet" {
		t.Errorf("tagMap %s", got)
	}
	if find("securityRules/out").DestinationPrefix != "Internet" {
		t.Error("tag not in canonical casing")
	}
}

// One group on both is one element with both associations; two are two, the
// subnet's first.
func TestAssociations(t *testing.T) {
	g := estate.Group("both")
	n := estate.Linked(estate.New(g, g))
	a, _ := Of(n, n.NICs[0])
	if len(a.Value) != 1 || a.Value[0].Association.Subnet.ID != estate.Subnet || a.Value[0].Association.NIC.ID != estate.NIC {
		t.Errorf("%+v", a.Value)
	}
	n = estate.Linked(estate.New(estate.Group("a"), estate.Group("b")))
	a, _ = Of(n, n.NICs[0])
	if len(a.Value) != 2 || a.Value[0].Association.Subnet == nil || a.Value[0].Association.NIC != nil || a.Value[1].Association.NIC == nil {
		t.Errorf("%+v", a.Value)
	}
}

// Admin rules come first, an element per manager, in evaluation order.
func TestAdminRules(t *testing.T) {
	n := estate.New(estate.Group("g"), nil)
	admin := &network.AdminRules{Source: "test"}
	for i, words := range []string{"out Out Allow Tcp * Internet 443", "ssh In Allow Tcp * * 22", "other In Deny * 10.9.0.0/16 * *"} {
		r := estate.Rule(t, int32(10+i), words)
		r.Kind, r.ManagerID = network.AdminRule, []string{"/nm/a", "/nm/A", "/nm/b"}[i]
		r.Always = r.Name == "ssh"
		admin.Rules = append(admin.Rules, r)
	}
	n.Subnets[0].Admin = admin
	network.Link(n)
	a, notes := Of(n, n.NICs[0])
	if len(notes) > 0 || len(a.Value) != 3 || a.Value[2].SecurityGroup == nil {
		t.Fatalf("%d elements, notes %q", len(a.Value), notes)
	}
	first, second := a.Value[0], a.Value[1]
	if first.SecurityGroup != nil || network.Key(first.Association.Manager.ID) != "/nm/a" || second.Association.Manager.ID != "/nm/b" {
		t.Errorf("%+v, %+v", first.Association, second.Association)
	}
	if len(first.Rules) != 2 || first.Rules[0].Name != "ssh" || first.Rules[0].Access != "AlwaysAllow" || first.Rules[1].Direction != "Outbound" {
		t.Errorf("%+v", first.Rules)
	}
	admin.Facts = []string{"unresolved:f#/p", "missing-vnet:v"}
	a, notes = Of(n, n.NICs[0])
	if len(a.Value) != 2 || !slices.Equal(a.Value[0].Open.Group, []string{"missing-vnet:v", "unresolved:f#/p"}) {
		t.Errorf("%+v", a.Value[0])
	}
	if len(notes) != 1 || !strings.HasPrefix(notes[0], "network manager a is not fully known: missing-vnet:v,unresolved:f#/p") {
		t.Errorf("notes %q", notes)
	}
}

func TestVirtualNetworkOrder(t *testing.T) {
	n := estate.New(estate.Group("g"), nil)
	n.VirtualNetworks[0].Peerings = []*network.Peering{
		{ID: "p2", Name: "p2", RemoteID: "/v/c", State: "Connected", AllowAccess: true, RemoteKnown: true, Remote: estate.Prefixes("10.2.0.0/16", "10.0.0.0/16")},
		{ID: "p1", Name: "p1", RemoteID: "/v/b", State: "Connected", AllowAccess: true, RemoteKnown: true, Remote: estate.Prefixes("20.50.0.0/16")},
		{ID: "p3", Name: "p3", RemoteID: "/v/d", State: "Initiated", AllowAccess: true, RemoteKnown: true, Remote: estate.Prefixes("10.3.0.0/16")},
	}
	n.RouteTables = []*network.RouteTable{{ID: "/rt", Name: "rt", Routes: []network.Route{
		{Name: "lan", Prefix: estate.Prefixes("192.168.7.0/24")[0], NextHop: "virtualappliance"},
		{Name: "drop", Prefix: estate.Prefixes("192.168.8.0/24")[0], NextHop: "None"},
		{Name: "tag", Tag: "Storage", NextHop: "VirtualAppliance"},
	}}}
	n.Subnets[0].RouteTable.ID = "/rt"
	network.Link(n)
	a, notes := Of(n, n.NICs[0])
	if len(notes) > 0 {
		t.Errorf("notes %q", notes)
	}
	tag := func(name string) []string {
		i := slices.IndexFunc(a.Value[0].TagMap, func(x Tag) bool { return x.Name == name })
		return a.Value[0].TagMap[i].Prefixes
	}
	want := []string{"10.0.0.0/16", "168.63.129.16/32", "20.50.0.0/16", "10.2.0.0/16", "192.168.7.0/24"}
	if diff := cmp.Diff(want, tag("VirtualNetwork")); diff != "" {
		t.Error(diff)
	}
	if internet := tag("Internet"); slices.Contains(internet, "20.50.0.0/16") || slices.Contains(internet, "20.48.0.0/12") {
		t.Error("a peer's public range is left in Internet")
	}
	// The list and the set that decides verdicts are computed apart.
	parts, facts := oracle.Parts(n, n.NICs[0])
	var list []netip.Prefix
	for _, p := range parts {
		list = append(list, p.Prefix)
	}
	reach := index.NewSelectors(n).Of(n.NICs[0], network.Selector{Kind: network.SelectVirtualNetwork})
	if got := index.AddressesOf(list); !got.Covers(reach.Sure) || !reach.Sure.Covers(got) || len(facts)+len(reach.May) > 0 {
		t.Errorf("parts %v, index %v", list, reach.Sure.Prefixes())
	}
	if parts[4].From != "route lan of table rt" || parts[3].From != "peering p2" {
		t.Errorf("parts %+v", parts)
	}
}

// A dual-stack network shows the IPv6 half of Internet too.
func TestInternetOfDualStack(t *testing.T) {
	n := estate.New(estate.Group("g"), nil)
	n.VirtualNetworks[0].Prefixes = estate.Prefixes("10.0.0.0/16", "2600:1::/48")
	network.Link(n)
	a, _ := Of(n, n.NICs[0])
	i := slices.IndexFunc(a.Value[0].TagMap, func(x Tag) bool { return x.Name == "Internet" })
	v6 := 0
	for _, p := range a.Value[0].TagMap[i].Prefixes {
		if q := netip.MustParsePrefix(p); q.Addr().Is6() {
			v6++
			if q.Contains(netip.MustParseAddr("2600:1::1")) || q.Contains(netip.MustParseAddr("fe80::1")) {
				t.Errorf("%s in Internet", p)
			}
		}
	}
	if v6 == 0 {
		t.Error("no IPv6 in Internet")
	}
}

func TestWhatIsNotKnown(t *testing.T) {
	g := estate.Group("g",
		estate.Rule(t, 100, "tag In Allow Tcp Nobody * 80"),
		estate.Rule(t, 110, "group In Allow Tcp asg:/asgs/web * 80"),
		estate.Rule(t, 120, "again In Allow Udp asg:/asgs/web * 80"),
	)
	n := estate.New(estate.Group("gone"), g)
	n.SecurityGroups = n.SecurityGroups[1:]
	n.Subnets[0].RouteTable.ID = "/rt/gone"
	n.NICs[0].VMID = ""
	n.VirtualMachines = nil
	n.NICs = append(n.NICs, &network.NIC{ID: "/nics/b", Name: "b", SubnetID: estate.Subnet, IPConfigs: []network.IPConfig{{ASGs: []string{"/asgs/web"}}}})
	network.Link(n)
	a, notes := Of(n, n.NICsNamed("nic1")[0])
	wantOpen := []*Open{
		{Group: []string{"missing-nsg:" + estate.GroupID("gone")}},
		{
			UnknownTags: map[string][]string{"Nobody": {"unknown-tag:Nobody"}, "VirtualNetwork": {"missing-route-table:/rt/gone"}},
			Rules: map[string][]string{
				"securityRules/group": {"missing-address:/nics/b"}, "securityRules/again": {"missing-address:/nics/b"},
			},
		},
	}
	var got []*Open
	for _, g := range a.Value {
		if g.Open.UnknownTags != nil && len(g.Open.UnknownTags) == 0 {
			g.Open.UnknownTags, g.Open.Rules = nil, nil
		}
		got = append(got, g.Open)
	}
	if diff := cmp.Diff(wantOpen, got); diff != "" {
		t.Error(diff)
	}
	wantNotes := []string{
		"security group gone is not fully known: missing-nsg:" + estate.GroupID("gone"),
		"security group g is not fully known: missing-address:/nics/b,missing-route-table:/rt/gone,unknown-tag:Nobody",
		"NIC nic1 is not attached to a virtual machine; Azure answers NicMustBeAttachedToRunningVmToGetEffectiveSecurityGroups",
	}
	if diff := cmp.Diff(wantNotes, notes); diff != "" {
		t.Error(diff)
	}
	if text := string(marshal(t, a)); !strings.Contains(text, `"Nobody": []`) || !strings.Contains(text, `"ipflow": {`) {
		t.Errorf("%s", text)
	}
	n = estate.New(nil, estate.Group("g"))
	n.VirtualMachines[0].PowerState = "VM deallocated"
	network.Link(n)
	if _, notes := Of(n, n.NICs[0]); len(notes) != 1 || !strings.Contains(notes[0], "vm1 is not running (VM deallocated)") {
		t.Errorf("notes %q", notes)
	}
}
