package audit

import (
	"context"
	"math/big"
	"slices"

	"ipflow/index"
	"ipflow/index/interval"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/space"
)

// projection is the services that a seat lets some address of a zone use, as
// Sets that cut no address and are IPv4 only.
type projection struct{ allowed, unknown space.Set }

func (p projection) of(access flow.Access) space.Set {
	if access == flow.Allow {
		return p.allowed
	}
	return p.unknown
}

type projectionKey struct {
	decisions space.Map
	four      bool
	zone      int
	view      *view
}

type servedKey struct {
	services space.Set
	known    int
}

// told are the accesses that exposures tell.
var told = [...]flow.Access{flow.Allow, flow.Unknown}

// expose tells what the Internet and the zones may send to each seat, and what
// may be sent to them.
func (a *auditor) expose(ctx context.Context) (err error) {
	if a.out.Groups, a.out.Exposures, err = a.exposeSeats(ctx, "exposures", a.seats); err != nil {
		return err
	}
	a.out.OutboundGroups, a.out.Outbound, err = a.exposeSeats(ctx, "outbound flows", a.outSeats)
	return err
}

func (a *auditor) exposeSeats(ctx context.Context, step string, seats []*seat) ([]Group, []Exposure, error) {
	groups, exposures := []Group{}, []Exposure{}
	for i, s := range seats {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		a.o.Progress(step, i, len(seats))
		g := Group{ID: i + 1, Family: "IPv6", Internet: "closed"}
		if s.four {
			g.Family = "IPv4"
		}
		for _, m := range s.members {
			g.Members = append(g.Members, memberOf(m))
		}
		from := ofFamily(s.view.internet, s.four)
		seen := a.project(s.decisions, s.four, from)
		for _, access := range told {
			x := a.exposure(s, []string{internet}, from, access, seen.of(access))
			if x == nil {
				continue
			}
			g.Internet = worse(g.Internet, x)
			if s.dir == flow.Inbound {
				a.face(s, x, from, access, seen.of(access), len(exposures))
			}
			exposures = append(exposures, *x)
		}
		exposures = append(exposures, a.exposeZones(s)...)
		for k := len(exposures) - 1; k >= 0 && exposures[k].Group == 0; k-- {
			exposures[k].ID, exposures[k].Group = k+1, g.ID
		}
		groups = append(groups, g)
	}
	return groups, exposures, nil
}

func memberOf(m seatMember) Member {
	out := Member{NIC: m.nic.ID, Addresses: []string{}}
	for _, p := range m.at.Prefixes() {
		if p.IsSingleIP() {
			out.Addresses = append(out.Addresses, p.Addr().String())
		} else {
			out.Addresses = append(out.Addresses, p.String())
		}
	}
	return out
}

// worse joins an exposure to the Internet to what a group has been called.
func worse(was string, x *Exposure) string {
	if x.Access == flow.Unknown.String() {
		return worseOf(was, "unknown")
	}
	return worseOf(was, string(x.Breadth))
}

func worseOf(a, b string) string {
	order := []string{"closed", string(Restricted), "unknown", string(Open)}
	return order[max(slices.Index(order, a), slices.Index(order, b))]
}

// exposeZones tells what the zones may send to a seat, or it to them; zones with
// the same services are told together.
func (a *auditor) exposeZones(s *seat) (out []Exposure) {
	type group struct {
		names []string
		from  []index.Addresses
		seen  projection
	}
	var groups []*group
	byServices := map[projection]*group{}
	for z := range a.zones {
		from := ofFamily(s.view.zones[z], s.four)
		if a.zones[z].Name == internet || from.Empty() {
			continue
		}
		key := projectionKey{s.decisions, s.four, z, s.view}
		seen, ok := a.projections[key]
		if !ok {
			seen = a.project(s.decisions, s.four, from)
			a.projections[key] = seen
		}
		if seen == (projection{}) {
			continue
		}
		g := byServices[seen]
		if g == nil {
			g = &group{seen: seen}
			byServices[seen] = g
			groups = append(groups, g)
		}
		g.names, g.from = append(g.names, a.zones[z].Name), append(g.from, from)
	}
	for _, g := range groups {
		slices.Sort(g.names)
		from := index.Join(g.from)
		for _, access := range told {
			if x := a.exposure(s, g.names, from, access, g.seen.of(access)); x != nil {
				out = append(out, *x)
			}
		}
	}
	return out
}

// project forgets the remote addresses.
func (a *auditor) project(decisions space.Map, four bool, from index.Addresses) (out projection) {
	parts, six := a.space.Services(decisions, from, nil, nil)
	if !four {
		parts = six
	}
	var sets [2][]space.Set
	for _, m := range parts {
		for i, access := range told {
			sets[i] = append(sets[i], a.space.Where(m, func(l int) bool { return l > 0 && a.p.Decision(l).Access == access }))
		}
	}
	return projection{a.space.Union(sets[0]...), a.space.Union(sets[1]...)}
}

// exposure tells the flows with one access; nil when there are none.
func (a *auditor) exposure(s *seat, zones []string, from index.Addresses, access flow.Access, services space.Set) *Exposure {
	if services.Empty() {
		return nil
	}
	flows := a.flowsOf(s, from, access)
	c := a.contentOf(flows, s.dir, access, services)
	x := &Exposure{
		Zones: zones, Access: access.String(), Services: c.services, Sensitive: c.sensitive, Boxes: c.boxes, Rules: c.rules,
		Facts: c.facts, Addresses: c.addresses, Witness: a.show(s, a.somewhere(flows)),
	}
	if zones[0] == internet {
		x.Breadth = c.breadth
	}
	return x
}

// flowsOf are the flows of a seat with one access, by what decides.
func (a *auditor) flowsOf(s *seat, from index.Addresses, access flow.Access) space.Map {
	return a.space.Relabel(a.space.Restrict(s.decisions, a.space.Box(anyone(from))), func(l int) int {
		if l > 0 && a.p.Decision(l).Access == access {
			return l
		}
		return 0
	})
}

// face shows each listed service of an exposure to the Internet, the at-th, and
// keeps it for findings.
func (a *auditor) face(s *seat, x *Exposure, from index.Addresses, access flow.Access, services space.Set, at int) {
	flows := a.flowsOf(s, from, access)
	c := a.contentOf(flows, s.dir, access, services)
	x.Sensitive = slices.Clone(c.sensitive)
	for i, h := range c.hits {
		x.Sensitive[i].Breadth, x.Sensitive[i].Witness = h.breadth, a.show(s, a.somewhere(h.flows))
	}
	a.faces = append(a.faces, face{s, access, flows, at, c.hits})
}

// somewhere is the flows that have a label.
func (a *auditor) somewhere(m space.Map) space.Set {
	return a.space.Where(m, func(l int) bool { return l > 0 })
}

// content is what exposures with the same flows have in common: seats share it.
type content struct {
	services     []Service
	sensitive    []Sensitive
	boxes        []Box
	rules, facts []string
	addresses    string
	breadth      Breadth
	hits         []hit
}

type contentKey struct {
	flows space.Map
	dir   flow.Direction
}

func (a *auditor) contentOf(flows space.Map, dir flow.Direction, access flow.Access, services space.Set) *content {
	key := contentKey{flows, dir}
	if c, ok := a.contents[key]; ok {
		return c
	}
	m := a.measure(flows)
	c := &content{services: a.serviceWords(services, dir), sensitive: []Sensitive{}, boxes: []Box{}, rules: m.rules, addresses: m.addresses, breadth: m.breadth}
	for _, b := range a.space.MapBoxes(flows) {
		d := a.p.Decision(b.Label)
		if access == flow.Unknown {
			c.facts = append(c.facts, factsOf(d.Reason)...)
		}
		box := Box{Rule: a.ruleID(d.Rule), Layer: d.Layer.String(), Reason: d.Reason}
		for _, w := range space.WordsOf(b.Box) {
			box.Protocol, box.LocalPorts, box.Remote, box.RemotePorts = w.Protocol, w.LocalPorts, w.Remote, w.RemotePorts
			c.boxes = append(c.boxes, box)
		}
	}
	c.facts = sortedSet(c.facts)
	for i := range a.services {
		if dir == flow.Inbound && a.mayServe(services, i) {
			part := a.space.Restrict(flows, a.known[i])
			of, known := a.measure(part), &a.services[i]
			c.hits = append(c.hits, hit{i, of.breadth, part})
			c.sensitive = append(c.sensitive, Sensitive{
				Name: known.Name, Category: known.Category, Protocol: space.ProtocolsText(of.protocols), Ports: portWords(of.ports),
				Addresses: of.addresses, Rules: of.rules,
			})
		}
	}
	a.contents[key] = c
	return c
}

// mayServe reports whether a set of services meets one of the list.
func (a *auditor) mayServe(services space.Set, known int) bool {
	key := servedKey{services, known}
	may, ok := a.served[key]
	if !ok {
		may = !a.space.Intersection(services, a.known[known]).Empty()
		a.served[key] = may
	}
	return may
}

// measured is the sides of a set of flows, each by itself.
type measured struct {
	protocols index.Protocols
	ports     interval.Set[interval.Port] // local ones
	senders   index.Addresses
	addresses string // how many senders
	breadth   Breadth
	rules     []string // ids of those that decide
}

func (a *auditor) measure(flows space.Map) *measured {
	if m, ok := a.measures[flows]; ok {
		return m
	}
	m := &measured{}
	var senders []index.Addresses
	for _, b := range a.space.MapBoxes(flows) {
		senders = append(senders, b.Box.Remote)
		m.ports = interval.Union(m.ports, b.Box.LocalPorts)
		for i, bits := range b.Box.Protocols {
			m.protocols[i] |= bits
		}
		if id := a.ruleID(a.p.Decision(b.Label).Rule); id != "" {
			m.rules = append(m.rules, id)
		}
	}
	m.rules, m.senders = sortedSet(m.rules), index.Join(senders)
	m.addresses, m.breadth = sizeOf(m.senders).String(), breadthOf(m.senders)
	a.measures[flows] = m
	return m
}

// show picks one of the flows.
func (a *auditor) show(s *seat, flows space.Set) *Witness {
	return a.showAt(s.members[0].nic, firstOf(s.members[0].at), flows, s.dir)
}

// showAt picks one of the flows at an address of the NIC.
func (a *auditor) showAt(nic *network.NIC, at index.Addresses, flows space.Set, dir flow.Direction) *Witness {
	t, ok := a.space.Witness(a.somewhere(a.space.At(at, flows.Map())), dir)
	if !ok {
		panic("audit: no witness of flows that there are")
	}
	return a.witness(nic, t)
}

// serviceWords writes services by protocol, source ports left out.
func (a *auditor) serviceWords(services space.Set, dir flow.Direction) []Service {
	out := []Service{}
	var order []string
	ports := map[string]interval.Set[interval.Port]{}
	for _, b := range a.space.Boxes(a.space.Intersection(services, a.space.Box(fourBox()))) {
		for _, w := range space.WordsOf(b) {
			if _, ok := ports[w.Protocol]; !ok {
				order = append(order, w.Protocol)
			}
			to := b.LocalPorts
			if dir == flow.Outbound {
				to = b.RemotePorts
			}
			ports[w.Protocol] = interval.Union(ports[w.Protocol], to)
		}
	}
	for _, p := range order {
		out = append(out, Service{p, portWords(ports[p])})
	}
	return out
}

// The sizes from which on remote addresses are more than a list of known ones:
// a /16 of IPv4, what a provider gives a /32 of IPv6.
var (
	openIPv4 = big.NewInt(1 << 16)
	openIPv6 = new(big.Int).Lsh(big.NewInt(1), 96)
)

func breadthOf(a index.Addresses) Breadth {
	if sizeOf(index.Addresses{V4: a.V4}).Cmp(openIPv4) >= 0 || sizeOf(index.Addresses{V6: a.V6}).Cmp(openIPv6) >= 0 {
		return Open
	}
	return Restricted
}

// sizeOf counts addresses.
func sizeOf(a index.Addresses) *big.Int {
	n := new(big.Int)
	for _, r := range a.V4 {
		n.Add(n, big.NewInt(int64(r.Last)-int64(r.First)+1))
	}
	for _, r := range a.V6 {
		first, last := wide(r.First), wide(r.Last)
		n.Add(n, last.Sub(last, first)).Add(n, big.NewInt(1))
	}
	return n
}

func wide(a interval.IPv6) *big.Int {
	n := new(big.Int).SetUint64(a.Hi)
	return n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(a.Lo))
}
