package main

import (
	"math/bits"
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"

	"ipflow/benchmarks/hotlist"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// A packet is what the Go anchors are asked: everything they need is in place.
type packet struct {
	remote              netip.Addr
	source, destination uint16
	protocol            flow.Protocol
}

func packets(trace []flow.Tuple) []packet {
	out := make([]packet, len(trace))
	for i := range trace {
		t := &trace[i]
		p := &out[i]
		p.remote, p.protocol = t.Remote.Netip(), t.Protocol
		p.source, p.destination = t.Ports()
	}
	return out
}

// service reports whether protocol and ports match. Ports of protocols without
// are 0, which no rule of a list names.
func service(r *hotlist.Rule, p *packet) bool {
	return (r.Protocol == network.AnyProtocol || r.Protocol == network.ProtocolMatch(p.protocol)) &&
		inRanges(r.Destination, p.destination) && inRanges(r.Source, p.source)
}

func inRanges(list []flow.PortRange, p uint16) bool {
	for _, r := range list {
		if r.First <= p && p <= r.Last {
			return true
		}
	}
	return false
}

// scan is the linear scan: rule by rule, the cheap fields first.
type scan struct{ rules []hotlist.Rule }

func newScan(l *hotlist.List) scan { return scan{l.Rules} }

func (s scan) first(p *packet) uint32 {
	for i := range s.rules {
		if r := &s.rules[i]; service(r, p) {
			for _, q := range r.Remote {
				if q.Contains(p.remote) {
					return uint32(i)
				}
			}
		}
	}
	return none
}

const none = ^uint32(0)

// prefixSets is one longest-prefix match on the remote address that gives the
// set of rules whose address matches, then their services in order.
type prefixSets struct {
	table bart.Fast[[]uint64]
	rules []hotlist.Rule
}

func newPrefixSets(l *hotlist.List) *prefixSets {
	s := &prefixSets{rules: l.Rules}
	words := (len(l.Rules) + 63) / 64
	own := map[netip.Prefix][]uint64{}
	var all []netip.Prefix
	for i := range l.Rules {
		for _, p := range l.Rules[i].Remote {
			set, ok := own[p]
			if !ok {
				set = make([]uint64, words)
				own[p] = set
				all = append(all, p)
			}
			set[i/64] |= 1 << (i % 64)
		}
	}
	// A longest match hides the shorter ones: they go into its set. The shorter
	// come first, so theirs is complete.
	slices.SortFunc(all, func(a, b netip.Prefix) int { return a.Bits() - b.Bits() })
	for _, p := range all {
		set := own[p]
		if above, ok := s.table.LookupPrefix(p); ok {
			for w := range set {
				set[w] |= above[w]
			}
		}
		s.table.Insert(p, set)
	}
	return s
}

func (s *prefixSets) first(p *packet) uint32 {
	set, _ := s.table.Lookup(p.remote)
	for w, word := range set {
		for ; word != 0; word &= word - 1 {
			i := 64*w + bits.TrailingZeros64(word)
			if service(&s.rules[i], p) {
				return uint32(i)
			}
		}
	}
	return none
}
