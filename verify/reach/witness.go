package reach

import (
	"net/netip"

	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/space"
)

// Witness is one flow of a service as a NIC sees it: the receiver, or the sender
// where the receiving zone is not made of NICs. Both ends together give it the
// access of the service; or it is allowed, but perhaps not between the zones,
// where the service is Unknown for that.
type Witness struct {
	NIC   *network.NIC
	Tuple flow.Tuple
}

// pointOf picks a packet of a service.
func (m *Matrix) pointOf(w space.Words) flow.Tuple {
	w.Local, w.Remote = []string{"0.0.0.0/0"}, []string{"0.0.0.0/0"}
	b, err := space.BoxOf(w)
	if err != nil {
		panic("reach: words of a box: " + err.Error())
	}
	t, _ := m.p.space.Witness(m.p.space.Box(b), flow.Inbound)
	return t
}

// witnesses finds a flow for each service of a cell.
func (m *Matrix) witnesses(from, to int, services []Service) []Witness {
	if len(services) == 0 {
		return nil
	}
	out := make([]Witness, len(services))
	left := len(services)
	for _, weak := range []bool{false, true} {
		m.meetings(from, to, func(w *meeting) bool {
			for _, x := range w.x {
				for _, y := range w.y {
					marks := m.pair(x, y)
					for i := range services {
						if out[i].NIC == nil && services[i].shownBy(m.p.space.Label(marks, services[i].point), w.sure, weak) {
							out[i] = m.witness(w, x, y, services[i].point)
							left--
						}
					}
				}
			}
			return left > 0
		})
		if left == 0 {
			return out
		}
	}
	panic("reach: a service that no flow shows")
}

// shownBy reports whether a flow with the mark shows the service: first one that
// has its access for sure, else (weak) one between endpoints that may be there.
func (s *Service) shownBy(mark int, sure, weak bool) bool {
	switch {
	case mark == someDenied:
		return false
	case s.Access == flow.Allow:
		return mark == someAllowed && sure != weak
	case mark == someUnknown:
		return sure != weak
	}
	return weak && !sure
}

// witness picks the addresses of a flow between the endpoints of a meeting of
// which the receiver sees x and the sender y.
func (m *Matrix) witness(w *meeting, x, y space.Map, t flow.Tuple) Witness {
	source, destination := m.address(w.r, w.sAt, x, w.v6), m.address(w.s, w.rAt, y, w.v6)
	t.Local, t.Remote = flow.AddressFrom(destination), flow.AddressFrom(source)
	if w.r.asked {
		return Witness{w.r.owner(destination), t}
	}
	t.Direction = flow.Outbound
	t.Local, t.Remote, t.LocalPort, t.RemotePort = t.Remote, t.Local, t.RemotePort, t.LocalPort
	return Witness{w.s.owner(source), t}
}

// address returns one of the addresses of far at which the class near has the
// services.
func (m *Matrix) address(near *class, far index.Addresses, services space.Map, v6 bool) netip.Addr {
	of := near.access
	if !near.asked {
		of = m.anywhere
	}
	a, ok := m.p.space.Remote(of, far, services, v6)
	if !ok {
		panic("reach: services that no address has")
	}
	return a
}

// owner returns a NIC of the class that has the address, or may have it.
func (c *class) owner(a netip.Addr) *network.NIC {
	for _, s := range c.seats {
		if s.at.Contains(a) {
			return s.nic
		}
	}
	panic("reach: an address of a class that none of its NICs has")
}
