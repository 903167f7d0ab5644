package lint

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"ipflow/index"
	"ipflow/index/interval"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// A Witness is one packet that shows a finding. Its NIC is nil where the group
// stands at no NIC of the snapshot.
type Witness struct {
	NIC   *network.NIC
	Tuple flow.Tuple
}

// sight is a region of a space, to be shown.
type sight struct {
	*seat
	region region
}

// witness picks a packet out of the region: of a NIC that is there, with ports
// people know, where it can.
// nil where that takes an address of a selector that stands nowhere.
func (x *sight) witness(dir flow.Direction) *Witness {
	w := &Witness{Tuple: flow.Tuple{Direction: dir}}
	choose := func(list []place, in atoms) (best place) {
		in.each(func(i int) {
			if p := list[i]; best.where.Empty() || best.owner == nil && p.owner != nil || best.word != "" && p.word == "" {
				best = p
			}
		})
		return best
	}
	best, far := choose(x.local, x.region[dimLocal]), choose(x.remote, x.region[dimRemote])
	if best.word != "" || far.word != "" {
		return nil
	}
	w.NIC = best.owner
	local := best.address
	if best.owner == nil {
		local = firstOf(inhabitants(x.scope, best.where))
		if len(x.scope.nics) > 0 {
			w.NIC = x.scope.nics[0]
		}
	}
	w.Tuple.Local = flow.AddressFrom(local)
	w.Tuple.Remote = flow.AddressFrom(firstOf(far.where))
	w.Tuple.Protocol = x.protocols[x.region[dimProtocol].first()]
	if !x.ported {
		return w
	}
	destination := pickPort(x.destinations, x.region[dimDestinationPort], 443, 22, 80, 3389)
	source, open := uint16(0), true
	x.region[dimSourcePort].each(func(i int) { open = open && x.sources[i] == nil })
	if !open {
		source = pickPort(x.sources, x.region[dimSourcePort], 50000)
	}
	w.Tuple.AnySourcePort = open
	if w.Tuple.LocalPort, w.Tuple.RemotePort = destination, source; dir == flow.Outbound {
		w.Tuple.LocalPort, w.Tuple.RemotePort = source, destination
	}
	return w
}

func (a atoms) first() (first int) {
	first = -1
	a.each(func(i int) {
		if first < 0 {
			first = i
		}
	})
	return first
}

// inhabitants narrows addresses to those of the scope's subnet, if any are.
func inhabitants(sc *scope, a index.Addresses) index.Addresses {
	if s := sc.bare.Subnet; s != nil {
		if in := a.And(index.AddressesOf(s.Prefixes)); !in.Empty() {
			return in
		}
	}
	return a
}

func pickPort(of [][]interval.Range[interval.Port], in atoms, liked ...interval.Port) uint16 {
	set := portsOf(of, in)
	for _, p := range liked {
		if set.Contains(p) {
			return uint16(p)
		}
	}
	if set[0].First == 0 && set[0].Last > 0 {
		return 1
	}
	return uint16(set[0].First)
}

func portsOf(of [][]interval.Range[interval.Port], in atoms) interval.Set[interval.Port] {
	var all []interval.Range[interval.Port]
	in.each(func(i int) { all = append(all, of[i]...) })
	return interval.Of(all)
}

// shownPieces and shownParts bound what a message lists.
const (
	shownPieces = 3
	shownParts  = 4
	shownRanges = 512
)

// describe writes the region for people: protocols, then source and destination.
func (x *sight) describe(dir flow.Direction) string {
	var protocols []string
	all := true
	for i, p := range x.protocols {
		if x.region[dimProtocol].has(i) {
			protocols = append(protocols, p.String())
		} else {
			all = false
		}
	}
	what := strings.Join(protocols, "/")
	if all && !x.ported {
		what = "other protocols"
	}
	local, remote := places(x.local, x.region[dimLocal]), places(x.remote, x.region[dimRemote])
	if x.ported {
		destination, source := ports(portsOf(x.destinations, x.region[dimDestinationPort])), ports(portsOf(x.sources, x.region[dimSourcePort]))
		if dir == flow.Inbound {
			local, remote = local+destination, remote+source
		} else {
			local, remote = local+source, remote+destination
		}
	}
	if dir == flow.Inbound {
		return fmt.Sprintf("%s from %s to %s", what, remote, local)
	}
	return fmt.Sprintf("%s from %s to %s", what, local, remote)
}

func places(list []place, in atoms) string {
	var v4 []interval.Range[interval.IPv4]
	var wide []interval.Range[interval.IPv6]
	var words []string
	in.each(func(i int) {
		if list[i].word != "" {
			words = append(words, list[i].word)
			return
		}
		if len(v4)+len(wide) > shownRanges {
			return
		}
		v4, wide = append(v4, list[i].where.V4...), append(wide, list[i].where.V6...)
	})
	all := index.Addresses{V4: interval.Of(v4), V6: interval.Of(wide)}
	if len(all.V4) == 1 && all.V4[0] == everyIPv4 {
		return "any IPv4 address"
	}
	if len(all.V6) == 1 && all.V6[0] == everyIPv6 {
		return "any IPv6 address"
	}
	if len(v4)+len(wide) > shownRanges {
		return fmt.Sprintf("more than %d ranges of addresses", shownRanges)
	}
	slices.Sort(words)
	texts := slices.Compact(words)
	for _, p := range all.Prefixes() {
		texts = append(texts, prefixText(p))
	}
	return shorten(texts)
}

var (
	everyIPv4 = interval.PrefixIPv4(netip.MustParsePrefix("0.0.0.0/0"))
	everyIPv6 = interval.PrefixIPv6(netip.MustParsePrefix("::/0"))
)

func prefixText(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// ports writes a set of ports, "" for all of them.
func ports(s interval.Set[interval.Port]) string {
	if isFull(s) {
		return ""
	}
	var texts []string
	for _, r := range s {
		if r.First == r.Last {
			texts = append(texts, strconv.Itoa(int(r.First)))
		} else {
			texts = append(texts, fmt.Sprintf("%d-%d", r.First, r.Last))
		}
	}
	if len(texts) == 0 {
		return " (source port left open)"
	}
	return " port " + shorten(texts)
}

func shorten(texts []string) string {
	if n := len(texts) - shownParts; n > 1 {
		texts = append(texts[:shownParts:shownParts], fmt.Sprintf("%d more", n))
	}
	return strings.Join(texts, ", ")
}

// digest names what a list means in spaces: lists with equal digests get equal
// findings, whatever the addresses are.
func digest(spaces []*space) [32]byte {
	var b []byte
	put := func(a region) {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(a)))
		for _, s := range a {
			b = binary.LittleEndian.AppendUint32(b, uint32(len(s)))
			for _, w := range s {
				b = binary.LittleEndian.AppendUint64(b, w)
			}
		}
	}
	for _, s := range spaces {
		for i := range s.part {
			put(s.part[i].sure)
			put(s.part[i].most)
			put(s.part[i].told)
		}
		put(region{s.inhabited})
	}
	return sha256.Sum256(b)
}
