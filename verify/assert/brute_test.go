package assert

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/ingest/suite"
	"ipflow/verify/internal/world"
	"ipflow/verify/oracle"
)

func randomBytes(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

func newIndex(t testing.TB, n *network.Network) *index.Index {
	t.Helper()
	ix, err := index.Compile(context.Background(), n, index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return ix
}

func newChecker(t testing.TB, n *network.Network) *Checker {
	t.Helper()
	return New(n, newIndex(t, n), Options{Now: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)})
}

// parse reads a suite that must be right.
func parse(t testing.TB, text string) []*suite.Assertion {
	t.Helper()
	s, faults := suite.Parse("s.yaml", []byte(text))
	if len(faults) > 0 {
		t.Fatalf("%v\n%s", faults, text)
	}
	return s.Assertions
}

// place is an end whose addresses can all be tried.
type place struct {
	text  string
	nics  bool
	near  func(c *network.NIC, a netip.Addr) bool
	far   []netip.Addr
	doubt bool // on which it may hold more
}

func cidr(text string) place {
	p := netip.MustParsePrefix(text)
	out := place{text: text, near: func(_ *network.NIC, a netip.Addr) bool { return p.Contains(a) }}
	for a := p.Addr(); p.Contains(a); a = a.Next() {
		out.far = append(out.far, a)
	}
	return out
}

// places of a world. NICs without a recorded address are not among them: what
// they may be cannot be tried.
func places(n *network.Network) []place {
	list := []place{
		cidr("10.0.0.4/30"), cidr("10.0.0.4/31"), cidr("10.0.0.5/32"), cidr("10.1.0.0/29"), cidr("8.8.8.8/31"), cidr("20.50.0.0/30"),
		cidr("172.16.0.9/32"), cidr("fd00::4/127"), cidr("2001:db8::8/126"), cidr("10.0.9.0/30"),
	}
	for _, c := range n.NICs {
		p := place{text: "nic:" + c.Name, nics: true, near: func(x *network.NIC, _ netip.Addr) bool { return x == c }}
		for i := range c.IPConfigs {
			p.far = append(p.far, c.IPConfigs[i].Address)
		}
		list = append(list, p)
	}
	a := place{text: "asg:a", nics: true, doubt: n.MembersFact != ""}
	a.near = func(c *network.NIC, at netip.Addr) bool { return c.IPConfigOf(at).InASG("/asgs/a") }
	known := false
	for _, c := range n.NICs {
		for i := range c.IPConfigs {
			x := &c.IPConfigs[i]
			switch {
			case x.InASG("/asgs/a"):
				known = true
				a.far = append(a.far, x.Address)
			case x.ASGFact != "":
				a.doubt = true
			}
		}
	}
	if known {
		list = append(list, a)
	}
	return list
}

// The ports that tell all port classes of the worlds apart.
var tried = []uint16{0, 2, 4, 5, 6, 7, 100, 65535}

// expectation is an assertion in a form that can be tried flow by flow.
type expectation struct {
	from, to  []place
	direction flow.Direction
	protocols []flow.Protocol // nil for all
	first     uint16
	last      uint16
	ports     bool
	expect    flow.Access
	by        string
	only      []allowed
}

type allowed struct {
	from, to netip.Prefix // invalid for any
	far      bool         // from stands for the other end
	port     uint16       // 0 for any service
}

func (e *expectation) yaml() string {
	texts := func(list []place) string {
		var out []string
		for _, p := range list {
			out = append(out, fmt.Sprintf("%q", p.text))
		}
		return "[" + strings.Join(out, ", ") + "]"
	}
	out := fmt.Sprintf("assertions:\n- name: x\n  from: %s\n  to: %s\n", texts(e.from), texts(e.to))
	if e.direction != 0 {
		out += "  direction: " + e.direction.String() + "\n"
	}
	if e.protocols != nil {
		out += "  protocol: " + strings.ReplaceAll(fmt.Sprint(e.protocols), " ", ", ") + "\n"
	}
	if e.ports {
		out += fmt.Sprintf("  ports: %d-%d\n", e.first, e.last)
	}
	if e.expect != flow.Unknown {
		out += "  expect: " + strings.ToLower(e.expect.String()) + "\n"
	}
	if e.by != "" {
		out += "  by: " + e.by + "\n"
	}
	for i, o := range e.only {
		if i == 0 {
			out += "  only:\n"
		}
		switch {
		case o.far:
			out += fmt.Sprintf("  - %q\n", o.from)
			continue
		case o.from.IsValid() && o.to.IsValid():
			out += fmt.Sprintf("  - {from: %q, to: %q", o.from, o.to)
		case o.to.IsValid():
			out += fmt.Sprintf("  - {to: %q", o.to)
		default:
			out += fmt.Sprintf("  - {from: %q", o.from)
		}
		if o.port > 0 {
			out += fmt.Sprintf(", protocol: TCP, ports: %d", o.port)
		}
		out += "}\n"
	}
	return out
}

// brute tries every flow.
type brute struct {
	n              *network.Network
	judge          *oracle.Oracle
	e              *expectation
	fail, open     bool
	metFrom, metTo map[string]bool
	decided        []string // names of rules that decide some flow
}

func newBrute(n *network.Network, e *expectation) *brute {
	return &brute{n: n, judge: oracle.New(n), e: e, metFrom: map[string]bool{}, metTo: map[string]bool{}}
}

func (b *brute) state() State {
	for f := range b.e.from {
		for t := range b.e.to {
			b.pair(&b.e.from[f], &b.e.to[t])
		}
	}
	doubt := false
	any := false
	for _, list := range [][]place{b.e.from, b.e.to} {
		for _, p := range list {
			doubt = doubt || p.doubt
		}
	}
	isAddresses := func(p place) bool { return !p.nics }
	switch b.e.direction {
	case flow.Inbound:
		any = slices.ContainsFunc(b.e.to, isAddresses)
	case flow.Outbound:
		any = slices.ContainsFunc(b.e.from, isAddresses)
	default:
		any = slices.ContainsFunc(b.e.from, isAddresses) && slices.ContainsFunc(b.e.to, isAddresses)
	}
	doubt = doubt || any && b.n.MembersFact != ""
	for _, p := range b.e.from {
		if !b.metFrom[p.text] {
			return Error
		}
	}
	for _, p := range b.e.to {
		if !b.metTo[p.text] {
			return Error
		}
	}
	switch {
	case b.fail:
		return Fail
	case b.open || doubt:
		return Unknown
	}
	return Pass
}

func (b *brute) pair(from, to *place) {
	switch {
	case b.e.direction != 0:
		b.oneEnd(from, to, b.e.direction)
	case from.nics && to.nics:
		b.bothEnds(from, to)
	case to.nics:
		b.oneEnd(from, to, flow.Inbound)
	case from.nics:
		b.oneEnd(from, to, flow.Outbound)
	default:
		b.oneEnd(from, to, flow.Inbound)
		b.oneEnd(from, to, flow.Outbound)
	}
}

func (b *brute) services(t flow.Tuple, f func(flow.Tuple)) {
	protocols := b.e.protocols
	if protocols == nil {
		protocols = world.Protocols
	}
	for _, t.Protocol = range protocols {
		if !t.Protocol.HasPorts() {
			if !b.e.ports {
				f(t)
			}
			continue
		}
		for _, source := range tried {
			for _, destination := range tried {
				if b.e.ports && (destination < b.e.first || destination > b.e.last) {
					continue
				}
				t.LocalPort, t.RemotePort = source, destination
				if t.Direction == flow.Inbound {
					t.LocalPort, t.RemotePort = destination, source
				}
				f(t)
			}
		}
	}
}

// flows calls f with all flows of own addresses of NICs near one place, to or
// from another.
func (b *brute) flows(near, far *place, dir flow.Direction, f func(*network.NIC, flow.Tuple)) {
	for _, c := range b.n.NICs {
		for i := range c.IPConfigs {
			local := c.IPConfigs[i].Address
			if !near.near(c, local) {
				continue
			}
			for _, remote := range far.far {
				if remote.Is4() == local.Is4() {
					b.services(flow.Tuple{Direction: dir, Local: flow.AddressFrom(local), Remote: flow.AddressFrom(remote)}, func(t flow.Tuple) { f(c, t) })
				}
			}
		}
	}
}

func (b *brute) oneEnd(from, to *place, dir flow.Direction) {
	near, far := to, from
	if dir == flow.Outbound {
		near, far = from, to
	}
	b.flows(near, far, dir, func(c *network.NIC, t flow.Tuple) {
		v := b.judge.Classify(c, t)
		b.met(from, to, t, v.Access, v.Rule, strings.HasPrefix(v.Reason, flow.ReasonRuleUncertain))
	})
}

func (b *brute) bothEnds(from, to *place) {
	b.flows(to, from, flow.Inbound, func(c *network.NIC, in flow.Tuple) {
		for _, s := range b.n.NICs {
			if s.IPConfigOf(in.Remote.Netip()) == nil || !from.near(s, in.Remote.Netip()) {
				continue
			}
			out := flow.Tuple{
				Direction: flow.Outbound, Local: in.Remote, Remote: in.Local, LocalPort: in.RemotePort, RemotePort: in.LocalPort, Protocol: in.Protocol,
			}
			x, y := b.judge.Classify(s, out), b.judge.Classify(c, in)
			v := y
			uncertain := strings.HasPrefix(y.Reason, flow.ReasonRuleUncertain)
			switch {
			case x.Access == flow.Deny:
				v, uncertain = x, strings.HasPrefix(x.Reason, flow.ReasonRuleUncertain)
			case y.Access == flow.Deny:
				uncertain = uncertain || x.Access == flow.Unknown
			case x.Access == flow.Unknown:
				v = x
			case y.Access == flow.Allow && y.Rule == 0:
				v, uncertain = x, strings.HasPrefix(x.Reason, flow.ReasonRuleUncertain)
			}
			b.met(from, to, in, v.Access, v.Rule, uncertain)
		}
	})
}

// met judges one flow by its decision.
func (b *brute) met(from, to *place, t flow.Tuple, access flow.Access, rule flow.RuleRef, uncertain bool) {
	b.metFrom[from.text], b.metTo[to.text] = true, true
	expect, by := b.e.expect, b.e.by
	if len(b.e.only) > 0 {
		inside := slices.ContainsFunc(b.e.only, func(o allowed) bool { return o.holds(t) })
		switch {
		case inside && expect == flow.Unknown:
			return
		case !inside:
			expect, by = flow.Deny, ""
		}
	}
	r := b.n.Rule(rule)
	if r != nil && !slices.Contains(b.decided, r.Name) {
		b.decided = append(b.decided, r.Name)
	}
	switch {
	case access == flow.Unknown:
		b.open = true
	case access != expect:
		b.fail = true
	case by == "":
	case uncertain:
		b.open = true
	case r == nil || r.Name != by:
		b.fail = true
	}
}

func (o *allowed) holds(t flow.Tuple) bool {
	source, destination := t.Remote.Netip(), t.Local.Netip()
	if t.Direction == flow.Outbound {
		source, destination = destination, source
	}
	if o.far {
		return o.from.Contains(t.Remote.Netip())
	}
	_, port := t.Ports()
	return (!o.from.IsValid() || o.from.Contains(source)) && (!o.to.IsValid() || o.to.Contains(destination)) &&
		(o.port == 0 || t.Protocol == flow.TCP && port == o.port)
}

func drawExpectation(rng *rand.Rand, n *network.Network, list []place) *expectation {
	e := &expectation{direction: flow.Direction(rng.IntN(3)), expect: flow.Access(1 + rng.IntN(2))}
	draw := func() (out []place) {
		for range 1 + rng.IntN(4)/3 {
			p := list[rng.IntN(len(list))]
			if !slices.ContainsFunc(out, func(q place) bool { return q.text == p.text }) {
				out = append(out, p)
			}
		}
		return out
	}
	e.from, e.to = draw(), draw()
	if nics := list[len(list)-1-rng.IntN(3)]; rng.IntN(4) > 0 { // an end that there is
		if e.direction == flow.Outbound {
			e.from[0] = nics
		} else {
			e.to[0] = nics
		}
		if e.protocols == nil && len(e.from) == 2 {
			e.from = e.from[:1]
		}
	}
	switch rng.IntN(4) {
	case 0:
		e.protocols = []flow.Protocol{flow.TCP}
	case 1:
		e.protocols = []flow.Protocol{flow.UDP, flow.ICMP}
	}
	if rng.IntN(2) == 0 {
		e.ports, e.first, e.last = true, tried[2+rng.IntN(3)], tried[5+rng.IntN(3)]
		if rng.IntN(2) == 0 {
			e.last = e.first
		}
	}
	var names []string
	for ref := 1; ref < n.RuleCount(); ref++ {
		names = append(names, n.Rule(flow.RuleRef(ref)).Name)
	}
	if len(names) > 0 && rng.IntN(4) == 0 {
		e.by = names[rng.IntN(len(names))]
	}
	if rng.IntN(3) == 0 {
		if e.by == "" && rng.IntN(2) == 0 {
			e.expect = flow.Unknown
		} else {
			e.expect = flow.Allow
		}
		prefixes := world.Prefixes("10.0.0.4/31", "10.0.0.0/24", "8.8.8.8/32", "20.50.0.0/16", "10.1.0.4/32", "fd00::/32", "0.0.0.0/0")
		for range 1 + rng.IntN(2) {
			o := allowed{from: prefixes[rng.IntN(len(prefixes))]}
			switch rng.IntN(4) {
			case 0:
				o.far = true
			case 1:
				o.to = prefixes[rng.IntN(len(prefixes))]
			case 2:
				o.from, o.to = netip.Prefix{}, o.from
			}
			if !o.far && rng.IntN(2) == 0 {
				o.port = tried[2+rng.IntN(4)]
			}
			e.only = append(e.only, o)
		}
	}
	return e
}

// TestWholeCIDREqualsBruteForce draws worlds and assertions about small prefixes,
// NICs and groups, and tries every flow with the oracle: the state is exactly
// what the flows say, and the witness is one of them.
func TestWholeCIDREqualsBruteForce(t *testing.T) {
	worlds := 400
	if testing.Short() {
		worlds = 300
	}
	rng := rand.New(rand.NewPCG(2026, 7))
	states := map[State]int{}
	for i := range worlds {
		w := world.New(randomBytes(rng, 60+i%400))
		if slices.ContainsFunc(w.Net.NICs, func(c *network.NIC) bool {
			return slices.ContainsFunc(c.IPConfigs, func(x network.IPConfig) bool { return !x.Address.IsValid() })
		}) {
			continue
		}
		c := newChecker(t, w.Net)
		list := places(w.Net)
		for range 4 {
			e := drawExpectation(rng, w.Net, list)
			b := newBrute(w.Net, e)
			if want := b.state(); want == Fail && rng.IntN(2) == 0 && len(e.only) == 0 { // what does hold
				e.expect = flow.Allow + flow.Deny - e.expect
				if e.by = ""; rng.IntN(2) == 0 && len(b.decided) > 0 {
					e.by = b.decided[rng.IntN(len(b.decided))]
				}
			}
			r := c.Check(parse(t, e.yaml())[0])
			if want := newBrute(w.Net, e).state(); r.State != want {
				t.Fatalf("world %d: %s, by force %s\n%s\n%+v\n%s", i, r.State, want, e.yaml(), r, w)
			}
			states[r.State]++
			checkWitness(t, w.Net, &r)
			if t.Failed() {
				t.Fatalf("world %d\n%s\n%s", i, e.yaml(), w)
			}
		}
	}
	t.Logf("%v", states)
	for _, s := range []State{Pass, Fail, Unknown, Error} {
		if states[s] < worlds/20 {
			t.Errorf("%d results are %s: the draw is one-sided", states[s], s)
		}
	}
}

// checkWitness has the oracle confirm what a result says of its witness.
func checkWitness(t *testing.T, n *network.Network, r *Result) {
	t.Helper()
	if (r.State == Fail) && r.Witness == nil {
		t.Error("a failure without a witness")
	}
	if r.State == Unknown && len(r.Facts) == 0 {
		t.Errorf("unknown without a fact: %s", r.Message)
	}
	w := r.Witness
	if w == nil {
		return
	}
	v := oracle.New(n).Classify(w.NIC, w.Tuple)
	// With both ends asked the sender may have the last word.
	for _, s := range n.NICsOwning(w.Tuple.Remote.Netip()) {
		out := flow.Tuple{
			Direction: flow.Outbound, Local: w.Tuple.Remote, Remote: w.Tuple.Local, LocalPort: w.Tuple.RemotePort, RemotePort: w.Tuple.LocalPort, Protocol: w.Tuple.Protocol,
		}
		if x := oracle.New(n).Classify(s, out); x.Access == w.Access && (x.Rule == w.Rule || w.Access == flow.Unknown) {
			return
		}
	}
	if v.Access != w.Access || w.Access != flow.Unknown && v.Rule != w.Rule {
		t.Errorf("witness %+v at %s is %s by %d, the oracle says %+v", w.Tuple, w.NIC.ID, w.Access, w.Rule, v)
	}
}
