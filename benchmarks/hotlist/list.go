package hotlist

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"ipflow/benchmarks/corpus"
	"ipflow/index"
	"ipflow/index/memory"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/oracle"
)

// Options describe the security group.
type Options struct {
	Rules int     // custom rules, both directions together
	Tags  float64 // share of rules whose remote side is a service tag
	Seed  uint64
}

// Rule is a rule that may match at the local address.
type Rule struct {
	Rule                *network.Rule
	Remote              []netip.Prefix // IPv4, disjoint, the fewest
	Source, Destination []flow.PortRange
	Protocol            network.ProtocolMatch
}

// List is the inbound half of a security group at one local address.
type List struct {
	Network *network.Network
	NIC     *network.NIC
	Local   flow.Address
	Rules   []Rule // the first that matches decides; the last matches everything
	Index   *index.Index

	classifier *index.Classifier
}

// New draws the group and compiles it. The group's rules are about 400 NICs; the
// list is that of the first one. Packets of protocols without ports do not match
// rules about ports (the assumption portless-ports=never): a first-match list has
// no word for the Unknown that ipflow answers there by default.
func New(o Options) (*List, error) {
	e, err := corpus.New(corpus.Options{
		Seed: o.Seed, NICs: 400, Subnets: 16, NSGs: 1, Tags: o.Tags, Rules: []corpus.RuleMix{{Rules: o.Rules, Weight: 1}},
	})
	if err != nil {
		return nil, err
	}
	n := e.Network()
	// The same group at the subnets would only double the work.
	for _, s := range n.Subnets {
		s.Group = network.GroupRef{}
	}
	if err := n.Assumptions.Set("portless-ports", "never"); err != nil {
		return nil, err
	}
	ix, err := index.Compile(context.Background(), n, index.Options{FuseAfter: index.AtOnce})
	if err != nil {
		return nil, err
	}
	l := &List{Network: n, NIC: n.NICs[0], Index: ix}
	l.Local = flow.AddressFrom(l.NIC.IPConfigs[0].Address)
	l.classifier = ix.Classifier(l.NIC, flow.Inbound, l.Local)
	return l, l.specialise()
}

// specialise fills Rules.
func (l *List) specialise() error {
	s, local := l.Index.Selectors(), l.Local.Netip()
	for _, r := range l.NIC.Group.Group.List(flow.Inbound) {
		sure, facts := s.Local(l.NIC, r, false, local)
		reach := s.Side(l.NIC, r, true, false)
		if len(facts)+len(reach.May)+len(r.Facts) > 0 {
			return fmt.Errorf("rule %s is uncertain; a race needs certain ones", r.Name)
		}
		if !sure {
			continue
		}
		out := Rule{Rule: r, Source: r.SourcePorts, Destination: r.DestinationPorts, Protocol: r.Protocol}
		for _, p := range reach.Sure.Prefixes() {
			if p.Addr().Is4() {
				out.Remote = append(out.Remote, p)
			}
		}
		if len(out.Remote) == 0 {
			continue
		}
		l.Rules = append(l.Rules, out)
		if out.matchesAll() {
			return nil
		}
	}
	return fmt.Errorf("no rule of %s matches everything", l.NIC.Group.ID)
}

func (r *Rule) matchesAll() bool {
	all := []flow.PortRange{flow.AllPorts}
	return len(r.Remote) == 1 && r.Remote[0].Bits() == 0 && r.Protocol == network.AnyProtocol &&
		slices.Equal(r.Source, all) && slices.Equal(r.Destination, all)
}

// Tuples is the number of 5-tuples that the rules unfold into.
func (l *List) Tuples() int {
	n := 0
	for i := range l.Rules {
		r := &l.Rules[i]
		n += len(r.Remote) * len(r.Source) * len(r.Destination)
	}
	return n
}

// Trace draws packets to the local address. Protocols without ports have zeros.
func (l *List) Trace(mix corpus.Mix, packets int, seed uint64) ([]flow.Tuple, error) {
	alone := *l.Network
	alone.NICs = l.Network.NICs[:1]
	// 60 % of the rows are inbound, some to a second address of the NIC.
	f, err := corpus.NewFlows(&alone, corpus.FlowOptions{Seed: seed, Rows: int64(8*packets + corpus.WindowRows), Mix: mix})
	if err != nil {
		return nil, err
	}
	out := make([]flow.Tuple, 0, packets)
	var rows corpus.Rows
	for w := 0; w < f.Windows() && len(out) < packets; w++ {
		f.Draw(w, &rows)
		for i := range rows.NIC {
			if rows.Direction[i] == flow.Inbound && f.Locals()[rows.Local[i]] == l.Local && len(out) < packets {
				out = append(out, flow.Tuple{
					Local: l.Local, Remote: rows.Remote[i], LocalPort: rows.LocalPort[i], RemotePort: rows.RemotePort[i],
					Protocol: flow.Protocol(rows.Protocol[i]), Direction: flow.Inbound,
				})
			}
		}
	}
	if len(out) < packets {
		return nil, fmt.Errorf("%d packets drawn, not %d", len(out), packets)
	}
	return out, nil
}

// Questions are a trace in the form, and in memory as large, that the engine hands to a
// classifier when all rows of a window are about one NIC, direction and local address.
func Questions(trace []flow.Tuple) []index.Query {
	out := memory.Make[index.Query](len(trace))
	for i := range trace {
		t := &trace[i]
		source, destination := t.Ports()
		out[i] = index.Query{Remote: t.Remote.As4(), Source: uint32(source), Destination: index.DestinationKey(t.Protocol, destination)}
	}
	return out
}

// Answers has room for n answers, in memory as the engine keeps them.
func Answers(n int) []index.VerdictID { return memory.Make[index.VerdictID](n) }

// Answer fills ids with the verdict of each question, as the engine does. The
// questions are what Questions gave; ids has an element for each.
func (l *List) Answer(questions []index.Query, ids []index.VerdictID) {
	index.Answer4(l.classifier, questions, ids, 0, new(index.Work))
}

// Bytes is the memory of the compiled list, which grows when it becomes hot.
func (l *List) Bytes() int { return l.classifier.Bytes() }

// Compile compiles the index anew.
func (l *List) Compile() error {
	_, err := index.Compile(context.Background(), l.Network, index.Options{FuseAfter: index.AtOnce})
	return err
}

// Positions turns verdicts into positions in Rules.
func (l *List) Positions(ids []index.VerdictID) ([]uint32, error) {
	byRef := map[flow.RuleRef]uint32{}
	for i := range l.Rules {
		byRef[l.Rules[i].Rule.Ref] = uint32(i)
	}
	known := map[index.VerdictID]uint32{}
	out := make([]uint32, len(ids))
	for i, id := range ids {
		p, ok := known[id]
		if !ok {
			v := l.Index.Verdict(id)
			if p, ok = byRef[v.Rule]; !ok || v.Access == flow.Unknown || v.Reason != "" {
				return nil, fmt.Errorf("packet %d: verdict %+v names no rule of the list", i, v)
			}
			known[id] = p
		}
		out[i] = p
	}
	return out, nil
}

// Check asks the oracle about every stride-th packet and compares the rule with
// the position that a classifier gave.
func (l *List) Check(trace []flow.Tuple, positions []uint32, stride int) error {
	judge := oracle.New(l.Network)
	for i := 0; i < len(trace); i += stride {
		v := judge.Classify(l.NIC, trace[i])
		if want := l.Rules[positions[i]].Rule; v.Rule != want.Ref {
			return fmt.Errorf("packet %d: the oracle says rule %d, the classifier %d (%s)", i, v.Rule, want.Ref, want.Name)
		}
	}
	return nil
}
