package flows

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// compressor returns what turns bytes into one gzip member or zstd frame, nil
// for "". Members and frames follow one another in a file, so batches are
// compressed by the workers that encode them.
func compressor(name string) (func(dst, src []byte) []byte, error) {
	switch name {
	case "":
		return nil, nil
	case "gz":
		return appendGzip, nil
	case "zst":
		return appendZstd, nil
	}
	return nil, fmt.Errorf("unknown compression %q: choose gz or zst", name)
}

var gzipWriters = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

func appendGzip(dst, src []byte) []byte {
	w := gzipWriters.Get().(*gzip.Writer)
	defer gzipWriters.Put(w)
	b := bytes.NewBuffer(dst)
	w.Reset(b)
	// A bytes.Buffer takes everything.
	w.Write(src)
	w.Close()
	return b.Bytes()
}

var zstdWriters = sync.Pool{New: func() any {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithZeroFrames(true))
	if err != nil {
		panic("flows: " + err.Error())
	}
	return w
}}

func appendZstd(dst, src []byte) []byte {
	w := zstdWriters.Get().(*zstd.Encoder)
	defer zstdWriters.Put(w)
	return w.EncodeAll(src, dst)
}
