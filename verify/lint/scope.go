package lint

import (
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"

	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// A scope is a group as one subnet sees it: what VirtualNetwork covers and which
// members of application security groups are near differ from subnet to subnet.
type scope struct {
	name string       // for messages
	bare *network.NIC // stands for any NIC of the subnet; it has no addresses
	nics []*network.NIC
	home index.Addresses // set by merged
	open bool            // nowhere yet
}

// attachments says where a group stands.
type attachments struct {
	scopes []*scope
	// exempt is true when the group is only at subnets whose NICs all are
	// private endpoints that do not meet it.
	exempt bool
}

// attached finds the scopes of every group, in the order of subnets, then NICs.
func attached(n *network.Network) map[*network.SecurityGroup]*attachments {
	out := map[*network.SecurityGroup]*attachments{}
	byView := map[*network.SecurityGroup]map[string]*scope{}
	at := func(g *network.SecurityGroup, bare *network.NIC, name string) *scope {
		if out[g] == nil {
			out[g], byView[g] = &attachments{}, map[string]*scope{}
		}
		key := viewKey(bare)
		sc := byView[g][key]
		if sc == nil {
			sc = &scope{name: name, bare: bare}
			byView[g][key] = sc
			out[g].scopes = append(out[g].scopes, sc)
		}
		return sc
	}
	spared, met := map[*network.Subnet]bool{}, map[*network.Subnet]bool{}
	for _, s := range n.Subnets {
		if g := s.Group.Group; g != nil {
			at(g, &network.NIC{SubnetID: s.ID, Subnet: s}, "subnet "+s.Name)
		}
	}
	for _, c := range n.NICs {
		groups := []*network.SecurityGroup{c.Group.Group, n.SubnetGroup(c).Group}
		if c.Subnet != nil && c.Subnet.Group.Group != nil {
			if groups[1] == nil {
				spared[c.Subnet] = true
			} else {
				met[c.Subnet] = true
			}
		}
		if groups[0] == groups[1] {
			groups = groups[:1]
		}
		for _, g := range groups {
			if g != nil {
				sc := at(g, bareOf(c), scopeName(c))
				sc.nics = append(sc.nics, c)
			}
		}
	}
	for _, a := range out {
		a.exempt = !slices.ContainsFunc(a.scopes, func(sc *scope) bool {
			return len(sc.nics) > 0 || sc.bare.Subnet == nil || !spared[sc.bare.Subnet] || met[sc.bare.Subnet]
		})
	}
	return out
}

func scopeName(c *network.NIC) string {
	switch {
	case c.Subnet != nil:
		return "subnet " + c.Subnet.Name
	case c.SubnetID != "":
		return "subnet " + network.LastSegment(c.SubnetID)
	}
	return "NIC " + c.Name
}

// bareOf is the NIC without what is its own: its view of the network.
func bareOf(c *network.NIC) *network.NIC {
	return &network.NIC{ID: c.ID, SubnetID: c.SubnetID, SubnetFact: c.SubnetFact, Subnet: c.Subnet, Observed: c.Observed}
}

// viewKey tells views apart. A NIC about which effective exports speak has its
// own.
func viewKey(c *network.NIC) string {
	key := network.Key(c.SubnetID) + "\x00" + c.SubnetFact
	if c.Observed != nil {
		key += "\x00" + network.Key(c.ID)
	}
	return key
}

// openScope stands for everywhere: a group that is attached to nothing may come
// to stand anywhere, and where NICs may be missing from the snapshot one of them
// may have the group already.
func openScope(name string) *scope {
	return &scope{name: name, bare: &network.NIC{SubnetFact: "unattached"}, open: true}
}

func names(scopes []*scope) string {
	var out []string
	for _, sc := range scopes {
		out = append(out, sc.name)
	}
	slices.Sort(out)
	out = slices.Compact(out)
	if len(out) > 3 {
		out = append(out[:3], "…")
	}
	return strings.Join(out, ", ")
}

// A view is scopes from which a list looks the same, taken as one.
type view struct {
	scope *scope
	sides []side
}

// merged joins the scopes that see the same in the rules: what holds for one
// then holds for the others, up to their own NICs.
func (l *linter) merged(scopes []*scope, rules []*network.Rule, dir flow.Direction) (out []view) {
	at := map[[32]byte]*scope{}
	for _, sc := range scopes {
		sides := l.sides(sc, rules, dir)
		key := digestSides(sides)
		if first := at[key]; first != nil {
			first.nics = append(first.nics, sc.nics...)
			first.home = first.home.Or(l.home(sc))
			continue
		}
		one := &scope{name: sc.name, bare: sc.bare, nics: slices.Clone(sc.nics), open: sc.open, home: l.home(sc)}
		at[key] = one
		out = append(out, view{one, sides})
	}
	return out
}

func digestSides(sides []side) [32]byte {
	var b []byte
	put := func(a index.Addresses) {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(a.V4)))
		for _, r := range a.V4 {
			b = binary.LittleEndian.AppendUint32(b, uint32(r.First))
			b = binary.LittleEndian.AppendUint32(b, uint32(r.Last))
		}
		b = binary.LittleEndian.AppendUint32(b, uint32(len(a.V6)))
		for _, r := range a.V6 {
			for _, x := range []uint64{r.First.Hi, r.First.Lo, r.Last.Hi, r.Last.Lo} {
				b = binary.LittleEndian.AppendUint64(b, x)
			}
		}
	}
	for i := range sides {
		for _, reach := range []*index.Reach{&sides[i].local, &sides[i].remote} {
			put(reach.Sure)
			b = binary.LittleEndian.AppendUint32(b, uint32(len(reach.May)))
			for _, d := range reach.May {
				put(d.Where) // which fact it is decides nothing
			}
		}
	}
	return sha256.Sum256(b)
}

// home is where the local addresses of a scope can be: in the prefixes of its
// subnet, at the frontends whose address floating IP leaves in a packet, and
// anywhere where a NIC forwards or the subnet is not known.
func (l *linter) home(sc *scope) index.Addresses {
	s := sc.bare.Subnet
	if s == nil || len(s.Prefixes) == 0 || slices.ContainsFunc(sc.nics, func(c *network.NIC) bool { return c.IPForwarding }) {
		return everywhere
	}
	return index.AddressesOf(s.Prefixes).Or(l.floating)
}

var everywhere = index.AddressesOf([]netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")})

// floatingAddresses are the frontends of balancing rules with floating IP;
// everywhere when one of them is not known.
func floatingAddresses(n *network.Network) index.Addresses {
	var out []netip.Prefix
	for _, b := range n.LoadBalancers {
		for _, r := range b.Rules {
			if !r.FloatingIP {
				continue
			}
			i := slices.IndexFunc(b.Frontends, func(f network.Frontend) bool { return network.Key(f.ID) == network.Key(r.FrontendID) })
			if i < 0 {
				return everywhere
			}
			a := b.Frontends[i].Private
			if id := network.Key(b.Frontends[i].PublicIPID); id != "" {
				for _, p := range n.PublicIPs {
					if network.Key(p.ID) == id {
						a = p.Address
					}
				}
			}
			if !a.IsValid() {
				return everywhere
			}
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	return index.AddressesOf(out)
}
