package reach

import (
	"net/netip"
	"slices"

	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// variant is other rules for some NICs.
type variant struct {
	ix          *index.Index
	nics        map[*network.NIC]*network.NIC // what is asked of ix in place of a NIC
	classifiers map[*index.Classifier]bool    // those of ix
}

// With calls f while some NICs have other rules: questions about them are asked
// of other NICs and another index of the same network. Questions then are about
// flows that such a NIC sends or receives only: the others go as they did.
func (p *Prober) With(ix *index.Index, nics map[*network.NIC]*network.NIC, f func()) {
	p.variant = &variant{ix: ix, nics: nics, classifiers: map[*index.Classifier]bool{}}
	f()
	for key := range p.bases {
		if p.variant.classifiers[key.k] {
			delete(p.bases, key)
		}
	}
	p.variant = nil
}

// variantLocals is Locals of a NIC with other rules.
func (p *Prober) variantLocals(c, instead *network.NIC, dir flow.Direction, add func(index.Addresses, *index.Classifier), out *[]Located) []Located {
	v := p.variant
	classifier := func(a netip.Addr) *index.Classifier {
		k := v.ix.Classifier(instead, dir, flow.AddressFrom(a))
		v.classifiers[k] = true
		return k
	}
	for i := range c.IPConfigs {
		if a := c.IPConfigs[i].Address; a.IsValid() {
			add(index.AddressesOf([]netip.Prefix{netip.PrefixFrom(a, a.BitLen())}), classifier(a))
		}
	}
	if hasOpenAddress(c) {
		for _, part := range p.cutByRules(v.ix, instead, dir, openAddresses(c).Minus(recorded(c))) {
			first := part.Prefixes()[0].Addr()
			add(part, classifier(first))
		}
	}
	return *out
}

// changed leaves the members whose rules are others, all when there is no such.
func (p *Prober) changed(list []Member) []Member {
	if p.variant == nil {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), func(m Member) bool { return p.variant.nics[m.NIC] == nil })
}
