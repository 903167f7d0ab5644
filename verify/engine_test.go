package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"ipflow/index"
	"ipflow/ingest/column"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/internal/world"
	"ipflow/verify/oracle"
)

// rowsSource cuts rows of text into batches of a fixed size.
type rowsSource struct {
	rows [][]string
	size int
	next int
	fail error // returned in place of the end
}

func (s *rowsSource) Next() (*column.Batch, error) {
	if s.next*s.size >= len(s.rows) {
		if s.fail != nil {
			return nil, s.fail
		}
		return nil, io.EOF
	}
	rows := s.rows[s.next*s.size : min(len(s.rows), (s.next+1)*s.size)]
	b := textBatch(rows)
	b.Seq, b.FirstRow = s.next, int64(s.next*s.size)
	s.next++
	return b, nil
}

func (s *rowsSource) Close() error { return nil }

// textBatch makes a batch of strings, nil cells for "<null>"; dictionary-coded
// where the column index is even.
func textBatch(rows [][]string) *column.Batch {
	var fields []arrow.Field
	var arrays []arrow.Array
	b := &column.Batch{Text: true}
	for c := range column.NumNames {
		var build interface {
			array.Builder
			AppendString(string) error
		}
		if c%2 == 0 {
			dt := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint32, ValueType: arrow.BinaryTypes.String}
			build = array.NewDictionaryBuilder(memory.DefaultAllocator, dt).(*array.BinaryDictionaryBuilder)
			fields = append(fields, arrow.Field{Name: c.String(), Type: dt, Nullable: true})
		} else {
			build = stringBuilder{array.NewStringBuilder(memory.DefaultAllocator)}
			fields = append(fields, arrow.Field{Name: c.String(), Type: arrow.BinaryTypes.String, Nullable: true})
		}
		for _, r := range rows {
			if r[c] == "<null>" {
				build.AppendNull()
			} else if err := build.AppendString(r[c]); err != nil {
				panic(err)
			}
		}
		arrays = append(arrays, build.NewArray())
		b.Flow[c] = int(c)
	}
	b.Record = array.NewRecord(arrow.NewSchema(fields, nil), arrays, int64(len(rows)))
	return b
}

type stringBuilder struct{ *array.StringBuilder }

func (b stringBuilder) AppendString(s string) error { b.Append(s); return nil }

// linesSink renders rows as text and joins them in commit order.
type linesSink struct {
	out     strings.Builder
	closed  bool
	aborted bool
	failAt  int // Commit number that fails, 0 never
	commits int
}

func (s *linesSink) Encode(b *column.Batch, ids []ID, t Table) (Block, error) {
	var out strings.Builder
	for _, id := range ids {
		r := t.Row(id)
		fmt.Fprintf(&out, "%s|%s|%s|%s|%s\n", r.Access, r.Rule, r.Layer, r.Reason, r.Error)
	}
	return out.String(), nil
}

func (s *linesSink) Commit(b Block) error {
	if s.commits++; s.commits == s.failAt {
		return errors.New("disk full")
	}
	s.out.WriteString(b.(string))
	return nil
}

func (s *linesSink) Close() error { s.closed = true; return nil }
func (s *linesSink) Abort()       { s.aborted = true }

// sampleNetwork has two NICs of one name in two groups, a forwarding NIC, a NIC
// without recorded address, and a VM with two NICs.
func sampleNetwork(t *testing.T) *network.Network {
	t.Helper()
	n := &network.Network{Internet: network.DefaultInternet(true)}
	g := &network.SecurityGroup{ID: "/nsgs/web", Name: "web"}
	g.Rules = []*network.Rule{{
		ID: "/nsgs/web/securityRules/https", Name: "https", Group: g, Priority: 100, Direction: flow.Inbound, Access: flow.Allow,
		Protocol: 6, Source: []network.Selector{{}}, Destination: []network.Selector{{}},
		SourcePorts: []flow.PortRange{flow.AllPorts}, DestinationPorts: []flow.PortRange{{First: 443, Last: 443}},
	}}
	n.SecurityGroups = []*network.SecurityGroup{g}
	n.VirtualNetworks = []*network.VirtualNetwork{{ID: "/vnets/v", Name: "v", Prefixes: world.Prefixes("10.0.0.0/16", "fd00::/48")}}
	n.Subnets = []*network.Subnet{{ID: "/vnets/v/subnets/s", Name: "s", VirtualNetworkID: "/vnets/v", Prefixes: world.Prefixes("10.0.0.0/24", "fd00::/64")}}
	nic := func(id, name, vm string, forwarding bool, addrs ...string) {
		c := &network.NIC{ID: id, Name: name, VMID: vm, SubnetID: "/vnets/v/subnets/s", IPForwarding: forwarding, Group: network.GroupRef{ID: "/nsgs/web"}}
		for _, a := range addrs {
			cfg := network.IPConfig{}
			if a != "" {
				cfg.Address = world.Addrs(a)[0]
			}
			c.IPConfigs = append(c.IPConfigs, cfg)
		}
		n.NICs = append(n.NICs, c)
	}
	nic("/rg1/nics/web", "web", "/vms/one", false, "10.0.0.4", "fd00::4")
	nic("/rg2/nics/web", "web", "/vms/two", false, "10.0.0.5")
	nic("/rg1/nics/second", "second", "/vms/one", false, "10.0.0.6")
	nic("/rg1/nics/fw", "fw", "/vms/fw", true, "10.0.0.7")
	nic("/rg1/nics/dynamic", "dynamic", "", false, "")
	nic("/rg1/nics/twin", "twin", "", false, "10.0.0.5")
	network.Link(n)
	return n
}

const null = "<null>"

// TestRowsFindTheirNICOrNameTheirFault pins, row by row, which NIC is asked and
// which fault a bad row reports.
func TestRowsFindTheirNICOrNameTheirFault(t *testing.T) {
	allow, fault := "Allow|securityRules/https|NetworkInterface||", func(f Fault) string { return "||||" + f.String() }
	cases := []struct {
		name string
		row  []string // nic vm direction protocol local_ip local_port remote_ip remote_port
		want string
	}{
		{"by-id", []string{"/RG1/nics/web", "", "Inbound", "TCP", "10.0.0.4", "443", "8.8.8.8", "5000"}, allow},
		{"by-name-and-address", []string{"web", "", "In", "tcp", "10.0.0.5", "443", "8.8.8.8", "*"}, allow},
		{"name-stays-ambiguous", []string{"web", "", "I", "T", "10.0.0.99", "443", "8.8.8.8", ""}, fault(NICAmbiguous)},
		{"by-vm", []string{"", "one", "I", "6", "10.0.0.6", "443", "8.8.8.8", null}, allow},
		{"nic-not-of-vm", []string{"second", "two", "I", "6", "10.0.0.6", "443", "8.8.8.8", "1"}, fault(NICNotFound)},
		{"by-owner", []string{null, "", "I", "6", "10.0.0.4", "443", "8.8.8.8", "1"}, allow},
		{"two-owners", []string{"", "", "I", "6", "10.0.0.5", "443", "8.8.8.8", "1"}, fault(NICAmbiguous)},
		{"no-owner", []string{"", "", "I", "6", "10.9.0.5", "443", "8.8.8.8", "1"}, fault(NICNotFound)},
		{"unknown-nic", []string{"nope", "", "I", "6", "10.0.0.4", "443", "8.8.8.8", "1"}, fault(NICNotFound)},
		{"foreign-address", []string{"second", "", "I", "6", "10.0.0.99", "443", "8.8.8.8", "1"}, fault(LocalIPNotOnNIC)},
		{"forwarding", []string{"fw", "", "I", "6", "10.0.0.99", "443", "8.8.8.8", "1"}, allow},
		{"dynamic-inside-subnet", []string{"dynamic", "", "I", "6", "10.0.0.99", "443", "8.8.8.8", "1"}, allow},
		{"dynamic-outside-subnet", []string{"dynamic", "", "I", "6", "10.0.1.99", "443", "8.8.8.8", "1"}, fault(LocalIPNotOnNIC)},
		{"IPv6", []string{"/rg1/nics/web", "", "I", "6", "fd00::4", "443", "2600::1", "1"}, allow},
		{"mapped-IPv4", []string{"/rg1/nics/web", "", "I", "6", "::ffff:10.0.0.4", "443", "8.8.8.8", "1"}, allow},
		{"families-differ", []string{"/rg1/nics/web", "", "I", "6", "fd00::4", "443", "8.8.8.8", "1"}, fault(AddressFamilyMismatch)},
		{"bad-direction", []string{"fw", "", "sideways", "6", "10.0.0.7", "443", "8.8.8.8", "1"}, fault(BadDirection)},
		{"no-direction", []string{"fw", "", null, "6", "10.0.0.7", "443", "8.8.8.8", "1"}, fault(BadDirection)},
		{"bad-protocol", []string{"fw", "", "I", "256", "10.0.0.7", "443", "8.8.8.8", "1"}, fault(BadProtocol)},
		{"bad-local-address", []string{"fw", "", "I", "6", "10.0.0", "443", "8.8.8.8", "1"}, fault(BadAddress)},
		{"leading-zero", []string{"fw", "", "I", "6", "10.0.0.07", "443", "8.8.8.8", "1"}, fault(BadAddress)},
		{"no-remote-address", []string{"fw", "", "I", "6", "10.0.0.7", "443", null, "1"}, fault(BadAddress)},
		{"port-too-large", []string{"fw", "", "I", "6", "10.0.0.7", "65536", "8.8.8.8", "1"}, fault(BadPort)},
		{"port-not-a-number", []string{"fw", "", "I", "6", "10.0.0.7", "443", "8.8.8.8", "http"}, fault(BadPort)},
		{"destination-port-open", []string{"fw", "", "I", "6", "10.0.0.7", "*", "8.8.8.8", "1"}, fault(BadPort)},
		{"icmp-needs-no-port", []string{"fw", "", "O", "ICMP", "10.0.0.7", "", "8.8.8.8", ""}, "Allow|defaultSecurityRules/AllowInternetOutBound|NetworkInterface||"},
	}
	n := sampleNetwork(t)
	ix, err := index.Compile(context.Background(), n, index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	rows := make([][]string, len(cases))
	for i, c := range cases {
		rows[i] = c.row
	}
	for _, cfg := range []Config{{Network: n, Index: ix}, {Network: n, Index: ix, Judge: oracle.New(n)}} {
		sink := &linesSink{}
		sum, err := NewEngine(cfg).Run(context.Background(), &rowsSource{rows: rows, size: 5}, sink)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(sink.out.String(), "\n"), "\n")
		if len(lines) != len(cases) || sum.Rows != int64(len(cases)) || !sink.closed || sink.aborted {
			t.Fatalf("%d lines, summary %+v, closed %v, aborted %v", len(lines), sum, sink.closed, sink.aborted)
		}
		for i, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				if lines[i] != c.want {
					t.Errorf("got  %s\nwant %s", lines[i], c.want)
				}
			})
		}
		if sum.Errors+sum.Allow+sum.Deny+sum.Unknown != sum.Rows || sum.Errors != 17 {
			t.Errorf("summary %+v", sum)
		}
	}
}

func manyRows(n int) [][]string {
	rng := rand.New(rand.NewPCG(1, 9))
	one := func(list ...string) string { return list[rng.IntN(len(list))] }
	rows := make([][]string, n)
	for i := range rows {
		rows[i] = []string{
			one("web", "/rg1/nics/web", "second", "fw", ""), one("", "", "one"), one("I", "O"), one("TCP", "UDP", "ICMP", "x"),
			one("10.0.0.4", "10.0.0.6", "10.0.0.7", "10.0.0.5"), one("443", "80", "*"),
			fmt.Sprintf("%d.%d.3.4", 1+rng.IntN(220), rng.IntN(256)), one("1", "443", ""),
		}
	}
	return rows
}

// TestOutputDoesNotDependOnWorkers runs the same rows with 1 to 16 workers.
func TestOutputDoesNotDependOnWorkers(t *testing.T) {
	n := sampleNetwork(t)
	ix, err := index.Compile(context.Background(), n, index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	rows := manyRows(20000)
	var want string
	for _, workers := range []int{1, 2, 3, 16} {
		sink := &linesSink{}
		if _, err := NewEngine(Config{Network: n, Index: ix, Workers: workers}).Run(context.Background(), &rowsSource{rows: rows, size: 77}, sink); err != nil {
			t.Fatal(err)
		}
		if want == "" {
			want = sink.out.String()
		}
		if sink.out.String() != want {
			t.Fatalf("%d workers give other bytes than 1", workers)
		}
	}
}

// TestFailuresAbortTheSink: whatever breaks, the run ends with that error and
// the sink is aborted, not closed.
func TestFailuresAbortTheSink(t *testing.T) {
	n := sampleNetwork(t)
	ix, err := index.Compile(context.Background(), n, index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	rows := manyRows(2000)
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	for name, c := range map[string]struct {
		ctx  context.Context
		src  *rowsSource
		sink *linesSink
		want string
	}{
		"source": {context.Background(), &rowsSource{rows: rows, size: 100, fail: errors.New("file is cut off")}, &linesSink{}, "file is cut off"},
		"commit": {context.Background(), &rowsSource{rows: rows, size: 100}, &linesSink{failAt: 3}, "write results: disk full"},
		"cancel": {cancelled, &rowsSource{rows: rows, size: 100}, &linesSink{}, "context canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewEngine(Config{Network: n, Index: ix, Workers: 2}).Run(c.ctx, c.src, c.sink)
			if err == nil || err.Error() != c.want || c.sink.closed || !c.sink.aborted {
				t.Errorf("error %v, closed %v, aborted %v; want %q", err, c.sink.closed, c.sink.aborted, c.want)
			}
		})
	}
}
