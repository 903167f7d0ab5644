package snapshot

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// content returns an entry's bytes, decompressed.
func content(ctx context.Context, e entry, o Options) ([]byte, error) {
	limit := cmp.Or(o.MaxFileSize, DefaultMaxFileSize)
	if e.open == stdin {
		if o.Stdin == nil {
			return nil, errors.New("there is no standard input to read; name a file")
		}
		return expand(contextReader{ctx, o.Stdin}, 0, limit)
	}
	f, err := os.Open(e.open)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size := int64(0)
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		size = info.Size()
	}
	data, err := expand(contextReader{ctx, f}, size, limit)
	if err == nil && len(data) == 0 && size == 0 && packedName(e.open) {
		return nil, errors.New("the file is empty, not even compressed; export it again")
	}
	return data, err
}

func packedName(name string) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(name, ".gz") || strings.HasSuffix(name, ".zst")
}

// expand reads all of r, decompressing what begins as gzip or zstd does. Size is
// the expected length of r, 0 if unknown, and limit bounds the result.
func expand(r io.Reader, size, limit int64) ([]byte, error) {
	// Larger than any header, small against the files.
	b := bufio.NewReaderSize(r, 64<<10)
	// Fewer bytes than asked for are none of the formats; a true read error
	// comes again below.
	head, _ := b.Peek(4)
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, broken("gzip", err)
		}
		return unpack("gzip", z, limit)
	case zstdHead(head):
		// 128 MiB is what the zstd tool itself allows without --long.
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			return nil, broken("zstd", err)
		}
		defer z.Close()
		return unpack("zstd", z, limit)
	}
	if size > limit {
		return nil, tooLarge(limit)
	}
	var buf bytes.Buffer
	if size > 0 {
		// ReadFrom wants that much spare to see the end without growing.
		buf.Grow(int(size) + bytes.MinRead)
	}
	if _, err := buf.ReadFrom(io.LimitReader(b, limit+1)); err != nil {
		return nil, err
	}
	if int64(buf.Len()) > limit {
		return nil, tooLarge(limit)
	}
	return buf.Bytes(), nil
}

// zstdHead reports whether a zstd stream begins so: with a frame, or with a
// skippable frame as pzstd writes first.
func zstdHead(head []byte) bool {
	return bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}) ||
		len(head) == 4 && head[0]&0xf0 == 0x50 && bytes.Equal(head[1:], []byte{0x2a, 0x4d, 0x18})
}

func unpack(format string, r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	switch {
	case err != nil:
		return nil, broken(format, err)
	case int64(len(data)) > limit:
		return nil, tooLarge(limit)
	}
	return data, nil
}

func tooLarge(limit int64) error {
	return fmt.Errorf("the file has more than %d bytes after decompression; split it", limit)
}

func broken(format string, err error) error {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the %s data is cut off; copy or export the file again", format)
	}
	return fmt.Errorf("the %s data is damaged (%w); copy or export the file again", format, err)
}

// contextReader ends with ctx.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
