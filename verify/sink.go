package verify

import "ipflow/ingest/column"

// Block is one encoded batch on its way from a worker to the output.
type Block any

// Sink writes batches and their verdicts. The engine calls Encode from several
// workers at once and Commit from one goroutine in input order, so whatever
// must not depend on the number of workers happens in Encode alone or in
// Commit.
type Sink interface {
	// Encode turns a batch and the verdict id of each of its rows into a
	// block. It must keep neither batch nor ids.
	Encode(b *column.Batch, ids []ID, t Table) (Block, error)
	// Commit appends the block to the output.
	Commit(Block) error
	// Close completes the output. After Close or Abort the sink is spent.
	Close() error
	// Abort drops the output: no partial file stays behind.
	Abort()
}

// Source hands out batches in input order and ends with io.EOF.
type Source interface {
	Next() (*column.Batch, error)
	Close() error
}
