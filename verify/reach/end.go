package reach

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"ipflow/index"
	"ipflow/ingest/diag"
	"ipflow/ingest/network"
)

// End is one end of the flows asked about.
type End struct {
	Text string // as asked
	// Members are the NICs of the end, sorted by id; nil when the end is not made
	// of NICs: a tag, prefixes or everything.
	Members []Member
	// Prefixes are the address prefixes of a subnet or virtual network.
	Prefixes  []netip.Prefix
	addresses index.Addresses   // of prefixes and everything
	tag       *network.Selector // service tag; its addresses depend on the NIC that looks
	without   index.Addresses   // of the tag, not meant
	joined    *index.Addresses  // of the members, once asked for
	held      *Held             // of the members; see Prepare
	notes     []string
	// Doubts are facts on which the end may hold more than is told, sorted.
	Doubts []string
}

// Member is a NIC of an end. Only its addresses in Within count; nil means all.
type Member struct {
	NIC    *network.NIC
	Within *index.Addresses
	// known, when not nil, are addresses that surely count, where Within is nil
	// because it is not on record which do.
	known *index.Addresses
}

// IsNICs reports whether the end is made of NICs.
func (e *End) IsNICs() bool { return e.Members != nil }

// InternetEnd is the Internet tag but for the addresses of Azure's platform, from
// which health probes and the like come and nobody else.
func InternetEnd() End {
	return End{
		Text: "Internet", tag: &network.Selector{Kind: network.SelectInternet, Text: "Internet"},
		without: index.AddressesOf(network.LoadBalancerPrefixes),
	}
}

// IsTag reports whether the addresses of the end depend on the NIC that looks.
func (e *End) IsTag() bool { return e.tag != nil }

// Anything is the end that holds every address.
var Anything = End{Text: "*", addresses: index.Addresses{V4: everything.V4, V6: everything.V6}}

var everything = index.AddressesOf([]netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")})

// kind is a kind of resource that a selector may name.
type kind struct {
	word  string // before the colon
	found func(n *network.Network, name string) []found
}

type found struct {
	id  string
	end End
}

var kinds = []kind{
	{"nic", findNICs},
	{"vm", findVMs},
	{"subnet", findSubnets},
	{"vnet", findVirtualNetworks},
	{"nsg", findGroups},
	{"asg", findASGs},
}

// Resolve reads a selector: `*`, `Internet`, another service tag, an address or
// prefix, or a NIC, VM, subnet, virtual network, NSG or ASG by id or name. A name
// that several kinds share is written nic:NAME, vm:, subnet:, vnet:, nsg:, asg: or
// tag:NAME; a subnet also VNET/SUBNET. Errors say how to ask instead.
func Resolve(n *network.Network, text string) (End, error) {
	text = strings.TrimSpace(text)
	if text == "*" || strings.EqualFold(text, "any") {
		return Anything, nil
	}
	if p, ok := parsePrefix(text); ok {
		return End{Text: text, addresses: index.AddressesOf([]netip.Prefix{p})}, nil
	}
	word, name, qualified := strings.Cut(text, ":")
	if qualified && strings.EqualFold(word, "tag") {
		return resolveTag(n, text, name)
	}
	var matches []found
	var words []string
	for _, k := range kinds {
		list := []found(nil)
		switch {
		case qualified && strings.EqualFold(word, k.word):
			list = k.found(n, name)
		case !qualified:
			list = k.found(n, text)
		}
		for _, f := range list {
			matches, words = append(matches, f), append(words, k.word)
		}
	}
	switch {
	case len(matches) == 1:
		out := matches[0].end
		out.Text = text
		return out, nil
	case len(matches) > 1:
		return End{}, ambiguous(text, matches, words)
	case qualified:
		return End{}, fmt.Errorf("%q is not in the snapshot; write nic:, vm:, subnet:, vnet:, nsg:, asg: or tag: and a name or id of it%s", text, nearest(n, name))
	}
	return resolveTag(n, text, text)
}

func parsePrefix(text string) (netip.Prefix, bool) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	p, err := netip.ParsePrefix(text)
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96) // flows spell it so too
	}
	return p.Masked(), err == nil
}

func ambiguous(text string, matches []found, words []string) error {
	var list []string
	for i, m := range matches {
		list = append(list, words[i]+":"+m.id)
	}
	slices.Sort(list)
	const shown = 4
	more := ""
	if len(list) > shown {
		more = fmt.Sprintf(" and %d more", len(list)-shown)
		list = list[:shown]
	}
	return fmt.Errorf("%q is not unique in the snapshot: write %s%s", text, strings.Join(list, " or "), more)
}

// resolveTag reads a service tag that the snapshot knows.
func resolveTag(n *network.Network, text, name string) (End, error) {
	s, _, ok := network.ParseSelector(name)
	if !ok || s.Kind == network.SelectPrefix || s.Kind == network.SelectUnknown {
		return End{}, fmt.Errorf("%q is no NIC, VM, subnet, virtual network, NSG, ASG, service tag, prefix or address of the snapshot%s", text, nearest(n, name))
	}
	if s.Kind == network.SelectServiceTag && n.Tag(name) == nil {
		return End{}, fmt.Errorf("%q is neither in the snapshot nor a tag of its tag file (name one with --service-tags)%s", text, nearest(n, name))
	}
	return End{Text: text, tag: &s}, nil
}

// nearest suggests a name of the snapshot that differs in a few letters.
func nearest(n *network.Network, text string) string {
	best, at := "", 3
	near := func(name string) {
		if d := diag.Distance(network.Key(text), network.Key(name)); d < at && d < len(name)/2 || d == at && best != "" && name < best {
			best, at = name, d
		}
	}
	for _, c := range n.NICs {
		near(c.Name)
	}
	for _, m := range n.VirtualMachines {
		near(m.Name)
	}
	for _, s := range n.Subnets {
		near(s.Name)
	}
	for _, v := range n.VirtualNetworks {
		near(v.Name)
	}
	for _, g := range n.SecurityGroups {
		near(g.Name)
	}
	for _, f := range findASGs(n, "") {
		near(network.LastSegment(f.id))
	}
	for _, tag := range []string{"Internet", "VirtualNetwork", "AzureLoadBalancer"} {
		near(tag)
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

func matchesID(id, name, wanted string) bool {
	return strings.EqualFold(id, wanted) || strings.EqualFold(name, wanted)
}

func members(nics []*network.NIC) []Member {
	out := make([]Member, 0, len(nics)) // not nil: an end of NICs without a NIC
	for _, c := range nics {
		out = append(out, Member{NIC: c})
	}
	slices.SortFunc(out, func(a, b Member) int { return a.NIC.Index - b.NIC.Index })
	return slices.CompactFunc(out, func(a, b Member) bool { return a.NIC == b.NIC })
}

func findNICs(n *network.Network, name string) (out []found) {
	for _, c := range n.NICsNamed(name) {
		out = append(out, found{c.ID, End{Members: members([]*network.NIC{c})}})
	}
	return out
}

func findVMs(n *network.Network, name string) (out []found) {
	for _, m := range n.VMsNamed(name) {
		out = append(out, found{m.ID, End{Members: members(m.NICs), Doubts: missingNICs(m)}})
	}
	return out
}

func findSubnets(n *network.Network, name string) (out []found) {
	for _, s := range n.Subnets {
		short := network.LastSegment(s.VirtualNetworkID) + "/" + s.Name
		if matchesID(s.ID, s.Name, name) || strings.EqualFold(short, name) {
			out = append(out, found{s.ID, SubnetEnd(n, s)})
		}
	}
	return out
}

// SubnetEnd returns the NICs of a subnet, or its prefixes where it has none.
func SubnetEnd(n *network.Network, s *network.Subnet) End {
	var nics []*network.NIC
	for _, c := range n.NICs {
		if c.Subnet == s {
			nics = append(nics, c)
		}
	}
	return subnetEnd(n, s, nics)
}

func subnetEnd(n *network.Network, s *network.Subnet, nics []*network.NIC) End {
	e := spaceEnd(s.ID, nics, s.Prefixes)
	e.Doubts = placeDoubts(n)
	return e
}

// spaceEnd is an end of NICs that also is a space of addresses.
func spaceEnd(id string, nics []*network.NIC, prefixes []netip.Prefix) End {
	e := End{Text: id, Prefixes: prefixes, addresses: index.AddressesOf(prefixes)}
	if len(nics) == 0 {
		e.notes = []string{id + " has no NIC in the snapshot; only the rules of the other end are asked, about its prefixes"}
		return e
	}
	e.Members = members(nics)
	return e
}

func findVirtualNetworks(n *network.Network, name string) (out []found) {
	for _, v := range n.VirtualNetworks {
		if matchesID(v.ID, v.Name, name) {
			out = append(out, found{v.ID, VirtualNetworkEnd(n, v)})
		}
	}
	return out
}

// VirtualNetworkEnd returns the NICs of a virtual network, or its prefixes where
// it has none.
func VirtualNetworkEnd(n *network.Network, v *network.VirtualNetwork) End {
	var nics []*network.NIC
	for _, c := range n.NICs {
		if n.VirtualNetworkOf(c) == v {
			nics = append(nics, c)
		}
	}
	e := spaceEnd(v.ID, nics, v.Prefixes)
	e.Doubts = sorted(append(placeDoubts(n), v.Facts...))
	return e
}

func findGroups(n *network.Network, name string) (out []found) {
	for _, g := range n.SecurityGroups {
		if !matchesID(g.ID, g.Name, name) {
			continue
		}
		var nics []*network.NIC
		for _, c := range n.NICs {
			if c.Group.Group == g || n.SubnetGroup(c).Group == g {
				nics = append(nics, c)
			}
		}
		out = append(out, found{g.ID, End{Members: members(nics), Doubts: groupDoubts(n, g)}})
	}
	return out
}

// findASGs finds application security groups, all of them when name is empty.
func findASGs(n *network.Network, name string) (out []found) {
	ids := map[string]string{}
	for _, a := range n.ASGs {
		ids[network.Key(a.ID)] = a.ID
	}
	for _, c := range n.NICs { // groups that no export lists, but NICs name
		for i := range c.IPConfigs {
			for _, id := range c.IPConfigs[i].ASGs {
				if _, known := ids[network.Key(id)]; !known {
					ids[network.Key(id)] = id
				}
			}
		}
	}
	for _, id := range ids {
		if name == "" || matchesID(id, network.LastSegment(id), name) {
			out = append(out, found{id, ASGEnd(n, id)})
		}
	}
	slices.SortFunc(out, func(a, b found) int { return strings.Compare(a.id, b.id) })
	return out
}

// ASGEnd returns the ip configurations of an application security group.
func ASGEnd(n *network.Network, id string) End {
	e := End{Text: id, Members: []Member{}}
	within := map[*network.NIC][]netip.Prefix{}
	whole := map[*network.NIC]bool{}
	for _, m := range n.ASGMembers(id) {
		known := within[m.NIC]
		if m.Address.IsValid() {
			known = append(known, netip.PrefixFrom(m.Address, m.Address.BitLen()))
		} else {
			whole[m.NIC] = true // which address is not recorded
		}
		within[m.NIC] = known
	}
	for c, list := range within {
		a := index.AddressesOf(list)
		m := Member{NIC: c, known: &a}
		if !whole[c] {
			m.Within = &a
		}
		e.Members = append(e.Members, m)
	}
	slices.SortFunc(e.Members, func(a, b Member) int { return a.NIC.Index - b.NIC.Index })
	e.Doubts = asgDoubts(n, id)
	if doubtful := n.DoubtfulMembers(); len(doubtful) > 0 {
		e.notes = append(e.notes, fmt.Sprintf("the ASGs of %d ip configurations could not be read (%s, …); they are not counted as members of %s", len(doubtful), doubtful[0].NIC.ID, id))
	}
	return e
}
