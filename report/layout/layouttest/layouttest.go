package layouttest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"ipflow/ingest/column"
	"ipflow/report/layout"
	"ipflow/verify"
)

// Table is a fixed verify.Table.
type Table []verify.Row

// Row implements verify.Table.
func (t Table) Row(id verify.ID) *verify.Row { return &t[id] }

// Len implements verify.Table.
func (t Table) Len() int { return len(t) }

// Batch is a batch with the verdict of each row.
type Batch struct {
	*column.Batch
	IDs []verify.ID
}

const sub = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/networkSecurityGroups/"

// Verdicts are an Allow, a Deny, an Unknown, a row error, and an uncertain rule;
// two ids stand for equal rows.
var Verdicts = Table{
	{Access: "Allow", Rule: "securityRules/web", RuleID: sub + "nic/securityRules/web", Priority: 100, HasPriority: true, Layer: "NetworkInterface", GroupID: sub + "nic", SubnetRule: "securityRules/any", NICRule: "securityRules/web"},
	{Access: "Deny", Rule: "defaultSecurityRules/DenyAllInBound", RuleID: sub + "subnet/defaultSecurityRules/DenyAllInBound", Priority: 65500, HasPriority: true, Layer: "Subnet", GroupID: sub + "subnet", SubnetRule: "defaultSecurityRules/DenyAllInBound"},
	{Access: "Unknown", Reason: "missing-nsg:" + sub + "x,unknown-tag:Foo"},
	{Error: "bad-address"},
	{Access: "Allow", Rule: "securityRules/a,\"b\"", RuleID: sub + "nic/securityRules/a,\"b\"", Priority: 200, HasPriority: true, Layer: "NetworkInterface", GroupID: sub + "nic", NICRule: "securityRules/a,\"b\"", Reason: "rule-uncertain:unresolved:a b.json#/x\u2028y"},
	{Access: "Allow", Rule: "securityRules/web", RuleID: sub + "nic/securityRules/web", Priority: 100, HasPriority: true, Layer: "NetworkInterface", GroupID: sub + "nic", SubnetRule: "securityRules/any", NICRule: "securityRules/web"},
}

// Record reads a record from JSON rows.
func Record(tb testing.TB, schema *arrow.Schema, rows string) arrow.Record {
	tb.Helper()
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, strings.NewReader(rows), array.WithUseNumber())
	if err != nil {
		tb.Fatal(err)
	}
	return rec
}

// Fields lists a schema's columns, all kept.
func Fields(schema *arrow.Schema) []layout.Field {
	var fields []layout.Field
	for _, f := range schema.Fields() {
		fields = append(fields, layout.Field{Name: f.Name, Type: f.Type})
	}
	return fields
}

// KeepAll makes batches that keep every column of their records.
func KeepAll(ids [][]verify.ID, recs ...arrow.Record) []Batch {
	var out []Batch
	first := int64(0)
	for i, rec := range recs {
		b := &column.Batch{Seq: i, FirstRow: first, Record: rec}
		for c := range int(rec.NumCols()) {
			b.Keep = append(b.Keep, c)
		}
		first += rec.NumRows()
		out = append(out, Batch{b, ids[i]})
	}
	return out
}

var allTypes = []arrow.Field{
	{Name: "nic", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint8, ValueType: arrow.BinaryTypes.String}},
	{Name: "bool", Type: arrow.FixedWidthTypes.Boolean},
	{Name: "i8", Type: arrow.PrimitiveTypes.Int8},
	{Name: "i16", Type: arrow.PrimitiveTypes.Int16},
	{Name: "i32", Type: arrow.PrimitiveTypes.Int32},
	{Name: "i64", Type: arrow.PrimitiveTypes.Int64},
	{Name: "u8", Type: arrow.PrimitiveTypes.Uint8},
	{Name: "u16", Type: arrow.PrimitiveTypes.Uint16},
	{Name: "u32", Type: arrow.PrimitiveTypes.Uint32},
	{Name: "u64", Type: arrow.PrimitiveTypes.Uint64},
	{Name: "f32", Type: arrow.PrimitiveTypes.Float32},
	{Name: "f64", Type: arrow.PrimitiveTypes.Float64},
	{Name: "str", Type: arrow.BinaryTypes.String},
	{Name: "lstr", Type: arrow.BinaryTypes.LargeString},
	{Name: "bin", Type: arrow.BinaryTypes.Binary},
	{Name: "ip6", Type: &arrow.FixedSizeBinaryType{ByteWidth: 4}},
	{Name: "dec", Type: &arrow.Decimal128Type{Precision: 18, Scale: 4}},
	{Name: "dec76", Type: &arrow.Decimal256Type{Precision: 76, Scale: 2}},
	{Name: "f16", Type: arrow.FixedWidthTypes.Float16},
	{Name: "day", Type: arrow.FixedWidthTypes.Date32},
	{Name: "ts_s", Type: arrow.FixedWidthTypes.Timestamp_s},
	{Name: "ts_ms", Type: &arrow.TimestampType{Unit: arrow.Millisecond}},
	{Name: "ts_us", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}},
	{Name: "ts_ns", Type: &arrow.TimestampType{Unit: arrow.Nanosecond}},
	{Name: "time", Type: arrow.FixedWidthTypes.Time64us},
}

const firstRows = `[
 {"nic":"nic-a","bool":true,"i8":-128,"i16":-32768,"i32":-2147483648,"i64":-9007199254740993,"u8":255,"u16":65535,"u32":4294967295,"u64":18446744073709551615,"f32":1.5,"f64":-0.1,"str":"plain","lstr":"größe","bin":"AAEC","ip6":"CgAAAQ==","dec":"-12345.6789","dec76":"-1.25","f16":0.5,"day":"2024-02-29","ts_s":"2024-02-29 12:34:56","ts_ms":"2024-02-29 12:34:56.789","ts_us":"2024-02-29 12:34:56.789012","ts_ns":"1969-12-31 23:59:59.999999999","time":"23:59:59.999999"},
 {"nic":"nic-b","bool":false,"i8":127,"i16":32767,"i32":2147483647,"i64":9007199254740993,"u8":0,"u16":0,"u32":0,"u64":0,"f32":0,"f64":1e300,"str":"a,\"b\"\nc","lstr":"","bin":"","ip6":"wKgAAQ==","dec":"0.0001","dec76":"99999999999999999999999999999999999999999999.99","f16":-2,"day":"1969-12-31","ts_s":"1970-01-01 00:00:00","ts_ms":"1970-01-01 00:00:00","ts_us":"1960-01-01 00:00:00","ts_ns":"2024-01-01 00:00:00","time":"00:00:00"},
 {},
 {"nic":"nic-a","bool":true,"i8":1,"i16":2,"i32":3,"i64":4,"u8":5,"u16":6,"u32":7,"u64":8,"f32":9.25,"f64":10,"str":"\u2028 =1+1","lstr":"x","bin":"/w==","ip6":"CgAAAQ==","dec":"99999999999999.9999","dec76":"0","f16":65504,"day":"9999-12-31","ts_s":"2024-02-29 12:34:56","ts_ms":"2024-02-29 12:34:56.789","ts_us":"2024-02-29 12:34:56.789012","ts_ns":"2024-02-29 12:34:56.789012345","time":"12:00:00"}
]`

const secondRows = `[{"nic":"nic-c"},{"nic":"nic-b","str":"second"},{}]`

// AllTypes gives every type that a flow file may have, with nulls, over three
// batches, the middle one empty, and verdicts that differ between them.
func AllTypes(tb testing.TB) ([]layout.Field, []Batch) {
	for i := range allTypes {
		allTypes[i].Nullable = true
	}
	schema := arrow.NewSchema(allTypes, nil)
	return Fields(schema), KeepAll(
		[][]verify.ID{{0, 1, 3, 5}, {}, {2, 0, 4}},
		Record(tb, schema, firstRows), Record(tb, schema, "[]"), Record(tb, schema, secondRows))
}

// Flows gives n random flows in batches of size, as Parquet input has them: a
// dictionary of NICs, text addresses, integer ports.
func Flows(n, size int) ([]layout.Field, []Batch, Table) {
	r := rand.New(rand.NewPCG(1, 2))
	var table Table
	for i := range 500 {
		row := Verdicts[i%len(Verdicts)]
		if row.Rule != "" {
			row.Rule = fmt.Sprintf("%s-%d", row.Rule, i)
			row.RuleID = fmt.Sprintf("%s-%d", row.RuleID, i)
		}
		table = append(table, row)
	}
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "nic", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}, Nullable: true},
		{Name: "direction", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "remote_ip", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "local_port", Type: arrow.PrimitiveTypes.Uint16, Nullable: true},
		{Name: "remote_port", Type: arrow.PrimitiveTypes.Uint16, Nullable: true},
	}, nil)
	var recs []arrow.Record
	var ids [][]verify.ID
	for n > 0 {
		rows := min(n, size)
		b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
		batch := make([]verify.ID, rows)
		for i := range rows {
			batch[i] = verify.ID(r.IntN(len(table)))
			b.Field(0).(*array.BinaryDictionaryBuilder).AppendString(fmt.Sprintf("%sNIC-%d", sub, r.IntN(300)))
			b.Field(1).(*array.StringBuilder).Append([]string{"Inbound", "Outbound"}[r.IntN(2)])
			if r.IntN(50) == 0 {
				b.Field(2).AppendNull()
			} else {
				b.Field(2).(*array.StringBuilder).Append(fmt.Sprintf("10.%d.%d.%d", r.IntN(4), r.IntN(256), r.IntN(256)))
			}
			b.Field(3).(*array.Uint16Builder).Append([]uint16{22, 80, 443, 3389}[r.IntN(4)])
			b.Field(4).(*array.Uint16Builder).Append(uint16(1024 + r.IntN(60000)))
		}
		recs = append(recs, b.NewRecord())
		ids = append(ids, batch)
		n -= rows
	}
	return Fields(schema), KeepAll(ids, recs...), table
}

// Write encodes the batches in the order given, by several goroutines at once
// when shuffled, and writes them in their own.
func Write(tb testing.TB, f layout.Format, batches []Batch, t verify.Table, shuffle *rand.Rand) []byte {
	tb.Helper()
	blocks := make([]verify.Block, len(batches))
	errs := make([]error, len(batches))
	order := make([]int, len(batches))
	for i := range order {
		order[i] = i
	}
	workers := 1
	if shuffle != nil {
		workers = 4
		shuffle.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(order); i += workers {
				b := batches[order[i]]
				blocks[order[i]], errs[order[i]] = f.Encode(b.Batch, b.IDs, t)
			}
		})
	}
	wg.Wait()
	var out bytes.Buffer
	if i := slices.IndexFunc(errs, func(e error) bool { return e != nil }); i >= 0 {
		tb.Fatal(errs[i])
	}
	a, err := f.Begin(&out)
	if err != nil {
		tb.Fatal(err)
	}
	for _, b := range blocks {
		if err := a.Append(b); err != nil {
			tb.Fatal(err)
		}
	}
	if err := a.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// Renumbered gives the same verdicts other ids, as another order of work would.
func Renumbered(batches []Batch, t Table) ([]Batch, Table) {
	u := make(Table, 3*len(t))
	to := func(id verify.ID) verify.ID { return verify.ID(3*(len(t)-1-int(id)) + 1) }
	for i := range t {
		u[to(verify.ID(i))] = t[i]
	}
	var out []Batch
	for _, b := range batches {
		ids := make([]verify.ID, len(b.IDs))
		for i, id := range b.IDs {
			ids[i] = to(id)
		}
		out = append(out, Batch{b.Batch, ids})
	}
	return out, u
}
