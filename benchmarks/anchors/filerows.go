package main

import (
	"fmt"
	"path/filepath"
)

// fileRace is a race from a file of flows to a Parquet file.
type fileRace struct {
	*race
	estate string
	duck   *duck // nil when absent
	legs   []*leg
}

// A leg is one contender of a file race.
type leg struct {
	name string
	once func() (cost, error)
	seen []cost
}

func (l *leg) each(f func(c *cost) float64) []float64 {
	out := make([]float64, len(l.seen))
	for i := range l.seen {
		out[i] = f(&l.seen[i])
	}
	return out
}

func wall(c *cost) float64 { return c.wall }

func (r *race) newFileRace() (*fileRace, error) {
	estate, err := r.estate()
	if err != nil {
		return nil, err
	}
	d, err := r.duckdb()
	if err != nil && !isAbsent(err) {
		return nil, err
	}
	return &fileRace{race: r, estate: estate, duck: d}, nil
}

// out is where a contender writes.
func (f *fileRace) out(name string) string { return filepath.Join(f.cache, "out-"+name+".parquet") }

// ours adds a leg of ipflow verify.
func (f *fileRace) ours(name string, cores int, flows string, more ...string) *leg {
	l := &leg{name: name, once: func() (cost, error) { return f.verify(cores, f.estate, flows, f.out(name), more...) }}
	f.legs = append(f.legs, l)
	return l
}

// copies adds a leg of DuckDB's COPY from an expression that names the input;
// nil when DuckDB is absent.
func (f *fileRace) copies(name string, cores int, from, codec string) *leg {
	if f.duck == nil {
		return nil
	}
	l := &leg{name: name, once: func() (cost, error) {
		out := f.out(name)
		if err := settle(out); err != nil {
			return cost{}, err
		}
		if _, err := f.duck.sql(fmt.Sprintf("SET threads = %d", cores)); err != nil {
			return cost{}, err
		}
		a, err := f.duck.sql(fmt.Sprintf("COPY (SELECT * FROM %s) TO %s (FORMAT parquet, COMPRESSION %s)", from, quoted(out), codec))
		return cost{wall: a.Seconds}, err
	}}
	f.legs = append(f.legs, l)
	return l
}

// interleave times all legs in turn, round after round.
func (f *fileRace) interleave(what string) error {
	for round := range f.rounds {
		f.say("%s: round %d of %d", what, round+1, f.rounds)
		for _, l := range f.legs {
			c, err := l.once()
			if err != nil {
				return fmt.Errorf("%s: %w", l.name, err)
			}
			if err := settle(f.out(l.name)); err != nil {
				return err
			}
			l.seen = append(l.seen, c)
		}
	}
	return nil
}

// sameColumns compares what ipflow kept with its input, row by row.
func (f *fileRace) sameColumns(input, output string) error {
	if f.duck == nil {
		return nil
	}
	const columns = "nic, direction, protocol, local_ip, local_port::INTEGER, remote_ip, remote_port::INTEGER"
	digest := func(from string) (string, error) {
		return f.duck.value(fmt.Sprintf("SELECT count(*) || ' rows, hash ' || sum(hash(file_row_number, %s)) FROM read_parquet(%s, file_row_number = true)", columns, quoted(from)))
	}
	want, err := digest(input)
	if err != nil {
		return err
	}
	got, err := digest(output)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("the kept columns of %s (%s) are not those of %s (%s)", filepath.Base(output), got, filepath.Base(input), want)
	}
	return nil
}

// against fills a gate with ours divided by theirs, round by round.
func (f *fileRace) against(g gate, ours *leg, mine func(*cost) float64, theirs *leg) {
	g.unit = "×"
	if theirs == nil {
		g.missing = f.missing("DuckDB")
	} else {
		a, b := ours.each(mine), theirs.each(wall)
		g.values = ratiosOf(a, b)
		g.ours, g.anchor = seconds(a), "DuckDB "+seconds(b)
	}
	f.gates = append(f.gates, g)
}

func seconds(values []float64) string { return amount(median(values), "s") }
