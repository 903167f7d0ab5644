package reach

import (
	"math/rand/v2"
	"slices"
	"testing"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/internal/world"
	"ipflow/verify/oracle"
)

// TestBecauseEqualsEveryPair holds the rules of each cell to those that the
// oracle names over all pairs of endpoints, and the flow to both of its ends.
func TestBecauseEqualsEveryPair(t *testing.T) {
	worlds := 25
	if testing.Short() {
		worlds = 8
	}
	rng := rand.New(rand.NewPCG(13, 31))
	filled := 0
	for i := range worlds {
		w := world.New(randomBytes(rng, 120+i))
		p := newProber(t, w, 0)
		judge := oracle.New(w.Net)
		zones := nicZones(w.Net)
		remote, err := Resolve(w.Net, "8.8.8.0/24")
		if err != nil {
			t.Fatal(err)
		}
		zones = append(zones, Zone{"dns", []End{remote}})
		m := p.Matrix(zones)
		for from := range zones {
			for to := range zones {
				rules, shown := m.Because(from, to)
				want := pairsRules(judge, &zones[from], &zones[to])
				if !slices.Equal(rules, want) {
					t.Errorf("%s to %s: rules %v, the oracle names %v", zones[from].Name, zones[to].Name, rules, want)
				}
				if empty := len(m.Cell(from, to).Services) == 0; empty != (shown == nil) {
					t.Errorf("%s to %s: empty %t, shown %+v", zones[from].Name, zones[to].Name, empty, shown)
				}
				if shown != nil {
					filled++
					confirm(t, judge, &zones[from], &zones[to], shown)
				}
			}
		}
		if t.Failed() {
			t.Fatal(w)
		}
	}
	if filled < worlds {
		t.Errorf("only %d cells let anything through", filled)
	}
}

// nicZones makes a zone of every NIC whose addresses are recorded, and one of
// all of them.
func nicZones(n *network.Network) (out []Zone) {
	all := Zone{Name: "all"}
	for _, c := range n.NICs {
		if slices.ContainsFunc(c.IPConfigs, func(x network.IPConfig) bool { return !x.Address.IsValid() }) {
			continue
		}
		e := End{Text: c.ID, Members: members([]*network.NIC{c})}
		out = append(out, Zone{c.ID, []End{e}})
		all.Ends = append(all.Ends, e)
	}
	if len(all.Ends) > 0 {
		out = append(out, all)
	}
	return out
}

// pairsRules are the rules of either end of every flow between the zones that is
// not denied. Ports beside those of the rules stand for what lies between.
func pairsRules(judge *oracle.Oracle, from, to *Zone) (out []flow.RuleRef) {
	for _, s := range endpoints(from) {
		for _, r := range endpoints(to) {
			if s.at.Is4() != r.at.Is4() || s.nic == nil && r.nic == nil {
				continue
			}
			for _, protocol := range world.Protocols {
				ports := []uint16{0, 2, 4, 5, 6, 7, 100, 65535}
				if !protocol.HasPorts() {
					ports = ports[:1]
				}
				for _, source := range ports {
					for _, destination := range ports {
						sent := flow.Tuple{Direction: flow.Outbound, Protocol: protocol, Local: s.at, Remote: r.at, LocalPort: source, RemotePort: destination}
						for _, v := range bothVerdicts(judge, s.nic, r.nic, sent) {
							if v.Access != flow.Unknown && v.Rule != 0 {
								out = append(out, v.Rule)
							}
						}
					}
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// bothVerdicts asks the ends that are NICs; nil when one denies.
func bothVerdicts(judge *oracle.Oracle, source, destination *network.NIC, sent flow.Tuple) (out []flow.Verdict) {
	if source != nil {
		out = append(out, judge.Classify(source, sent))
	}
	if destination != nil {
		out = append(out, judge.Classify(destination, turned(sent)))
	}
	if slices.ContainsFunc(out, func(v flow.Verdict) bool { return v.Access == flow.Deny }) {
		return nil
	}
	return out
}

func turned(t flow.Tuple) flow.Tuple {
	t.Direction = flow.Inbound + flow.Outbound - t.Direction
	t.Local, t.Remote, t.LocalPort, t.RemotePort = t.Remote, t.Local, t.RemotePort, t.LocalPort
	return t
}

// confirm asks the oracle about an example at both ends.
func confirm(t *testing.T, judge *oracle.Oracle, from, to *Zone, shown *Example) {
	t.Helper()
	sent := shown.Tuple
	if sent.Direction == flow.Inbound {
		sent = turned(sent)
	}
	for _, s := range endpoints(from) {
		for _, r := range endpoints(to) {
			atReceiver := shown.Tuple.Direction == flow.Inbound
			if atReceiver && r.nic != shown.NIC || !atReceiver && s.nic != shown.NIC {
				continue
			}
			if s.nic != nil && s.at != sent.Local || r.nic != nil && r.at != sent.Remote {
				continue
			}
			access := flow.Allow
			verdicts := bothVerdicts(judge, s.nic, r.nic, sent)
			for _, v := range verdicts {
				access = joinAccess(access, v.Access)
			}
			if len(verdicts) > 0 && access == shown.Access {
				return
			}
		}
	}
	t.Errorf("%s to %s: no pair of endpoints answers %s to %+v", from.Name, to.Name, shown.Access, shown.Tuple)
}
