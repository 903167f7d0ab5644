package flowfile

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/decimal256"
	"github.com/apache/arrow/go/v17/arrow/float16"
	"github.com/apache/arrow/go/v17/arrow/memory"
	apq "github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"

	"ipflow/ingest/column"
)

type flowRow struct {
	NIC        *string  `parquet:"nic,optional,dict"`
	Direction  string   `parquet:"direction,dict"`
	Protocol   int32    `parquet:"protocol"`
	LocalIP    uint32   `parquet:"local_ip"`
	LocalPort  *uint16  `parquet:"local_port,optional,dict"`
	RemoteIP   string   `parquet:"remote_ip"`
	RemotePort int64    `parquet:"remote_port,delta"`
	Peer       [16]byte `parquet:"peer,uuid"`
	Up         bool     `parquet:"up"`
	Share      *float64 `parquet:"share,optional"`
}

func flowRows(n int) ([]flowRow, [][]string) {
	var rows []flowRow
	var want [][]string
	for i := range n {
		r := flowRow{Direction: []string{"Inbound", "Outbound"}[i%2], Protocol: 6, LocalIP: 0x0a000000 + uint32(i), RemoteIP: fmt.Sprintf("203.0.113.%d", i%251), RemotePort: int64(i), Up: i%3 == 0}
		r.Peer[15] = byte(i)
		w := []string{null, r.Direction, "6", fmt.Sprint(r.LocalIP), null, r.RemoteIP, fmt.Sprint(i), fmt.Sprintf("%x", r.Peer), fmt.Sprint(r.Up), null}
		if i%5 != 0 {
			nic := fmt.Sprintf("nic-%d", i%7)
			r.NIC, w[0] = &nic, nic
		}
		if i%11 != 0 {
			p := uint16(i)
			r.LocalPort, w[4] = &p, fmt.Sprint(p)
		}
		if i%4 == 0 {
			f := float64(i) / 8
			r.Share, w[9] = &f, fmt.Sprint(f)
		}
		rows, want = append(rows, r), append(want, w)
	}
	return rows, want
}

func parquetBytes[T any](t testing.TB, rows []T, options ...parquet.WriterOption) []byte {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[T](&b, options...)
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestParquetOfParquetGo(t *testing.T) {
	rows, want := flowRows(2500)
	for name, options := range map[string][]parquet.WriterOption{
		"snappy":       {parquet.Compression(&parquet.Snappy)},
		"zstd":         {parquet.Compression(&parquet.Zstd), parquet.DataPageVersion(1)},
		"gzip":         {parquet.Compression(&parquet.Gzip), parquet.PageBufferSize(600)},
		"uncompressed": {parquet.PageBufferSize(300), parquet.MaxRowsPerRowGroup(700)},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, t.TempDir(), "flows.parquet", string(parquetBytes(t, rows, options...)))
			for _, window := range []int{0, 1, 333, 700, 1 << 20} {
				got := mustRead(t, Options{WindowRows: window}, path)
				if diff := cmp.Diff(want, got.rows); diff != "" {
					t.Fatalf("window %d:\n%s", window, diff)
				}
				if name == "uncompressed" {
					wantBatches := []string{"0+700 flows.parquet#0", "700+700 flows.parquet#1", "1400+700 flows.parquet#2", "2100+400 flows.parquet#3"}
					if window == 333 {
						wantBatches = []string{"0+333", "333+333", "666+34", "700+333", "1033+333", "1366+34", "1400+333", "1733+333", "2066+34", "2100+333", "2433+67"}
					}
					if diff := cmp.Diff(wantBatches, got.batches); window != 1 && diff != "" {
						t.Fatalf("window %d:\n%s", window, diff)
					}
				}
			}
		})
	}
}

func TestParquetKeepsDictionaries(t *testing.T) {
	rows, _ := flowRows(2000)
	path := write(t, t.TempDir(), "flows.parquet", string(parquetBytes(t, rows)))
	r, err := Open(context.Background(), []string{path}, Options{WindowRows: 900})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, _, n := r.Progress(); n != 2000 {
		t.Errorf("%d rows in all", n)
	}
	for {
		b, err := r.Next()
		if err != nil {
			break
		}
		codes, dict, ok := column.CodesOf(b.Record.Column(b.Flow[column.NIC]))
		if !ok || len(codes) != b.Rows() || dict.Len() != 7 {
			t.Fatalf("nic is %s", b.Record.Column(0).DataType())
		}
		if id := b.Record.Column(b.Flow[column.RemoteIP]).DataType().ID(); id != arrow.STRING {
			t.Fatalf("remote_ip, plain in the file, is %s", id)
		}
		b.Release()
	}
}

// arrowTable has every type that a kept column may have.
func arrowTable(t testing.TB, n int) (arrow.Table, [][]string) {
	t.Helper()
	mem := memory.DefaultAllocator
	fields := []arrow.Field{
		{Name: "Nic", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "direction", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "protocol", Type: arrow.PrimitiveTypes.Uint8, Nullable: true},
		{Name: "local_ip", Type: arrow.PrimitiveTypes.Uint32, Nullable: true},
		{Name: "local_port", Type: arrow.PrimitiveTypes.Uint16, Nullable: true},
		{Name: "remote_ip", Type: &arrow.FixedSizeBinaryType{ByteWidth: 16}, Nullable: true},
		{Name: "remote_port", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
		{Name: "blob", Type: arrow.BinaryTypes.Binary, Nullable: true},
		{Name: "i8", Type: arrow.PrimitiveTypes.Int8, Nullable: true},
		{Name: "i16", Type: arrow.PrimitiveTypes.Int16, Nullable: true},
		{Name: "u64", Type: arrow.PrimitiveTypes.Uint64, Nullable: true},
		{Name: "f32", Type: arrow.PrimitiveTypes.Float32, Nullable: true},
		{Name: "day", Type: arrow.FixedWidthTypes.Date32, Nullable: true},
		{Name: "at", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, Nullable: true},
		{Name: "local_at", Type: &arrow.TimestampType{Unit: arrow.Millisecond}, Nullable: true},
		{Name: "time", Type: arrow.FixedWidthTypes.Time64us, Nullable: true},
		{Name: "d9", Type: &arrow.Decimal128Type{Precision: 9, Scale: 2}, Nullable: true},
		{Name: "d38", Type: &arrow.Decimal128Type{Precision: 38, Scale: 4}, Nullable: true},
		{Name: "d76", Type: &arrow.Decimal256Type{Precision: 60, Scale: 3}, Nullable: true},
		{Name: "f16", Type: arrow.FixedWidthTypes.Float16, Nullable: true},
		{Name: "flag", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		{Name: "none", Type: arrow.BinaryTypes.String, Nullable: true},
	}
	b := array.NewRecordBuilder(mem, arrow.NewSchema(fields, nil))
	defer b.Release()
	for i := range n {
		for c, f := range b.Fields() {
			if (i*7+c)%6 == 5 || c == len(fields)-1 {
				f.AppendNull()
				continue
			}
			s := int64(1)
			if i%2 == 1 {
				s = -1
			}
			switch f := f.(type) {
			case *array.StringBuilder:
				f.Append(fmt.Sprintf("%s-%d", fields[c].Name, i%(40*c+3)))
			case *array.BinaryBuilder:
				f.Append([]byte{0, 0xff, byte(i)})
			case *array.FixedSizeBinaryBuilder:
				f.Append(append(make([]byte, 15), byte(i)))
			case *array.Uint8Builder:
				f.Append(uint8(i))
			case *array.Uint16Builder:
				f.Append(uint16(i * 77))
			case *array.Uint32Builder:
				f.Append(math.MaxUint32 - uint32(i))
			case *array.Uint64Builder:
				f.Append(math.MaxUint64 - uint64(i))
			case *array.Int8Builder:
				f.Append(int8(s * int64(i%128)))
			case *array.Int16Builder:
				f.Append(int16(s * int64(i)))
			case *array.Int32Builder:
				f.Append(int32(s * int64(i)))
			case *array.Float32Builder:
				f.Append(float32(i) / 3)
			case *array.Float16Builder:
				f.Append(float16.New(float32(i % 100)))
			case *array.Date32Builder:
				f.Append(arrow.Date32(s * int64(i)))
			case *array.TimestampBuilder:
				f.Append(arrow.Timestamp(s * int64(i) * 1_000_003))
			case *array.Time64Builder:
				f.Append(arrow.Time64(i * 1001))
			case *array.Decimal128Builder:
				f.Append(decimal128.FromI64(s * int64(i) * 131))
			case *array.Decimal256Builder:
				f.Append(decimal256.FromI64(s * int64(i) * 131))
			case *array.BooleanBuilder:
				f.Append(i%3 == 0)
			}
		}
	}
	rec := b.NewRecord()
	var want [][]string
	for i := range n {
		var row []string
		for _, a := range rec.Columns() {
			row = append(row, cell(a, i))
		}
		want = append(want, row)
	}
	return array.NewTableFromRecords(rec.Schema(), []arrow.Record{rec}), want
}

func TestParquetOfArrow(t *testing.T) {
	table, want := arrowTable(t, 3000)
	defer table.Release()
	for name, props := range map[string][]apq.WriterProperty{
		"dictionary-fallback": {apq.WithDictionaryPageSizeLimit(400), apq.WithDataPageSize(500), apq.WithCompression(compress.Codecs.Zstd)},
		"dictionary":          {apq.WithCompression(compress.Codecs.Snappy), apq.WithDataPageVersion(apq.DataPageV2)},
		"plain":               {apq.WithDictionaryDefault(false), apq.WithCompression(compress.Codecs.Gzip), apq.WithDataPageSize(700)},
		"brotli":              {apq.WithCompression(compress.Codecs.Brotli)},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			err := pqarrow.WriteTable(table, &b, 1100, apq.NewWriterProperties(props...), pqarrow.DefaultWriterProps())
			if err != nil {
				t.Fatal(err)
			}
			path := write(t, t.TempDir(), "flows.parquet", b.String())
			for _, window := range []int{0, 97} {
				got := mustRead(t, Options{WindowRows: window}, path)
				if diff := cmp.Diff(want, got.rows); diff != "" {
					t.Fatalf("window %d:\n%s", window, diff[:min(len(diff), 3000)])
				}
			}
		})
	}
}

func TestParquetFallsBackToPlainMidChunk(t *testing.T) {
	table, _ := arrowTable(t, 3000)
	defer table.Release()
	var b bytes.Buffer
	props := apq.NewWriterProperties(apq.WithDictionaryPageSizeLimit(400), apq.WithDataPageSize(500))
	if err := pqarrow.WriteTable(table, &b, 3000, props, pqarrow.DefaultWriterProps()); err != nil {
		t.Fatal(err)
	}
	path := write(t, t.TempDir(), "flows.parquet", b.String())
	forms := map[arrow.Type]int{}
	r, err := Open(context.Background(), []string{path}, Options{WindowRows: 30})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		b, err := r.Next()
		if err != nil {
			break
		}
		forms[b.Record.Column(1).DataType().ID()]++
		b.Release()
	}
	if forms[arrow.DICTIONARY] == 0 || forms[arrow.STRING] == 0 {
		t.Fatalf("the fixture does not change from codes to plain values: %v", forms)
	}
}

func TestParquetInt96AndNesting(t *testing.T) {
	type row struct {
		Direction  string           `parquet:"direction"`
		Protocol   string           `parquet:"protocol,enum"`
		LocalIP    string           `parquet:"local_ip"`
		LocalPort  int32            `parquet:"local_port"`
		RemoteIP   string           `parquet:"remote_ip"`
		RemotePort int32            `parquet:"remote_port"`
		Tags       []string         `parquet:"tags,list"`
		At         deprecated.Int96 `parquet:"at"`
		More       struct {
			A, B int32
		} `parquet:"more"`
		Last string `parquet:"last"`
	}
	at := func(tm time.Time) deprecated.Int96 {
		days, rest := tm.Unix()/86400, uint64(tm.Unix()%86400)*1e9+uint64(tm.Nanosecond())
		return deprecated.Int96{uint32(rest), uint32(rest >> 32), uint32(days + 2440588)}
	}
	rows := []row{{Direction: "In", Protocol: "TCP", LocalIP: "10.0.0.4", LocalPort: 1, RemoteIP: "10.0.0.5", RemotePort: 2, Tags: []string{"a", "b"}, At: at(time.Date(2026, 11, 23, 20, 41, 16, 123456789, time.UTC)), Last: "x"}}
	path := write(t, t.TempDir(), "flows.parquet", string(parquetBytes(t, rows)))
	_, err := read(t, Options{}, path)
	if err == nil || !strings.Contains(err.Error(), "column tags is nested") || !strings.Contains(err.Error(), "--keep") {
		t.Errorf("nested column kept: %v", err)
	}
	got := mustRead(t, Options{Keep: KeepSpec{Columns: []string{"at", "last"}}}, path)
	want := [][]string{{"In", "TCP", "10.0.0.4", "1", "10.0.0.5", "2", "2026-11-23 20:41:16.123456789Z", "x"}}
	if diff := cmp.Diff(want, got.rows); diff != "" {
		t.Error(diff)
	}
	rows[0].At = deprecated.Int96{0, 0, 9}
	path = write(t, t.TempDir(), "flows.parquet", string(parquetBytes(t, rows)))
	_, err = read(t, Options{Keep: KeepSpec{Columns: []string{"at"}}}, path)
	if err == nil || !strings.Contains(err.Error(), "column at: an INT96 time is outside") {
		t.Errorf("time of the year -4713: %v", err)
	}
	r, err := Open(context.Background(), []string{path}, Options{Keep: KeepSpec{None: true}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if l := column.Logical(r.Schema().Record.Field(1)); l != "ENUM" {
		t.Errorf("protocol's logical type %q", l)
	}
}

func TestParquetFilesMustAgree(t *testing.T) {
	dir := t.TempDir()
	rows, want := flowRows(10)
	write(t, dir, "a.parquet", string(parquetBytes(t, rows)))
	write(t, dir, "b.parquet", string(parquetBytes(t, rows[:3])))
	got := mustRead(t, Options{}, filepath.Join(dir, "*.parquet"))
	if diff := cmp.Diff(append(want, want[:3]...), got.rows); diff != "" {
		t.Fatal(diff)
	}
	if diff := cmp.Diff([]string{"0+10 a.parquet#0", "10+3 b.parquet#0"}, got.batches); diff != "" {
		t.Fatal(diff)
	}
	type other struct {
		NIC        string   `parquet:"nic"`
		Direction  string   `parquet:"direction"`
		Protocol   int64    `parquet:"protocol"`
		LocalIP    uint32   `parquet:"local_ip"`
		LocalPort  uint16   `parquet:"local_port"`
		RemoteIP   string   `parquet:"remote_ip"`
		RemotePort int64    `parquet:"remote_port"`
		Peer       [16]byte `parquet:"peer,uuid"`
		Up         bool     `parquet:"up"`
		Share      float64  `parquet:"share"`
	}
	write(t, dir, "c.parquet", string(parquetBytes(t, []other{{}})))
	_, err := read(t, Options{}, filepath.Join(dir, "*.parquet"))
	if err == nil || !strings.Contains(err.Error(), "column protocol is int64 in") || !strings.Contains(err.Error(), "c.parquet but int32 in") {
		t.Errorf("types differ: %v", err)
	}
	type timed struct {
		Direction  time.Time `parquet:"direction"`
		Protocol   int64     `parquet:"protocol"`
		LocalIP    uint32    `parquet:"local_ip"`
		LocalPort  uint16    `parquet:"local_port"`
		RemoteIP   string    `parquet:"remote_ip"`
		RemotePort int64     `parquet:"remote_port"`
	}
	_, err = read(t, Options{}, write(t, dir, "d.parquet", string(parquetBytes(t, []timed{{}}))))
	if err == nil || !strings.Contains(err.Error(), "column direction is timestamp") {
		t.Errorf("direction is a time: %v", err)
	}
}

// TestDamagedFilesEndInOneError cuts files short and flips their bytes.
func TestDamagedFilesEndInOneError(t *testing.T) {
	rows, _ := flowRows(2500)
	table, _ := arrowTable(t, 500)
	defer table.Release()
	var arrowPq bytes.Buffer
	if err := pqarrow.WriteTable(table, &arrowPq, 200, apq.NewWriterProperties(apq.WithDictionaryPageSizeLimit(400), apq.WithCompression(compress.Codecs.Snappy)), pqarrow.DefaultWriterProps()); err != nil {
		t.Fatal(err)
	}
	for name, whole := range map[string][]byte{
		"a.parquet": parquetBytes(t, rows, parquet.PageBufferSize(600), parquet.MaxRowsPerRowGroup(900)),
		"b.parquet": arrowPq.Bytes(),
		"c.arrow":   ipcFileBytes(t, table, 170),
		"d.arrows":  ipcStreamBytes(t, table, 170),
	} {
		dir := t.TempDir()
		t.Run(name, func(t *testing.T) {
			for i := range 8 {
				_, err := read(t, Options{}, write(t, dir, name, string(whole[:len(whole)*i/8])))
				if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "\n") {
					t.Errorf("cut at %d/8: %v", i, err)
				}
			}
			if _, err := read(t, Options{}, write(t, dir, name, string(whole))); err != nil {
				t.Fatal(err)
			}
			step := max(1, len(whole)/120)
			for at := 0; at < len(whole); at += step {
				flipped := bytes.Clone(whole)
				flipped[at] ^= 0xff
				path := write(t, dir, name, string(flipped))
				// Data may change unseen; what matters is that the end is a
				// clean one: drain checks the batches, and nothing panics.
				if _, err := read(t, Options{}, path); err != nil && !strings.Contains(err.Error(), name) {
					t.Fatalf("byte %d flipped: %v does not name the file", at, err)
				}
				os.Remove(path)
			}
		})
	}
}

// TestNullableIfAnyFileIs: the schema promises no nulls only where no file has
// them, whichever comes first.
func TestNullableIfAnyFileIs(t *testing.T) {
	type sure struct {
		Direction string `parquet:"direction"`
		Protocol  int32  `parquet:"protocol"`
		LocalIP   string `parquet:"local_ip"`
		LocalPort int32  `parquet:"local_port"`
		RemoteIP  string `parquet:"remote_ip"`
		Remote    int32  `parquet:"remote_port"`
	}
	type open struct {
		Direction string `parquet:"direction"`
		Protocol  int32  `parquet:"protocol"`
		LocalIP   string `parquet:"local_ip"`
		LocalPort *int32 `parquet:"local_port,optional"`
		RemoteIP  string `parquet:"remote_ip"`
		Remote    int32  `parquet:"remote_port"`
	}
	dir := t.TempDir()
	a := write(t, dir, "a.parquet", string(parquetBytes(t, []sure{{Direction: "I"}})))
	b := write(t, dir, "b.parquet", string(parquetBytes(t, []open{{Direction: "O"}})))
	c := write(t, dir, "c.parquet", string(parquetBytes(t, []sure{{Direction: "I"}})))
	for _, paths := range [][]string{{a}, {a, b}, {b, c}, {a, b, c}, {a, c}} {
		r, err := Open(context.Background(), paths, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range r.Schema().Record.Fields() {
			if want := f.Name == "local_port" && slices.Contains(paths, b); f.Nullable != want {
				t.Errorf("%v: %s is nullable: %v", paths, f.Name, f.Nullable)
			}
		}
		r.Close()
	}
}
