package corpus

import (
	"fmt"
	"strings"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// Mix is the way flows are drawn.
type Mix uint8

// The mixes. In all of them the local address is one of the NIC's own.
const (
	// FlowLike is traffic as flow logs show it: every NIC talks to a pool of
	// endpoints, a few of them most of the time; four in five lie inside a rule;
	// the other port is ephemeral; three rows in a hundred are uniform.
	FlowLike Mix = iota
	// Uniform draws address, protocol and ports evenly.
	Uniform
	// Adversarial draws every row as a fresh random point inside a random rule
	// of the NIC, so that no two rows help each other.
	Adversarial
)

var mixNames = [...]string{"flow", "uniform", "adversarial"}

// String returns the name that ParseMix reads.
func (m Mix) String() string { return mixNames[m] }

// ParseMix reads flow, uniform or adversarial.
func ParseMix(s string) (Mix, error) {
	for i, name := range mixNames {
		if strings.EqualFold(s, name) {
			return Mix(i), nil
		}
	}
	return 0, fmt.Errorf("%q is not a mix: choose %s", s, strings.Join(mixNames[:], ", "))
}

// Addresses is how the address columns of typed files are written.
type Addresses uint8

// The forms of an address.
const (
	Text   Addresses = iota // strings
	Uint32                  // IPv4 in host order
	Binary                  // 16 bytes, IPv4 mapped
)

var addressNames = [...]string{"text", "uint32", "binary"}

// ParseAddresses reads text, uint32 or binary.
func ParseAddresses(s string) (Addresses, error) {
	for i, name := range addressNames {
		if strings.EqualFold(s, name) {
			return Addresses(i), nil
		}
	}
	return 0, fmt.Errorf("%q is not a form of addresses: choose %s", s, strings.Join(addressNames[:], ", "))
}

// FlowOptions describe rows of flows. The zero value is no rows of FlowLike.
type FlowOptions struct {
	Seed      uint64
	Rows      int64
	Mix       Mix
	IPv6      float64   // share of rows between IPv6 addresses
	Zipf      bool      // few NICs have most of the rows, else all have as many
	Faults    float64   // share of rows with one fault: NIC, direction, protocol or address
	Addresses Addresses // form of the address columns; bounds the kinds of faults
}

// WindowRows is the number of rows of a window; the last one may have fewer.
const WindowRows = 1 << 16

const (
	poolSize     = 4000 // endpoints a NIC talks to
	ruleDirected = 0.8
	strayRows    = 0.03
	inboundShare = 0.6
)

// Flows draws rows for the NICs and rules of one network.
type Flows struct {
	o       FlowOptions
	rules   *ruleBook
	targets []target
	// NICs that have an address of the family, in an order of their own: the
	// first are the busy ones under Zipf.
	order [2][]int32 // IPv4, IPv6
	busy  [2]zipf
	pool  zipf

	nics   []string // by Rows.NIC; the last names none
	locals []flow.Address
}

// family indexes what is kept per address family.
type family = int

const (
	four family = iota
	six
)

// target is a NIC that rows may be about.
type target struct {
	lists  [2][2][]rulePoints // direction-1, then subnet and NIC group
	vnet   *network.VirtualNetwork
	locals [2][]uint32 // positions in Flows.locals, by family
}

// NewFlows prepares rows for a linked network.
func NewFlows(n *network.Network, o FlowOptions) (*Flows, error) {
	switch {
	case o.Rows < 0:
		return nil, fmt.Errorf("the number of rows is 0 or more, not %d", o.Rows)
	case !(o.IPv6 >= 0 && o.IPv6 <= 1):
		return nil, fmt.Errorf("the share of IPv6 rows is 0-1, not %v", o.IPv6)
	case !(o.Faults >= 0 && o.Faults <= 1):
		return nil, fmt.Errorf("the share of faulty rows is 0-1, not %v", o.Faults)
	case o.Addresses == Uint32 && o.IPv6 > 0:
		return nil, fmt.Errorf("IPv6 addresses do not fit uint32 columns: choose text or binary")
	}
	f := &Flows{o: o, rules: newRuleBook(n), pool: newZipf(poolSize)}
	for _, c := range n.NICs {
		f.add(n, c)
	}
	if len(f.order[four]) == 0 && o.IPv6 < 1 {
		return nil, fmt.Errorf("no NIC of the snapshot has an IPv4 address on record; flows need one")
	}
	if len(f.order[six]) == 0 && o.IPv6 > 0 {
		return nil, fmt.Errorf("no NIC of the snapshot has an IPv6 address on record: the share of IPv6 rows can only be 0")
	}
	f.nics = append(f.nics, "nic-that-is-nowhere")
	// Addresses that no NIC owns, for faulty rows; documentation ranges.
	f.locals = append(f.locals, flow.AddressFrom4(192<<24|0<<16|2<<8|77), flow.Address{0x20, 0x01, 0x0d, 0xb8, 15: 77})
	s := newStream(o.Seed, kindPlan, 1)
	for fam := range f.order {
		s.Shuffle(len(f.order[fam]), func(i, j int) {
			f.order[fam][i], f.order[fam][j] = f.order[fam][j], f.order[fam][i]
		})
		if len(f.order[fam]) > 0 {
			f.busy[fam] = newZipf(len(f.order[fam]))
		}
	}
	return f, nil
}

// add makes a NIC a target if it has an address.
func (f *Flows) add(n *network.Network, c *network.NIC) {
	t := target{vnet: n.VirtualNetworkOf(c)}
	for i := range c.IPConfigs {
		a := c.IPConfigs[i].Address
		if !a.IsValid() {
			continue
		}
		fam := four
		if a.Is6() && !a.Is4In6() {
			fam = six
		}
		t.locals[fam] = append(t.locals[fam], uint32(len(f.locals)))
		f.locals = append(f.locals, flow.AddressFrom(a))
	}
	if len(t.locals[four])+len(t.locals[six]) == 0 {
		return
	}
	for d := range t.lists {
		if c.Subnet != nil {
			t.lists[d][0] = f.rules.list(c.Subnet.Group.Group, flow.Direction(d+1))
		}
		t.lists[d][1] = f.rules.list(c.Group.Group, flow.Direction(d+1))
	}
	for fam := range t.locals {
		if len(t.locals[fam]) > 0 {
			f.order[fam] = append(f.order[fam], int32(len(f.targets)))
		}
	}
	f.targets = append(f.targets, t)
	f.nics = append(f.nics, c.ID)
}

// Options returns what the rows were asked to be.
func (f *Flows) Options() FlowOptions { return f.o }

// Windows is the number of windows.
func (f *Flows) Windows() int { return int((f.o.Rows + WindowRows - 1) / WindowRows) }

// Rows is a window of rows in columns. It may be drawn into again.
type Rows struct {
	Window     int
	NIC        []uint32 // position in Flows.NICs
	Direction  []flow.Direction
	Protocol   []uint16 // number, or badProtocol
	Local      []uint32 // position in Flows.Locals
	Remote     []flow.Address
	BadRemote  []int32 // rows, ascending, whose remote address is no address
	LocalPort  []uint16
	RemotePort []uint16
}

// Len is the number of rows.
func (r *Rows) Len() int { return len(r.NIC) }

func (r *Rows) resize(n int) {
	if cap(r.NIC) < n {
		*r = Rows{
			NIC: make([]uint32, n), Direction: make([]flow.Direction, n), Protocol: make([]uint16, n), Local: make([]uint32, n),
			Remote: make([]flow.Address, n), LocalPort: make([]uint16, n), RemotePort: make([]uint16, n),
		}
	}
	r.NIC, r.Direction, r.Protocol, r.Local = r.NIC[:n], r.Direction[:n], r.Protocol[:n], r.Local[:n]
	r.Remote, r.LocalPort, r.RemotePort, r.BadRemote = r.Remote[:n], r.LocalPort[:n], r.RemotePort[:n], r.BadRemote[:0]
}

// NICs are the names that Rows.NIC numbers; the last one is no NIC's.
func (f *Flows) NICs() []string { return f.nics }

// Locals are the addresses that Rows.Local numbers; the last two are no NIC's.
func (f *Flows) Locals() []flow.Address { return f.locals }

// Spellings of columns that a fault has spoilt.
const (
	badProtocol  = 256
	badDirection = flow.Direction(0)
)

// point is the part of a row that a NIC's endpoint keeps.
type point struct {
	direction           flow.Direction
	protocol            flow.Protocol
	remote              flow.Address
	source, destination uint16
	anySource           bool // the source port is free
}

// Draw fills rows with window i, 0 <= i < Windows.
func (f *Flows) Draw(i int, rows *Rows) {
	first := int64(i) * WindowRows
	rows.resize(int(min(WindowRows, f.o.Rows-first)))
	rows.Window = i
	d := drawer{f: f, row: newStream(f.o.Seed, kindWindow, uint64(i)), end: newStream(0, 0, 0)}
	for r := range rows.NIC {
		d.draw(rows, r)
	}
}

// A drawer draws the rows of one window: row is the window's own stream, end
// that of the endpoint of the row.
type drawer struct {
	f        *Flows
	row, end *stream
}

func (d *drawer) draw(rows *Rows, r int) {
	f, s := d.f, d.row
	fam := four
	if f.o.IPv6 > 0 && s.chance(f.o.IPv6) {
		fam = six
	}
	rank := 0
	if order := f.order[fam]; f.o.Zipf {
		rank = f.busy[fam].draw(s)
	} else {
		rank = s.IntN(len(order))
	}
	nic := f.order[fam][rank]
	t := &f.targets[nic]
	local := t.locals[fam][0]
	if n := len(t.locals[fam]); n > 1 {
		local = t.locals[fam][s.IntN(n)]
	}
	p := d.point(nic, t, fam, local)
	rows.NIC[r], rows.Direction[r], rows.Protocol[r] = uint32(nic), p.direction, uint16(p.protocol)
	rows.Local[r], rows.Remote[r] = local, p.remote
	rows.LocalPort[r], rows.RemotePort[r] = p.destination, p.source
	if p.direction == flow.Outbound {
		rows.LocalPort[r], rows.RemotePort[r] = p.source, p.destination
	}
	if f.o.Faults > 0 && s.chance(f.o.Faults) {
		d.spoil(rows, r, fam)
	}
}

func (d *drawer) point(nic int32, t *target, fam family, local uint32) point {
	f, s := d.f, d.row
	switch {
	case f.o.Mix == Uniform, f.o.Mix == FlowLike && s.chance(strayRows):
		return uniformPoint(s, fam)
	case f.o.Mix == Adversarial:
		p, ok := f.inRule(s, t, fam, f.locals[local])
		if !ok {
			return uniformPoint(s, fam)
		}
		if p.anySource && p.protocol.HasPorts() {
			p.source = uint16(s.Uint32())
		}
		return p
	}
	// The pool is not kept: endpoint k of a NIC is what its own stream gives.
	k := uint64(nic)*poolSize + uint64(f.pool.draw(s))
	d.end.restart(f.o.Seed, kindEndpoint, 2*k+uint64(fam))
	p, ok := point{}, false
	if d.end.chance(ruleDirected) {
		p, ok = f.inRule(d.end, t, fam, f.locals[local])
	}
	if !ok {
		p = servicePoint(d.end, fam)
	}
	if p.anySource && p.protocol.HasPorts() {
		p.source = uint16(32768 + s.IntN(28232))
	}
	return p
}

// spoil gives the row one fault that the form of its columns can hold.
func (d *drawer) spoil(rows *Rows, r int, fam family) {
	kinds := 6
	switch d.f.o.Addresses {
	case Text:
	case Binary:
		kinds = 5
	case Uint32:
		kinds = 4
	}
	foreign := uint32(len(d.f.locals) - 2)
	switch d.row.IntN(kinds) {
	case 0:
		rows.NIC[r] = uint32(len(d.f.nics) - 1)
	case 1:
		rows.Direction[r] = badDirection
	case 2:
		rows.Protocol[r] = badProtocol
	case 3:
		rows.Local[r] = foreign + uint32(fam)
	case 4: // of the other family than the remote address
		rows.Local[r] = foreign + 1 - uint32(fam)
	case 5:
		rows.BadRemote = append(rows.BadRemote, int32(r))
	}
}
