package explain

import (
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/internal/estate"
	"ipflow/verify/oracle"
)

var update = flag.Bool("update", false, "rewrite the golden texts")

// tuple reads "direction protocol local remote", with ports; * leaves the
// source port open.
func tuple(t *testing.T, words string) flow.Tuple {
	t.Helper()
	w := strings.Fields(words)
	var out flow.Tuple
	out.Direction, _ = flow.ParseDirection(w[0])
	out.Protocol, _ = flow.ParseProtocol(w[1])
	for i, text := range w[2:] {
		address, port := text, "0"
		if out.Protocol.HasPorts() {
			at := strings.LastIndexByte(text, ':')
			address, port = strings.Trim(text[:at], "[]"), text[at+1:]
		}
		a, err := netip.ParseAddr(address)
		if err != nil {
			t.Fatal(err)
		}
		if port == "*" {
			out.AnySourcePort, port = true, "0"
		}
		p, ok := flow.ParsePort(port)
		if !ok {
			t.Fatalf("port %q", port)
		}
		if i == 0 {
			out.Local, out.LocalPort = flow.AddressFrom(a), p
		} else {
			out.Remote, out.RemotePort = flow.AddressFrom(a), p
		}
	}
	return out
}

func load(t *testing.T) *network.Network {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "estate.json"))
	if err != nil {
		t.Fatal(err)
	}
	return estate.Decode(t, map[string]string{"estate.json": string(text)})
}

func TestGolden(t *testing.T) {
	for _, c := range []struct {
		name, nic, words string
		change           func(n *network.Network)
	}{
		{name: "denied-twice", nic: "web1", words: "Inbound Tcp 10.0.0.4:22 8.8.8.8:*"},
		{name: "allowed", nic: "web1", words: "Inbound Tcp 10.0.0.4:443 8.8.8.8:50000"},
		{name: "unknown-tag", nic: "web1", words: "Inbound Tcp 10.0.0.4:10000 8.8.8.8:50000"},
		{name: "rule-uncertain", nic: "web1", words: "Inbound Tcp 10.0.0.4:10000 10.9.0.1:50000"},
		{name: "no-nsg", nic: "bare", words: "Inbound Udp 10.0.1.4:53 8.8.8.8:50000"},
		{name: "missing-group", nic: "web1", words: "Outbound Icmp 10.0.0.4 8.8.8.8", change: func(n *network.Network) {
			c := n.NICsNamed("web1")[0]
			c.Group.Group, c.Group.Fact = nil, "missing-nsg:"+c.Group.ID
		}},
		{name: "admin-rules", nic: "web1", words: "Inbound Tcp 10.0.0.4:443 8.8.8.8:50000", change: func(n *network.Network) {
			r := estate.Rule(t, 5, "shut In Deny Tcp * * 443")
			r.Kind, r.ManagerID = network.AdminRule, "/nm/global"
			other := estate.Rule(t, 4, "ssh In Allow Tcp * * 22")
			other.Kind, other.ManagerID, other.Always = network.AdminRule, "/nm/global", true
			n.NICsNamed("web1")[0].Subnet.Admin = &network.AdminRules{Source: "effective admin rules of hub", Rules: []*network.Rule{other, r}}
			network.Link(n)
		}},
		{name: "inert", nic: "web1", words: "Inbound Tcp 10.0.0.4:443 8.8.8.8:50000", change: func(n *network.Network) {
			n.NICsNamed("web1")[0].Group.Group.Rules[1].Name = "web\x1b[31m\nAllow by x"
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := load(t)
			if c.change != nil {
				c.change(n)
			}
			nic, q := n.NICsNamed(c.nic)[0], tuple(t, c.words)
			e := Of(n, nic, q)
			var b strings.Builder
			if err := e.Write(&b, Notes(n, nic, q, e.Verdict)); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", c.name+".txt")
			if *update {
				if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), b.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func notes(n *network.Network, words string, t *testing.T) (flow.Verdict, []string) {
	q := tuple(t, words)
	v := oracle.New(n).Classify(n.NICs[0], q)
	return v, Notes(n, n.NICs[0], q, v)
}

// The vectors whose answers come with a note, or must come without.
func TestNotes(t *testing.T) {
	for _, c := range []struct {
		name, words   string
		rules         []string
		want, without string
		access        flow.Access
	}{
		{"vector-1", "Inbound Tcp 10.0.0.4:22 100.1.2.3:*", nil, "", "", flow.Deny},
		{"vector-2", "Outbound Tcp 10.0.0.4:* 100.1.2.3:80", nil, "", "", flow.Allow},
		{"vector-3", "Inbound Tcp 10.0.0.4:22 100.1.2.3:*", []string{"default-allow-ssh In Allow Tcp * * 22"}, "", "", flow.Allow},
		{"vector-4", "Outbound Tcp 10.0.0.4:* 172.31.0.100:80", nil, "", "", flow.Deny},
		{"vector-5", "Inbound Tcp 10.0.0.4:80 172.31.0.100:*", nil, "", "", flow.Deny},
		{"vector-7", "Outbound Tcp 10.0.0.4:* 169.254.169.254:80", nil, "169.254.169.254 is the instance metadata service: the platform exempts it", "", flow.Deny},
		{"vector-8", "Outbound Udp 10.0.0.4:* 168.63.129.16:53", nil, "168.63.129.16 is the Azure host", "", flow.Allow},
		{"vector-10", "Inbound Tcp 10.0.0.4:80 168.63.129.16:*", []string{"no In Deny * VirtualNetwork * *"}, "168.63.129.16 is the Azure host", "", flow.Deny},
		{"host-over-ipv6", "Inbound Tcp [fd00::4]:80 [fe80::1234:5678:9abc]:*", nil, "fe80::1234:5678:9abc is the Azure host", "", flow.Allow},
		{
			"default-that-is-undecidable", "Inbound Icmp 10.0.0.4 8.8.8.8",
			[]string{"ping In Allow Icmp * * 8"},
			"assumption portless-ports=unknown; with ignore it would be Allow by securityRules/ping, with never it would be Deny by defaultSecurityRules/DenyAllInBound", "", flow.Unknown,
		},
		{
			"default-that-decides", "Inbound Tcp [fd00::4]:80 [2600::1]:*",
			[]string{"all In Allow * 0.0.0.0/0 * *"},
			"assumption literal-any=ipv4; with both it would be Allow by securityRules/all", "", flow.Deny,
		},
		{
			"microsoft-space", "Outbound Tcp 10.0.0.4:* 20.128.0.1:443", nil,
			"assumption microsoft-internal=excluded; with included it would be Allow by defaultSecurityRules/AllowInternetOutBound", "", flow.Deny,
		},
		{"nothing-rests-on-it", "Outbound Tcp 10.0.0.4:* 8.8.8.8:443", []string{"all In Allow * 0.0.0.0/0 * *"}, "", "assumption", flow.Allow},
	} {
		t.Run(c.name, func(t *testing.T) {
			var rules []*network.Rule
			for i, words := range c.rules {
				rules = append(rules, estate.Rule(t, int32(1000+i), words))
			}
			n := estate.Linked(estate.New(nil, estate.Group("g", rules...)))
			v, got := notes(n, c.words, t)
			if v.Access != c.access {
				t.Errorf("access %v, want %v", v.Access, c.access)
			}
			if c.want == "" && c.without == "" && len(got) > 0 {
				t.Errorf("notes %q, want none", got)
			}
			has := func(text string) bool {
				return slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, text) })
			}
			if c.want != "" && !has(c.want) {
				t.Errorf("notes %q lack %q", got, c.want)
			}
			if c.without != "" && has(c.without) {
				t.Errorf("notes %q hold %q", got, c.without)
			}
		})
	}
}

// An assumption that the user changed is named when it decides, and asking does
// not change it.
func TestChangedAssumption(t *testing.T) {
	n := estate.New(nil, estate.Group("g", estate.Rule(t, 100, "all In Allow * 0.0.0.0/0 * *")))
	if err := n.Assumptions.Set("literal-any", "both"); err != nil {
		t.Fatal(err)
	}
	estate.Linked(n)
	v, got := notes(n, "Inbound Tcp [fd00::4]:80 [2600::1]:*", t)
	if v.Access != flow.Allow || len(got) != 1 || !strings.Contains(got[0], "literal-any=both; with ipv4 it would be Deny") {
		t.Errorf("%v, %q", v.Access, got)
	}
	if n.Assumptions.Value("literal-any") != "both" {
		t.Error("asking changed the network")
	}
}

func TestStandardPublicIP(t *testing.T) {
	for _, c := range []struct {
		name, sku, words string
		want             bool
	}{
		{"standard", "standard", "Inbound Tcp 10.0.0.4:80 8.8.8.8:*", true},
		{"basic", "Basic", "Inbound Tcp 10.0.0.4:80 8.8.8.8:*", false},
		{"outbound", "Standard", "Outbound Tcp 10.0.0.4:* 8.8.8.8:80", false},
		{"from-inside", "Standard", "Inbound Tcp 10.0.0.4:80 10.0.0.9:*", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := estate.New(nil, nil)
			n.PublicIPs = []*network.PublicIP{{ID: "/pips/front", Name: "front", SKU: c.sku}}
			n.NICs[0].IPConfigs[0].PublicIPID = "/PIPS/front"
			v, got := notes(estate.Linked(n), c.words, t)
			if v.Access != flow.Allow || v.Reason != flow.ReasonNoNSG {
				t.Fatalf("%+v", v)
			}
			if has := slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, "secure by default") }); has != c.want {
				t.Errorf("notes %q", got)
			}
		})
	}
}

// Near rules: fewest failing fields first, then priority; as many as asked for.
func TestNear(t *testing.T) {
	n := estate.Linked(estate.New(nil, estate.Group("g",
		estate.Rule(t, 100, "three In Allow Udp 10.1.0.0/16 * 22"),
		estate.Rule(t, 110, "one In Allow Tcp * * 22"),
		estate.Rule(t, 120, "two In Allow Udp * * 22"),
		estate.Rule(t, 130, "also In Allow Tcp 9.9.9.9 * 80"),
	)))
	q := tuple(t, "Inbound Tcp 10.0.0.4:80 8.8.8.8:1")
	for near, want := range map[int]string{
		0: "one also AllowVnetInBound", 1: "one", 4: "one also AllowVnetInBound AllowAzureLoadBalancerInBound", -1: "",
		9: "one also AllowVnetInBound AllowAzureLoadBalancerInBound two three",
	} {
		e := Of(n, n.NICs[0], q)
		e.ShowNear = near
		var names []string
		for _, r := range e.near(&e.Layers[0]) {
			names = append(names, network.LastSegment(r.Name))
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("near %d: %s, want %s", near, got, want)
		}
		// Sources are named for the tags of rules that are shown.
		if got := len(e.Sources()); got != 0 && (near == 1 || near == -1) || got == 0 && near == 0 {
			t.Errorf("near %d: sources %q", near, e.Sources())
		}
	}
}

// An answer says whether its tags were computed or taken from Azure's answers.
func TestSourcesOfTags(t *testing.T) {
	n := load(t)
	c := n.NICsNamed("web1")[0]
	if s := sourcesOf(n, c)[network.SelectVirtualNetwork]; !strings.Contains(s, "(virtual network ") {
		t.Error(s)
	}
	c.Observed = &network.Observation{
		VirtualNetwork: &network.TagContent{Source: "effective routes", Prefixes: estate.Prefixes("10.0.0.0/16", "10.9.0.0/16")},
		Internet:       &network.TagContent{Source: "effective rules", Prefixes: estate.Prefixes("8.0.0.0/8")},
	}
	all := sourcesOf(n, c)
	if s := all[network.SelectVirtualNetwork]; s != "VirtualNetwork: 10.0.0.0/16, 10.9.0.0/16, from effective routes" {
		t.Error(s)
	}
	if s := all[network.SelectInternet]; s != "Internet: 1 prefixes from effective rules" {
		t.Error(s)
	}
	q := tuple(t, "Inbound Tcp 10.0.0.4:22 8.8.8.8:*")
	if s := Of(n, c, q).Sources(); !slices.Contains(s, all[network.SelectInternet]) {
		t.Error(s)
	}
}
