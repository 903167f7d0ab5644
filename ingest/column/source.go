package column

import (
	"io"
	"sync/atomic"
)

// ParquetFile is a Parquet file that batches were read from. It stays open while
// its reader or a batch holds it.
type ParquetFile struct {
	Path string
	Size int64 // in bytes

	file interface {
		io.ReaderAt
		io.Closer
	}
	holders atomic.Int32
}

// NewParquetFile takes over an open file; the caller is its first holder.
func NewParquetFile(path string, size int64, file interface {
	io.ReaderAt
	io.Closer
},
) *ParquetFile {
	f := &ParquetFile{Path: path, Size: size, file: file}
	f.holders.Store(1)
	return f
}

// ReadAt implements io.ReaderAt.
func (f *ParquetFile) ReadAt(p []byte, at int64) (int, error) { return f.file.ReadAt(p, at) }

// Hold adds a holder.
func (f *ParquetFile) Hold() { f.holders.Add(1) }

// Release drops a holder; the last one closes the file.
func (f *ParquetFile) Release() {
	if f.holders.Add(-1) == 0 {
		f.file.Close()
	}
}

// RowGroup names a row group of a Parquet file, for writers that copy column
// chunks as they are.
type RowGroup struct {
	File   *ParquetFile
	Index  int   // of the row group in its file
	Leaves []int // per column of the batch's record, its chunk in the row group
}
