package flowfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	readSize = 1 << 20
	// maxZstdWindow bounds what a hostile frame can make the decoder allocate;
	// zstd's own --long=27 is the largest window that its decoder takes unasked.
	maxZstdWindow = 128 << 20
)

// input is an open flow file or standard input.
type input struct {
	path    string
	file    *os.File // nil for standard input
	size    int64    // in bytes, 0 unless regular
	regular bool
	body    *bufio.Reader // decompressed
	done    func()        // ends decompression
	read    *atomic.Int64 // bytes read of all inputs
	before  int64         // read when this input was opened
}

// counter adds up the bytes read from a file.
type counter struct {
	r io.Reader
	n *atomic.Int64
}

func (c counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// openInput opens a path and looks whether it holds what the format promises.
func openInput(path string, f fileFormat, o *Options, read *atomic.Int64) (*input, error) {
	in := &input{path: path, done: func() {}, read: read, before: read.Load()}
	src, err := in.open(f, o)
	if err == nil {
		in.body = bufio.NewReaderSize(counter{src, read}, readSize)
		err = in.inspect(f)
	}
	if err != nil {
		in.close()
		return nil, err
	}
	return in, nil
}

func (in *input) open(f fileFormat, o *Options) (io.Reader, error) {
	if in.path == stdin {
		switch {
		case o.Stdin == nil:
			return nil, usagef("there is no standard input to read flows from")
		case f == parquetFormat:
			return nil, usagef("Parquet cannot be read from standard input, its index is at the end; give a file")
		}
		return o.Stdin, nil
	}
	var err error
	if in.file, err = os.Open(in.path); err != nil {
		return nil, fmt.Errorf("read flows: %w", err)
	}
	info, err := in.file.Stat()
	if err != nil {
		return nil, fmt.Errorf("read flows: %w", err)
	}
	if in.regular = info.Mode().IsRegular(); in.regular {
		in.size = info.Size()
	}
	return in.file, nil
}

// inspect undoes compression and compares the first bytes with the format.
func (in *input) inspect(f fileFormat) error {
	head, err := in.peek(16)
	if err != nil {
		return err
	}
	if f.text() {
		if err := in.decompress(head); err != nil {
			return err
		}
		if _, err = in.peek(16); err != nil { // fills the buffer
			return err
		}
		// What has come is enough to go by: a pipe may be slow to give more.
		if head, err = in.peek(min(in.body.Buffered(), 512)); err != nil {
			return err
		}
	}
	return in.sniff(f, head)
}

// peek returns up to n bytes of the start.
func (in *input) peek(n int) ([]byte, error) {
	head, err := in.body.Peek(n)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read flows %s: %w", in.name(), err)
	}
	return head, nil
}

// name is the path as messages show it.
func (in *input) name() string { return nameOf(in.path) }

func nameOf(path string) string {
	if path == stdin {
		return "standard input"
	}
	return path
}

func (in *input) close() {
	in.done()
	if in.file != nil {
		in.file.Close()
	}
}

// uncount takes back what was counted for this input, the last one opened.
func (in *input) uncount() { in.read.Store(in.before) }

// decompress goes by content, so that standard input and renamed files work.
func (in *input) decompress(head []byte) error {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(in.body)
		if err != nil {
			return fmt.Errorf("read flows %s: %w", in.name(), err)
		}
		in.body = bufio.NewReaderSize(z, readSize)
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(in.body, zstd.WithDecoderMaxWindow(maxZstdWindow), zstd.WithDecoderConcurrency(2))
		if err != nil {
			return fmt.Errorf("read flows %s: %w", in.name(), err)
		}
		in.done = z.Close
		in.body = bufio.NewReaderSize(z, readSize)
	}
	return nil
}

var (
	parquetMagic = []byte("PAR1")
	arrowMagic   = []byte("ARROW1\x00\x00")
	arrowStream  = []byte{0xff, 0xff, 0xff, 0xff}
	utf8BOM      = []byte{0xef, 0xbb, 0xbf}
)

// sniff compares the first bytes with the format.
func (in *input) sniff(f fileFormat, head []byte) error {
	found, use := "", ""
	text := bytes.TrimLeft(bytes.TrimPrefix(head, utf8BOM), " \t\r\n")
	switch {
	case bytes.HasPrefix(head, []byte("PARE")):
		return fmt.Errorf("%s is an encrypted Parquet file, which cannot be read; decrypt it first", in.name())
	case bytes.HasPrefix(head, []byte("FEA1")):
		return fmt.Errorf("%s is a Feather version 1 file; write it again as Feather version 2 or Parquet", in.name())
	case bytes.HasPrefix(head, parquetMagic) && f != parquetFormat:
		found, use = "a Parquet file", "parquet"
	case (bytes.HasPrefix(head, arrowMagic) || bytes.HasPrefix(head, arrowStream)) && f != arrowFormat:
		found, use = "Arrow IPC data", "arrow"
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}) && f.text(), bytes.HasPrefix(head, []byte{0xfe, 0xff}) && f.text():
		return fmt.Errorf("%s is UTF-16 text; convert it to UTF-8, for example with iconv", in.name())
	case (f == csvFormat || f == tsvFormat) && bytes.HasPrefix(text, []byte("{")):
		found, use = "JSON lines", "jsonl"
	case (f == csvFormat || f == tsvFormat || f == jsonlFormat) && bytes.HasPrefix(text, []byte("[")):
		return fmt.Errorf("%s holds a JSON array; write one object per line (for example with jq -c '.[]') and use --flows-format jsonl", in.name())
	case f.text() && bytes.IndexByte(head, 0) >= 0:
		return fmt.Errorf("%s is no text file, but is read as %s; --flows-format names another format", in.name(), f)
	case f == parquetFormat && !bytes.HasPrefix(head, parquetMagic):
		return fmt.Errorf("%s is no Parquet file or is damaged: it does not start with PAR1; --flows-format names another format", in.name())
	case f == arrowFormat && len(head) == 0:
		return fmt.Errorf("%s is empty, not even an Arrow schema is in it", in.name())
	}
	if found != "" {
		return fmt.Errorf("%s holds %s but is read as %s; use --flows-format %s", in.name(), found, f, use)
	}
	return nil
}

// randomAccess reports why the input cannot be read out of order.
func (in *input) randomAccess(what string) error {
	if !in.regular {
		return usagef("%s: %s needs a regular file, not a pipe", in.name(), what)
	}
	return nil
}
