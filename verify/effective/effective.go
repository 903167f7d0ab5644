package effective

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/oracle"
)

// Answer is the effective rules of a NIC. Value is empty, not nil, when no
// security group applies.
type Answer struct {
	Value []Group `json:"value"`
}

// Group is one security group on the way, or the admin rules of one network
// manager.
type Group struct {
	SecurityGroup *Reference  `json:"networkSecurityGroup,omitempty"` // nil for admin rules
	Association   Association `json:"association"`
	Rules         []Rule      `json:"effectiveSecurityRules"`
	TagMap        TagMap      `json:"tagMap"`
	// Open is ours: what the snapshot does not determine. Nil when all is.
	Open *Open `json:"ipflow,omitempty"`
}

// Reference is an ARM id.
type Reference struct {
	ID string `json:"id"`
}

// Association says where the group is; both, when it is the same group.
type Association struct {
	Manager *Reference `json:"networkManager,omitempty"`
	Subnet  *Reference `json:"subnet,omitempty"`
	NIC     *Reference `json:"networkInterface,omitempty"`
}

// Rule is one security rule, normalised.
type Rule struct {
	Name                 string   `json:"name"`     // securityRules/X or defaultSecurityRules/X
	Protocol             string   `json:"protocol"` // All, Tcp, Udp, Icmp, Esp, Ah
	SourcePort           string   `json:"sourcePortRange,omitempty"`
	DestinationPort      string   `json:"destinationPortRange,omitempty"`
	SourcePorts          []string `json:"sourcePortRanges"`
	DestinationPorts     []string `json:"destinationPortRanges"`
	SourcePrefix         string   `json:"sourceAddressPrefix,omitempty"`
	DestinationPrefix    string   `json:"destinationAddressPrefix,omitempty"`
	SourcePrefixes       []string `json:"sourceAddressPrefixes"`
	DestinationPrefixes  []string `json:"destinationAddressPrefixes"`
	ExpandedSources      []string `json:"expandedSourceAddressPrefix,omitempty"`
	ExpandedDestinations []string `json:"expandedDestinationAddressPrefix,omitempty"`
	Access               string   `json:"access"` // AlwaysAllow too for admin rules
	Priority             int32    `json:"priority"`
	Direction            string   `json:"direction"`
}

// Open lists facts: why the group, a tag, a rule is not fully known.
type Open struct {
	Group       []string            `json:"group,omitempty"`
	UnknownTags map[string][]string `json:"unknownTags,omitempty"` // by tag as in tagMap
	Rules       map[string][]string `json:"rules,omitempty"`       // by rule name
}

// TagMap is what each tag of the rules covers, in order of first appearance.
type TagMap []Tag

// Tag is a service tag as the NIC sees it.
type Tag struct {
	Name     string
	Prefixes []string
}

// MarshalJSON writes an object from tag to prefixes, in order.
func (m TagMap) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, t := range m {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(t.Name)
		if err != nil {
			return nil, err
		}
		list, err := json.Marshal(t.Prefixes)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(list)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// Of returns the effective rules of a NIC of a linked network. Notes say where
// Azure would have answered otherwise and what is not known.
func Of(n *network.Network, nic *network.NIC) (answer Answer, notes []string) {
	answer.Value = []Group{}
	t := newTags(n, nic)
	// Inbound order: admin rules, subnet, NIC.
	for _, l := range oracle.Layers(n, nic, flow.Inbound) {
		switch l.Layer {
		case flow.SecurityAdmin:
			answer.Value = append(answer.Value, t.managers(&l)...)
		case flow.Subnet:
			g := t.group(&l)
			g.Association.Subnet = &Reference{l.AppliedTo}
			answer.Value = append(answer.Value, g)
		case flow.NetworkInterface:
			if same := answer.associated(l.GroupID); same != nil {
				same.Association.NIC = &Reference{l.AppliedTo}
				continue
			}
			g := t.group(&l)
			g.Association.NIC = &Reference{l.AppliedTo}
			answer.Value = append(answer.Value, g)
		case flow.NoLayer:
			panic("effective: no layer")
		}
	}
	for i := range answer.Value {
		notes = append(notes, answer.Value[i].notes()...)
	}
	return answer, append(notes, attachment(n, nic)...)
}

// Sources says where the NIC's own tags come from: Azure's answers for that NIC,
// or computation.
func Sources(nic *network.NIC) string {
	var parts []string
	for _, t := range []struct {
		name    string
		content *network.TagContent
	}{
		{"VirtualNetwork", nic.ObservedVirtualNetwork()}, {"Internet", nic.ObservedInternet()}, {"AzureLoadBalancer", nic.ObservedLoadBalancer()},
	} {
		source := "computed"
		if t.content != nil {
			source = "from " + diag.Printable(t.content.SourceOf())
		}
		parts = append(parts, t.name+" "+source)
	}
	return strings.Join(parts, ", ")
}

// associated returns the element of a security group already listed.
func (a *Answer) associated(id string) *Group {
	for i := range a.Value {
		if g := &a.Value[i]; id != "" && g.SecurityGroup != nil && network.Key(g.SecurityGroup.ID) == network.Key(id) {
			return g
		}
	}
	return nil
}

// attachment notes where Azure answers an error: effective rules need a running
// virtual machine.
func attachment(n *network.Network, nic *network.NIC) []string {
	name := diag.Printable(nic.Name)
	switch {
	case nic.PrivateEndpoint != "":
		return []string{"NIC " + name + " belongs to a private endpoint; Azure has no effective rules for those"}
	case nic.VMID == "":
		return []string{"NIC " + name + " is not attached to a virtual machine; Azure answers NicMustBeAttachedToRunningVmToGetEffectiveSecurityGroups"}
	}
	for _, vm := range n.VMsNamed(nic.VMID) {
		if vm.PowerState != "" && !strings.Contains(strings.ToLower(vm.PowerState), "running") {
			return []string{fmt.Sprintf("virtual machine %s is not running (%s); Azure answers NicMustBeAttachedToRunningVmToGetEffectiveSecurityGroups",
				diag.Printable(vm.Name), diag.Printable(vm.PowerState))}
		}
	}
	return nil
}

func (g *Group) notes() (out []string) {
	if g.Open == nil {
		return nil
	}
	facts := slices.Clone(g.Open.Group)
	for _, list := range g.Open.UnknownTags {
		facts = append(facts, list...)
	}
	for _, list := range g.Open.Rules {
		facts = append(facts, list...)
	}
	slices.Sort(facts)
	facts = slices.Compact(facts)
	for i, f := range facts {
		facts[i] = diag.Printable(f)
	}
	name, id := "security group", ""
	if g.SecurityGroup != nil {
		id = g.SecurityGroup.ID
	} else {
		name, id = "network manager", g.Association.Manager.ID
	}
	if id != "" {
		name += " " + diag.Printable(network.LastSegment(id))
	}
	return []string{name + " is not fully known: " + strings.Join(facts, ",")}
}

func (t *tags) group(l *oracle.LayerTrace) Group {
	g := Group{SecurityGroup: &Reference{l.GroupID}, Rules: []Rule{}, TagMap: TagMap{}}
	if l.Group == nil {
		g.open().Group = strings.Split(l.Missing, ",")
		return g
	}
	for _, r := range l.Group.Rules {
		g.Rules = append(g.Rules, t.rule(&g, r))
	}
	return g
}

// managers returns an element for each network manager, in evaluation order.
func (t *tags) managers(l *oracle.LayerTrace) []Group {
	element := func(id string) Group {
		return Group{Association: Association{Manager: &Reference{id}}, Rules: []Rule{}, TagMap: TagMap{}}
	}
	if l.Admin == nil {
		g := element(l.GroupID)
		g.open().Group = strings.Split(l.Missing, ",")
		return []Group{g}
	}
	rules := slices.Clone(l.Admin.Rules)
	slices.SortStableFunc(rules, func(a, b *network.Rule) int { return int(a.Direction) - int(b.Direction) })
	var out []Group
	for _, r := range rules {
		i := slices.IndexFunc(out, func(g Group) bool { return network.Key(g.Association.Manager.ID) == network.Key(r.ManagerID) })
		if i < 0 {
			i = len(out)
			out = append(out, element(r.ManagerID))
		}
		out[i].Rules = append(out[i].Rules, t.rule(&out[i], r))
	}
	return out
}

func (g *Group) open() *Open {
	if g.Open == nil {
		g.Open = &Open{UnknownTags: map[string][]string{}, Rules: map[string][]string{}}
	}
	return g.Open
}

func (g *Group) openRule(r *network.Rule, facts ...string) {
	if len(facts) == 0 {
		return
	}
	name := r.Spelling()
	list := append(g.open().Rules[name], facts...)
	slices.Sort(list)
	g.Open.Rules[name] = slices.Compact(list)
}

func (t *tags) rule(g *Group, r *network.Rule) Rule {
	out := Rule{
		Name: r.Spelling(), Protocol: "All",
		SourcePorts: ports(r.SourcePorts, r.Text.SourcePorts), DestinationPorts: ports(r.DestinationPorts, r.Text.DestinationPorts),
		Access: r.Text.Access, Priority: r.Priority, Direction: r.Text.Direction,
	}
	switch {
	case r.Always:
		out.Access = "AlwaysAllow"
	case r.Access != flow.Unknown:
		out.Access = r.Access.String()
	}
	if r.Direction != 0 {
		out.Direction = r.Direction.String()
	}
	if r.Protocol != network.AnyProtocol {
		out.Protocol = flow.Protocol(r.Protocol).String()
	}
	g.openRule(r, r.Facts...)
	out.SourcePrefixes, out.ExpandedSources = t.side(g, r, r.Source)
	out.DestinationPrefixes, out.ExpandedDestinations = t.side(g, r, r.Destination)
	out.SourcePort, out.DestinationPort = first(out.SourcePorts), first(out.DestinationPorts)
	out.SourcePrefix, out.DestinationPrefix = first(out.SourcePrefixes), first(out.DestinationPrefixes)
	return out
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// ports prints ranges; what could not be read prints as written.
func ports(ranges []flow.PortRange, text []string) []string {
	out := make([]string, len(ranges))
	for i, p := range ranges {
		out[i] = fmt.Sprintf("%d-%d", p.First, p.Last)
	}
	if len(out) == 0 {
		return append(out, text...)
	}
	return out
}

// side prints one side of a rule; expanded is nil unless it names a tag.
func (t *tags) side(g *Group, r *network.Rule, selectors []network.Selector) (prefixes, expanded []string) {
	prefixes = []string{}
	tagged := false
	for _, s := range selectors {
		switch s.Kind {
		case network.SelectAny:
			// Since 2019 the plural lists it twice, once for each family.
			prefixes = append(prefixes, "0.0.0.0/0", "0.0.0.0/0")
			expanded = append(expanded, "0.0.0.0/0")
		case network.SelectPrefix:
			prefixes = append(prefixes, s.Prefix.String())
			expanded = append(expanded, s.Prefix.String())
		case network.SelectASG:
			list, facts := t.members(s.Text)
			g.openRule(r, facts...)
			prefixes = append(prefixes, texts(list)...)
			expanded = append(expanded, texts(list)...)
		case network.SelectUnknown:
			prefixes = append(prefixes, s.Text)
			g.openRule(r, s.Fact)
		case network.SelectVirtualNetwork, network.SelectInternet, network.SelectAzureLoadBalancer, network.SelectServiceTag:
			tagged = true
			name := t.name(s)
			prefixes = append(prefixes, name)
			expanded = append(expanded, t.tag(g, name, s)...)
		}
	}
	if !tagged {
		expanded = nil
	}
	return prefixes, expanded
}

// tag returns a tag's content and enters it into the map on first use.
func (t *tags) tag(g *Group, name string, s network.Selector) []string {
	for i := range g.TagMap {
		if network.Key(g.TagMap[i].Name) == network.Key(name) {
			return g.TagMap[i].Prefixes
		}
	}
	list, facts := t.expand(s)
	if len(facts) > 0 {
		g.open().UnknownTags[name] = facts
	}
	g.TagMap = append(g.TagMap, Tag{name, texts(list)})
	return g.TagMap[len(g.TagMap)-1].Prefixes
}

func texts(list []netip.Prefix) []string {
	out := make([]string, len(list))
	for i, p := range list {
		out[i] = p.String()
	}
	return out
}
