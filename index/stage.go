package index

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// A Stage is the ordered rule list of one layer as one local address meets it:
// rules whose local side cannot match are gone, the remote side is unfolded.
// The first entry that matches wins. Stages are interned by content.
type Stage struct {
	layer   flow.Layer
	dir     flow.Direction
	entries []entry // ends in one that matches every packet; nil iff missing
	missing fact    // why the list is unknown; valid iff entries is nil
	id      int32

	users  atomic.Int32 // classifiers that are to be fused from it
	mu     sync.Mutex
	tables [2]*stageTable // IPv4, IPv6; guarded by mu, nil when not compiled
}

// release gives the tables back when the last classifier that needed them is
// fused: they are several times the size of what comes of them.
func (s *Stage) release() {
	if s.users.Add(-1) > 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tables = [2]*stageTable{}
}

// entry is one rule of a Stage.
type entry struct {
	rule   *network.Rule
	remote *reach
	facts  []fact // sorted; a match is uncertain on each
}

// stageOf builds the Stage of one layer for a local address of the NIC; nil when
// nothing stands in that layer.
func (c *compiler) stageOf(layer flow.Layer, dir flow.Direction, nic *network.NIC, v *view, local netip.Addr) *Stage {
	var ref network.GroupRef
	switch layer {
	case flow.SecurityAdmin:
		admin := c.net.AdminRulesOf(nic)
		if admin == nil {
			return nil
		}
		if len(admin.Facts) > 0 {
			return c.missingStage(layer, dir, strings.Join(c.intern.names(c.intern.factsOf(admin.Facts)), ","))
		}
		s, _ := c.stage(layer, dir, c.list(admin, dir), nic, v, local)
		if len(s.entries) == 0 {
			return nil // none of the rules can match here
		}
		return c.internStage(s)
	case flow.Subnet:
		ref = c.net.SubnetGroup(nic)
	case flow.NetworkInterface:
		ref = nic.Group
	case flow.NoLayer:
		panic("index: no layer")
	}
	switch {
	case ref.Group != nil:
		s, total := c.stage(layer, dir, c.list(ref.Group, dir), nic, v, local)
		if !total {
			panic("index: no rule of " + ref.Group.ID + " matches everything, not even DenyAll")
		}
		return c.internStage(s)
	case ref.Fact != "":
		return c.missingStage(layer, dir, ref.Fact)
	}
	return nil
}

// missingStage stands for rules that are not known.
func (c *compiler) missingStage(layer flow.Layer, dir flow.Direction, why string) *Stage {
	return c.internStage(&Stage{layer: layer, dir: dir, missing: c.intern.fact(why)})
}

// stage unfolds a rule list for a local address, up to the first rule that
// matches everything; total is false when there is none.
func (c *compiler) stage(layer flow.Layer, dir flow.Direction, rules []*network.Rule, nic *network.NIC, v *view, local netip.Addr) (s *Stage, total bool) {
	s = &Stage{layer: layer, dir: dir}
	for _, r := range rules {
		sure, facts := c.localMatch(v, nic, sideKey{r, dir == flow.Outbound, true}, local)
		if !sure && len(facts) == 0 {
			continue
		}
		remote := v.reachOf(sideKey{r, dir == flow.Inbound, false})
		if len(remote.sure.v4)+len(remote.sure.v6)+len(remote.may) == 0 {
			continue
		}
		if len(r.Facts) > 0 {
			facts = append(facts, c.intern.factsOf(r.Facts)...)
		}
		slices.Sort(facts)
		e := entry{rule: r, remote: remote, facts: slices.Compact(facts)}
		s.entries = append(s.entries, e)
		if e.matchesAll() {
			return s, true
		}
	}
	return s, false
}

func (e *entry) matchesAll() bool {
	return len(e.facts) == 0 && e.rule.Protocol == network.AnyProtocol && e.remote.total() &&
		isFull(e.rule.SourcePorts) && isFull(e.rule.DestinationPorts)
}

// A ruleList is a security group or the admin rules of a subnet.
type ruleList interface {
	List(flow.Direction) []*network.Rule
}

// list returns a list's rules of one direction, split once.
func (c *compiler) list(g ruleList, dir flow.Direction) []*network.Rule {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := listKey{g, dir}
	l, ok := c.lists[key]
	if !ok {
		l = g.List(dir)
		c.lists[key] = l
	}
	return l
}

type listKey struct {
	list ruleList
	dir  flow.Direction
}

// localMatch decides the local side of a rule for one local address: prefixes
// and tags by address, application security groups by ip configuration.
func (c *compiler) localMatch(v *view, nic *network.NIC, key sideKey, local netip.Addr) (sure bool, facts []fact) {
	selectors := key.rule.Destination
	if key.source {
		selectors = key.rule.Source
	}
	if len(selectors) == 1 && selectors[0].Kind == network.SelectAny {
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

// internStage returns the one Stage with the content of s.
func (c *compiler) internStage(s *Stage) *Stage {
	b := make([]byte, 0, 16+12*len(s.entries))
	b = append(b, byte(s.layer), byte(s.dir))
	b = binary.AppendVarint(b, int64(s.missing))
	b = binary.AppendUvarint(b, uint64(len(s.entries)))
	for _, e := range s.entries {
		b = binary.AppendUvarint(b, uint64(e.rule.Ref))
		b = binary.AppendUvarint(b, uint64(e.remote.id))
		b = binary.AppendUvarint(b, uint64(len(e.facts)))
		for _, f := range e.facts {
			b = binary.AppendUvarint(b, uint64(f))
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if old, ok := c.stages[string(b)]; ok {
		return old
	}
	s.id = int32(len(c.stages))
	s.entries = slices.Clip(s.entries)
	c.stages[string(b)] = s
	return s
}

// isFull reports whether the ranges together hold every port.
func isFull(ranges []flow.PortRange) bool {
	if len(ranges) == 1 {
		return ranges[0] == flow.AllPorts
	}
	s := portSet(ranges)
	return len(s) == 1 && s[0].First == 0 && s[0].Last == 65535
}
