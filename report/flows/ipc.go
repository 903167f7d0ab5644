package flows

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"ipflow/report/layout"
	"ipflow/verify"
)

// arrow/go writes IPC files only with dictionaries that are complete before the
// first record. The format itself lets them stand anywhere, as its footer says
// where; so the file is put together here from arrow/go's messages.

var endOfStream = []byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}

const arrowMagic = "ARROW1"

// message is an encapsulated IPC message: prefix and metadata, then body.
type message struct {
	bytes []byte
	meta  int // length of prefix and metadata, a multiple of 8
}

// collector receives messages from arrow/go's stream writer.
type collector struct{ msgs []message }

func (c *collector) Start() error { return nil }
func (c *collector) Close() error { return nil }

func (c *collector) WritePayload(p ipc.Payload) error {
	meta := p.Meta()
	defer meta.Release()
	padded := (meta.Len() + 7) &^ 7
	var b bytes.Buffer
	b.Write([]byte{0xff, 0xff, 0xff, 0xff})
	b.Write(binary.LittleEndian.AppendUint32(nil, uint32(padded)))
	b.Write(meta.Bytes())
	b.Write(make([]byte, padded-meta.Len()))
	if err := p.SerializeBody(&b); err != nil {
		return err
	}
	c.msgs = append(c.msgs, message{b.Bytes(), 8 + padded})
	return nil
}

// messages returns the schema's message and, unless rec is nil, those of its
// dictionaries and of rec itself.
func messages(schema *arrow.Schema, rec arrow.Record) ([]message, error) {
	c := new(collector)
	w := ipc.NewWriterWithPayloadWriter(c, ipc.WithSchema(schema))
	if rec != nil {
		if err := w.Write(rec); err != nil {
			return nil, err
		}
	}
	return c.msgs, w.Close()
}

// field returns where a field of the flatbuffers table at pos stands, 0 when it
// is absent.
func field(b []byte, pos, index int) int {
	vtable := pos - int(int32(binary.LittleEndian.Uint32(b[pos:])))
	slot := 4 + 2*index
	if slot >= int(binary.LittleEndian.Uint16(b[vtable:])) {
		return 0
	}
	if off := int(binary.LittleEndian.Uint16(b[vtable+slot:])); off != 0 {
		return pos + off
	}
	return 0
}

// follow returns what the offset at pos points at.
func follow(b []byte, pos int) int { return pos + int(binary.LittleEndian.Uint32(b[pos:])) }

// Fields of the flatbuffers tables, by place in Arrow's Message.fbs and File.fbs.
const (
	messageHeader  = 2
	recordBuffers  = 2
	footerDicts    = 2
	footerRecords  = 3
	bufferSize     = 16 // offset and length, int64 each
	messagePrefix  = 8
	arrowAlignment = 8
)

// buffers returns where the buffers of a record message begin in its bytes.
func (m message) buffers() []int {
	b := m.bytes[messagePrefix:m.meta]
	record := follow(b, field(b, follow(b, 0), messageHeader))
	vector := follow(b, field(b, record, recordBuffers))
	out := make([]int, binary.LittleEndian.Uint32(b[vector:]))
	for i := range out {
		out[i] = m.meta + int(binary.LittleEndian.Uint64(b[vector+4+i*bufferSize:]))
	}
	return out
}

// ipcBlock says where a message stands in a file.
type ipcBlock struct {
	offset, body int64
	meta         int32
}

type arrowFile struct {
	schema  *arrow.Schema
	w       io.Writer
	pos     int64
	records []ipcBlock
	dicts   []unified
}

// unified is a dictionary over all batches, in order of first appearance.
type unified struct {
	code   map[string]int32
	values []string
}

func beginArrowFile(schema *arrow.Schema, head message, w io.Writer) (*arrowFile, error) {
	f := &arrowFile{schema: schema, w: w}
	for _, field := range schema.Fields() {
		if field.Type.ID() == arrow.DICTIONARY {
			f.dicts = append(f.dicts, unified{code: map[string]int32{}})
		}
	}
	if err := f.put([]byte(arrowMagic + "\x00\x00")); err != nil {
		return nil, err
	}
	return f, f.put(head.bytes)
}

func (f *arrowFile) put(b []byte) error {
	n, err := f.w.Write(b)
	f.pos += int64(n)
	return err
}

func (f *arrowFile) message(m message) (ipcBlock, error) {
	b := ipcBlock{offset: f.pos, meta: int32(m.meta), body: int64(len(m.bytes) - m.meta)}
	return b, f.put(m.bytes)
}

// Append implements layout.Appender. It turns the batch's indexes into the
// file's in place.
func (f *arrowFile) Append(b verify.Block) error {
	blk := b.(*arrowBlock)
	if len(blk.msgs) == 0 {
		return nil
	}
	m := blk.msgs[0]
	for i, d := range blk.dicts {
		if err := f.dicts[i].recode(m.bytes, d); err != nil {
			return err
		}
	}
	r, err := f.message(m)
	f.records = append(f.records, r)
	return err
}

func (u *unified) recode(msg []byte, d dictColumn) error {
	if len(d.values) == 0 {
		return nil
	}
	to := make([]uint32, len(d.values))
	same := true
	for i, v := range d.values {
		c, ok := u.code[v]
		if !ok {
			if len(u.values) == maxCodes {
				return fmt.Errorf("more than %d distinct values in one Arrow dictionary: write a stream (.arrows)", maxCodes)
			}
			c = int32(len(u.values))
			u.code[v] = c
			u.values = append(u.values, v)
		}
		to[i] = uint32(c)
		same = same && int(c) == i
	}
	if same {
		return nil
	}
	// Null rows hold 0 and may get any index that exists.
	index := msg[d.data : d.data+4*d.rows]
	for ; len(index) > 0; index = index[4:] {
		binary.LittleEndian.PutUint32(index, to[binary.LittleEndian.Uint32(index)])
	}
	return nil
}

const maxCodes = 1<<31 - 1

// Close implements layout.Appender: dictionaries, then the footer.
func (f *arrowFile) Close() error {
	dicts, err := f.dictionaries()
	if err != nil {
		return err
	}
	if err := f.put(endOfStream); err != nil {
		return err
	}
	footer, err := emptyFooter(f.schema)
	if err != nil {
		return err
	}
	footer = setBlocks(footer, footerDicts, dicts)
	footer = setBlocks(footer, footerRecords, f.records)
	footer = binary.LittleEndian.AppendUint32(footer, uint32(len(footer)))
	return f.put(append(footer, arrowMagic...))
}

func (f *arrowFile) dictionaries() ([]ipcBlock, error) {
	var cols []arrow.Array
	next := 0
	for _, field := range f.schema.Fields() {
		b := array.NewBuilder(memory.DefaultAllocator, field.Type)
		d, ok := field.Type.(*arrow.DictionaryType)
		if !ok {
			cols = append(cols, b.NewArray())
			b.Release()
			continue
		}
		b.Release()
		none := array.NewInt32Builder(memory.DefaultAllocator)
		values := stringArray(d.ValueType, f.dicts[next].values)
		cols = append(cols, array.NewDictionaryArray(d, none.NewArray(), values))
		next++
	}
	rec := array.NewRecord(f.schema, cols, 0)
	defer rec.Release()
	msgs, err := messages(f.schema, rec)
	if err != nil {
		return nil, err
	}
	var blocks []ipcBlock
	for _, m := range msgs[1 : len(msgs)-1] {
		b, err := f.message(m)
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, b)
	}
	return blocks, nil
}

// emptyFooter is the footer of a file without batches.
func emptyFooter(schema *arrow.Schema) ([]byte, error) {
	var b seekBuffer
	w, err := ipc.NewFileWriter(&b, ipc.WithSchema(schema))
	if err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	file := b.Bytes()
	tail := len(file) - len(arrowMagic) - 4
	n := int(binary.LittleEndian.Uint32(file[tail:]))
	return bytes.Clone(file[tail-n : tail]), nil
}

// seekBuffer is a file in memory whose writer only asks where it is.
type seekBuffer struct{ bytes.Buffer }

// Seek returns the end, whatever it is asked for.
func (b *seekBuffer) Seek(int64, int) (int64, error) { return int64(b.Len()), nil }

// setBlocks appends a vector of blocks and points the footer's field at it;
// flatbuffers may refer forward to anything.
func setBlocks(footer []byte, index int, blocks []ipcBlock) []byte {
	for (len(footer)+4)%arrowAlignment != 0 {
		footer = append(footer, 0)
	}
	at := field(footer, follow(footer, 0), index)
	binary.LittleEndian.PutUint32(footer[at:], uint32(len(footer)-at))
	footer = binary.LittleEndian.AppendUint32(footer, uint32(len(blocks)))
	for _, b := range blocks {
		footer = binary.LittleEndian.AppendUint64(footer, uint64(b.offset))
		footer = binary.LittleEndian.AppendUint64(footer, uint64(b.meta))
		footer = binary.LittleEndian.AppendUint64(footer, uint64(b.body))
	}
	return footer
}

var _ layout.Appender = (*arrowFile)(nil)
