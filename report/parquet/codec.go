package parquet

import (
	"fmt"

	"github.com/klauspost/compress/snappy"
	"github.com/parquet-go/parquet-go/format"
)

// codec compresses page bodies.
type codec struct {
	id format.CompressionCodec
	// compress returns src compressed, in scratch where it fits.
	compress func(scratch, src []byte) []byte
}

// Codecs lists the names that Options.Codec takes, the default first.
func Codecs() []string { return []string{"zstd", "snappy", "none"} }

func newCodec(name string) (codec, error) {
	switch name {
	case "", "zstd":
		return codec{format.Zstd, compressZstd}, nil
	case "snappy":
		return codec{format.Snappy, func(scratch, src []byte) []byte {
			return snappy.Encode(scratch[:cap(scratch)], src)
		}}, nil
	case "none":
		return codec{format.Uncompressed, func(_, src []byte) []byte { return src }}, nil
	}
	return codec{}, fmt.Errorf("unknown compression codec %q: choose zstd, snappy or none", name)
}
