package index

import (
	"net/netip"
	"slices"

	"ipflow/index/interval"
	"ipflow/ingest/flow"
)

// A Partition is a Classifier unfolded for questions about whole sets of flows:
// the remote addresses fall into rows, the services (protocol and ports) into
// columns, and all flows of a row and column have one verdict. It never changes;
// its methods may run concurrently.
type Partition struct {
	// Rows are disjoint and together all addresses of the family that the
	// classifier is for; they may hold the other family too where no rule list
	// stands at all.
	Rows []Addresses
	// Columns are disjoint and together all services.
	Columns [][]ServiceBox

	verdict func(row, column int) VerdictID
}

// Verdict returns the verdict of the flows whose remote address is in the row
// and whose service is in the column.
func (p *Partition) Verdict(row, column int) VerdictID { return p.verdict(row, column) }

// ServiceBox is the services with one of the protocols, source ports and
// destination ports.
type ServiceBox struct {
	Protocols           Protocols
	Source, Destination interval.Set[interval.Port] // all ports when a protocol has none
}

// Protocols is a set of IP protocols. The zero value is empty.
type Protocols [4]uint64

// AllProtocols holds 0 to 255.
var AllProtocols = Protocols{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}

// ProtocolsOf returns the set of the protocols.
func ProtocolsOf(list ...flow.Protocol) (s Protocols) {
	for _, p := range list {
		s[p>>6] |= 1 << (p & 63)
	}
	return s
}

// Contains reports whether the protocol is in the set.
func (s Protocols) Contains(p flow.Protocol) bool { return s[p>>6]>>(p&63)&1 == 1 }

// Partition unfolds the classifier. Callers that ask for many NICs should keep
// the result per Classifier: NICs share them.
func (k *Classifier) Partition() *Partition {
	return k.fused().partition()
}

func (k *form) partition() *Partition {
	if k.chain != nil {
		return k.chain.partition()
	}
	p := &Partition{verdict: func(row, column int) VerdictID { return k.at(uint16(row), uint16(column)) }}
	if k.start4 != nil {
		p.rows4(k.geo4, k.remotes4())
	} else {
		p.rows6(k.geo6, k.remotes6())
	}
	b := columnBuilder{columns: make([][]ServiceBox, k.width)}
	l := &k.lookup
	portless := make([]Protocols, k.width)
	for proto := range 256 {
		if !flow.Protocol(proto).HasPorts() {
			portless[l.column(flow.Protocol(proto), 0, 0)][proto>>6] |= 1 << (proto & 63)
		}
	}
	for column, set := range portless {
		if set != (Protocols{}) {
			b.add(column, ServiceBox{set, allPorts, allPorts})
		}
	}
	for i, proto := range []flow.Protocol{flow.TCP, flow.UDP} {
		destination, of := portSets(uint32(i)<<16, l.starts, l.of)
		source, begin := []interval.Set[interval.Port]{allPorts}, []uint32(nil)
		if l.sourceStarts != nil {
			source, begin = portSets(uint32(i)<<16, l.sourceStarts, l.sourceOf)
		}
		b.plane(ProtocolsOf(proto), source, destination, func(s, d int) int {
			if begin == nil {
				return int(of[d])
			}
			return int(l.class[begin[s]+uint32(of[d])])
		})
	}
	p.Columns = b.columns
	return p
}

// Join returns the addresses in any of the sets.
func Join(list []Addresses) Addresses {
	inner := make([]addresses, len(list))
	for i, a := range list {
		inner[i] = a.inner()
	}
	return exported(union(inner...))
}

// Contains reports whether the address is in the set.
func (a Addresses) Contains(ip netip.Addr) bool { return a.inner().contains(ip) }

// Selectors returns the address sets of the index's own network.
func (ix *Index) Selectors() *Selectors { return &Selectors{ix.c} }

var allPorts = interval.Set[interval.Port]{{First: 0, Last: 65535}}

// partition unfolds a chain as fusing would, without the table.
func (x *chain) partition() *Partition {
	if len(x.tables) == 0 {
		return &Partition{
			Rows:    []Addresses{exported(everything)},
			Columns: [][]ServiceBox{{{AllProtocols, allPorts, allPorts}}},
			verdict: func(int, int) VerdictID { return x.verdict([3]uint32{}) },
		}
	}
	p := &Partition{}
	f := &fuser{c: x.c, tables: x.tables}
	f.fuseServices()
	if len(x.tables[0].remote4.starts) > 0 {
		f.fuseRemotes4()
		p.rows4(x.c.geo4, &f.remotes4)
	} else {
		f.fuseRemotes6()
		p.rows6(x.c.geo6, &f.remotes6)
	}
	services, rows, columns := &f.services, &f.remote, &f.column
	b := columnBuilder{columns: make([][]ServiceBox, columns.len())}
	members := make([]Protocols, len(services.groups))
	for proto, g := range services.group {
		members[g][proto>>6] |= 1 << (proto & 63)
	}
	for g := range services.groups {
		group := &services.groups[g]
		switch {
		case members[g] == (Protocols{}):
		case group.ports == nil:
			b.add(int(group.class), ServiceBox{members[g], allPorts, allPorts})
		default:
			plane := group.ports
			source, destination := classSets(plane.source.starts, plane.source.of), classSets(plane.destination.starts, plane.destination.of)
			b.plane(members[g], source, destination, func(s, d int) int { return int(plane.class[uint32(s)*plane.width+uint32(d)]) })
		}
	}
	p.Columns = b.columns
	p.verdict = func(row, column int) VerdictID {
		var outcomes [3]uint32
		for i, t := range x.tables {
			outcomes[i] = t.outcome(rows.of[i][row], columns.of[i][column])
		}
		return x.verdict(outcomes)
	}
	return p
}

// rows4 fills the rows of IPv4 addresses.
func (p *Partition) rows4(geo *geography[interval.IPv4], r *remotes[interval.IPv4]) {
	eachRow(geo, r, everything.v4[0].Last, func(row int, at interval.Range[interval.IPv4]) {
		x := p.rowAt(row)
		x.V4 = append(x.V4, at)
	})
}

// rows6 fills the rows of IPv6 addresses.
func (p *Partition) rows6(geo *geography[interval.IPv6], r *remotes[interval.IPv6]) {
	eachRow(geo, r, everything.v6[0].Last, func(row int, at interval.Range[interval.IPv6]) {
		x := p.rowAt(row)
		x.V6 = append(x.V6, at)
	})
}

func (p *Partition) rowAt(row int) *Addresses {
	for len(p.Rows) <= row {
		p.Rows = append(p.Rows, Addresses{})
	}
	return &p.Rows[row]
}

// eachRow calls f with the ranges that lie in one row each, in order; neighbours
// lie in different rows.
func eachRow[T interval.Point[T]](geo *geography[T], r *remotes[T], end T, f func(row int, at interval.Range[T])) {
	var first T
	row := -1
	add := func(from T, to uint32) {
		if row >= 0 && row != int(to) {
			last, _ := from.Prev()
			f(row, interval.Range[T]{First: first, Last: last})
		}
		if row != int(to) {
			first, row = from, int(to)
		}
	}
	for i, of := range r.of {
		if of&1 == 0 {
			add(r.starts[i], of>>1)
			continue
		}
		last := end
		if i+1 < len(r.starts) {
			last, _ = r.starts[i+1].Prev()
		}
		geo.eachRegion(r.starts[i], last, func(from T, region uint16) { add(from, r.inRegion(of, region)) })
	}
	f(row, interval.Range[T]{First: first, Last: end})
}

// remotes4 gives the classifier's remote addresses the form of the compiler.
func (k *form) remotes4() *remotes[interval.IPv4] {
	r := &remotes[interval.IPv4]{of: widen(nil, k.of), zoned: widen(nil, k.zoned), zones: k.zones}
	for _, s := range k.start4 {
		r.starts = append(r.starts, interval.IPv4(s))
	}
	return r
}

func (k *form) remotes6() *remotes[interval.IPv6] {
	return &remotes[interval.IPv6]{starts: k.start6, of: widen(nil, k.of), zoned: widen(nil, k.zoned), zones: k.zones}
}

// widen copies a list, into the memory where that is enough.
func widen(memory []uint32, list []uint16) []uint32 {
	out := slices.Grow(memory[:0], len(list))[:len(list)]
	for i, x := range list {
		out[i] = uint32(x)
	}
	return out
}

// classSets returns the ports of each class.
func classSets(starts []uint16, of []uint32) []interval.Set[interval.Port] {
	sets := make([]interval.Set[interval.Port], int(slices.Max(of))+1)
	for i, first := range starts {
		last := uint16(65535)
		if i+1 < len(starts) {
			last = starts[i+1] - 1
		}
		sets[of[i]] = append(sets[of[i]], interval.Range[interval.Port]{First: interval.Port(first), Last: interval.Port(last)})
	}
	return sets
}

// columnBuilder collects the boxes of each column.
type columnBuilder struct{ columns [][]ServiceBox }

// add puts a box into a column, joined with one that differs in its protocols
// or source ports only.
func (b *columnBuilder) add(column int, box ServiceBox) {
	list := b.columns[column]
	for i := range list {
		old := &list[i]
		if !old.Destination.Equal(box.Destination) {
			continue
		}
		if old.Protocols == box.Protocols {
			old.Source = interval.Union(old.Source, box.Source)
			return
		}
		if old.Source.Equal(box.Source) {
			for w := range old.Protocols {
				old.Protocols[w] |= box.Protocols[w]
			}
			return
		}
	}
	b.columns[column] = append(list, box)
}

// plane adds the services of protocols with ports, class by class.
func (b *columnBuilder) plane(protocols Protocols, source, destination []interval.Set[interval.Port], columnOf func(s, d int) int) {
	for s := range source {
		if len(source[s]) == 0 {
			continue // the class of no port
		}
		parts := map[int][]interval.Set[interval.Port]{}
		var order []int
		for d := range destination {
			if len(destination[d]) == 0 {
				continue
			}
			column := columnOf(s, d)
			if parts[column] == nil {
				order = append(order, column)
			}
			parts[column] = append(parts[column], destination[d])
		}
		for _, column := range order {
			b.add(column, ServiceBox{protocols, source[s], interval.Union(parts[column]...)})
		}
	}
}
