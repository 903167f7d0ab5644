package verify

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"ipflow/index"
	"ipflow/ingest/column"
	"ipflow/ingest/network"
	"ipflow/verify/internal/estate"
	"ipflow/verify/internal/world"
	"ipflow/verify/oracle"
)

// endsNetwork has one subnet without a group. NIC a may not send to port 25 and
// may not know what it sends to port 81; NIC b takes 443 and 25 and 80-89 but not
// 22; of NIC c nobody knows the group; bare has none; twins share an address.
func endsNetwork(t *testing.T) *network.Network {
	t.Helper()
	n := &network.Network{Internet: network.DefaultInternet(true)}
	group := func(name string, rules ...string) {
		g := &network.SecurityGroup{ID: "/nsgs/" + name, Name: name}
		for i, words := range rules {
			r := estate.Rule(t, int32(100+i), words)
			r.ID, r.Group = g.ID+"/securityRules/"+r.Name, g
			g.Rules = append(g.Rules, r)
		}
		n.SecurityGroups = append(n.SecurityGroups, g)
	}
	group("a", "no-smtp Outbound Deny Tcp * * 25", "some-81 Outbound Deny Tcp * Nobody 81")
	group("b", "no-ssh Inbound Deny Tcp * * 22", "some-82 Inbound Deny Tcp Nobody * 82-83", "some-81 Inbound Deny Tcp Somebody * 81", "web Inbound Allow Tcp * * 25,80-89,443", "rest Inbound Deny * * * *")
	n.VirtualNetworks = []*network.VirtualNetwork{{ID: "/vnets/v", Name: "v", Prefixes: world.Prefixes("10.0.0.0/16", "fd00::/48")}}
	n.Subnets = []*network.Subnet{{ID: "/vnets/v/subnets/s", Name: "s", VirtualNetworkID: "/vnets/v", Prefixes: world.Prefixes("10.0.0.0/24", "fd00::/64")}}
	for _, nic := range []struct{ name, group, addrs string }{
		{"a", "/nsgs/a", "10.0.0.4 fd00::4"},
		{"b", "/nsgs/b", "10.0.0.5 fd00::5"},
		{"c", "/nsgs/gone", "10.0.0.6"},
		{"bare", "", "10.0.0.7"},
		{"twin1", "", "10.0.0.9"},
		{"twin2", "", "10.0.0.9"},
	} {
		c := &network.NIC{ID: "/nics/" + nic.name, Name: nic.name, SubnetID: "/vnets/v/subnets/s", Group: network.GroupRef{ID: nic.group}}
		for _, a := range world.Addrs(strings.Fields(nic.addrs)...) {
			c.IPConfigs = append(c.IPConfigs, network.IPConfig{Address: a})
		}
		n.NICs = append(n.NICs, c)
	}
	network.Link(n)
	return n
}

// endsSource is rowsSource for rows of two-ended flows: protocol, src_ip,
// src_port, dst_ip, dst_port.
type endsSource struct{ rowsSource }

func newEndsSource(rows [][]string, size int) *endsSource {
	full := make([][]string, len(rows))
	for i, r := range rows {
		full[i] = append([]string{null, null, null}, r...)
	}
	return &endsSource{rowsSource{rows: full, size: size}}
}

func (s *endsSource) Next() (*column.Batch, error) {
	b, err := s.rowsSource.Next()
	if err == nil {
		b.Flow[column.NIC], b.Flow[column.VM], b.Flow[column.Direction] = -1, -1, -1
	}
	return b, err
}

// endsSink renders what decides, the reason, and each end.
type endsSink struct{ linesSink }

func (s *endsSink) Encode(b *column.Batch, ids []ID, t Table) (Block, error) {
	var out strings.Builder
	for _, id := range ids {
		r := t.Row(id)
		fmt.Fprintf(&out, "%s|%s|%s|%s", r.Access, r.RuleID, r.Reason, r.Error)
		for _, e := range [...]RowEnd{r.Source, r.Destination} {
			fmt.Fprintf(&out, " %s|%s|%s", e.Access, e.Rule[strings.IndexByte(e.Rule, '/')+1:], e.Reason)
		}
		out.WriteByte('\n')
	}
	return out.String(), nil
}

func endsConfigs(t *testing.T, n *network.Network) map[string]Config {
	t.Helper()
	ix, err := index.Compile(context.Background(), n, index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]Config{"index": {Network: n, Index: ix, Ends: true}, "oracle": {Network: n, Judge: oracle.New(n), Ends: true}}
}

// TestTwoEndedRows pins what two ends come to: the deciding rule and its reason,
// then what each end says.
func TestTwoEndedRows(t *testing.T) {
	const none = " || ||"
	fault := func(f Fault) string { return "|||" + f.String() + none }
	out := "Allow|AllowVnetOutBound|"
	cases := []struct {
		name, row string // protocol src_ip src_port dst_ip dst_port
		want      string
	}{
		{"same-subnet", "TCP 10.0.0.4 1 10.0.0.5 443", "Allow|/nsgs/b/securityRules/web|| " + out + " Allow|web|"},
		{"source-port-open", "TCP 10.0.0.4 * 10.0.0.5 443", "Allow|/nsgs/b/securityRules/web|| " + out + " Allow|web|"},
		{"denied-at-source-only", "TCP 10.0.0.4 1 10.0.0.5 25", "Deny|/nsgs/a/securityRules/no-smtp|| Deny|no-smtp| Allow|web|"},
		{"denied-at-destination-only", "TCP 10.0.0.4 1 10.0.0.5 22", "Deny|/nsgs/b/securityRules/no-ssh|| " + out + " Deny|no-ssh|"},
		{"to-itself", "TCP 10.0.0.5 1 10.0.0.5 22", "Deny|/nsgs/b/securityRules/no-ssh|| " + out + " Deny|no-ssh|"},
		{"unknown-at-source-denied-at-destination", "TCP 10.0.0.6 1 10.0.0.5 22", "Deny|/nsgs/b/securityRules/no-ssh|rule-uncertain:missing-nsg:/nsgs/gone| Unknown||missing-nsg:/nsgs/gone Deny|no-ssh|"},
		{"denied-at-source-unknown-at-destination", "TCP 10.0.0.4 1 10.0.0.6 25", "Deny|/nsgs/a/securityRules/no-smtp|| Deny|no-smtp| Unknown||missing-nsg:/nsgs/gone"},
		{"unknown-at-source-allowed-at-destination", "TCP 10.0.0.6 1 10.0.0.5 443", "Unknown||missing-nsg:/nsgs/gone| Unknown||missing-nsg:/nsgs/gone Allow|web|"},
		{"allowed-at-source-unknown-at-destination", "TCP 10.0.0.4 1 10.0.0.5 82", "Unknown||unknown-tag:Nobody| " + out + " Unknown||unknown-tag:Nobody"},
		{"unknown-at-both", "TCP 10.0.0.4 1 10.0.0.5 81", "Unknown||unknown-tag:Nobody,unknown-tag:Somebody| Unknown||unknown-tag:Nobody Unknown||unknown-tag:Somebody"},
		{"one-fact-of-both", "TCP 10.0.0.6 1 10.0.0.6 81", "Unknown||missing-nsg:/nsgs/gone| Unknown||missing-nsg:/nsgs/gone Unknown||missing-nsg:/nsgs/gone"},
		{"source-outside", "TCP 8.8.8.8 1 10.0.0.5 443", "Allow|/nsgs/b/securityRules/web|| || Allow|web|"},
		{"destination-outside", "TCP 10.0.0.4 1 8.8.8.8 25", "Deny|/nsgs/a/securityRules/no-smtp|| Deny|no-smtp| ||"},
		{"no-group-at-destination", "TCP 10.0.0.4 1 10.0.0.7 443", "Allow|/nsgs/a/defaultSecurityRules/AllowVnetOutBound|| " + out + " Allow||no-nsg"},
		{"no-group-at-either", "TCP 10.0.0.7 1 10.0.0.7 443", "Allow||no-nsg| Allow||no-nsg Allow||no-nsg"},
		{"IPv6", "TCP fd00::4 1 fd00::5 443", "Allow|/nsgs/b/securityRules/web|| " + out + " Allow|web|"},
		{"IPv6-denied-at-source", "TCP fd00::4 1 fd00::5 25", "Deny|/nsgs/a/securityRules/no-smtp|| Deny|no-smtp| Allow|web|"},
		{"mapped-IPv4", "TCP ::ffff:10.0.0.4 1 10.0.0.5 443", "Allow|/nsgs/b/securityRules/web|| " + out + " Allow|web|"},
		{"ICMP-needs-no-port", "ICMP 10.0.0.4 <null> 10.0.0.7 <null>", "Allow|/nsgs/a/defaultSecurityRules/AllowVnetOutBound|| " + out + " Allow||no-nsg"},
		{"neither-end", "TCP 8.8.8.8 1 9.9.9.9 443", fault(NICNotFound)},
		{"two-owners-of-source", "TCP 10.0.0.9 1 10.0.0.5 443", fault(NICAmbiguous)},
		{"two-owners-of-destination", "TCP 8.8.8.8 1 10.0.0.9 443", fault(NICAmbiguous)},
		{"bad-source", "TCP 10.0.0 1 10.0.0.5 443", fault(BadAddress)},
		{"bad-destination", "TCP 10.0.0.4 1 <null> 443", fault(BadAddress)},
		{"families-differ", "TCP 10.0.0.4 1 fd00::5 443", fault(AddressFamilyMismatch)},
		{"bad-source-port", "TCP 10.0.0.4 x 10.0.0.5 443", fault(BadPort)},
		{"open-destination-port", "TCP 10.0.0.4 1 10.0.0.5 *", fault(BadPort)},
		{"bad-protocol", "x 10.0.0.4 1 10.0.0.5 443", fault(BadProtocol)},
	}
	rows := make([][]string, len(cases))
	for i, c := range cases {
		rows[i] = strings.Fields(c.row)
	}
	for engine, cfg := range endsConfigs(t, endsNetwork(t)) {
		sink := &endsSink{}
		sum, err := NewEngine(cfg).Run(context.Background(), newEndsSource(rows, 5), sink)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(sink.out.String(), "\n"), "\n")
		for i, c := range cases {
			t.Run(engine+"/"+c.name, func(t *testing.T) {
				if lines[i] != c.want {
					t.Errorf("got  %s\nwant %s", lines[i], c.want)
				}
			})
		}
		if want := (Summary{Rows: int64(len(cases)), Allow: 8, Deny: 7, Unknown: 4, Errors: 9, Elapsed: sum.Elapsed, Stages: sum.Stages}); sum != want {
			t.Errorf("%s: summary %+v", engine, sum)
		}
	}
}

func manyEndsRows(n int) [][]string {
	rng := rand.New(rand.NewPCG(3, 4))
	one := func(list ...string) string { return list[rng.IntN(len(list))] }
	addrs := []string{"10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.7", "10.0.0.9", "fd00::4", "fd00::5", "2600::1", "9"}
	rows := make([][]string, n)
	for i := range rows {
		outside := fmt.Sprintf("%d.%d.3.4", 1+rng.IntN(220), rng.IntN(256))
		rows[i] = []string{one("TCP", "UDP", "ICMP", "6"), one(append(addrs, outside)...), one("1", "", "*"), one(append(addrs, outside)...), one("22", "25", "81", "82", "443", "5")}
	}
	return rows
}

// TestTwoEndedEnginesAgree runs the same rows through index and oracle, with 1
// worker and 8.
func TestTwoEndedEnginesAgree(t *testing.T) {
	rows := manyEndsRows(20000)
	var want string
	for engine, cfg := range endsConfigs(t, endsNetwork(t)) {
		for _, cfg.Workers = range []int{1, 8} {
			sink := &endsSink{}
			if _, err := NewEngine(cfg).Run(context.Background(), newEndsSource(rows, 77), sink); err != nil {
				t.Fatal(err)
			}
			if want == "" {
				want = sink.out.String()
			}
			if sink.out.String() != want {
				t.Fatalf("%s with %d workers gives other bytes", engine, cfg.Workers)
			}
		}
	}
	if k := strings.Count(want, "\nUnknown"); k < 1000 {
		t.Errorf("only %d flows are Unknown", k)
	}
}

// TestTwoEndedNoAllocs: what is allocated grows with the batch's dictionaries,
// never with its rows.
func TestTwoEndedNoAllocs(t *testing.T) {
	cfg := endsConfigs(t, endsNetwork(t))["index"]
	w := newWorker(NewEngine(cfg))
	rows, err := newEndsSource(manyEndsRows(4096), 4096).Next()
	if err != nil {
		t.Fatal(err)
	}
	w.classify(rows) // meets every pair once
	if allocs := testing.AllocsPerRun(10, func() { w.classify(rows) }); allocs > 64 {
		t.Errorf("classifying 4096 rows allocates %v times", allocs)
	}
}

// TestPairsBeyondTheSlots: pairs that share a slot of the worker keep their ids.
func TestPairsBeyondTheSlots(t *testing.T) {
	e := NewEngine(endsConfigs(t, endsNetwork(t))["index"])
	w := newWorker(e)
	seen := map[ID]pair{}
	for range 2 {
		for s := range ID(200) {
			for d := range ID(200) {
				p := pair{firstVerdict + s, firstVerdict + d}
				id := w.join(p)
				if q, ok := seen[id]; ok && q != p || e.pairs.get(uint32(id-firstVerdict)) != p {
					t.Fatalf("pair %v has the id of %v", p, q)
				}
				seen[id] = p
			}
		}
	}
	if len(seen) != 200*200 || e.pairs.len() != len(seen) {
		t.Errorf("%d ids, %d pairs", len(seen), e.pairs.len())
	}
}
