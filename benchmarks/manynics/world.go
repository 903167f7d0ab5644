package manynics

import (
	"context"
	"fmt"

	"ipflow/benchmarks/corpus"
	"ipflow/index"
	"ipflow/ingest/column"
	"ipflow/ingest/network"
	"ipflow/verify"
	"ipflow/verify/oracle"
)

// Options is the estate of the published figures: 500 NICs in 40 subnets, 60
// groups of the default mix, 8 % tag operands; ipv6 is the share of NICs that
// have an IPv6 address too.
func Options(ipv6 float64) corpus.Options {
	return corpus.Options{Seed: 1, NICs: 500, Subnets: 40, NSGs: 60, Tags: 0.08, IPv6: ipv6}
}

// World is an estate with its index.
type World struct {
	Network *network.Network
	Index   *index.Index
}

// New draws and compiles an estate.
func New(o corpus.Options) (*World, error) {
	e, err := corpus.New(o)
	if err != nil {
		return nil, err
	}
	w := &World{Network: e.Network()}
	w.Index, err = index.Compile(context.Background(), w.Network, index.Options{})
	return w, err
}

// Batches draws flows for the NICs of the world into batches of so many rows, a
// multiple of corpus.WindowRows; the last may be shorter.
func (w *World) Batches(o corpus.FlowOptions, rowsPerBatch int) ([]*column.Batch, error) {
	f, err := corpus.NewFlows(w.Network, o)
	if err != nil {
		return nil, err
	}
	if rowsPerBatch < corpus.WindowRows || rowsPerBatch%corpus.WindowRows != 0 {
		return nil, fmt.Errorf("batches have a multiple of %d rows, not %d", corpus.WindowRows, rowsPerBatch)
	}
	c, perBatch := corpus.NewColumnar(f), rowsPerBatch/corpus.WindowRows
	var out []*column.Batch
	for first := 0; first < f.Windows(); first += perBatch {
		b := c.Batch(joined(f, first, min(first+perBatch, f.Windows())))
		b.Seq, b.FirstRow = len(out), int64(first)*corpus.WindowRows
		out = append(out, b)
	}
	return out, nil
}

// joined draws windows from to to-1 as one.
func joined(f *corpus.Flows, from, to int) *corpus.Rows {
	var all, rows corpus.Rows
	for i := from; i < to; i++ {
		f.Draw(i, &rows)
		for _, bad := range rows.BadRemote {
			all.BadRemote = append(all.BadRemote, bad+int32(all.Len()))
		}
		all.NIC = append(all.NIC, rows.NIC...)
		all.Direction = append(all.Direction, rows.Direction...)
		all.Protocol = append(all.Protocol, rows.Protocol...)
		all.Local = append(all.Local, rows.Local...)
		all.Remote = append(all.Remote, rows.Remote...)
		all.LocalPort = append(all.LocalPort, rows.LocalPort...)
		all.RemotePort = append(all.RemotePort, rows.RemotePort...)
	}
	return &all
}

// Answer runs the engine over the batches, so many times without a pause; the oracle
// answers if asked to.
func (w *World) Answer(batches []*column.Batch, passes, workers int, byOracle bool) (verify.Summary, error) {
	return w.run(&source{batches: batches, passes: passes}, workers, byOracle, discard{})
}

// Check compares index and oracle over the first rows of a batch.
func (w *World) Check(o corpus.FlowOptions, rows int) error {
	o.Rows = int64(rows)
	batches, err := w.Batches(o, corpus.WindowRows)
	if err != nil {
		return err
	}
	var got, want record
	if _, err := w.run(&source{batches: batches, passes: 1}, 1, false, &got); err != nil {
		return err
	}
	if _, err := w.run(&source{batches: batches, passes: 1}, 1, true, &want); err != nil {
		return err
	}
	if len(got.rows) != rows || len(want.rows) != rows {
		return fmt.Errorf("%d and %d answers to %d questions", len(got.rows), len(want.rows), rows)
	}
	for i := range got.rows {
		if got.rows[i] != want.rows[i] {
			return fmt.Errorf("row %d: the index says %+v, the oracle %+v", i, got.rows[i], want.rows[i])
		}
	}
	return nil
}

func (w *World) run(src verify.Source, workers int, byOracle bool, sink verify.Sink) (verify.Summary, error) {
	cfg := verify.Config{Network: w.Network, Index: w.Index, Workers: workers}
	if byOracle {
		cfg.Judge = oracle.New(w.Network)
	}
	return verify.NewEngine(cfg).Run(context.Background(), src, sink)
}
