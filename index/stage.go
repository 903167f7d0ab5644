package index

import (
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// A Stage is the ordered rule list of one layer as one local address meets it:
// rules whose local side cannot match are gone, the remote side is that which the
// NIC's view sees. Equal Stages are one.
type Stage struct {
	standing
	scope     *scope // nil iff missing
	signature string // which rules of the scope
	id        int32
	empty     bool // no rule can match: as if there were no Stage

	users  atomic.Int32 // classifiers that need it and are not made yet
	mu     sync.Mutex
	tables map[tableKind]*stageTable // guarded by mu
}

// release lets go of the tables when the last classifier that needed the Stage is
// made: from then on only classifiers hold them. Nobody has counted those that answer
// for open source ports.
func (c *compiler) release(s *Stage) {
	if s.users.Add(-1) > 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users.Load() > 0 {
		return // wanted again meanwhile: by one that will ask for the tables after us
	}
	for kind, t := range s.tables {
		if !kind.openSource { // the shelf bounds these
			c.shelf.remove(t)
			delete(s.tables, kind)
		}
	}
}

// stageOf returns the Stage of one layer for a local address of the NIC; nil when
// nothing stands in that layer.
func (c *compiler) stageOf(g *signer, layer flow.Layer, dir flow.Direction, nic *network.NIC, v *view, local netip.Addr) *Stage {
	var ref network.GroupRef
	switch layer {
	case flow.SecurityAdmin:
		admin := c.net.AdminRulesOf(nic)
		if admin == nil {
			return nil
		}
		if len(admin.Facts) > 0 {
			return c.missingStage(layer, strings.Join(c.names(c.intern.factsOf(admin.Facts)), ","))
		}
		s := c.stage(g, layer, c.scopeOf(c.planOf(admin, dir), dir, v), nic, local)
		if s.empty {
			return nil
		}
		return s
	case flow.Subnet:
		ref = c.net.SubnetGroup(nic)
	case flow.NetworkInterface:
		ref = nic.Group
	case flow.NoLayer:
		panic("index: no layer")
	}
	switch {
	case ref.Group != nil:
		return c.stage(g, layer, c.scopeOf(c.planOf(ref.Group, dir), dir, v), nic, local)
	case ref.Fact != "":
		return c.missingStage(layer, ref.Fact)
	}
	return nil
}

// missingStage stands for rules that are not known.
func (c *compiler) missingStage(layer flow.Layer, why string) *Stage {
	key := missingKey{layer, c.intern.fact(why)}
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.missing[key]
	if !ok {
		s = &Stage{standing: standing{layer, true, key.why}, id: c.stages.Add(1)}
		c.missing[key] = s
	}
	return s
}

type missingKey struct {
	layer flow.Layer
	why   fact
}

// stage returns the Stage that a local address of the NIC makes of a scope.
func (c *compiler) stage(g *signer, layer flow.Layer, in *scope, nic *network.NIC, local netip.Addr) *Stage {
	signature := g.sign(c, in, layer, nic, local)
	in.mu.Lock()
	defer in.mu.Unlock()
	s, ok := in.stages[string(signature)]
	if !ok {
		s = &Stage{standing: standing{layer: layer}, scope: in, signature: string(signature), id: c.stages.Add(1)}
		if layer == flow.SecurityAdmin { // a security group ends in rules that match
			entries, _ := c.entries(in, s.signature, nil)
			s.empty = len(entries) == 0
		}
		in.stages[s.signature] = s
	}
	return s
}

// localMatch decides the local side of a rule for one local address: prefixes
// and tags by address, application security groups by ip configuration.
func (c *compiler) localMatch(v *view, nic *network.NIC, key sideKey, local netip.Addr) (sure bool, facts []fact) {
	selectors := key.rule.Destination
	if key.source {
		selectors = key.rule.Source
	}
	if isAny(selectors) {
		return true, nil
	}
	sure, facts = v.reachOf(key).at(local)
	if sure || c.assume.emptyASGDisables && c.listsEmptyASG(selectors) {
		return sure, facts
	}
	for _, s := range selectors {
		if s.Kind != network.SelectASG {
			continue
		}
		member, open := localMember(nic, s.Text, local)
		if member {
			return true, nil
		}
		facts = append(facts, c.intern.factsOf(open)...)
	}
	return false, facts
}

// localMember reports whether the ip configuration that owns the address is in
// the group, or the facts on which it may be: which configuration owns it, and
// lists that could not be read.
func localMember(nic *network.NIC, asg string, local netip.Addr) (member bool, open []string) {
	configs := nic.IPConfigsFor(local)
	in := 0
	for _, c := range configs {
		if c.InASG(asg) {
			in++
		} else if c.ASGFact != "" {
			open = append(open, c.ASGFact)
		}
	}
	if in > 0 && in == len(configs) {
		return true, nil
	}
	if in > 0 {
		open = append(open, nic.AddressFact())
	}
	return false, open
}

// isFull reports whether the ranges together hold every port.
func isFull(ranges []flow.PortRange) bool {
	if len(ranges) == 1 {
		return ranges[0] == flow.AllPorts
	}
	first, last := false, false
	for _, r := range ranges {
		first, last = first || r.First == 0, last || r.Last == 65535
	}
	if !first || !last {
		return false
	}
	s := portSet(ranges)
	return len(s) == 1 && s[0].First == 0 && s[0].Last == 65535
}
