package reach

import (
	"context"
	"iter"
	"slices"

	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/space"
)

// Matrix holds which services each zone may use at each other.
//
// Endpoints of a zone that have one classifier and, for a classifier at the
// other end, lie in the same part of its remote addresses answer alike: a pair
// of zones needs one look-up for each pair of such parts, not of addresses.
type Matrix struct {
	Zones []Zone
	// Notes is what the reader must know to trust the answer, sorted.
	Notes []string
	// Classes counts the endpoint classes: groups of addresses of one zone with
	// the same rules.
	Classes int

	p         *Prober
	sources   [][]class // by zone
	receivers [][]class
	pairs     map[[2]space.Map]space.Map // marks, by what both ends see
	joins     map[[2]space.Map]space.Map
	services  map[space.Map][]Service
	crossings map[[2]space.Map]crossing
	anywhere  space.Map // the decision of an end that is not asked: allowed
	allowing  [2][]space.Map
	weak      map[space.Map]space.Map // marks of endpoints that may be elsewhere
	tags      map[[2]*class][]sight   // a tag's class and who looks
	scratch   [2][2][]space.Map       // what an end sees, by end and family
}

// class is addresses of a zone that share a classifier, and what they see of
// the other end's classes.
type class struct {
	at     index.Addresses // all that are possible
	sure   index.Addresses // those of them that are on record
	rest   index.Addresses // the others
	access space.Map       // over the other end's addresses and services; see accessAllowed
	asked  bool            // false: the zone is not made of NICs
	nic    *network.NIC
	tag    *End              // the addresses depend on who looks
	k      *index.Classifier // nil when not asked
	seats  []seat
}

// seat is addresses of a NIC in a class.
type seat struct {
	nic *network.NIC
	at  index.Addresses
}

// Service is services that a zone may use at another.
type Service struct {
	Access           flow.Access // Allow or Unknown
	Every            bool        // between every pair of endpoints, not only some
	Protocol         string      // as in space.Words
	SourcePorts      []string
	DestinationPorts []string

	joinedSource, joinedDestination string // with spaces, for rows
	// Services that differ in their protocols only are one text: the first has
	// it, the others have none.
	text string
	// point is a packet of the service as the receiver has it; its addresses mean
	// nothing.
	point flow.Tuple
}

// Cell is what one zone may send to another.
type Cell struct {
	From, To  int // positions in Zones
	Services  []Service
	Witnesses []Witness // beside Services
}

// Matrix compiles zones. Cells are computed when asked for.
func (p *Prober) Matrix(zones []Zone) *Matrix {
	m, err := p.MatrixContext(context.Background(), zones, nil)
	if err != nil {
		panic("reach: " + err.Error()) // nothing ends the background
	}
	return m
}

// MatrixContext compiles zones unless ctx ends first. progress, when not nil, is
// told how many are done.
func (p *Prober) MatrixContext(ctx context.Context, zones []Zone, progress func(done, total int)) (*Matrix, error) {
	p.notes, p.noted = nil, map[string]bool{}
	m := &Matrix{
		Zones: zones, p: p, pairs: map[[2]space.Map]space.Map{}, joins: map[[2]space.Map]space.Map{}, services: map[space.Map][]Service{},
		crossings: map[[2]space.Map]crossing{}, weak: map[space.Map]space.Map{}, tags: map[[2]*class][]sight{},
	}
	m.anywhere = p.space.Labelled(space.Everything, accessAllowed)
	m.allowing[0], m.allowing[1] = p.space.Services(m.anywhere, everything, nil, nil)
	access := map[baseKey]space.Map{}
	at := &pace{ctx: ctx, tell: progress, total: len(zones)}
	for i := range zones {
		m.sources = append(m.sources, m.classes(&zones[i], flow.Outbound, access))
		m.receivers = append(m.receivers, m.classes(&zones[i], flow.Inbound, access))
		m.Classes += len(m.sources[i]) + len(m.receivers[i])
		if err := at.step(); err != nil {
			return nil, err
		}
	}
	m.lookAtTags()
	slices.Sort(p.notes)
	m.Notes = p.notes
	return m, nil
}

// classes sorts the endpoints of a zone by classifier and, where there are tags,
// by what decides their addresses: the subnet, or the NIC itself where effective
// exports speak of it.
func (m *Matrix) classes(z *Zone, dir flow.Direction, access map[baseKey]space.Map) (out []class) {
	type key struct {
		k    *index.Classifier
		view string
	}
	seats := map[key][]seat{}
	var order []key
	tagged := slices.ContainsFunc(m.Zones, func(z Zone) bool { return slices.ContainsFunc(z.Ends, func(e End) bool { return e.IsTag() }) })
	for i := range z.Ends {
		e := &z.Ends[i]
		for _, n := range e.notes {
			m.p.note(n)
		}
		if !e.IsNICs() {
			c := class{at: e.addresses, sure: e.addresses, access: m.anywhere}
			if e.tag != nil {
				c.tag = e
			}
			out = append(out, c)
			continue
		}
		for _, member := range e.Members {
			for _, l := range m.p.Locals(member.NIC, dir) {
				at := l.At
				if member.Within != nil {
					at = at.And(*member.Within)
				}
				if at.Empty() {
					continue
				}
				k := key{k: l.Classifier}
				if tagged {
					k.view = viewOf(member.NIC)
				}
				if seats[k] == nil {
					order = append(order, k)
				}
				seats[k] = append(seats[k], seat{member.NIC, at})
			}
		}
	}
	for _, k := range order {
		b := baseKey{k.k, dir, flow.Inbound}
		x, ok := access[b]
		if !ok {
			x = m.p.space.Of(k.k.Partition(), flow.Inbound, m.accessOf)
			access[b] = x
		}
		c := class{access: x, asked: true, nic: seats[k][0].nic, k: k.k, seats: seats[k]}
		var at, sure []index.Addresses
		for _, s := range c.seats {
			at = append(at, s.at)
			if !hasOpenAddress(s.nic) {
				sure = append(sure, s.at)
			} else if known := s.at.And(recorded(s.nic)); !known.Empty() {
				sure = append(sure, known)
			}
		}
		c.at, c.sure = index.Join(at), index.Join(sure)
		c.rest = c.at.Minus(c.sure)
		out = append(out, c)
	}
	return out
}

// viewOf names what decides the meaning of tags for a NIC.
func viewOf(c *network.NIC) string {
	if c.Observed != nil {
		return network.Key(c.ID)
	}
	return network.Key(c.SubnetID) + "\x00" + c.SubnetFact
}

// accessOf turns a verdict into a label of access maps.
func (m *Matrix) accessOf(id index.VerdictID) int {
	switch m.p.decisions[m.p.labelOf(id)].Access {
	case flow.Allow:
		return accessAllowed
	case flow.Unknown:
		return accessUnknown
	case flow.Deny:
	}
	return 0
}

func fourBox() space.Box {
	b := anyBox()
	b.Local, b.Remote = index.Addresses{V4: everything.V4}, index.Addresses{V4: everything.V4}
	return b
}

// Cells computes the cells in which something is allowed or unknown, by zones.
func (m *Matrix) Cells() iter.Seq[Cell] {
	return func(yield func(Cell) bool) {
		for from := range m.Zones {
			for to := range m.Zones {
				if c := m.Cell(from, to); len(c.Services) > 0 && !yield(c) {
					return
				}
			}
		}
	}
}

// All returns what Cells does, or the error of ctx when that ends first. progress,
// when not nil, is told how many cells are done.
func (m *Matrix) All(ctx context.Context, progress func(done, total int)) (out []Cell, err error) {
	at := &pace{ctx: ctx, tell: progress, total: len(m.Zones) * len(m.Zones)}
	for from := range m.Zones {
		for to := range m.Zones {
			if c := m.Cell(from, to); len(c.Services) > 0 {
				out = append(out, c)
			}
			if err := at.step(); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}
