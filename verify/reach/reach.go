package reach

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"ipflow/index"
	"ipflow/index/interval"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/space"
)

// Prober asks about one network.
type Prober struct {
	net   *network.Network
	ix    *index.Index
	space *space.Space

	decisions []Decision // by label; label 0 is outside the question
	labels    map[Decision]int
	verdicts  []int // label by verdict id; 0 is not known yet
	bases     map[baseKey]space.Map
	narrowed  map[narrowKey]space.Map
	joined    map[[2]space.Map]space.Map
	notes     []string
	noted     map[string]bool
	met       map[*network.NIC]bool // NICs with flows that the question asks about
	seats     [2]int                // NICs that can be asked, by receivers and senders
	variant   *variant              // NICs with other rules; nil without
}

// Decision is what boxes are told apart by.
type Decision struct {
	Access flow.Access
	Rule   flow.RuleRef // the deciding rule; 0 when there is none or Access is Unknown
	Layer  flow.Layer   // NoLayer when Rule is 0
	Reason string       // as in flow.Verdict
}

type baseKey struct {
	k   *index.Classifier
	dir flow.Direction
	// seen says from which end ports are looked at: the direction of the end.
	seen flow.Direction
}

type narrowKey struct {
	m  space.Map
	to space.Set
}

// New returns a Prober of a linked network and its index.
func New(n *network.Network, ix *index.Index) *Prober {
	return &Prober{
		net: n, ix: ix, space: space.New(), decisions: make([]Decision, 1), labels: map[Decision]int{},
		bases: map[baseKey]space.Map{}, narrowed: map[narrowKey]space.Map{}, joined: map[[2]space.Map]space.Map{}, noted: map[string]bool{},
	}
}

// Question asks for all flows between two ends.
type Question struct {
	From, To End
	// Direction is the end that is asked: Inbound the NICs of To, Outbound those
	// of From. 0 asks the end that is made of NICs; when both are, a flow is
	// allowed iff both allow it; when none is, both are asked, one by one.
	Direction flow.Direction
	Protocols index.Protocols             // empty means all
	Ports     interval.Set[interval.Port] // destination ports; nil means all and protocols without ports
	Only      []flow.Access               // empty means all
	Keep      func(Decision) bool         // flows whose decision is told; nil means all
	Expected  Expected                    // flows that are left out; nil for none
}

// Expected returns the flows of a NIC and direction that are not worth telling.
type Expected func(s *space.Space, nic *network.NIC, dir flow.Direction) space.Set

// Answer is the sets of flows, by NICs, direction and access.
type Answer struct {
	Sets  []Set
	Notes []string // what the reader must know to trust the answer, sorted
	// Nobody says that no NIC could be asked, or at one of two ends none: the
	// answer is empty whatever the rules are.
	Nobody bool
	// Asked are the NICs that have flows among those asked about, told or not, in
	// no order.
	Asked []*network.NIC
}

// Set is flows with the same access at some NICs. Each NIC stands for its own
// addresses among the local ones.
type Set struct {
	NICs      []*network.NIC // sorted by id
	Direction flow.Direction
	Access    flow.Access
	Boxes     []Box // disjoint
	Witness   flow.Tuple
	// WitnessNIC owns the witness's local address.
	WitnessNIC *network.NIC
}

// Box is flows with one deciding rule.
type Box struct {
	space.Box
	Decision
}

// Ask answers a question.
func (p *Prober) Ask(q Question) Answer {
	out, err := p.AskContext(context.Background(), q, nil)
	if err != nil {
		panic("reach: " + err.Error()) // nothing ends the background
	}
	return out
}

// AskContext answers a question unless ctx ends first. progress, when not nil, is
// told how many parts of the question are done.
func (p *Prober) AskContext(ctx context.Context, q Question, progress func(done, total int)) (out Answer, err error) {
	p.notes, p.noted, p.met, p.seats = nil, map[string]bool{}, map[*network.NIC]bool{}, [2]int{}
	for _, e := range []*End{&q.From, &q.To} {
		for _, n := range e.notes {
			p.note(n)
		}
		if e.IsNICs() && len(e.Members) == 0 {
			p.note(e.Text + " has no NIC in the snapshot; the answer is empty")
		}
	}
	at := &pace{ctx: ctx, tell: progress}
	ask := func(dirs ...flow.Direction) (err error) {
		near := make([][]Member, len(dirs))
		for i, dir := range dirs {
			near[i] = p.nearMembers(q.near(dir))
			at.total += len(near[i])
		}
		for i, dir := range dirs {
			sets, err := p.oneEnd(at, &q, dir, near[i])
			if err != nil {
				return err
			}
			out.Sets = append(out.Sets, sets...)
		}
		return nil
	}
	from, to := q.From.IsNICs(), q.To.IsNICs()
	both := q.Direction == 0 && from && to
	switch {
	case q.Direction != 0:
		err = ask(q.Direction)
	case both:
		out.Sets, err = p.bothEnds(at, &q)
	case to:
		err = ask(flow.Inbound)
	case from:
		err = ask(flow.Outbound)
	default:
		err = ask(flow.Inbound, flow.Outbound)
	}
	if err != nil {
		return Answer{}, err
	}
	slices.SortStableFunc(out.Sets, func(a, b Set) int {
		return cmp.Or(cmp.Compare(a.Direction, b.Direction), byNIC(a.NICs[0], b.NICs[0]), cmp.Compare(a.Access, b.Access))
	})
	if out.Nobody = p.seats == [2]int{} || both && p.seats[0]*p.seats[1] == 0; out.Nobody && len(p.notes) == 0 {
		p.note("no NIC of the snapshot has an address of " + q.From.Text + " or " + q.To.Text + "; the answer is empty")
	}
	slices.Sort(p.notes)
	out.Notes, out.Asked = p.notes, slices.Collect(maps.Keys(p.met))
	return out, nil
}

// near returns the end that is asked in a direction.
func (q *Question) near(dir flow.Direction) *End {
	if dir == flow.Outbound {
		return &q.From
	}
	return &q.To
}

func (p *Prober) note(text string) {
	if !p.noted[text] {
		p.noted[text] = true
		p.notes = append(p.notes, text)
	}
}

// oneEnd asks the NICs at one end about the addresses of the other.
func (p *Prober) oneEnd(at *pace, q *Question, dir flow.Direction, near []Member) ([]Set, error) {
	far := &q.From
	if dir == flow.Outbound {
		far = &q.To
	}
	g := newGrouping(p, q, dir)
	for _, m := range near {
		for _, l := range p.Locals(m.NIC, dir) {
			at := l.At
			if m.Within != nil {
				at = at.And(*m.Within)
			}
			if !at.Empty() {
				p.seats[dir-flow.Inbound]++
				asked := p.asked(q, dir, p.Remotes(far, m.NIC))
				g.add(m.NIC, at, p.narrow(p.base(l.Classifier, dir, dir), asked))
			}
		}
		if err := at.step(); err != nil {
			return nil, err
		}
	}
	return g.sets(at)
}

// nearMembers returns the NICs of an end; an end of addresses means the NICs
// that have them.
func (p *Prober) nearMembers(e *End) (out []Member) {
	if e.IsNICs() {
		return p.changed(e.Members)
	}
	for _, c := range p.net.NICs {
		if p.variant != nil && p.variant.nics[c] == nil {
			continue
		}
		m := Member{NIC: c}
		if e.Text != Anything.Text {
			within := p.Remotes(e, c)
			m.Within = &within
		}
		out = append(out, m)
	}
	return out
}

// Remotes returns the addresses of the far end as the NIC sees them. Where it
// rests on facts which they are, all that are possible count: nothing is missed.
func (p *Prober) Remotes(e *End, c *network.NIC) index.Addresses {
	switch {
	case e.tag != nil:
		reach := p.ix.Selectors().Of(c, *e.tag)
		if len(reach.May) > 0 {
			p.note("which addresses " + e.Text + " holds for " + c.ID + " rests on " + reach.May[0].Fact + "; all that are possible are asked about")
		}
		return reach.Most().Minus(e.without)
	case e.IsNICs() && len(e.Prefixes) == 0:
		return p.memberAddresses(e)
	}
	return e.addresses
}

// memberAddresses returns where the members of an end are, or may be.
func (p *Prober) memberAddresses(e *End) index.Addresses {
	if e.joined == nil {
		list := make([]index.Addresses, len(e.Members))
		for i, m := range e.Members {
			list[i] = p.addressesOf(m)
		}
		joined := index.Join(list)
		e.joined = &joined
	}
	return *e.joined
}

// asked is the question as a set of flows with any local address.
func (p *Prober) asked(q *Question, dir flow.Direction, remote index.Addresses) space.Set {
	b := space.Box{Local: space.AllAddresses, Remote: remote, Protocols: q.Protocols, LocalPorts: space.AllPorts, RemotePorts: space.AllPorts}
	if b.Protocols == (index.Protocols{}) {
		b.Protocols = index.AllProtocols
	}
	if q.Ports != nil {
		if dir == flow.Inbound {
			b.LocalPorts = q.Ports
		} else {
			b.RemotePorts = q.Ports
		}
	}
	return p.space.Box(b)
}

// base returns a classifier's decisions over remote addresses and services, the
// ports as the end with the direction seen has them.
func (p *Prober) base(k *index.Classifier, dir, seen flow.Direction) space.Map {
	key := baseKey{k, dir, seen}
	m, ok := p.bases[key]
	if !ok {
		label := p.labelOf
		if v := p.variant; v != nil && v.classifiers[k] {
			label = func(id index.VerdictID) int { return p.label(decisionOf(v.ix.Verdict(id))) }
		}
		m = p.space.Of(k.Partition(), seen, label)
		p.bases[key] = m
	}
	return m
}

func (p *Prober) labelOf(id index.VerdictID) int {
	for len(p.verdicts) <= int(id) {
		p.verdicts = append(p.verdicts, 0)
	}
	l := p.verdicts[id]
	if l == 0 {
		l = p.label(decisionOf(p.ix.Verdict(id)))
		p.verdicts[id] = l
	}
	return l
}

func decisionOf(v flow.Verdict) Decision {
	d := Decision{Access: v.Access, Rule: v.Rule, Layer: v.Layer, Reason: v.Reason}
	if v.Access == flow.Unknown {
		d.Rule, d.Layer = 0, flow.NoLayer
	}
	return d
}

func (p *Prober) label(d Decision) int {
	l, ok := p.labels[d]
	if !ok {
		l = len(p.decisions)
		p.labels[d] = l
		p.decisions = append(p.decisions, d)
	}
	return l
}

// narrow restricts a Map, remembering the results: NICs share both operands.
func (p *Prober) narrow(m space.Map, to space.Set) space.Map {
	key := narrowKey{m, to}
	out, ok := p.narrowed[key]
	if !ok {
		out = p.space.Restrict(m, to)
		p.narrowed[key] = out
	}
	return out
}

// RuleID returns the id of the deciding rule, "" when there is none.
func (p *Prober) RuleID(d Decision) string {
	if r := p.net.Rule(d.Rule); r != nil {
		return r.ID
	}
	return ""
}

// joinReasons merges lists of facts, each sorted and joined by commas.
func joinReasons(list ...string) string {
	var facts []string
	for _, text := range list {
		text = strings.TrimPrefix(text, flow.ReasonRuleUncertain)
		if text != "" && text != flow.ReasonNoNSG {
			facts = append(facts, strings.Split(text, ",")...)
		}
	}
	slices.Sort(facts)
	return strings.Join(slices.Compact(facts), ",")
}
