package audit

import (
	"context"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"ipflow/index"
	"ipflow/index/interval"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/internal/estate"
	"ipflow/verify/oracle"
)

// TestVolumesEqualCounting counts the flows that each rule of a group decides in
// another way: the space is cut at every bound of every rule, the oracle is asked
// about one flow of each part, and the parts are as large as they are.
func TestVolumesEqualCounting(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 14))
	pick := func(list ...string) string { return list[rng.IntN(len(list))] }
	counted := 0
	for range 6 {
		var rules []string
		for i := range 5 {
			rules = append(rules, fmt.Sprintf("r%d In %s %s %s %s %s", i, pick("Allow", "Deny"), pick("Tcp", "Udp", "*", "Icmp"),
				pick("*", "10.0.0.0/8", "8.8.8.0/24", "0.0.0.0/1", "Internet", "Nobody"), pick("*", "10.0.0.4", "10.0.0.5"), pick("*", "22", "0-1023", "22,80-90")))
		}
		n := estate.Linked(estate.New(nil, groupFrom(t, "own", rules)))
		ix, err := index.Compile(context.Background(), n, index.Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := volumesOf(context.Background(), n, ix)
		if err != nil {
			t.Fatal(err)
		}
		want := countFlows(n, ix)
		for _, r := range n.SecurityGroups[0].List(flow.Inbound) {
			v, known := got[r]
			if !known {
				tag := slices.ContainsFunc(r.Source, func(s network.Selector) bool { return s.Kind == network.SelectServiceTag })
				odd := r.Protocol == network.ProtocolMatch(flow.ICMP) && r.DestinationPorts[0] != flow.AllPorts // ports of a protocol without any
				if !tag && !odd {
					t.Errorf("nothing is known of %s: %v", r.Name, rules)
				}
				continue
			}
			counted++
			if w := want[r.Ref]; w == nil && v.own.Sign() != 0 || w != nil && v.own.Cmp(w) != 0 {
				t.Errorf("%s decides %s flows, counting says %v\n%v", r.Name, v.own, w, rules)
			}
			if v.own.Cmp(v.all) > 0 {
				t.Errorf("%s decides %s of %s flows", r.Name, v.own, v.all)
			}
		}
	}
	if counted < 30 {
		t.Errorf("only %d rules were counted", counted)
	}
}

// countFlows counts the inbound IPv4 flows of the one NIC by the rule of its own
// group that surely matches them.
func countFlows(n *network.Network, ix *index.Index) map[flow.RuleRef]*big.Int {
	judge, nic := oracle.New(n), n.NICs[0]
	addresses, ports := []uint64{0, 1 << 32}, []uint64{0, 1 << 16}
	for _, r := range n.SecurityGroups[0].List(flow.Inbound) {
		for _, s := range r.Source {
			reach := ix.Selectors().Of(nic, s)
			for _, x := range reach.Most().V4 {
				addresses = append(addresses, uint64(x.First), uint64(x.Last)+1)
			}
		}
		for _, p := range slices.Concat(r.SourcePorts, r.DestinationPorts) {
			ports = append(ports, uint64(p.First), uint64(p.Last)+1)
		}
	}
	addresses, ports = cuts(addresses), cuts(ports)
	out := map[flow.RuleRef]*big.Int{}
	count := func(q flow.Tuple, sizes ...uint64) {
		r := judge.Classify(nic, q).NICRule
		if r == 0 {
			return
		}
		size := big.NewInt(1)
		for _, s := range sizes {
			size.Mul(size, new(big.Int).SetUint64(s))
		}
		if out[r] == nil {
			out[r] = new(big.Int)
		}
		out[r].Add(out[r], size)
	}
	for i := range addresses[:len(addresses)-1] {
		q := flow.Tuple{Direction: flow.Inbound, Local: flow.AddressFrom(netip.MustParseAddr("10.0.0.4"))}
		q.Remote = flow.AddressFrom(interval.IPv4(addresses[i]).Netip())
		width := addresses[i+1] - addresses[i]
		for p := range 256 {
			q.Protocol = flow.Protocol(p)
			if !q.Protocol.HasPorts() {
				count(q, width)
				continue
			}
			for d := range ports[:len(ports)-1] {
				q.LocalPort = uint16(ports[d])
				count(q, width, ports[d+1]-ports[d], 1<<16) // no rule here names source ports
			}
		}
	}
	return out
}

func cuts(list []uint64) []uint64 {
	slices.Sort(list)
	return slices.Compact(list)
}
