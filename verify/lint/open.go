package lint

import (
	"slices"

	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// A group that is attached to nothing has no place from which VirtualNetwork,
// Internet and application security groups mean something. So has one that a NIC
// may have which no export shows. Such a group is judged for all places at once: each such word is a set of addresses nobody knows, the same
// set in every rule. An address is then an atom of its own for each word that it
// may be in, and for being in none. What holds for every atom holds wherever the
// group comes to stand.
//
// Nowhere else are words of different rules taken to mean the same unknown set:
// there, facts are independent per rule, as for verdicts.

// openWords splits the selectors of a side into those that mean the same
// everywhere and the names of the others.
func (l *linter) openWords(list []network.Selector) (fixed []network.Selector, words []string) {
	for _, s := range list {
		switch s.Kind {
		case network.SelectVirtualNetwork:
			words = append(words, "VirtualNetwork")
		case network.SelectInternet:
			words = append(words, "Internet")
		case network.SelectASG:
			words = append(words, network.Key(s.Text))
		case network.SelectServiceTag:
			if l.net.Tag(s.Text) == nil {
				words = append(words, network.Key(s.Text))
				continue
			}
			fixed = append(fixed, s)
		case network.SelectAny, network.SelectPrefix, network.SelectAzureLoadBalancer, network.SelectUnknown:
			fixed = append(fixed, s)
		}
	}
	return fixed, words
}

// openLine cuts one side of a list that stands nowhere.
func (l *linter) openLine(sc *scope, rules []*network.Rule, source, local, v6 bool) ([]place, lineSets) {
	sides := make([]side, len(rules))
	words := make([][]string, len(rules))
	var all []string
	for i, r := range rules {
		selectors := r.Destination
		if source {
			selectors = r.Source
		}
		fixed, open := l.openWords(selectors)
		words[i], all = open, append(all, open...)
		var reach index.Reach
		switch {
		case len(open) == 0:
			reach = l.selectors.Side(sc.bare, r, source, local)
		case len(fixed) > 0:
			part := &network.Rule{ID: r.ID, Source: fixed, Destination: fixed}
			reach = l.selectors.Side(sc.bare, part, source, local)
		}
		sides[i].local = reach
	}
	slices.Sort(all)
	all = slices.Compact(all)
	extend := func(c *classes, places []place) []place {
		for base := range len(places) {
			for _, word := range all {
				v := slices.Clone(c.list[base])
				for i := range rules {
					if len(words[i]) == 0 {
						continue
					}
					has := func(plane int) bool { return atoms(v).has(plane*c.rules + i) }
					own := slices.Contains(words[i], word)
					c.match(v, i, has(surely) || own, true, has(told) || own)
				}
				if id := c.of(v); id == len(places) {
					places = append(places, place{where: places[base].where, word: word})
				}
			}
		}
		return places
	}
	return addressLine(sides, func(s *side) *index.Reach { return &s.local }, v6, extend)
}

// lines cuts both sides of a list for a scope and family.
func (l *linter) lines(sc *scope, rules []*network.Rule, sides []side, dir flow.Direction, v6 bool) (local, remote []place, localSets, remoteSets lineSets) {
	if sc.open {
		inbound := dir == flow.Inbound
		local, localSets = l.openLine(sc, rules, !inbound, true, v6)
		remote, remoteSets = l.openLine(sc, rules, inbound, false, v6)
		return local, remote, localSets, remoteSets
	}
	local, localSets = l.localLine(sc, rules, sides, dir, v6)
	remote, remoteSets = addressLine(sides, func(s *side) *index.Reach { return &s.remote }, v6, nil)
	return local, remote, localSets, remoteSets
}
