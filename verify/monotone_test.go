package verify

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/internal/world"
	"ipflow/verify/oracle"
)

// hiding takes one fact out of an unlinked network; false when it has none.
type hiding struct {
	name string
	hide func(*network.Network) bool
}

// hidings lists the facts of a world that an export may lack: the tag file, a
// security group's body, a route table, a virtual network with its subnets, one
// subnet, what a peering knows of its peer.
func hidings() []hiding {
	out := []hiding{{"tag-file", func(n *network.Network) bool {
		// An effective export has its own, here contradicting, content of tags.
		had := n.Tags != nil && !slices.ContainsFunc(n.NICs, func(c *network.NIC) bool { return c.Observed != nil })
		n.Tags = nil
		return had
	}}}
	for i := range 3 {
		out = append(out, hiding{fmt.Sprintf("nsg-%d", i), func(n *network.Network) bool { return drop(&n.SecurityGroups, i) }})
	}
	for i := range 2 {
		out = append(out,
			hiding{fmt.Sprintf("route-table-%d", i), func(n *network.Network) bool { return drop(&n.RouteTables, i) }},
			hiding{fmt.Sprintf("vnet-%d", i), func(n *network.Network) bool { return hideVNet(n, i) }},
			hiding{"peer", func(n *network.Network) bool { return hidePeer(n, i) }})
	}
	for i := range 4 {
		out = append(out, hiding{fmt.Sprintf("subnet-%d", i), func(n *network.Network) bool { return drop(&n.Subnets, i) }})
	}
	return out
}

func drop[T any](list *[]T, i int) bool {
	if i >= len(*list) {
		return false
	}
	*list = slices.Delete(*list, i, i+1)
	return true
}

// hideVNet drops a virtual network and its subnets. Worlds hang admin rules on
// the object itself; real ones come from managers, so such networks stay.
func hideVNet(n *network.Network, i int) bool {
	if i >= len(n.VirtualNetworks) || n.VirtualNetworks[i].Admin != nil {
		return false
	}
	id := n.VirtualNetworks[i].ID
	n.Subnets = slices.DeleteFunc(n.Subnets, func(s *network.Subnet) bool { return s.VirtualNetworkID == id })
	return drop(&n.VirtualNetworks, i)
}

// hidePeer forgets the prefixes a peering has recorded of its peer. Where the
// peer itself is in the snapshot that is no loss of a fact.
func hidePeer(n *network.Network, i int) bool {
	if i >= len(n.VirtualNetworks) || len(n.VirtualNetworks[i].Peerings) == 0 {
		return false
	}
	p := n.VirtualNetworks[i].Peerings[0]
	if slices.ContainsFunc(n.VirtualNetworks, func(v *network.VirtualNetwork) bool { return v.ID == p.RemoteID }) {
		return false
	}
	had := p.RemoteKnown
	p.RemoteKnown, p.Remote = false, nil
	return had
}

// TestAddingAFactKeepsWhatWasCertain hides each fact of random worlds: every
// Allow and Deny given without it, every certain rule and every rule of a layer
// must still hold with it.
func TestAddingAFactKeepsWhatWasCertain(t *testing.T) {
	worlds := 90
	if testing.Short() {
		worlds = 6
	}
	rng := rand.New(rand.NewPCG(10, 20))
	compared := map[string]int{}
	for i := range worlds {
		bytes := randomBytes(rng, 120+i*13)
		full := world.New(bytes)
		truth := oracle.New(full.Net)
		for _, h := range hidings() {
			part := world.Draw(bytes)
			if !h.hide(part.Net) {
				continue
			}
			network.Link(part.Net)
			guess := oracle.New(part.Net)
			asked := i
			part.EachTuple(func(c *network.NIC, q flow.Tuple) bool {
				if asked++; asked%23 != 0 {
					return true
				}
				before, after := guess.Classify(c, q), truth.Classify(full.Net.NICs[c.Index], q)
				compared[h.name]++
				if msg := contradiction(part.Net, before, full.Net, after); msg != "" {
					t.Errorf("without %s: %s\n%s %+v\nwithout %+v\nwith    %+v\n%s", h.name, msg, c.ID, q, before, after, full)
					return false
				}
				return true
			})
			if t.Failed() {
				t.FailNow()
			}
		}
	}
	for _, h := range hidings() {
		if compared[h.name] == 0 && !testing.Short() {
			t.Errorf("no world could hide %s", h.name)
		}
	}
}

// contradiction says what a verdict claimed for certain that another denies.
func contradiction(n *network.Network, before flow.Verdict, m *network.Network, after flow.Verdict) string {
	name := func(n *network.Network, ref flow.RuleRef) string {
		if r := n.Rule(ref); r != nil {
			return r.ID
		}
		return ""
	}
	switch {
	case before.Access != flow.Unknown && before.Access != after.Access:
		return "the access changed"
	case before.Access != flow.Unknown && (before.Reason == "" || before.Reason == flow.ReasonNoNSG) && name(n, before.Rule) != name(m, after.Rule):
		return "the rule changed"
	}
	for _, pair := range [][2]flow.RuleRef{{before.AdminRule, after.AdminRule}, {before.SubnetRule, after.SubnetRule}, {before.NICRule, after.NICRule}} {
		if pair[0] != 0 && name(n, pair[0]) != name(m, pair[1]) {
			return "the rule of a layer changed"
		}
	}
	return ""
}
