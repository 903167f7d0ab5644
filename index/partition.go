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
	if k.chain != nil {
		return k.chain.partition()
	}
	p := &Partition{verdict: func(row, column int) VerdictID { return k.at(uint16(row), uint16(column)) }}
	rows := 0
	for _, r := range k.row {
		rows = max(rows, int(r)+1)
	}
	p.Rows = make([]Addresses, rows)
	if k.start4 != nil {
		eachInterval(k.start4, 1<<32-1, func(i int, first, last uint32) {
			row := &p.Rows[k.row[i]]
			row.V4 = append(row.V4, interval.Range[interval.IPv4]{First: interval.IPv4(first), Last: interval.IPv4(last)})
		})
	} else {
		eachInterval6(k.start6, func(i int, r interval.Range[interval.IPv6]) {
			row := &p.Rows[k.row[i]]
			row.V6 = append(row.V6, r)
		})
	}
	groups := &k.lookup.group4
	if k.start4 == nil {
		groups = &k.lookup.group6
	}
	b := columnBuilder{columns: make([][]ServiceBox, k.width)}
	portless := make([]Protocols, k.width)
	for proto, g := range groups {
		if !flow.Protocol(proto).HasPorts() {
			portless[k.lookup.column(g, 0, 0)][proto>>6] |= 1 << (proto & 63)
		}
	}
	for column, set := range portless {
		if set != (Protocols{}) {
			b.add(column, ServiceBox{set, allPorts, allPorts})
		}
	}
	for g, l := range []*portLookup{&k.lookup.tcp, &k.lookup.udp} {
		source, destination := classSets(l.source.starts, l.source.of), classSets(l.destination.starts, l.destination.of)
		b.plane(ProtocolsOf([]flow.Protocol{flow.TCP, flow.UDP}[g]), source, destination, func(s, d int) int {
			return int(l.class[uint32(s)*l.width+uint32(d)])
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
			verdict: func(int, int) VerdictID { return x.classify(nil) },
		}
	}
	p := &Partition{}
	var rows *tuples
	if len(x.tables[0].remote4.starts) > 0 {
		var d dimension[interval.IPv4]
		d, rows = fuseDimensions(x.tables, func(t *stageTable) *dimension[interval.IPv4] { return &t.remote4 })
		p.Rows = make([]Addresses, rows.len())
		eachInterval(d.starts, 1<<32-1, func(i int, first, last interval.IPv4) {
			row := &p.Rows[d.of[i]]
			row.V4 = append(row.V4, interval.Range[interval.IPv4]{First: first, Last: last})
		})
	} else {
		var d dimension[interval.IPv6]
		d, rows = fuseDimensions(x.tables, func(t *stageTable) *dimension[interval.IPv6] { return &t.remote6 })
		p.Rows = make([]Addresses, rows.len())
		eachInterval6(d.starts, func(i int, r interval.Range[interval.IPv6]) {
			row := &p.Rows[d.of[i]]
			row.V6 = append(row.V6, r)
		})
	}
	services, columns := fuseServices(x.tables)
	groups := &services.group4
	if len(x.tables[0].remote4.starts) == 0 {
		groups = &services.group6
	}
	b := columnBuilder{columns: make([][]ServiceBox, columns.len())}
	members := make([]Protocols, len(services.groups))
	for proto, g := range groups {
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
		table := 0
		return x.classify(func(t *stageTable) uint32 {
			i := table
			table++
			return t.outcome(rows.at(row, i), columns.at(column, i))
		})
	}
	return p
}

// eachInterval calls f with the bounds of every interval that the starts cut.
func eachInterval[T ~uint32](starts []T, top T, f func(i int, first, last T)) {
	for i, first := range starts {
		last := top
		if i+1 < len(starts) {
			last = starts[i+1] - 1
		}
		f(i, first, last)
	}
}

func eachInterval6(starts []interval.IPv6, f func(i int, r interval.Range[interval.IPv6])) {
	for i, first := range starts {
		r := interval.Range[interval.IPv6]{First: first, Last: everything.v6[0].Last}
		if i+1 < len(starts) {
			r.Last, _ = starts[i+1].Prev()
		}
		f(i, r)
	}
}

// classSets returns the ports of each class.
func classSets[T uint16 | uint32](starts []uint16, of []T) []interval.Set[interval.Port] {
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
