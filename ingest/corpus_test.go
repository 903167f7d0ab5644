package ingest

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ipflow/ingest/network"
)

// argued are the differences from the independent evaluator where ours is right,
// by template and what differs, with the reason.
var argued = map[string]string{
	// The expansion lists the subnet twice: inside its virtual network without a
	// security group, and again as what a linked deployment that depends on the
	// network makes of it, with one. Resources are deployed in the order of
	// dependsOn, and the later one replaces the subnet.
	// https://learn.microsoft.com/azure/azure-resource-manager/templates/resource-dependency
	"quickstart-2024/application-workloads/solace/solace-message-router/azuredeploy.json subnet /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/myRg/providers/Microsoft.Network/virtualNetworks/solace-vnet/subnets/solace-subnet": "deployed later with a security group",
}

// folded is a JSON object by names in lower case.
type folded map[string]any

func fold(v any) folded {
	out := folded{}
	m, _ := v.(map[string]any)
	for k, v := range m {
		out[strings.ToLower(k)] = v
	}
	return out
}

func (f folded) object(name string) folded { return fold(f[strings.ToLower(name)]) }

func (f folded) list(name string) []any {
	l, _ := f[strings.ToLower(name)].([]any)
	return l
}

func (f folded) text(name string) string {
	switch v := f[strings.ToLower(name)].(type) {
	case string:
		return strings.TrimSpace(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

// texts are the values of a singular and a plural form, in lower case, sorted.
func (f folded) texts(one, many string) []string {
	var out []string
	for _, v := range append(f.list(many), f[strings.ToLower(one)]) {
		if s := (folded{"x": v}).text("x"); s != "" {
			out = append(out, strings.ToLower(s))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// concrete reports whether a text holds no residue.
func concrete(texts ...string) bool {
	return !slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(s, "[") })
}

type comparison struct {
	t        *testing.T
	template string
	s        *Snapshot
	compared int
}

func (c *comparison) equal(what string, want, got []string) {
	lower := func(list []string) []string {
		out := []string{}
		for _, s := range list {
			out = append(out, strings.ToLower(strings.TrimSpace(s)))
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	if !concrete(want...) {
		return
	}
	c.compared++
	if !slices.Equal(lower(want), lower(got)) {
		c.differ(what, "want %q, got %q", want, got)
	}
}

func (c *comparison) differ(what, format string, args ...any) {
	if argued[c.template+" "+what] != "" {
		return
	}
	c.t.Errorf(what+": "+format, args...)
}

// named reports whether an id of ours is that of the expansion, which has none
// where the name is not known: there every id with a symbol may be it.
func named(want, ours string) bool {
	if want == "" || !concrete(want) {
		return !concrete(ours)
	}
	return strings.EqualFold(want, ours)
}

// rule compares a security rule of the group with the id, "" for unknown.
func (c *comparison) rule(group, name string, p folded) {
	if !concrete(name) {
		return
	}
	what := "rule " + network.LastSegment(group) + "/" + name
	candidates := 0
	var found *network.Rule
	for _, g := range c.s.Network.SecurityGroups {
		if !named(group, g.ID) {
			continue
		}
		for _, r := range g.Rules {
			if r.Kind == network.UserRule && strings.EqualFold(r.Name, name) {
				candidates++
				found = r
			}
		}
	}
	if candidates == 0 {
		c.differ(what, "not found in %q", group)
		return
	}
	if candidates > 1 && group == "" {
		return // which of them it is cannot be told
	}
	sides := func(side string) []string {
		out := p.texts(side+"AddressPrefix", side+"AddressPrefixes")
		for _, v := range p.list(side + "ApplicationSecurityGroups") {
			out = append(out, fold(v).text("id"))
		}
		return out
	}
	c.equal(what+" priority", []string{p.text("priority")}, []string{strconv.Itoa(int(found.Priority))})
	c.equal(what+" direction", []string{p.text("direction")}, []string{found.Text.Direction})
	c.equal(what+" access", []string{p.text("access")}, []string{found.Text.Access})
	c.equal(what+" protocol", []string{p.text("protocol")}, []string{found.Text.Protocol})
	c.equal(what+" source", sides("source"), found.Text.Source)
	c.equal(what+" destination", sides("destination"), found.Text.Destination)
	c.equal(what+" source ports", p.texts("sourcePortRange", "sourcePortRanges"), found.Text.SourcePorts)
	c.equal(what+" destination ports", p.texts("destinationPortRange", "destinationPortRanges"), found.Text.DestinationPorts)
}

func (c *comparison) nic(id string, p folded) {
	i := slices.IndexFunc(c.s.Network.NICs, func(n *network.NIC) bool { return named(id, n.ID) })
	if i < 0 {
		c.differ("nic "+id, "not found")
		return
	}
	if id != "" {
		c.equal("nic "+id, []string{p.object("networkSecurityGroup").text("id")}, []string{c.s.Network.NICs[i].Group.ID})
	}
}

func (c *comparison) subnet(id string, p folded) {
	if !concrete(id) {
		return
	}
	i := slices.IndexFunc(c.s.Network.Subnets, func(n *network.Subnet) bool { return strings.EqualFold(id, n.ID) })
	if i < 0 {
		c.differ("subnet "+id, "not found")
		return
	}
	c.equal("subnet "+id, []string{p.object("networkSecurityGroup").text("id")}, []string{c.s.Network.Subnets[i].Group.ID})
}

func (c *comparison) vnet(id string, p folded) {
	if id == "" {
		return
	}
	i := slices.IndexFunc(c.s.Network.VirtualNetworks, func(n *network.VirtualNetwork) bool { return strings.EqualFold(id, n.ID) })
	if i < 0 {
		c.differ("vnet "+id, "not found")
		return
	}
	var got []string
	for _, q := range c.s.Network.VirtualNetworks[i].Prefixes {
		got = append(got, q.String())
	}
	c.equal("vnet "+id, p.object("addressSpace").texts("", "addressPrefixes"), got)
	for _, v := range p.list("subnets") {
		if s := fold(v); s.text("name") != "" {
			c.subnet(id+"/subnets/"+s.text("name"), s.object("properties"))
		}
	}
}

// TestTemplatesAgainstExpansion compares what the templates of the corpus make
// with what an independent evaluator made of them.
func TestTemplatesAgainstExpansion(t *testing.T) {
	root := sharedData(t, "arm")
	manifest, err := os.Open(filepath.Join(root, "templates", "MANIFEST.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer manifest.Close()
	var spent time.Duration
	templates, compared := 0, 0
	for lines := bufio.NewScanner(manifest); lines.Scan(); {
		template, _, _ := strings.Cut(lines.Text(), "\t")
		data, err := os.ReadFile(filepath.Join(root, "expanded", strings.TrimSuffix(template, ".json")+".expanded.json"))
		if err != nil {
			continue // the header, and templates without an expansion
		}
		t.Run(strings.ReplaceAll(strings.TrimSuffix(template, ".json"), " ", "_"), func(t *testing.T) {
			var expansion struct {
				Parameters string
				Resources  []any
			}
			if err := json.Unmarshal(data, &expansion); err != nil {
				t.Fatal(err)
			}
			d := Deployment{ResourceGroup: "myRg", Location: "eastus"}
			if expansion.Parameters != "" {
				d.Parameters = []string{filepath.Join(root, "templates", expansion.Parameters)}
			}
			start := time.Now()
			s, err := Load(context.Background(), Options{Paths: []string{filepath.Join(root, "templates", template)}, Deployment: d})
			spent += time.Since(start)
			if err != nil {
				t.Fatal(err)
			}
			c := &comparison{t: t, template: template, s: s}
			for _, v := range expansion.Resources {
				r := fold(v)
				id, p := r.text("id"), r.object("properties")
				switch strings.ToLower(r.text("type")) {
				case "microsoft.network/networksecuritygroups":
					for _, v := range p.list("securityRules") {
						c.rule(id, fold(v).text("name"), fold(v).object("properties"))
					}
				case "microsoft.network/networksecuritygroups/securityrules":
					c.rule(network.ParentID(id), network.LastSegment(r.text("name")), p)
				case "microsoft.network/networkinterfaces":
					c.nic(id, p)
				case "microsoft.network/virtualnetworks":
					c.vnet(id, p)
				case "microsoft.network/virtualnetworks/subnets":
					c.subnet(id, p)
				}
			}
			templates++
			compared += c.compared
		})
	}
	if templates < 114 || compared < 3000 {
		t.Errorf("only %d templates and %d values", templates, compared)
	}
	// Two cores have 5 s for all of them; this took 0.2 s in 2026.
	if spent > 5*time.Second {
		t.Errorf("%v for all templates", spent)
	}
	t.Logf("%d templates, %d values, %v", templates, compared, spent)
}
