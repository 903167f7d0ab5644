package parquet

import (
	"encoding/binary"
	"sync"

	"github.com/klauspost/compress/huff0"
	"github.com/klauspost/compress/zstd"
)

// zstdEncoder compresses pages. It is used by one goroutine at a time.
type zstdEncoder struct {
	whole    *zstd.Encoder // level 1 costs about what snappy does on result columns
	literals huff0.Scratch
	sample   []byte
}

var zstdEncoders = sync.Pool{New: func() any {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false))
	if err != nil {
		panic("parquet: " + err.Error())
	}
	return &zstdEncoder{whole: e, literals: huff0.Scratch{Reuse: huff0.ReusePolicyNone}}
}}

func compressZstd(scratch, src []byte) []byte {
	e := zstdEncoders.Get().(*zstdEncoder)
	defer zstdEncoders.Put(e)
	if e.hardlyRepeats(src) {
		return e.appendLiterals(scratch[:0], src)
	}
	return e.whole.EncodeAll(src, scratch[:0])
}

const (
	// sampledFrom is the size of a page from which on it pays to look at a sample
	// before compressing it.
	sampledFrom = 64 << 10
	sampleBytes = 16 << 10
)

// hardlyRepeats reports whether a page is one that a Huffman code makes smaller by
// a quarter and looking for repeated strings by no more than another fifth, going by
// a sample from its middle. A dictionary of addresses is such a page: its bytes are
// few, its entries all differ, and without the search it is compressed four times as
// fast (BenchmarkZstd).
func (e *zstdEncoder) hardlyRepeats(src []byte) bool {
	if len(src) < sampledFrom {
		return false
	}
	sample := src[len(src)/2:][:sampleBytes]
	e.sample = e.appendLiterals(e.sample[:0], sample)
	literals := len(e.sample)
	if literals > sampleBytes/4*3 {
		return false
	}
	e.sample = e.whole.EncodeAll(sample, e.sample[:0])
	return literals/5*4 <= len(e.sample)
}

// Of the zstd format (RFC 8878): a frame with its content's size, of blocks.
const (
	zstdMagic      = 0xfd2fb528
	singleSegment  = 2<<6 | 1<<5 // frame header: size in four bytes, no window
	blockBytes     = 128 << 10
	lastBlock      = 1
	rawBlock       = 0 << 1
	packedBlock    = 2 << 1
	packedLiterals = 2 | 3<<2 // four streams, both sizes in 18 bits
)

// appendLiterals appends src as a zstd frame without sequences: each block is
// literals in a Huffman code, or as they are where that saves nothing.
func (e *zstdEncoder) appendLiterals(dst, src []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, zstdMagic)
	dst = append(dst, singleSegment)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(src)))
	for {
		block := src[:min(blockBytes, len(src))]
		src = src[len(block):]
		flags := 0
		if len(src) == 0 {
			flags = lastBlock
		}
		packed, _, err := huff0.Compress4X(block, &e.literals)
		if err != nil || len(packed)+6 >= len(block) {
			dst = appendBlockHeader(dst, flags|rawBlock, len(block))
			dst = append(dst, block...)
		} else {
			dst = appendBlockHeader(dst, flags|packedBlock, 5+len(packed)+1)
			sizes := packedLiterals | uint64(len(block))<<4 | uint64(len(packed))<<22
			dst = append(binary.LittleEndian.AppendUint32(dst, uint32(sizes)), byte(sizes>>32))
			dst = append(append(dst, packed...), 0) // no sequences
		}
		if len(src) == 0 {
			return dst
		}
	}
}

func appendBlockHeader(dst []byte, flags, size int) []byte {
	h := flags | size<<3
	return append(dst, byte(h), byte(h>>8), byte(h>>16))
}
