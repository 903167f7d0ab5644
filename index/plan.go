package index

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"ipflow/index/interval"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// A plan is a rule list of one direction, prepared for deciding the local side of
// its rules for many addresses.
type plan struct {
	rules  []*network.Rule
	plain  []uint64     // rules whose remote side is only prefixes
	always []uint64     // rules whose local side is every address
	checks []localCheck // the others
	final  []uint64     // rules that match every packet whose local address they match
}

// localCheck decides the local side of one rule, 24 bytes.
type localCheck struct {
	rule          int32
	plain         bool   // only prefixes: first4 to last4 and more say it all
	first4, last4 uint32 // of the one IPv4 range, the usual case; last4 below first4 when there is none
	more          *prefixSides
}

// prefixSides is the prefixes of a local side beyond the first IPv4 one.
type prefixSides struct {
	v4 []interval.Range[interval.IPv4]
	v6 []interval.Range[interval.IPv6]
}

// planOf returns the plan of a list and direction, made once.
func (c *compiler) planOf(g ruleList, dir flow.Direction) *plan {
	key := listKey{g, dir}
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.plans[key]
	if !ok {
		p = c.newPlan(g.List(dir), dir)
		c.plans[key] = p
	}
	return p
}

type listKey struct {
	list ruleList
	dir  flow.Direction
}

// A ruleList is a security group or the admin rules of a subnet.
type ruleList interface {
	List(flow.Direction) []*network.Rule
}

func (c *compiler) newPlan(rules []*network.Rule, dir flow.Direction) *plan {
	rules = slices.Clone(rules) // without room to grow
	words := (len(rules) + 63) / 64
	bits := make([]uint64, 3*words)
	p := &plan{rules: rules, always: bits[:words], final: bits[words : 2*words], plain: bits[2*words:]}
	var wide []*network.Rule // of those before: the ones that hide whatever service they match
	for i, r := range rules {
		local, remote := sidesOf(r, dir)
		if slices.ContainsFunc(wide, func(w *network.Rule) bool { return hides(w, r) }) {
			continue
		}
		if len(r.Facts) == 0 && isAny(local) && isAny(remote) && isFull(r.SourcePorts) {
			wide = append(wide, r)
		}
		if len(r.Facts) == 0 && r.Protocol == network.AnyProtocol && isAny(remote) && isFull(r.SourcePorts) && isFull(r.DestinationPorts) {
			setBit(p.final, i)
		}
		if c.plain(remote) {
			setBit(p.plain, i)
		}
		if isAny(local) {
			setBit(p.always, i)
			continue
		}
		check := localCheck{rule: int32(i), plain: c.plain(local), first4: 1}
		if check.plain {
			check.prefixes(local)
		}
		p.checks = append(p.checks, check)
	}
	return p
}

// hides reports whether a rule for all addresses and source ports surely matches
// every service that the other may match. Of protocols without ports that is only
// certain of a rule for all protocols and ports.
func hides(wide, r *network.Rule) bool {
	ported := r.Protocol == network.ProtocolMatch(flow.TCP) || r.Protocol == network.ProtocolMatch(flow.UDP)
	switch {
	case wide.Protocol == network.AnyProtocol && isFull(wide.DestinationPorts):
		return true
	case wide.Protocol != network.AnyProtocol && wide.Protocol != r.Protocol || !ported:
		return false
	}
	for _, p := range r.DestinationPorts {
		if !slices.ContainsFunc(wide.DestinationPorts, func(w flow.PortRange) bool { return w.First <= p.First && p.Last <= w.Last }) {
			return false
		}
	}
	return len(r.DestinationPorts) > 0
}

func (k *localCheck) prefixes(list []network.Selector) {
	for i := range list {
		p := list[i].Prefix
		if p.Addr().Is4() && k.first4 > k.last4 {
			r := interval.PrefixIPv4(p)
			k.first4, k.last4 = uint32(r.First), uint32(r.Last)
			continue
		}
		if k.more == nil {
			k.more = &prefixSides{}
		}
		if p.Addr().Is4() {
			k.more.v4 = append(k.more.v4, interval.PrefixIPv4(p))
		} else {
			k.more.v6 = append(k.more.v6, interval.PrefixIPv6(p))
		}
	}
}

// holds4 decides a plain check for an IPv4 address.
func (k *localCheck) holds4(a interval.IPv4) bool {
	if uint32(a) >= k.first4 && uint32(a) <= k.last4 {
		return true
	}
	if k.more != nil {
		for _, r := range k.more.v4 {
			if a >= r.First && a <= r.Last {
				return true
			}
		}
	}
	return false
}

func (k *localCheck) holds6(a interval.IPv6) bool {
	if k.more != nil {
		for _, r := range k.more.v6 {
			if a.Compare(r.First) >= 0 && a.Compare(r.Last) <= 0 {
				return true
			}
		}
	}
	return false
}

// plain reports whether the selectors are prefixes whose meaning does not depend
// on where they are seen from.
func (c *compiler) plain(list []network.Selector) bool {
	for i := range list {
		if list[i].Kind != network.SelectPrefix || list[i].Prefix.Bits() == 0 && c.assume.literalAnyBoth {
			return false
		}
	}
	return len(list) > 0
}

func isAny(list []network.Selector) bool {
	return len(list) == 1 && list[0].Kind == network.SelectAny
}

// sidesOf returns the local and the remote side of a rule.
func sidesOf(r *network.Rule, dir flow.Direction) (local, remote []network.Selector) {
	if dir == flow.Outbound {
		return r.Source, r.Destination
	}
	return r.Destination, r.Source
}

// A scope is a plan as the NICs of one view see it, with the Stages that their
// local addresses made of it.
type scope struct {
	plan *plan
	dir  flow.Direction
	view *view

	mu     sync.Mutex
	stages map[string]*Stage // by layer and signature

	reaches []atomic.Pointer[reach] // of remote sides that are not plain, by rule; nil until asked for
}

// remote is the remote side of a rule that is not only prefixes.
func (s *scope) remote(rule int) *reach {
	if r := s.reaches[rule].Load(); r != nil {
		return r
	}
	r := s.view.reachOf(sideKey{s.plan.rules[rule], s.dir == flow.Inbound, false})
	s.reaches[rule].Store(r)
	return r
}

type scopeKey struct {
	plan *plan
	view *view
}

func (c *compiler) scopeOf(p *plan, dir flow.Direction, v *view) *scope {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.scopes[scopeKey{p, v}]
	if !ok {
		s = &scope{plan: p, dir: dir, view: v, stages: map[string]*Stage{}, reaches: make([]atomic.Pointer[reach], len(p.rules))}
		c.scopes[scopeKey{p, v}] = s
	}
	return s
}

// A signer writes signatures. It reuses its memory and belongs to one goroutine.
type signer struct {
	key    []byte
	unsure []localDoubt
}

// localDoubt is a rule whose local side is uncertain.
type localDoubt struct {
	rule  int32
	facts []fact
}

// sign says which rules of the scope a local address of a NIC meets: the layer, a
// bit for each rule that may match, then each that is uncertain with its facts. It
// ends with the first rule that matches every packet. Equal signatures make equal
// Stages. The result is valid until the next call.
func (g *signer) sign(c *compiler, s *scope, layer flow.Layer, nic *network.NIC, local netip.Addr) []byte {
	p := s.plan
	g.key, g.unsure = append(g.key[:0], byte(layer)), g.unsure[:0]
	for _, w := range p.always {
		g.key = binary.LittleEndian.AppendUint64(g.key, w)
	}
	mask := g.key[1:]
	var a4 interval.IPv4
	var a6 interval.IPv6
	four := local.Is4()
	if four {
		a4 = interval.FromIPv4(local)
	} else {
		a6 = interval.FromIPv6(local)
	}
	for i := range p.checks {
		k := &p.checks[i]
		if k.plain {
			if four && k.holds4(a4) || !four && k.holds6(a6) {
				mask[k.rule>>3] |= 1 << (k.rule & 7)
			}
			continue
		}
		sure, facts := c.localMatch(s.view, nic, sideKey{p.rules[k.rule], s.dir == flow.Outbound, true}, local)
		if sure || len(facts) > 0 {
			mask[k.rule>>3] |= 1 << (k.rule & 7)
		}
		if !sure && len(facts) > 0 {
			g.unsure = append(g.unsure, localDoubt{k.rule, facts})
		}
	}
	end := g.cut(p, mask)
	for _, u := range g.unsure {
		if int(u.rule) > end {
			continue
		}
		g.key = binary.AppendUvarint(g.key, uint64(u.rule))
		g.key = binary.AppendUvarint(g.key, uint64(len(u.facts)))
		for _, f := range u.facts {
			g.key = binary.AppendUvarint(g.key, uint64(f))
		}
	}
	return g.key
}

// cut takes out what stands behind the first rule that surely matches every
// packet, and returns that rule's position.
func (g *signer) cut(p *plan, mask []byte) (end int) {
	for w, f := range p.final {
		f &= binary.LittleEndian.Uint64(mask[8*w:])
		for ; f != 0; f &= f - 1 {
			at := bits.TrailingZeros64(f)
			end = w*64 + at
			if slices.ContainsFunc(g.unsure, func(u localDoubt) bool { return int(u.rule) == end }) {
				continue
			}
			x := binary.LittleEndian.Uint64(mask[8*w:])
			binary.LittleEndian.PutUint64(mask[8*w:], x&(2<<at-1))
			clear(mask[8*(w+1):])
			return end
		}
	}
	return len(p.rules)
}

// entry is one rule of a Stage. The first entry that matches wins.
type entry struct {
	rule   *network.Rule
	remote *reach // nil when the remote side is plain prefixes
	facts  []fact // sorted; a match is uncertain on each
}

// entries reads a signature back. Rules whose remote side can match nothing are
// left out; total says that the last entry matches every packet.
func (c *compiler) entries(s *scope, signature string, out []entry) (list []entry, total bool) {
	p, key := s.plan, []byte(signature[1:])
	mask, key := key[:8*len(p.always)], key[8*len(p.always):]
	next := func() int32 {
		x, n := binary.Uvarint(key)
		key = key[n:]
		return int32(x)
	}
	unsure := int32(-1)
	if len(key) > 0 {
		unsure = next()
	}
	for w := range p.always {
		for x := binary.LittleEndian.Uint64(mask[8*w:]); x != 0; x &= x - 1 {
			at := int32(w*64 + bits.TrailingZeros64(x))
			e := entry{rule: p.rules[at]}
			if at == unsure {
				for range next() {
					e.facts = append(e.facts, fact(next()))
				}
				if unsure = -1; len(key) > 0 {
					unsure = next()
				}
			}
			if !hasBit(p.plain, int(at)) {
				e.remote = s.remote(int(at))
				if len(e.remote.sure.v4)+len(e.remote.sure.v6)+len(e.remote.may) == 0 {
					continue
				}
			}
			if len(e.rule.Facts) > 0 {
				e.facts = append(e.facts, c.intern.factsOf(e.rule.Facts)...)
			}
			slices.Sort(e.facts)
			e.facts = slices.Compact(e.facts)
			out = append(out, e)
			if e.matchesAll() {
				return out, true
			}
		}
	}
	return out, false
}

func (e *entry) matchesAll() bool {
	return len(e.facts) == 0 && e.rule.Protocol == network.AnyProtocol && e.remote != nil && e.remote.total() &&
		isFull(e.rule.SourcePorts) && isFull(e.rule.DestinationPorts)
}
