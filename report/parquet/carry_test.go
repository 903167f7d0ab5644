package parquet

import (
	"bytes"
	"encoding/binary"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"ipflow/ingest/column"
	"ipflow/report/layout"
	"ipflow/report/layout/layouttest"
	"ipflow/verify"
)

// memoryFile is an input file in memory.
type memoryFile struct {
	*bytes.Reader
	closed int
}

func (m *memoryFile) Close() error {
	m.closed++
	return nil
}

var _ io.ReaderAt = (*memoryFile)(nil)

// asSource gives batches with rows the row groups of a file that holds their
// kept columns first.
func asSource(data []byte, batches []layouttest.Batch) *memoryFile {
	m := &memoryFile{Reader: bytes.NewReader(data)}
	file := column.NewParquetFile("in.parquet", int64(len(data)), m)
	group := 0
	for i := range batches {
		b := batches[i].Batch
		if b.Rows() == 0 {
			continue
		}
		file.Hold()
		b.Source = &column.RowGroup{File: file, Index: group}
		for c := range b.Record.NumCols() {
			b.Source.Leaves = append(b.Source.Leaves, int(c))
		}
		group++
	}
	file.Release()
	return m
}

// TestRequiredColumns: a column whose input has no nulls stays required, is
// carried from such an input only, and refuses a null all the same.
func TestRequiredColumns(t *testing.T) {
	schema := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.BinaryTypes.String, Nullable: true}, {Name: "n", Type: arrow.PrimitiveTypes.Uint16, Nullable: true}}, nil)
	batches := func(rows string) []layouttest.Batch {
		return layouttest.KeepAll([][]verify.ID{{0, 1}}, layouttest.Record(t, schema, rows))
	}
	const rows = `[{"id":"a","n":7},{"id":"b"}]`
	fields := layouttest.Fields(schema)
	optional := layouttest.Write(t, newFormat(t, fields, ""), batches(rows), layouttest.Verdicts, nil)
	fields[0].Required = true
	required := layouttest.Write(t, newFormat(t, fields, ""), batches(rows), layouttest.Verdicts, nil)
	strip := strings.NewReplacer("required", "optional")
	if diff := cmp.Diff(readParquetGo(t, optional), strip.Replace(readParquetGo(t, required))); diff != "" {
		t.Error(diff)
	}
	if f := readArrow(t, required).Schema().Field(0); f.Nullable {
		t.Error("id is nullable")
	}
	for name, source := range map[string][]byte{"required": required, "optional": optional} {
		b := batches(rows)
		asSource(source, b)
		got := layouttest.Write(t, newFormat(t, fields, ""), b, layouttest.Verdicts, nil)
		if !bytes.Equal(got, required) {
			t.Errorf("from a file where id is %s: %s", name, cmp.Diff(readParquetGo(t, required), readParquetGo(t, got)))
		}
	}
	b := batches(`[{"id":"a"},{}]`)[0]
	if _, err := newFormat(t, fields, "").Encode(b.Batch, b.IDs, layouttest.Verdicts); err == nil || !strings.Contains(err.Error(), `column "id" has a null`) {
		t.Errorf("a null: %v", err)
	}
}

func footerOf(tb testing.TB, data []byte) *format.FileMetaData {
	tb.Helper()
	n := int(binary.LittleEndian.Uint32(data[len(data)-8:]))
	meta := new(format.FileMetaData)
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), data[len(data)-8-n:len(data)-8], meta); err != nil {
		tb.Fatal(err)
	}
	return meta
}

// chunkBytes is a column chunk as it stands in a file.
func chunkBytes(data []byte, m *format.ColumnMetaData) []byte {
	at := m.DataPageOffset
	if m.DictionaryPageOffset > 0 && m.DictionaryPageOffset < at {
		at = m.DictionaryPageOffset
	}
	return data[at : at+m.TotalCompressedSize]
}

// TestChunksAreCarried: kept columns of a Parquet row group go into the output
// byte for byte, readers see the rows that encoding anew gives, and a column of
// another codec than was asked for is not carried.
func TestChunksAreCarried(t *testing.T) {
	fields, encoded := layouttest.AllTypes(t)
	want := layouttest.Write(t, newFormat(t, fields, "snappy"), encoded, layouttest.Verdicts, nil)
	for _, codec := range []string{"", "snappy", "zstd"} {
		t.Run("codec="+codec, func(t *testing.T) {
			_, batches := layouttest.AllTypes(t)
			m := asSource(want, batches)
			got := layouttest.Write(t, newFormat(t, fields, codec), batches, layouttest.Verdicts, nil)
			if diff := cmp.Diff(readParquetGo(t, want), readParquetGo(t, got)); diff != "" {
				t.Error(diff)
			}
			if !readArrow(t, got).Schema().Equal(readArrow(t, want).Schema()) {
				t.Error("Arrow sees another schema")
			}
			in, out := footerOf(t, want), footerOf(t, got)
			for g := range in.RowGroups {
				for c := range fields {
					a, b := &in.RowGroups[g].Columns[c].MetaData, &out.RowGroups[g].Columns[c].MetaData
					if same := bytes.Equal(chunkBytes(want, a), chunkBytes(got, b)); same != (codec != "zstd") {
						t.Errorf("row group %d, column %s: carried %v", g, fields[c].Name, same)
					}
					if codec != "zstd" && (b.Codec != format.Snappy || !cmp.Equal(a.Statistics, b.Statistics)) {
						t.Errorf("row group %d, column %s: codec %v, statistics %+v", g, fields[c].Name, b.Codec, b.Statistics)
					}
				}
			}
			for _, b := range batches {
				b.Release()
			}
			if m.closed != 1 {
				t.Errorf("the file was closed %d times", m.closed)
			}
		})
	}
}

// TestUnfitChunksAreEncoded: whatever does not fit is encoded from the batch's
// own values, and the output is right all the same.
func TestUnfitChunksAreEncoded(t *testing.T) {
	fields, plain := layouttest.AllTypes(t)
	want := layouttest.Write(t, newFormat(t, fields, ""), plain, layouttest.Verdicts, nil)
	footer := int(binary.LittleEndian.Uint32(want[len(want)-8:])) + 8
	withFooter := func(change func(*format.FileMetaData)) []byte {
		meta := footerOf(t, want)
		change(meta)
		raw, err := thrift.Marshal(new(thrift.CompactProtocol), meta)
		if err != nil {
			t.Fatal(err)
		}
		out := append(slices.Clone(want[:len(want)-footer]), raw...)
		out = binary.LittleEndian.AppendUint32(out, uint32(len(raw)))
		return append(out, magic...)
	}
	eachChunk := func(change func(*format.ColumnMetaData)) []byte {
		return withFooter(func(m *format.FileMetaData) {
			for g := range m.RowGroups {
				for c := range m.RowGroups[g].Columns {
					change(&m.RowGroups[g].Columns[c].MetaData)
				}
			}
		})
	}
	sources := map[string][]byte{
		"no-footer":       slices.Concat(want[:len(want)-footer], make([]byte, footer)),
		"footer-too-long": slices.Concat(want[:len(want)-8], []byte{255, 255, 255, 127}, []byte(magic)),
		"required": withFooter(func(m *format.FileMetaData) {
			everyElement(m, func(e *format.SchemaElement) { e.RepetitionType = thrift.New(format.Required) })
		}),
		"other-type": withFooter(func(m *format.FileMetaData) {
			everyElement(m, func(e *format.SchemaElement) { e.Type = thrift.New(format.Int96) })
		}),
		"few-row-groups":    withFooter(func(m *format.FileMetaData) { m.RowGroups = nil }),
		"few-columns":       withFooter(func(m *format.FileMetaData) { m.RowGroups[0].Columns, m.RowGroups[1].Columns = nil, nil }),
		"other-file":        withFooter(func(m *format.FileMetaData) { everyColumn(m, func(c *format.ColumnChunk) { c.FilePath = "x" }) }),
		"more-values":       eachChunk(func(m *format.ColumnMetaData) { m.NumValues++ }),
		"chunk-cut-short":   eachChunk(func(m *format.ColumnMetaData) { m.TotalCompressedSize-- }),
		"chunk-too-long":    eachChunk(func(m *format.ColumnMetaData) { m.TotalCompressedSize++ }),
		"chunk-past-file":   eachChunk(func(m *format.ColumnMetaData) { m.TotalCompressedSize += 1 << 40 }),
		"offset-outside":    eachChunk(func(m *format.ColumnMetaData) { m.DataPageOffset, m.DictionaryPageOffset = 1<<40, 0 }),
		"offset-misleading": eachChunk(func(m *format.ColumnMetaData) { m.DataPageOffset, m.DictionaryPageOffset = 5, 0 }),
		"negative":          eachChunk(func(m *format.ColumnMetaData) { m.DataPageOffset, m.DictionaryPageOffset = -9, 0 }),
	}
	for name, data := range sources {
		t.Run(name, func(t *testing.T) {
			_, batches := layouttest.AllTypes(t)
			asSource(data, batches)
			got := layouttest.Write(t, newFormat(t, fields, ""), batches, layouttest.Verdicts, nil)
			if !bytes.Equal(got, want) {
				t.Error(cmp.Diff(readParquetGo(t, want), readParquetGo(t, got)))
			}
		})
	}
}

// everyElement changes the elements of all columns.
func everyElement(m *format.FileMetaData, change func(*format.SchemaElement)) {
	for i := range m.Schema[1:] {
		change(&m.Schema[1+i])
	}
}

func everyColumn(m *format.FileMetaData, change func(*format.ColumnChunk)) {
	for g := range m.RowGroups {
		for c := range m.RowGroups[g].Columns {
			change(&m.RowGroups[g].Columns[c])
		}
	}
}

// TestPortsOfTextAreNotCarried cannot happen with real input, where text has no
// row groups, and must not if it did.
func TestPortsOfTextAreNotCarried(t *testing.T) {
	f := newFormat(t, []layout.Field{{Name: "p", Port: true}}, "")
	if f.carry(&rowGroup{}, &f.leaves[0], &column.Batch{Source: &column.RowGroup{}}, 0) {
		t.Error("carried")
	}
}
