package corpus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ipflow/ingest/column"
	"ipflow/ingest/flow"
	"ipflow/ingest/flowfile"
	"ipflow/ingest/network"
)

func newFlows(t testing.TB, n *network.Network, o FlowOptions) *Flows {
	t.Helper()
	f, err := NewFlows(n, o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFlowsAreRefused(t *testing.T) {
	v4 := newEstate(t, Options{NICs: 3}).Network()
	for name, c := range map[string]struct {
		n *network.Network
		o FlowOptions
	}{
		"rows": {v4, FlowOptions{Rows: -1}}, "share": {v4, FlowOptions{IPv6: 2}}, "no-IPv6-here": {v4, FlowOptions{IPv6: 0.1}},
		"IPv6-in-uint32": {v4, FlowOptions{IPv6: 0.1, Addresses: Uint32}}, "faults": {v4, FlowOptions{Faults: -0.1}},
		"no-NICs": {&network.Network{}, FlowOptions{}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := NewFlows(c.n, c.o); err == nil {
				t.Error("taken")
			}
		})
	}
}

// TestWindowsArePure: a window is the same whatever was drawn before.
func TestWindowsArePure(t *testing.T) {
	n := newEstate(t, small).Network()
	for _, mix := range []Mix{FlowLike, Uniform, Adversarial} {
		o := FlowOptions{Seed: 5, Rows: 2*WindowRows + 10, Mix: mix, IPv6: 0.3, Zipf: true, Faults: 0.01}
		f := newFlows(t, n, o)
		var reused, last Rows
		for i := range f.Windows() {
			f.Draw(i, &reused)
		}
		newFlows(t, n, o).Draw(2, &last)
		if d := cmp.Diff(last, reused, cmpopts.EquateEmpty()); d != "" || reused.Len() != 10 {
			t.Errorf("%s: window 2 has %d rows and depends on what was drawn before:\n%s", mix, reused.Len(), d)
		}
		f.Draw(0, &reused)
		o.Seed++
		newFlows(t, n, o).Draw(0, &last)
		if slices.Equal(last.Remote, reused.Remote) {
			t.Errorf("%s: two seeds gave the same rows", mix)
		}
	}
}

// TestRowsAreAboutTheirNIC: local addresses are the NIC's own, families agree,
// shares are those asked for.
func TestRowsAreAboutTheirNIC(t *testing.T) {
	n := newEstate(t, small).Network()
	for _, mix := range []Mix{FlowLike, Uniform, Adversarial} {
		t.Run(mix.String(), func(t *testing.T) {
			f := newFlows(t, n, FlowOptions{Rows: WindowRows, Mix: mix, IPv6: 0.25})
			var rows Rows
			f.Draw(0, &rows)
			sixes, distinct, portless := 0, map[flow.Address]bool{}, 0
			for i := range rows.NIC {
				nic := n.NICsNamed(f.NICs()[rows.NIC[i]])[0]
				local := f.Locals()[rows.Local[i]]
				if nic.IPConfigOf(local.Netip()) == nil {
					t.Fatalf("row %d: %s is no address of %s", i, local, nic.Name)
				}
				if local.Is4() != rows.Remote[i].Is4() {
					t.Fatalf("row %d: %s and %s", i, local, rows.Remote[i])
				}
				if !local.Is4() {
					sixes++
				}
				if !flow.Protocol(rows.Protocol[i]).HasPorts() {
					portless++
					if rows.LocalPort[i]|rows.RemotePort[i] != 0 {
						t.Fatalf("row %d: protocol %d has ports", i, rows.Protocol[i])
					}
				}
				distinct[rows.Remote[i]] = true
			}
			if share := float64(sixes) / WindowRows; share < 0.24 || share > 0.26 {
				t.Errorf("share of IPv6 rows is %.3f", share)
			}
			if portless == 0 {
				t.Error("no row without ports")
			}
			repeats := 1 - float64(len(distinct))/WindowRows
			if (mix == FlowLike) != (repeats > 0.3) {
				t.Errorf("%.2f of the remote addresses repeat", repeats)
			}
		})
	}
}

// TestAdversarialPointsLieInRules: nearly every row matches a custom or default
// rule that names more than everything.
func TestAdversarialPointsLieInRules(t *testing.T) {
	n := newEstate(t, Options{NICs: 300, Rules: []RuleMix{{200, 1}}}).Network()
	f := newFlows(t, n, FlowOptions{Rows: 20000, Mix: Adversarial})
	var rows Rows
	f.Draw(0, &rows)
	inside := 0
	for i := range rows.NIC {
		nic := n.NICsNamed(f.NICs()[rows.NIC[i]])[0]
		for _, g := range []*network.SecurityGroup{nic.Group.Group, nic.Subnet.Group.Group} {
			if matchesPrefixRule(g, &rows, i) {
				inside++
				break
			}
		}
	}
	// Without tags 64 % of the rules name prefixes on the remote side.
	if share := float64(inside) / float64(rows.Len()); share < 0.5 {
		t.Errorf("%.2f of the rows lie in a rule with remote prefixes", share)
	}
}

func matchesPrefixRule(g *network.SecurityGroup, rows *Rows, i int) bool {
	for _, r := range g.List(rows.Direction[i]) {
		remote, port := r.Source, rows.LocalPort[i]
		if rows.Direction[i] == flow.Outbound {
			remote, port = r.Destination, rows.RemotePort[i]
		}
		portOK := !flow.Protocol(rows.Protocol[i]).HasPorts()
		for _, p := range r.DestinationPorts {
			portOK = portOK || p.Contains(port)
		}
		for _, s := range remote {
			if s.Kind == network.SelectPrefix && portOK && s.Prefix.Contains(rows.Remote[i].Netip()) {
				return true
			}
		}
	}
	return false
}

// fileOf writes the flows into a file of the format.
func fileOf(t testing.TB, f *Flows, o FileOptions) string {
	t.Helper()
	name := o.Format
	if name == "" {
		name = "parquet"
	}
	path := filepath.Join(t.TempDir(), "flows."+name)
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Write(context.Background(), out, o); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// readAll reads a flow file as ipflow does and renders its rows as text.
func readAll(t testing.TB, path string) []string {
	t.Helper()
	r, err := flowfile.Open(context.Background(), []string{path}, flowfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var out []string
	for {
		b, err := r.Next()
		if err != nil {
			return out
		}
		for i := range b.Rows() {
			var cells []string
			for _, name := range columns {
				a := b.Record.Column(b.Flow[name])
				cell := a.ValueStr(i)
				if name == column.LocalIP || name == column.RemoteIP {
					cell = strings.ToLower(cell)
				}
				cells = append(cells, cell)
			}
			out = append(out, strings.Join(cells, "|"))
		}
		b.Release()
	}
}

// TestFormatsHoldTheSameRows writes one set of rows, faults included, in every
// format and reads all with ipflow's own reader.
func TestFormatsHoldTheSameRows(t *testing.T) {
	n := newEstate(t, small).Network()
	for _, mix := range []Mix{FlowLike, Adversarial} {
		f := newFlows(t, n, FlowOptions{Seed: 2, Rows: WindowRows + 500, Mix: mix, IPv6: 0.3, Faults: 0.02})
		want := readAll(t, fileOf(t, f, FileOptions{Format: "csv"}))
		if len(want) != WindowRows+500 {
			t.Fatalf("%d rows", len(want))
		}
		all := strings.Join(want, "\n")
		for _, fault := range []string{"nic-that-is-nowhere", "Sideways", "QUIC", badAddress, "192.0.2.77", "2001:db8::4d"} {
			if !strings.Contains(all, fault) {
				t.Errorf("no row with the fault %s", fault)
			}
		}
		for _, o := range []FileOptions{
			{Format: "jsonl"}, {Format: "arrow"}, {Format: "arrows"}, {Format: "parquet"}, {Codec: "snappy", RowGroup: 1}, {Codec: "none"},
		} {
			t.Run(fmt.Sprintf("mix=%s/format=%s/codec=%s", mix, o.Format, o.Codec), func(t *testing.T) {
				if d := cmp.Diff(want, readAll(t, fileOf(t, f, o))); d != "" {
					t.Errorf("other rows than in CSV:\n%.2000s", d)
				}
			})
		}
	}
}

func TestTypedAddresses(t *testing.T) {
	n := newEstate(t, small).Network()
	for _, c := range []struct {
		form Addresses
		ipv6 float64
	}{{Uint32, 0}, {Binary, 0.3}} {
		f := newFlows(t, n, FlowOptions{Rows: 3000, Faults: 0.1, Addresses: c.form, IPv6: c.ipv6, Mix: Uniform})
		want := readAll(t, fileOf(t, f, FileOptions{Format: "arrow"}))
		got := readAll(t, fileOf(t, f, FileOptions{}))
		if d := cmp.Diff(want, got); d != "" || len(got) != 3000 {
			t.Errorf("%s: %d rows differ between Arrow and Parquet:\n%.2000s", addressNames[c.form], len(got), d)
		}
		if err := f.Write(context.Background(), &bytes.Buffer{}, FileOptions{Format: "csv"}); err == nil {
			t.Errorf("%s addresses were written as CSV", addressNames[c.form])
		}
	}
}

// TestBytesDoNotDependOnWorkers in any format.
func TestBytesDoNotDependOnWorkers(t *testing.T) {
	f := newFlows(t, newEstate(t, small).Network(), FlowOptions{Rows: 3*WindowRows + 1, Zipf: true})
	for _, format := range fileFormats {
		var one, many bytes.Buffer
		var told int64
		if err := f.Write(context.Background(), &one, FileOptions{Format: format, Workers: 1, RowGroup: WindowRows}); err != nil {
			t.Fatal(err)
		}
		if err := f.Write(context.Background(), &many, FileOptions{Format: format, Workers: 7, RowGroup: WindowRows, Progress: func(n int64) { told = n }}); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(one.Bytes(), many.Bytes()) || one.Len() == 0 {
			t.Errorf("%s: 1 and 7 workers wrote different files", format)
		}
		if told != f.o.Rows {
			t.Errorf("%s: progress ended at %d rows", format, told)
		}
	}
}

func TestNoRows(t *testing.T) {
	f := newFlows(t, newEstate(t, Options{NICs: 1}).Network(), FlowOptions{})
	for _, format := range fileFormats {
		if format == "jsonl" {
			continue // no rows, no keys: a reader cannot know the columns
		}
		if rows := readAll(t, fileOf(t, f, FileOptions{Format: format})); len(rows) != 0 {
			t.Errorf("%s: %d rows", format, len(rows))
		}
	}
}

func TestWriteEndsEarly(t *testing.T) {
	f := newFlows(t, newEstate(t, Options{NICs: 5}).Network(), FlowOptions{Rows: 40 * WindowRows})
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	for _, format := range fileFormats {
		if err := f.Write(cancelled, &bytes.Buffer{}, FileOptions{Format: format}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: cancelled, but %v", format, err)
		}
		if err := f.Write(context.Background(), &fullDisk{left: 1 << 20}, FileOptions{Format: format, Codec: "none", RowGroup: 1}); !errors.Is(err, errFull) {
			t.Errorf("%s: disk full, but %v", format, err)
		}
	}
	for _, o := range []FileOptions{{Format: "xml"}, {Codec: "lzma"}, {RowGroup: -1}} {
		if err := f.Write(context.Background(), &bytes.Buffer{}, o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}

// BenchmarkWriteFlows is the speed of making flow files.
func BenchmarkWriteFlows(b *testing.B) {
	n := newEstate(b, Options{Seed: 1, NICs: 500, Subnets: 40, Tags: 0.08}).Network()
	for _, mix := range []Mix{FlowLike, Adversarial} {
		f := newFlows(b, n, FlowOptions{Rows: 1 << 19, Mix: mix, Zipf: true})
		for _, format := range fileFormats {
			b.Run(fmt.Sprintf("mix=%s/format=%s", mix, format), func(b *testing.B) {
				for b.Loop() {
					if err := f.Write(context.Background(), discard{}, FileOptions{Format: format}); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(f.o.Rows)*float64(b.N)/b.Elapsed().Seconds(), "flows/s")
			})
		}
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
