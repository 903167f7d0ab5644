package assert

import (
	"fmt"
	"slices"
	"strings"

	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/reach"
	"ipflow/verify/space"
)

// part is which of the selected flows something is expected of.
type part uint8

const (
	all    part = iota
	within      // those of the entries of only
	beyond      // the others
)

// obligation is one thing that an assertion expects.
type obligation struct {
	part   part
	expect flow.Access
	by     map[flow.RuleRef]bool // nil for any rule
}

func (q *question) obligations() (out []obligation) {
	if len(q.entries) == 0 {
		return []obligation{{all, q.expect, q.by}}
	}
	if q.expect == flow.Allow {
		out = append(out, obligation{within, q.expect, q.by})
	}
	return append(out, obligation{beyond, flow.Deny, nil})
}

// holds reports whether a decision surely is what is expected.
func (o *obligation) holds(d reach.Decision) bool {
	return d.Access == o.expect && (o.by == nil || o.by[d.Rule] && !ruleUncertain(d))
}

// fails reports whether a decision surely is not what is expected.
func (o *obligation) fails(d reach.Decision) bool {
	if d.Access != o.expect {
		return d.Access != flow.Unknown
	}
	return o.by != nil && !o.by[d.Rule] && !ruleUncertain(d)
}

func ruleUncertain(d reach.Decision) bool {
	return strings.HasPrefix(d.Reason, flow.ReasonRuleUncertain)
}

// judge asks about all pairs of ends and fills in the result.
func (c *Checker) judge(q *question, r *Result) {
	j := judgement{c: c, q: q, metFrom: map[int]bool{}, metTo: map[int]bool{}, notes: map[string]bool{}, nics: map[*network.NIC]bool{}}
	for _, o := range q.obligations() {
		for f := range q.from {
			for t := range q.to {
				j.pair(o, f, t)
			}
		}
	}
	for n := range j.notes {
		r.Notes = append(r.Notes, n)
	}
	slices.Sort(r.Notes)
	r.NICs = len(j.nics)
	if bad := j.idleEnd(); bad != nil {
		r.State, r.At, r.Message, r.Remedy = Error, bad.at, bad.message, bad.remedy
		return
	}
	switch doubts := j.doubts(); {
	case len(j.failed) > 0:
		r.State = Fail
		c.tell(r, j.failed)
	case len(j.open) > 0:
		r.State = Unknown
		c.tell(r, j.open)
		r.Facts = j.facts()
		r.Remedy = factRemedy(r.Facts)
	case len(doubts) > 0:
		r.State, r.Facts = Unknown, doubts
		r.Message = fmt.Sprintf("holds at the %s the snapshot shows, but there may be more: %s", count(r.NICs, "NIC"), strings.Join(doubts, ", "))
		r.Remedy = factRemedy(doubts)
	default:
		r.State = Pass
	}
}

// finding is flows that go otherwise than expected, or may.
type finding struct {
	obligation
	reach.Set
	from, to int
}

// judgement collects the answers of one question.
type judgement struct {
	c            *Checker
	q            *question
	metFrom      map[int]bool // positions of ends that selected flows
	metTo        map[int]bool
	failed, open []finding
	notes        map[string]bool
	nics         map[*network.NIC]bool
}

// pair asks about the flows between two of the ends.
func (j *judgement) pair(o obligation, from, to int) {
	ask := j.question(o, from, to)
	answer := j.c.prober.Ask(ask)
	for _, n := range answer.Notes {
		j.notes[n] = true
	}
	if len(answer.Asked) == 0 {
		return
	}
	j.metFrom[from], j.metTo[to] = true, true
	for _, nic := range answer.Asked {
		j.nics[nic] = true
	}
	if len(answer.Sets) == 0 {
		return
	}
	ask.Keep = o.fails
	ask.Expected = func(s *space.Space, nic *network.NIC, dir flow.Direction) space.Set {
		sure, _ := j.region(s, o.part, nic, dir)
		return s.Complement(s.Intersection(sure, j.surely(s, from, to, nic, dir)))
	}
	certain := j.c.prober.Ask(ask)
	for _, s := range certain.Sets {
		j.failed = append(j.failed, finding{o, s, from, to})
	}
	if len(certain.Sets) == 0 {
		for _, s := range answer.Sets {
			j.open = append(j.open, finding{o, s, from, to})
		}
	}
}

// question asks for the flows between two of the ends that are not surely as
// they should be.
func (j *judgement) question(o obligation, from, to int) reach.Question {
	ask := reach.Question{
		From: *j.q.from[from].End, To: *j.q.to[to].End, Direction: j.q.direction, Protocols: j.q.protocols, Ports: j.q.ports,
		Keep: func(d reach.Decision) bool { return !o.holds(d) },
	}
	if o.part != all {
		// What may be meant counts: nothing is missed.
		ask.Expected = func(s *space.Space, nic *network.NIC, dir flow.Direction) space.Set {
			_, most := j.region(s, o.part, nic, dir)
			return s.Complement(most)
		}
	}
	return ask
}

// surely is the flows that surely are between two of the ends.
func (j *judgement) surely(s *space.Space, from, to int, nic *network.NIC, dir flow.Direction) space.Set {
	near, far := j.q.to[to].End, j.q.from[from].End
	if dir == flow.Outbound {
		near, far = far, near
	}
	b := anyBox()
	b.Local, b.Remote = j.c.prober.Near(near, nic).Sure, j.c.prober.Far(far, nic).Sure
	return s.Box(b)
}

func anyBox() space.Box {
	return space.Box{
		Local: space.AllAddresses, Remote: space.AllAddresses, Protocols: index.AllProtocols,
		LocalPorts: space.AllPorts, RemotePorts: space.AllPorts,
	}
}

// region is which flows of a NIC an obligation is about: surely, and at most.
func (j *judgement) region(s *space.Space, p part, nic *network.NIC, dir flow.Direction) (sure, most space.Set) {
	if p == all {
		return space.Everything, space.Everything
	}
	var sures, mosts []space.Set
	for i := range j.q.entries {
		a, b := j.c.entryBoxes(&j.q.entries[i], nic, dir)
		sures, mosts = append(sures, s.Box(a)), append(mosts, s.Box(b))
	}
	sure, most = s.Union(sures...), s.Union(mosts...)
	if p == beyond {
		return s.Complement(most), s.Complement(sure)
	}
	return sure, most
}

// entryBoxes is an entry of only as a NIC meets it: surely, and at most.
func (c *Checker) entryBoxes(e *entry, nic *network.NIC, dir flow.Direction) (sure, most space.Box) {
	sure, most = anyBox(), anyBox()
	if e.far != nil {
		far := c.heldBy(e.far, func(x *reach.End) reach.Held { return c.prober.Far(x, nic) })
		sure.Remote, most.Remote = far.Sure, far.Most
		return sure, most
	}
	near, far := e.to, e.from
	if dir == flow.Outbound {
		near, far = far, near
	}
	local := c.heldBy(near, func(x *reach.End) reach.Held { return c.prober.Near(x, nic) })
	remote := c.heldBy(far, func(x *reach.End) reach.Held { return c.prober.Far(x, nic) })
	for _, b := range []*space.Box{&sure, &most} {
		b.Protocols = e.protocols
		switch {
		case e.ports == nil:
		case dir == flow.Inbound:
			b.LocalPorts = e.ports
		default:
			b.RemotePorts = e.ports
		}
	}
	sure.Local, sure.Remote = local.Sure, remote.Sure
	most.Local, most.Remote = local.Most, remote.Most
	return sure, most
}

func (c *Checker) heldBy(list []end, held func(*reach.End) reach.Held) (out reach.Held) {
	for i := range list {
		h := held(list[i].End)
		out.Sure, out.Most, out.Facts = out.Sure.Or(h.Sure), out.Most.Or(h.Most), append(out.Facts, h.Facts...)
	}
	return out
}

// idleEnd says which end selected no flow at all.
func (j *judgement) idleEnd() *fault {
	for _, side := range []struct {
		key  string
		ends []end
		met  map[int]bool
	}{{"from", j.q.from, j.metFrom}, {"to", j.q.to, j.metTo}} {
		for i, e := range side.ends {
			if side.met[i] {
				continue
			}
			at := e.word.At
			text := e.word.Text
			if text == "" {
				continue // the other end is to blame
			}
			return &fault{at, fmt.Sprintf("%s: %s selects no flow at any NIC of the snapshot, so nothing was tested", side.key, text), idleRemedy(e)}
		}
	}
	return nil
}

func idleRemedy(e end) string {
	if e.IsNICs() && len(e.Members) == 0 {
		return "it has no NIC in the snapshot: export its NICs, or delete the assertion"
	}
	return "name NICs, or addresses that NICs of the snapshot have at this end; both ends must be of one address family, and ports go with TCP or UDP"
}

// doubts are facts on which the assertion is about more than was asked.
func (j *judgement) doubts() (out []string) {
	add := func(list []end) {
		for i := range list {
			out = append(out, list[i].Doubts...)
		}
	}
	add(j.q.from)
	add(j.q.to)
	if j.q.expect == flow.Allow {
		for i := range j.q.entries {
			e := &j.q.entries[i]
			add(e.far)
			add(e.from)
			add(e.to)
		}
	}
	if f := j.c.net.MembersFact; f != "" && j.asksAnyNIC() {
		out = append(out, f)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// asksAnyNIC reports whether some end that is asked is not made of NICs: then it
// is all NICs that have its addresses.
func (j *judgement) asksAnyNIC() bool {
	open := func(list []end) bool { return slices.ContainsFunc(list, func(e end) bool { return !e.IsNICs() }) }
	switch j.q.direction {
	case flow.Inbound:
		return open(j.q.to)
	case flow.Outbound:
		return open(j.q.from)
	}
	return open(j.q.from) && open(j.q.to)
}

// facts are those that the open findings rest on.
func (j *judgement) facts() (out []string) {
	for i := range j.open {
		f := &j.open[i]
		for k := range f.Boxes {
			if d := f.Boxes[k].Decision; !f.holds(d) && !f.fails(d) {
				out = append(out, strings.Split(strings.TrimPrefix(d.Reason, flow.ReasonRuleUncertain), ",")...)
				continue
			}
			out = append(out, j.heldFacts(f)...)
		}
	}
	out = slices.DeleteFunc(out, func(s string) bool { return s == "" || s == flow.ReasonNoNSG })
	slices.Sort(out)
	return slices.Compact(out)
}

// heldFacts are those on which it rests whether the witness of a finding is
// meant at all.
func (j *judgement) heldFacts(f *finding) (out []string) {
	nic, dir := f.WitnessNIC, f.Direction
	local, remote := f.Witness.Local.Netip(), f.Witness.Remote.Netip()
	pick := func(h reach.Held, at bool) {
		if at {
			out = append(out, h.Facts...)
		}
	}
	near, far := j.q.to[f.to].End, j.q.from[f.from].End
	if dir == flow.Outbound {
		near, far = far, near
	}
	h := j.c.prober.Near(near, nic)
	pick(h, !h.Sure.Contains(local))
	h = j.c.prober.Far(far, nic)
	pick(h, !h.Sure.Contains(remote))
	if f.part == all {
		return out
	}
	for i := range j.q.entries {
		e := &j.q.entries[i]
		near, far := e.to, append(slices.Clip(e.from), e.far...)
		if dir == flow.Outbound {
			near, far = e.from, append(slices.Clip(e.to), e.far...)
		}
		for k := range near {
			pick(j.c.prober.Near(near[k].End, nic), true)
		}
		for k := range far {
			pick(j.c.prober.Far(far[k].End, nic), true)
		}
	}
	return out
}
