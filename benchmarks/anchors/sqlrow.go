package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"ipflow/index"
	"ipflow/index/interval"
	"ipflow/ingest"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// The plain way to do ipflow's job in SQL: every rule unfolded into boxes of
// addresses and ports, joined to the flows on list and direction with BETWEEN for
// each field, the first rule of each list by arg_min, the layers put together.
// Everything that can be done beforehand is, and not timed: the boxes stand in a
// table, tags, groups and VirtualNetwork unfolded, neighbouring ranges merged.
const (
	sqlTables = `
CREATE OR REPLACE TABLE box (list INTEGER, inbound BOOLEAN, priority INTEGER, rule VARCHAR, allow BOOLEAN,
  protocol_first UTINYINT, protocol_last UTINYINT, local_first UINTEGER, local_last UINTEGER, remote_first UINTEGER, remote_last UINTEGER,
  local_port_first USMALLINT, local_port_last USMALLINT, remote_port_first USMALLINT, remote_port_last USMALLINT);
CREATE OR REPLACE TABLE home (nic VARCHAR, subnet_list INTEGER, nic_list INTEGER);
CREATE OR REPLACE TABLE protocol (name VARCHAR, number UTINYINT);
CREATE OR REPLACE MACRO address(t) AS (split_part(t, '.', 1)::UINTEGER * 16777216 + split_part(t, '.', 2)::UINTEGER * 65536 + split_part(t, '.', 3)::UINTEGER * 256 + split_part(t, '.', 4)::UINTEGER)::UINTEGER;`

	sqlMatch = `
%[1]s AS (SELECT f.id, arg_min(b.rule, b.priority) AS rule, arg_min(b.allow, b.priority) AS allow FROM f JOIN box b
  ON b.list = f.%[1]s_list AND b.inbound = f.inbound
  AND f.number BETWEEN b.protocol_first AND b.protocol_last
  AND f.l BETWEEN b.local_first AND b.local_last AND f.r BETWEEN b.remote_first AND b.remote_last
  AND f.local_port BETWEEN b.local_port_first AND b.local_port_last AND f.remote_port BETWEEN b.remote_port_first AND b.remote_port_last
  GROUP BY f.id)`
)

func sqlJob(flows, out string) string {
	return `COPY (WITH f AS MATERIALIZED (SELECT file_row_number AS id, direction = 'Inbound' AS inbound, number, address(local_ip) AS l, address(remote_ip) AS r,
  local_port, remote_port, subnet_list, nic_list FROM read_parquet(` + quoted(flows) + `, file_row_number = true) x
  JOIN home ON home.nic = x.nic JOIN protocol ON protocol.name = x.protocol),` +
		fmt.Sprintf(sqlMatch, "subnet") + "," + fmt.Sprintf(sqlMatch, "nic") + `
SELECT f.id, CASE WHEN subnet.allow AND nic.allow THEN 'Allow' ELSE 'Deny' END AS access,
  CASE WHEN f.inbound OR nic.allow THEN subnet.rule END AS subnet_rule, CASE WHEN NOT f.inbound OR subnet.allow THEN nic.rule END AS nic_rule
FROM f JOIN subnet ON subnet.id = f.id JOIN nic ON nic.id = f.id) TO ` + quoted(out) + ` (FORMAT parquet, COMPRESSION zstd)`
}

// runSQL races a plain range join in DuckDB on a sample.
func (r *race) runSQL() error {
	f, err := r.newFileRace()
	if err != nil {
		return err
	}
	rows, sample := r.rowsOf(), r.size(1<<17, 1<<13)
	g := gate{
		row: "sql", unit: "×", gate: atLeast(200), moonshot: atLeast(500),
		what: fmt.Sprintf("against the plain SQL range join in DuckDB, two cores; SQL on a sample of %d rows, its time scaled up to %sM", sample, amount(float64(rows)/1e6, "")),
	}
	if f.duck == nil {
		g.missing = f.missing("DuckDB")
		r.gates = append(r.gates, g)
		return nil
	}
	full, err := r.flows(f.estate, "flows.parquet", rows)
	if err != nil {
		return err
	}
	// Small row groups: DuckDB gives each to one thread.
	part, err := r.flows(f.estate, "flows-sample.parquet", sample, "--row-group", "65536")
	if err != nil {
		return err
	}
	boxes, err := f.prepareSQL()
	if err != nil {
		return err
	}
	ours := f.ours("sql-ipflow", 2, full)
	theirs := &leg{name: "sql", once: func() (cost, error) {
		if err := settle(f.out("sql")); err != nil {
			return cost{}, err
		}
		a, err := f.duck.sql(sqlJob(part, f.out("sql")))
		return cost{wall: a.Seconds * float64(rows) / float64(sample)}, err
	}}
	f.legs = append(f.legs, theirs)
	for _, l := range f.legs {
		if _, err := l.once(); err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
	}
	if err := f.checkSQL(part, sample); err != nil {
		return err
	}
	if err := f.interleave("sql"); err != nil {
		return err
	}
	a, b := ours.each((*cost).run), theirs.each(wall)
	g.values, g.ours = ratiosOf(b, a), seconds(a)
	g.anchor = fmt.Sprintf("DuckDB %s extrapolated, %d boxes", seconds(b), boxes)
	r.gates = append(r.gates, g)
	return nil
}

// checkSQL compares every row of the sample with what ipflow says when packets
// without ports do not match rules about ports: SQL knows no Unknown.
func (f *fileRace) checkSQL(sample string, rows int) error {
	out := f.out("sql-check")
	if _, err := f.verify(2, f.estate, sample, out, "--assume", "portless-ports=never"); err != nil {
		return err
	}
	got, err := f.duck.value(fmt.Sprintf(`SELECT count(*) FILTER (i.access = s.access AND i.subnet_rule IS NOT DISTINCT FROM s.subnet_rule AND i.nic_rule IS NOT DISTINCT FROM s.nic_rule)
  || ' of ' || count(*) FROM read_parquet(%s, file_row_number = true) i FULL JOIN %s s ON s.id = i.file_row_number`, quoted(out), quoted(f.out("sql"))))
	if err != nil {
		return err
	}
	if want := fmt.Sprintf("%d of %d", rows, rows); got != want {
		return fmt.Errorf("ipflow and SQL agree on %s rows, not on %s", got, want)
	}
	return settle(out)
}

// prepareSQL fills the tables and returns the number of boxes.
func (f *fileRace) prepareSQL() (int, error) {
	s, err := ingest.Load(f.ctx, ingest.Options{Paths: []string{f.estate}})
	if err != nil {
		return 0, err
	}
	w := &boxWriter{net: s.Network, selectors: index.NewSelectors(s.Network), lists: map[listAt]int{}}
	if err := w.write(f.cache); err != nil {
		return 0, err
	}
	statements := []string{"SET threads = 2"}
	for _, t := range strings.Split(strings.TrimSpace(sqlTables), ";") {
		if strings.TrimSpace(t) != "" {
			statements = append(statements, t)
		}
	}
	for _, t := range boxTables {
		statements = append(statements, fmt.Sprintf("COPY %s FROM %s (HEADER false)", t, quoted(filepath.Join(f.cache, t+".csv"))))
	}
	_, err = f.duck.sql(statements...)
	return w.boxes, err
}

var boxTables = []string{"box", "home", "protocol"}

// boxWriter unfolds the lists of a network.
type boxWriter struct {
	net       *network.Network
	selectors *index.Selectors
	lists     map[listAt]int
	files     map[string]*bufio.Writer
	boxes     int
}

// listAt is a group as the NICs of one virtual network see it.
type listAt struct {
	group *network.SecurityGroup
	vnet  *network.VirtualNetwork
}

func (w *boxWriter) write(dir string) error {
	w.files = map[string]*bufio.Writer{}
	for _, t := range boxTables {
		f, err := os.Create(filepath.Join(dir, t+".csv"))
		if err != nil {
			return err
		}
		defer f.Close()
		w.files[t] = bufio.NewWriter(f)
	}
	for _, c := range w.net.NICs {
		subnet, err := w.list(w.net.SubnetGroup(c).Group, c)
		if err != nil {
			return err
		}
		nic, err := w.list(c.Group.Group, c)
		if err != nil {
			return err
		}
		fmt.Fprintf(w.files["home"], "%s,%d,%d\n", c.ID, subnet, nic)
	}
	for p := range 256 {
		fmt.Fprintf(w.files["protocol"], "%s,%d\n", flow.Protocol(p), p)
	}
	for _, t := range boxTables {
		if err := w.files[t].Flush(); err != nil {
			return err
		}
	}
	return nil
}

// list returns the number of a group's list where the NIC is.
func (w *boxWriter) list(g *network.SecurityGroup, c *network.NIC) (int, error) {
	if g == nil {
		return 0, fmt.Errorf("a layer of %s has no group; the SQL of the race expects both", c.ID)
	}
	key := listAt{g, w.net.VirtualNetworkOf(c)}
	if n, ok := w.lists[key]; ok {
		return n, nil
	}
	n := len(w.lists)
	w.lists[key] = n
	for _, d := range []flow.Direction{flow.Inbound, flow.Outbound} {
		for _, r := range g.List(d) {
			if err := w.rule(n, d, r, c); err != nil {
				return 0, err
			}
		}
	}
	return n, nil
}

// rule writes the boxes of a rule.
func (w *boxWriter) rule(list int, d flow.Direction, r *network.Rule, c *network.NIC) error {
	// Read as a remote side, a group is where its members are: right for the
	// local side too where addresses are unique, as in this estate.
	source, destination := w.selectors.Side(c, r, true, false), w.selectors.Side(c, r, false, false)
	if len(source.May)+len(destination.May)+len(r.Facts) > 0 {
		return fmt.Errorf("rule %s is uncertain; a race needs certain ones", r.ID)
	}
	first, last := 0, 255
	if r.Protocol != network.AnyProtocol {
		first, last = int(r.Protocol), int(r.Protocol)
	}
	local, remote, localPorts, remotePorts := destination.Sure.V4, source.Sure.V4, r.DestinationPorts, r.SourcePorts
	if d == flow.Outbound {
		local, remote, localPorts, remotePorts = remote, local, remotePorts, localPorts
	}
	for _, l := range local {
		for _, m := range remote {
			for _, p := range localPorts {
				for _, q := range remotePorts {
					fmt.Fprintf(w.files["box"], "%d,%t,%d,%s,%t,%d,%d,%s,%s,%d,%d,%d,%d\n", list, d == flow.Inbound, r.Priority, r.Spelling(), r.Access == flow.Allow,
						first, last, bounds(l), bounds(m), p.First, p.Last, q.First, q.Last)
					w.boxes++
				}
			}
		}
	}
	return nil
}

func bounds(r interval.Range[interval.IPv4]) string { return fmt.Sprintf("%d,%d", r.First, r.Last) }
