package flows

import (
	"fmt"
	"io"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"ipflow/ingest/column"
	"ipflow/report/layout"
	"ipflow/verify"
)

// Arrow is Arrow IPC, as a stream or as a file.
type Arrow struct {
	fields  []layout.Field
	results layout.Result // number of result columns
	schema  *arrow.Schema
	// plain is schema with int32 for every dictionary: a record batch holds
	// indexes alone, so it encodes the same under both.
	plain *arrow.Schema
	file  bool
}

var _ layout.Format = (*Arrow)(nil)

// NewArrow prepares Arrow IPC in the file format, or as a stream.
func NewArrow(cols layout.Columns, file bool) (*Arrow, error) {
	if err := cols.Check(); err != nil {
		return nil, err
	}
	f := &Arrow{fields: cols.Kept, results: cols.Results(), file: file}
	var out, plain []arrow.Field
	add := func(name string, t arrow.DataType) {
		out = append(out, arrow.Field{Name: name, Type: t, Nullable: true})
		if t.ID() == arrow.DICTIONARY {
			t = arrow.PrimitiveTypes.Int32
		}
		plain = append(plain, arrow.Field{Name: name, Type: t, Nullable: true})
	}
	for _, field := range cols.Kept {
		if err := (style{}).check(field); err != nil {
			return nil, err // text takes every flat type, and so does Arrow here
		}
		add(strings.ToValidUTF8(field.Name, "\uFFFD"), keptType(field))
	}
	for r := range f.results {
		if r == layout.Priority {
			add(r.String(), arrow.PrimitiveTypes.Int32)
		} else {
			add(r.String(), dictionaryOf(arrow.BinaryTypes.String))
		}
	}
	f.schema, f.plain = arrow.NewSchema(out, nil), arrow.NewSchema(plain, nil)
	return f, nil
}

func dictionaryOf(value arrow.DataType) *arrow.DictionaryType {
	return &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: value}
}

// keptType is the output type of a kept field. Dictionaries of fixed-width
// values, which save nothing, are written as their values.
func keptType(f layout.Field) arrow.DataType {
	d, ok := f.Type.(*arrow.DictionaryType)
	switch {
	case f.Port:
		return arrow.PrimitiveTypes.Int32
	case !ok:
		return f.Type
	case byteLike(d.ValueType):
		return dictionaryOf(d.ValueType)
	}
	return d.ValueType
}

func byteLike(t arrow.DataType) bool {
	switch t.ID() {
	case arrow.STRING, arrow.LARGE_STRING, arrow.BINARY, arrow.LARGE_BINARY, arrow.FIXED_SIZE_BINARY:
		return true
	}
	return false
}

// dictColumn is a dictionary column of one batch: its values in order of first
// appearance.
type dictColumn struct {
	values []string
	data   int // of a file's record message: where the indexes begin
	rows   int
}

// arrowBlock holds a batch's encapsulated messages: dictionaries and record of a
// stream, the record alone of a file.
type arrowBlock struct {
	msgs  []message
	dicts []dictColumn
}

// Encode implements layout.Format.
func (f *Arrow) Encode(b *column.Batch, ids []verify.ID, t verify.Table) (verify.Block, error) {
	if len(b.Keep) != len(f.fields) {
		panic(fmt.Sprintf("flows: batch %d keeps %d columns, schema has %d", b.Seq, len(b.Keep), len(f.fields)))
	}
	if b.Rows() == 0 {
		return &arrowBlock{}, nil
	}
	e := arrowEncoder{f: f, rows: b.Rows()}
	defer e.release()
	for i, at := range b.Keep {
		if err := e.kept(i, b.Record.Column(at)); err != nil {
			return nil, fmt.Errorf("column %q: %w", f.fields[i].Name, err)
		}
	}
	e.results(ids, t)
	schema := f.schema
	if f.file {
		schema = f.plain
	}
	rec := array.NewRecord(schema, e.cols, int64(e.rows))
	defer rec.Release()
	msgs, err := messages(schema, rec)
	if err != nil {
		return nil, err
	}
	blk := &arrowBlock{msgs: msgs[1:], dicts: e.dicts}
	if f.file {
		blk.locate(f.schema)
	}
	return blk, nil
}

// locate finds the index buffers of the record message's dictionary columns.
func (b *arrowBlock) locate(schema *arrow.Schema) {
	buffers := b.msgs[0].buffers()
	next, d := 0, 0
	for _, field := range schema.Fields() {
		if field.Type.ID() == arrow.DICTIONARY {
			b.dicts[d].data = buffers[next+1]
			d++
		}
		next += bufferCount(field.Type)
	}
}

func bufferCount(t arrow.DataType) int {
	switch t.ID() {
	case arrow.NULL:
		return 0
	case arrow.STRING, arrow.LARGE_STRING, arrow.BINARY, arrow.LARGE_BINARY:
		return 3
	}
	return 2
}

type arrowEncoder struct {
	f     *Arrow
	rows  int
	cols  []arrow.Array
	dicts []dictColumn
}

func (e *arrowEncoder) release() {
	for _, c := range e.cols {
		c.Release()
	}
}

func (e *arrowEncoder) kept(i int, arr arrow.Array) error {
	c, err := layout.NewCells(arr, e.f.fields[i].Port, nil)
	if err != nil {
		return err
	}
	defer c.Release()
	c.MendUTF8()
	want := e.f.schema.Field(i).Type
	if d, ok := want.(*arrow.DictionaryType); ok {
		return e.keptDictionary(d, &c)
	}
	if c.Index == nil && arrow.TypeEqual(want, c.Values.DataType()) {
		c.Values.Retain()
		e.cols = append(e.cols, c.Values)
		return nil
	}
	out, err := decode(want, &c, e.rows)
	if err != nil {
		return err
	}
	e.cols = append(e.cols, out)
	return nil
}

// keptDictionary recodes a column with its values in order of first appearance,
// so that a slice of a large dictionary does not drag the rest along.
func (e *arrowEncoder) keptDictionary(t *arrow.DictionaryType, c *layout.Cells) error {
	text, ok := layout.NewBytes(c.Values)
	if !ok {
		return fmt.Errorf("began as %s and goes on as %s", t, c.Values.DataType())
	}
	known := make([]int32, c.Values.Len()) // per position, 1 + code
	at := map[string]int32{}
	var values []string
	e.dictionary(t.ValueType, func(row int) int32 {
		p := row
		if c.Index != nil {
			p = int(c.Index[row])
		} else if c.Values.IsNull(row) {
			p = -1
		}
		if p < 0 {
			return -1
		}
		if known[p] == 0 {
			code, ok := at[string(text.At(p))]
			if !ok {
				code = int32(len(values))
				v := string(text.At(p))
				at[v] = code
				values = append(values, v)
			}
			known[p] = code + 1
		}
		return known[p] - 1
	}, &values)
	return nil
}

// dictionary adds a column of codes, -1 for null, into values, which is complete
// once code was asked for every row.
func (e *arrowEncoder) dictionary(value arrow.DataType, code func(row int) int32, values *[]string) {
	b := array.NewInt32Builder(memory.DefaultAllocator)
	defer b.Release()
	b.Reserve(e.rows)
	for row := range e.rows {
		if c := code(row); c >= 0 {
			b.UnsafeAppend(c)
		} else {
			b.AppendNull()
		}
	}
	codes := b.NewInt32Array()
	e.dicts = append(e.dicts, dictColumn{values: *values, rows: e.rows})
	if e.f.file {
		e.cols = append(e.cols, codes)
		return
	}
	defer codes.Release()
	vals := stringArray(value, *values)
	defer vals.Release()
	e.cols = append(e.cols, array.NewDictionaryArray(dictionaryOf(value), codes, vals))
}

func (e *arrowEncoder) results(ids []verify.ID, t verify.Table) {
	d := layout.NewDistinct(ids, t)
	defer d.Release()
	for r := range e.f.results {
		if r == layout.Priority {
			e.priorities(d)
			continue
		}
		values, code := d.Strings(r)
		e.dictionary(arrow.BinaryTypes.String, func(row int) int32 { return code[d.Local[row]] }, &values)
	}
}

func (e *arrowEncoder) priorities(d *layout.Distinct) {
	b := array.NewInt32Builder(memory.DefaultAllocator)
	defer b.Release()
	b.Reserve(e.rows)
	for _, local := range d.Local {
		if row := d.Rows[local]; row.HasPriority {
			b.UnsafeAppend(row.Priority)
		} else {
			b.AppendNull()
		}
	}
	e.cols = append(e.cols, b.NewInt32Array())
}

func stringArray(t arrow.DataType, values []string) arrow.Array {
	return layout.Rebuild(t, len(values), func(i int) ([]byte, bool) { return []byte(values[i]), true })
}

// decode spells out a column whose batches differ from its declared type in
// coding or offset width only.
func decode(want arrow.DataType, c *layout.Cells, rows int) (arrow.Array, error) {
	have := c.Values.DataType()
	place := func(row int) int {
		if c.Index != nil {
			return int(c.Index[row])
		}
		if c.Values.IsNull(row) {
			return -1
		}
		return row
	}
	if text, ok := layout.NewBytes(c.Values); ok && byteLike(want) && (want.ID() != arrow.FIXED_SIZE_BINARY || arrow.TypeEqual(want, have)) {
		return layout.Rebuild(want, rows, func(i int) ([]byte, bool) {
			p := place(i)
			if p < 0 {
				return nil, false
			}
			return text.At(p), true
		}), nil
	}
	if bools, ok := c.Values.(*array.Boolean); ok && want.ID() == arrow.BOOL {
		b := array.NewBooleanBuilder(memory.DefaultAllocator)
		defer b.Release()
		for i := range rows {
			if p := place(i); p >= 0 {
				b.Append(bools.Value(p))
			} else {
				b.AppendNull()
			}
		}
		return b.NewArray(), nil
	}
	fixed, ok := want.(arrow.FixedWidthDataType)
	if !ok || !arrow.TypeEqual(want, have) || fixed.BitWidth()%8 != 0 {
		return nil, fmt.Errorf("began as %s and goes on as %s", want, have)
	}
	w, src := fixed.BitWidth()/8, c.Values.Data()
	in := src.Buffers()[1].Bytes()[src.Offset()*(fixed.BitWidth()/8):]
	out, valid := make([]byte, rows*w), make([]byte, (rows+7)/8)
	nulls := 0
	for i := range rows {
		p := place(i)
		if p < 0 {
			nulls++
			continue
		}
		valid[i>>3] |= 1 << (i & 7)
		copy(out[i*w:(i+1)*w], in[p*w:])
	}
	data := array.NewData(want, rows, []*memory.Buffer{memory.NewBufferBytes(valid), memory.NewBufferBytes(out)}, nil, nulls, 0)
	defer data.Release()
	return array.MakeFromData(data), nil
}

// Begin implements layout.Format.
func (f *Arrow) Begin(w io.Writer) (layout.Appender, error) {
	head, err := messages(f.schema, nil)
	if err != nil {
		return nil, err
	}
	if f.file {
		return beginArrowFile(f.schema, head[0], w)
	}
	_, err = w.Write(head[0].bytes)
	return arrowStream{w}, err
}

type arrowStream struct{ w io.Writer }

// Append implements layout.Appender.
func (s arrowStream) Append(b verify.Block) error {
	for _, m := range b.(*arrowBlock).msgs {
		if _, err := s.w.Write(m.bytes); err != nil {
			return err
		}
	}
	return nil
}

// Close implements layout.Appender.
func (s arrowStream) Close() error {
	_, err := s.w.Write(endOfStream)
	return err
}
