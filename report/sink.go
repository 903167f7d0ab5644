package report

import (
	"io"

	"ipflow/ingest/column"
	"ipflow/report/layout"
	"ipflow/report/outfile"
	"ipflow/verify"
)

// sink writes one format to a file, or to a directory in parts.
type sink struct {
	format   layout.Format
	file     *outfile.File
	dir      *outfile.Dir
	part     *outfile.Part // of dir, the open one
	out      layout.Appender
	partRows int64
	rows     int64 // in the open part
}

type sizedBlock struct {
	block verify.Block
	rows  int64
}

// Encode implements verify.Sink.
func (s *sink) Encode(b *column.Batch, ids []verify.ID, t verify.Table) (verify.Block, error) {
	if len(ids) != b.Rows() {
		panic("report: a batch needs one verdict id per row")
	}
	block, err := s.format.Encode(b, ids, t)
	return sizedBlock{block, int64(b.Rows())}, err
}

// Commit implements verify.Sink. Parts change between batches only, so a part
// has PartRows rows or up to a batch more.
func (s *sink) Commit(b verify.Block) error {
	sb := b.(sizedBlock)
	if s.dir != nil && s.partRows > 0 && s.rows >= s.partRows && sb.rows > 0 {
		if err := s.end(); err != nil {
			return err
		}
		if err := s.begin(); err != nil {
			return err
		}
	}
	s.rows += sb.rows
	return s.out.Append(sb.block)
}

func (s *sink) begin() (err error) {
	var w io.Writer = s.file
	if s.dir != nil {
		if s.part, err = s.dir.Next(); err != nil {
			return err
		}
		w = s.part
	}
	s.rows = 0
	s.out, err = s.format.Begin(w)
	return err
}

// end completes the open file or part.
func (s *sink) end() error {
	if err := s.out.Close(); err != nil {
		return err
	}
	if s.part == nil {
		return nil
	}
	part := s.part
	s.part = nil
	return part.Close()
}

// Close implements verify.Sink.
func (s *sink) Close() error {
	err := s.end()
	if err == nil && s.dir != nil {
		return s.dir.Commit()
	}
	if err == nil {
		return s.file.Commit()
	}
	s.Abort()
	return err
}

// Abort implements verify.Sink.
func (s *sink) Abort() {
	if s.part != nil {
		// Its content goes with the directory.
		s.part.Close()
		s.part = nil
	}
	if s.dir != nil {
		s.dir.Abort()
	} else {
		s.file.Abort()
	}
}
