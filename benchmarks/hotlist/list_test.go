package hotlist

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"ipflow/benchmarks/corpus"
	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// TestSpecialisedRulesDecideLikeTheOracle scans the neutral rules and compares
// with the oracle and with the classifier.
func TestSpecialisedRulesDecideLikeTheOracle(t *testing.T) {
	for _, c := range []Options{{Rules: 50, Seed: 1}, {Rules: 200, Tags: 0.15, Seed: 1}} {
		l, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		for _, mix := range []corpus.Mix{corpus.Uniform, corpus.FlowLike, corpus.Adversarial} {
			t.Run(fmt.Sprintf("rules=%d/mix=%s", c.Rules, mix), func(t *testing.T) {
				trace, err := l.Trace(mix, 500, 1)
				if err != nil {
					t.Fatal(err)
				}
				scanned := make([]uint32, len(trace))
				for i := range trace {
					scanned[i] = uint32(slices.IndexFunc(l.Rules, func(r Rule) bool { return matches(r, &trace[i]) }))
				}
				if err := l.Check(trace, scanned, 1); err != nil {
					t.Error(err)
				}
				ids := make([]index.VerdictID, len(trace))
				l.Answer(Questions(trace), ids)
				got, err := l.Positions(ids)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(got, scanned) {
					t.Error("the classifier and a scan of the specialised rules differ")
				}
				got[7] = (got[7] + 1) % uint32(len(l.Rules))
				if l.Check(trace, got, 1) == nil {
					t.Error("Check finds no wrong answer")
				}
			})
		}
	}
}

func matches(r Rule, t *flow.Tuple) bool {
	in := func(list []flow.PortRange, p uint16) bool {
		return slices.ContainsFunc(list, func(r flow.PortRange) bool { return r.Contains(p) })
	}
	source, destination := t.Ports()
	ports := in(r.Source, source) && in(r.Destination, destination)
	if !t.Protocol.HasPorts() {
		all := []flow.PortRange{flow.AllPorts}
		ports = slices.Equal(r.Source, all) && slices.Equal(r.Destination, all)
	}
	return ports && (r.Protocol == network.AnyProtocol || r.Protocol == network.ProtocolMatch(t.Protocol)) &&
		slices.ContainsFunc(r.Remote, func(p netip.Prefix) bool { return p.Contains(t.Remote.Netip()) })
}
