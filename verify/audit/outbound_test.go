package audit

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"ipflow/index"
	"ipflow/index/interval"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/internal/world"
	"ipflow/verify/oracle"
	"ipflow/verify/reach"
	"ipflow/verify/space"
)

// sent returns the access and rule that Outbound tells for a flow to a zone, Deny
// when it is not told, and how often it is.
func sent(t *testing.T, r *Report, nic, zone string, q flow.Tuple) (access, rule string, times int) {
	t.Helper()
	own := map[int]bool{}
	for i := range r.OutboundGroups {
		g := &r.OutboundGroups[i]
		own[g.ID] = slices.ContainsFunc(g.Members, func(m Member) bool {
			return m.NIC == nic && slices.ContainsFunc(m.Addresses, func(text string) bool {
				p, err := netip.ParsePrefix(text)
				if err != nil {
					a := netip.MustParseAddr(text)
					p = netip.PrefixFrom(a, a.BitLen())
				}
				return p.Contains(q.Local.Netip())
			})
		})
	}
	access = "Deny"
	for i := range r.Outbound {
		x := &r.Outbound[i]
		if !own[x.Group] || !slices.Contains(x.Zones, zone) {
			continue
		}
		for _, b := range x.Boxes {
			sp, err := space.BoxOf(space.Words{Protocol: b.Protocol, LocalPorts: b.LocalPorts, Remote: b.Remote, RemotePorts: b.RemotePorts})
			if err != nil {
				t.Fatal(err)
			}
			ported := !q.Protocol.HasPorts() || sp.LocalPorts.Contains(interval.Port(q.LocalPort)) && sp.RemotePorts.Contains(interval.Port(q.RemotePort))
			if ported && sp.Remote.Contains(q.Remote.Netip()) && sp.Protocols.Contains(q.Protocol) {
				access, rule, times = x.Access, b.Rule, times+1
			}
		}
	}
	return access, rule, times
}

// TestOutboundEqualsBruteForce asks the oracle about every flow that a NIC of a
// small world may send to the Internet and to the subnets.
func TestOutboundEqualsBruteForce(t *testing.T) {
	worlds, asked, seen := 20, 0, map[string]int{}
	if testing.Short() {
		worlds = 6
	}
	rng := rand.New(rand.NewPCG(9, 77))
	for i := range worlds {
		bytes := make([]byte, 80+i%200)
		for k := range bytes {
			bytes[k] = byte(rng.Uint32())
		}
		w := world.New(bytes)
		ix, err := index.Compile(context.Background(), w.Net, index.Options{})
		if err != nil {
			t.Fatal(err)
		}
		r, err := Run(context.Background(), Input{Network: w.Net, Index: ix, Hashes: map[string]string{}}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		judge, p, inside := oracle.New(w.Net), reach.New(w.Net, ix), map[*network.NIC]index.Addresses{}
		w.EachTuple(func(c *network.NIC, q flow.Tuple) bool {
			if q.AnySourcePort || q.Direction != flow.Outbound || c.IPConfigOf(q.Local.Netip()) == nil {
				return true
			}
			if _, ok := inside[c]; !ok {
				end := reach.InternetEnd()
				inside[c] = p.Remotes(&end, c)
			}
			v := judge.Classify(c, q)
			want, rule := v.Access.String(), ""
			if v.Access == flow.Allow && v.Rule != 0 {
				rule = w.Net.Rule(v.Rule).ID
			}
			zones := map[string]bool{internet: inside[c].Contains(q.Remote.Netip())}
			for _, z := range r.Zones {
				if z.Name != internet {
					zones[z.Name] = slices.ContainsFunc(z.Prefixes, func(p string) bool { return netip.MustParsePrefix(p).Contains(q.Remote.Netip()) })
				}
			}
			for zone, there := range zones {
				access, by, times := sent(t, r, c.ID, zone, q)
				asked++
				switch {
				case times > 1:
					t.Errorf("%s %+v to %s is told %d times", c.ID, q, zone, times)
				case !there && zone == internet && times > 0:
					t.Errorf("%s %+v is told of the Internet and does not go there", c.ID, q)
				case there && (access != want || by != rule):
					t.Errorf("%s %+v to %s: told %s by %q, the oracle says %s by %q", c.ID, q, zone, access, by, want, rule)
				case there:
					seen[access]++
				}
			}
			return !t.Failed()
		})
		for k := range r.Outbound {
			x := &r.Outbound[k]
			if x.Witness.Direction != "Outbound" || x.Witness.Access != x.Access || len(x.Sensitive) > 0 {
				t.Errorf("outbound %d, %s, shows %+v and calls out %d services", x.ID, x.Access, *x.Witness, len(x.Sensitive))
			}
		}
		if t.Failed() {
			t.Fatalf("world %d\n%s", i, w)
		}
	}
	if seen["Allow"] == 0 || seen["Unknown"] == 0 || seen["Deny"] == 0 {
		t.Errorf("of %d questions %v: the worlds show nothing", asked, seen)
	}
	t.Logf("%d questions, %v", asked, seen)
}
