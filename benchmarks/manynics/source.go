package manynics

import (
	"io"

	"ipflow/ingest/column"
	"ipflow/verify"
)

// source hands out batches that are there already, so many times over.
type source struct {
	batches []*column.Batch
	passes  int
	next    int
}

func (s *source) Next() (*column.Batch, error) {
	if s.next == s.passes*len(s.batches) {
		return nil, io.EOF
	}
	b := *s.batches[s.next%len(s.batches)]
	b.Seq = s.next
	s.next++
	b.Record.Retain() // whoever uses the batch releases it
	return &b, nil
}

func (s *source) Close() error { return nil }

// discard is a sink that forgets.
type discard struct{}

func (discard) Encode(*column.Batch, []verify.ID, verify.Table) (verify.Block, error) {
	return nil, nil
}
func (discard) Commit(verify.Block) error { return nil }
func (discard) Close() error              { return nil }
func (discard) Abort()                    {}

// record is a sink that keeps what the rows say.
type record struct{ rows []verify.Row }

func (r *record) Encode(_ *column.Batch, ids []verify.ID, t verify.Table) (verify.Block, error) {
	rows := make([]verify.Row, len(ids))
	for i, id := range ids {
		rows[i] = *t.Row(id)
	}
	return rows, nil
}

func (r *record) Commit(b verify.Block) error {
	r.rows = append(r.rows, b.([]verify.Row)...)
	return nil
}
func (r *record) Close() error { return nil }
func (r *record) Abort()       {}
