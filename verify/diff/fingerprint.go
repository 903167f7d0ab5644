package diff

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"ipflow/index"
	"ipflow/index/interval"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// mark is the content of something: equal marks mean equal answers.
type mark [sha256.Size]byte

// printer fingerprints the NICs of one network. Two NICs with equal marks,
// whatever their networks, answer every flow with the same access.
type printer struct {
	net       *network.Network
	selectors *index.Selectors
	choices   string // the assumptions in force
	named     bool   // rules with other names differ
	lists     map[listKey]*list
	inView    map[viewKey]mark
	covers    map[coverKey]mark
}

// list is a rule list without what depends on who looks at it.
type list struct {
	mark
	mentions []network.Selector // distinct selectors whose meaning depends on the view or on the network
}

// spelt is a selector as written.
type spelt struct {
	kind network.SelectorKind
	text string
}

type listKey struct {
	group *network.SecurityGroup
	admin *network.AdminRules
}

type viewKey struct {
	view string
	listKey
}

type coverKey struct {
	view, selector string
}

func newPrinter(n *network.Network, s *index.Selectors, named bool) *printer {
	return &printer{
		net: n, selectors: s, choices: n.Assumptions.String(), named: named,
		lists: map[listKey]*list{}, inView: map[viewKey]mark{}, covers: map[coverKey]mark{},
	}
}

// content collects what is hashed, each part with its length.
type content []byte

func (c *content) text(s string) {
	c.number(uint64(len(s)))
	*c = append(*c, s...)
}

func (c *content) number(n uint64) { *c = binary.LittleEndian.AppendUint64(*c, n) }

func (c *content) part(m mark) { *c = append(*c, m[:]...) }

func (c *content) texts(list []string) {
	c.number(uint64(len(list)))
	for _, s := range list {
		c.text(s)
	}
}

func (c *content) mark() mark { return sha256.Sum256(*c) }

// nic fingerprints a NIC: its own addresses and memberships, and every layer.
func (p *printer) nic(c *network.NIC) mark {
	var out content
	out.text(p.choices)
	out.number(uint64(len(c.IPConfigs)))
	for i := range c.IPConfigs {
		cfg := &c.IPConfigs[i]
		out.text(cfg.Address.String())
		asgs := make([]string, len(cfg.ASGs))
		for j, id := range cfg.ASGs {
			asgs[j] = network.Key(id)
		}
		slices.Sort(asgs)
		out.texts(slices.Compact(asgs))
		out.text(cfg.ASGFact)
		if !cfg.Address.IsValid() && c.Subnet != nil {
			out.text(fmt.Sprint(c.Subnet.Prefixes))
		}
	}
	view := viewOf(c)
	vnet := view
	if key := c.VirtualNetworkKey(); c.Observed == nil && key != "" {
		vnet = "\x00" + key
	}
	ref := func(g network.GroupRef) {
		switch {
		case g.Group != nil:
			part := p.view(view, vnet, c, listKey{group: g.Group})
			out.number(1)
			out.part(part)
		default:
			out.number(0)
			out.text(g.Fact)
		}
	}
	ref(p.net.SubnetGroup(c))
	ref(c.Group)
	if admin := p.net.AdminRulesOf(c); admin != nil {
		out.texts(admin.Facts)
		part := p.view(view, vnet, c, listKey{admin: admin})
		out.part(part)
	}
	return out.mark()
}

// viewOf names what decides the meaning of selectors for a NIC: its subnet, or
// for a NIC about which effective exports speak, itself.
func viewOf(c *network.NIC) string {
	key := network.Key(c.SubnetID) + "\x00" + c.SubnetFact
	if c.Observed != nil {
		key += "\x00" + network.Key(c.ID)
	}
	return key
}

// view fingerprints a list with what its selectors cover for the NIC.
func (p *printer) view(view, vnet string, c *network.NIC, key listKey) mark {
	at := viewKey{view, key}
	if out, ok := p.inView[at]; ok {
		return out
	}
	l := p.list(key)
	var out content
	out.part(l.mark)
	for _, s := range l.mentions {
		part := p.cover(view, vnet, c, s)
		out.part(part)
	}
	done := out.mark()
	p.inView[at] = done
	return done
}

// cover fingerprints what a selector covers for the NIC.
func (p *printer) cover(view, vnet string, c *network.NIC, s network.Selector) mark {
	at := coverKey{view, selectorText(s)}
	switch {
	case s.Kind == network.SelectServiceTag && c.Observed == nil:
		at.view = "" // tag files say the same everywhere
	case s.Kind == network.SelectASG:
		at.view = vnet // members are near in all of a virtual network
	}
	if out, ok := p.covers[at]; ok {
		return out
	}
	var out content
	reach := p.selectors.Of(c, s)
	out.addresses(reach.Sure)
	for _, d := range reach.May {
		out.text(factKey(d.Fact))
		out.addresses(d.Where)
	}
	if s.Kind == network.SelectASG {
		out.text(fmt.Sprint(len(p.net.ASGMembers(s.Text)) > 0))
	}
	done := out.mark()
	p.covers[at] = done
	return done
}

// factKey names a fact whatever its spelling. Those that name places in files
// are as they are.
func factKey(fact string) string {
	if strings.HasPrefix(fact, "unresolved:") {
		return fact
	}
	return network.Key(fact)
}

func (c *content) addresses(a index.Addresses) {
	c.number(uint64(len(a.V4)))
	for _, r := range a.V4 {
		c.number(uint64(r.First)<<32 | uint64(r.Last))
	}
	c.number(uint64(len(a.V6)))
	for _, r := range a.V6 {
		for _, x := range []interval.IPv6{r.First, r.Last} {
			c.number(x.Hi)
			c.number(x.Lo)
		}
	}
}

// list fingerprints the rules of both directions in evaluation order, without
// names, numbers and places.
func (p *printer) list(key listKey) *list {
	if l, ok := p.lists[key]; ok {
		return l
	}
	l := &list{}
	mentioned := map[spelt]bool{}
	mention := func(list []network.Selector) {
		for _, s := range list {
			switch s.Kind {
			case network.SelectAny, network.SelectPrefix, network.SelectUnknown:
			default:
				if text := (spelt{s.Kind, s.Text}); !mentioned[text] {
					mentioned[text] = true
					l.mentions = append(l.mentions, s)
				}
			}
		}
	}
	var out content
	for _, d := range []flow.Direction{flow.Inbound, flow.Outbound} {
		out.number(uint64(d))
		var rules []*network.Rule
		if key.group != nil {
			rules = key.group.List(d)
		} else {
			rules = key.admin.List(d)
		}
		for _, r := range rules {
			mention(r.Source)
			mention(r.Destination)
			out.rule(r)
			if p.named {
				out.text(network.Key(r.ID))
			}
		}
	}
	// In an order of their own, whatever the spelling.
	slices.SortFunc(l.mentions, func(a, b network.Selector) int { return strings.Compare(selectorText(a), selectorText(b)) })
	l.mentions = slices.CompactFunc(l.mentions, func(a, b network.Selector) bool { return selectorText(a) == selectorText(b) })
	l.mark = out.mark()
	p.lists[key] = l
	return l
}

func (c *content) rule(r *network.Rule) {
	always := uint64(0)
	if r.Always {
		always = 1
	}
	c.number(uint64(r.Access)<<1 | always)
	c.number(uint64(uint16(r.Protocol)))
	c.ports(r.SourcePorts)
	c.ports(r.DestinationPorts)
	c.side(r.Source)
	c.side(r.Destination)
	c.texts(r.Facts)
}

func (c *content) ports(list []flow.PortRange) {
	if len(list) > 1 {
		ranges := make([]interval.Range[interval.Port], len(list))
		for i, r := range list {
			ranges[i] = interval.Range[interval.Port]{First: interval.Port(r.First), Last: interval.Port(r.Last)}
		}
		list = nil
		for _, r := range interval.Of(ranges) {
			list = append(list, flow.PortRange{First: uint16(r.First), Last: uint16(r.Last)})
		}
	}
	c.number(uint64(len(list)))
	for _, r := range list {
		c.number(uint64(r.First)<<16 | uint64(r.Last))
	}
}

// side writes the selectors in an order of their own, prefixes joined.
func (c *content) side(list []network.Selector) {
	if len(list) == 1 { // the usual case, the same bytes as below
		if s := &list[0]; s.Kind != network.SelectPrefix || s.Prefix.Bits() == 0 {
			c.number(1)
			c.text(selectorText(*s))
			c.addresses(index.Addresses{})
			return
		}
	}
	var prefixes []netip.Prefix
	var words []string
	for _, s := range list {
		if s.Kind == network.SelectPrefix && s.Prefix.Bits() > 0 {
			prefixes = append(prefixes, s.Prefix)
			continue
		}
		words = append(words, selectorText(s))
	}
	slices.Sort(words)
	c.texts(slices.Compact(words))
	c.addresses(index.AddressesOf(prefixes))
}

// selectorText names a selector whatever its spelling.
func selectorText(s network.Selector) string {
	switch s.Kind {
	case network.SelectPrefix:
		return s.Prefix.String()
	case network.SelectServiceTag, network.SelectASG:
		return string(rune('0'+s.Kind)) + " " + network.Key(s.Text)
	case network.SelectUnknown:
		return "? " + s.Fact
	case network.SelectAny, network.SelectVirtualNetwork, network.SelectInternet, network.SelectAzureLoadBalancer:
		return string(rune('0' + s.Kind))
	}
	panic("diff: selector kind")
}
