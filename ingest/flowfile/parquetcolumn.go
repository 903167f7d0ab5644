package flowfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"ipflow/ingest/column"
)

// chunkCursor reads a column chunk from its first row to its last, a window at
// a time.
type chunkCursor struct {
	leaf  *leaf
	pages parquet.Pages
	page  parquet.Page // nil between pages
	view  pageView
	row   int // next one in the page
	value int // next non-null value in the page

	dictionary parquet.Dictionary
	strings    arrow.Array // dictionary of strings or binaries
	fixed      []byte      // dictionary of fixed-width values, as Arrow has them
}

// pageView shows the memory of a page.
type pageView struct {
	rows    int
	defined []byte   // per row 1 or, for null, anything else; nil when no row is null
	codes   []int32  // per value its place in the dictionary; nil when plain
	data    []byte   // of plain values
	offsets []uint32 // of plain BYTE_ARRAY values, one more than values
}

func (c *chunkCursor) close() {
	if c.page != nil {
		parquet.Release(c.page)
		c.page = nil
	}
	if c.strings != nil {
		c.strings.Release()
		c.strings = nil
	}
	c.pages.Close()
}

// columnWriter collects the rows of a window.
type columnWriter interface {
	// add takes k rows from the cursor's page, starting at its row and value.
	// They hold the given number of non-null values.
	add(c *chunkCursor, k, values int) error
	finish(c *chunkCursor) (arrow.Array, error)
}

func (c *chunkCursor) read(ctx context.Context, n int) (arrow.Array, error) {
	if c.leaf.allNull {
		var v column.Validity
		v.AppendNull(n)
		return nullArray(c.leaf, n, &v), nil
	}
	w := c.writer(n)
	for left := n; left > 0; {
		if c.page == nil {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if err := c.load(); err != nil {
				return nil, err
			}
		}
		k := min(left, c.view.rows-c.row)
		values := k
		if c.view.defined != nil {
			values = 0
			for _, d := range c.view.defined[c.row : c.row+k] {
				if d == 1 {
					values++
				}
			}
		}
		if err := w.add(c, k, values); err != nil {
			return nil, err
		}
		c.row, c.value, left = c.row+k, c.value+values, left-k
		if c.row == c.view.rows {
			parquet.Release(c.page)
			c.page = nil
		}
	}
	return w.finish(c)
}

func nullArray(l *leaf, n int, v *column.Validity) arrow.Array {
	switch {
	case l.physical == format.Boolean:
		return column.NewFixed(l.field.Type, n, make([]byte, (n+7)/8), v)
	case l.size > 0:
		return column.NewFixed(l.field.Type, n, make([]byte, n*l.size), v)
	}
	return column.NewStrings(l.field.Type, make([]int32, n+1), nil, v)
}

func (c *chunkCursor) writer(n int) columnWriter {
	switch l := c.leaf; {
	case l.physical == format.Boolean:
		return &boolWriter{bits: make([]byte, (n+7)/8)}
	case l.size > 0 || l.width > 0 || l.physical == format.FixedLenByteArray:
		return &fixedWriter{data: make([]byte, 0, n*l.size)}
	}
	return &stringWriter{rows: n}
}

// load reads the next page that has rows.
func (c *chunkCursor) load() error {
	for {
		page, err := c.pages.ReadPage()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return errors.New("the column has fewer values than the row group has rows")
			}
			return err
		}
		c.page, c.row, c.value = page, 0, 0
		if err := c.look(); err != nil {
			return err
		}
		if c.view.rows > 0 {
			return nil
		}
		parquet.Release(page)
		c.page = nil
	}
}

// look checks the page against itself and notes its memory.
func (c *chunkCursor) look() error {
	p := c.page
	v := pageView{rows: int(p.NumValues())}
	values := v.rows
	if c.leaf.optional {
		if nulls := int(p.NumNulls()); nulls > 0 {
			v.defined = p.DefinitionLevels()
			values -= nulls
			if len(v.defined) != v.rows {
				return fmt.Errorf("a page of %d rows has %d definition levels", v.rows, len(v.defined))
			}
		}
	}
	data := p.Data()
	have := 0
	switch dict := p.Dictionary(); {
	case dict != nil:
		if c.dictionary == nil {
			c.dictionary = dict
			if err := c.keepDictionary(); err != nil {
				return err
			}
		}
		v.codes = data.Int32()
		have = len(v.codes)
		for _, code := range v.codes {
			if uint32(code) >= uint32(dict.Len()) {
				return fmt.Errorf("a page has code %d of a dictionary of %d", code, dict.Len())
			}
		}
	case c.leaf.physical == format.ByteArray:
		v.data, v.offsets = data.ByteArray()
		have = len(v.offsets) - 1
		if err := checkOffsets(v.offsets, len(v.data)); err != nil {
			return err
		}
	case c.leaf.physical == format.Boolean:
		v.data = data.Boolean()
		have = 8 * len(v.data)
	default:
		v.data, _ = data.Data()
		if c.leaf.width > 0 {
			have = len(v.data) / c.leaf.width
		}
	}
	if have < values && values > 0 {
		return fmt.Errorf("a page of %d values holds %d", values, have)
	}
	c.view = v
	return nil
}

func checkOffsets(offsets []uint32, size int) error {
	for i := 1; i < len(offsets); i++ {
		if offsets[i] < offsets[i-1] {
			return errors.New("the offsets of a page run backwards")
		}
	}
	if n := len(offsets); n > 0 && int64(offsets[n-1]) > int64(size) {
		return errors.New("the offsets of a page run past its data")
	}
	return nil
}

// keepDictionary copies the dictionary, since pages do not outlive their chunk.
func (c *chunkCursor) keepDictionary() error {
	data := c.dictionary.Page().Data()
	n := c.dictionary.Len()
	l := c.leaf
	if l.physical != format.ByteArray {
		src, _ := data.Data()
		if l.width == 0 || len(src) < n*l.width {
			return fmt.Errorf("a dictionary of %d values has %d bytes", n, len(src))
		}
		c.fixed = make([]byte, n*l.size)
		return l.convertAll(c.fixed, src[:n*l.width])
	}
	src, offsets := data.ByteArray()
	if len(offsets) < n+1 && n > 0 {
		return fmt.Errorf("a dictionary of %d values has %d offsets", n, len(offsets))
	}
	if err := checkOffsets(offsets, len(src)); err != nil {
		return err
	}
	if l.size > 0 { // decimals
		c.fixed = make([]byte, n*l.size)
		for i := range n {
			if err := l.convert(c.fixed[i*l.size:(i+1)*l.size], src[offsets[i]:offsets[i+1]]); err != nil {
				return err
			}
		}
		return nil
	}
	if len(src) > math.MaxInt32 {
		return errTooLong
	}
	own := make([]int32, n+1)
	for i := range n {
		own[i+1] = int32(offsets[i+1] - offsets[0])
	}
	var bytes []byte
	if n > 0 {
		bytes = append(bytes, src[offsets[0]:offsets[n]]...)
	}
	c.strings = column.NewStrings(l.field.Type, own, bytes, &column.Validity{})
	return nil
}

var errTooLong = errors.New("the values of one window pass 2 GiB; leave the column out with --keep")

// convertAll converts fixed-width values.
func (l *leaf) convertAll(dst, src []byte) error {
	switch {
	case l.convert == nil:
		copy(dst, src)
		return nil
	case l.inRuns:
		return l.convert(dst, src)
	}
	for len(src) > 0 {
		if err := l.convert(dst[:l.size], src[:l.width]); err != nil {
			return err
		}
		dst, src = dst[l.size:], src[l.width:]
	}
	return nil
}

// eachRun calls f for every run of rows that are all null or all not.
func (v *pageView) eachRun(row, k int, f func(valid bool, n int)) {
	if v.defined == nil {
		f(true, k)
		return
	}
	for d := v.defined[row : row+k]; len(d) > 0; {
		n := 1
		for n < len(d) && (d[n] == 1) == (d[0] == 1) {
			n++
		}
		f(d[0] == 1, n)
		d = d[n:]
	}
}

type boolWriter struct {
	valid column.Validity
	bits  []byte
}

func (w *boolWriter) add(c *chunkCursor, k, _ int) error {
	if c.view.codes != nil {
		return errors.New("booleans are dictionary-coded, which Parquet does not allow")
	}
	value := c.value
	c.view.eachRun(c.row, k, func(valid bool, n int) {
		if !valid {
			w.valid.AppendNull(n)
			return
		}
		first := w.valid.Len()
		w.valid.AppendValid(n)
		for i := range n {
			bit := c.view.data[value>>3] >> (value & 7) & 1
			w.bits[(first+i)>>3] |= bit << ((first + i) & 7)
			value++
		}
	})
	return nil
}

func (w *boolWriter) finish(c *chunkCursor) (arrow.Array, error) {
	return column.NewFixed(c.leaf.field.Type, w.valid.Len(), w.bits, &w.valid), nil
}

// fixedWriter collects values of fixed width.
type fixedWriter struct {
	valid column.Validity
	data  []byte
}

func (w *fixedWriter) add(c *chunkCursor, k, _ int) error {
	var err error
	value, l := c.value, c.leaf
	c.view.eachRun(c.row, k, func(valid bool, n int) {
		first := len(w.data)
		w.data = w.data[:first+n*l.size] // zeroed, capacity is that of the window
		if !valid {
			w.valid.AppendNull(n)
			return
		}
		w.valid.AppendValid(n)
		dst := w.data[first:]
		switch {
		case err != nil:
		case c.view.codes != nil:
			gather(dst, c.fixed, c.view.codes[value:value+n], l.size)
		case l.width > 0:
			err = l.convertAll(dst, c.view.data[value*l.width:(value+n)*l.width])
		default:
			for i := range n {
				v := c.view.data[c.view.offsets[value+i]:c.view.offsets[value+i+1]]
				if e := l.convert(dst[i*l.size:(i+1)*l.size], v); e != nil {
					err = e
				}
			}
		}
		value += n
	})
	return err
}

// gather copies values of a dictionary. Codes were checked.
func gather(dst, dict []byte, codes []int32, size int) {
	switch size {
	case 2:
		for i, c := range codes {
			*(*[2]byte)(dst[2*i:]) = *(*[2]byte)(dict[2*c:])
		}
	case 4:
		for i, c := range codes {
			*(*[4]byte)(dst[4*i:]) = *(*[4]byte)(dict[4*c:])
		}
	case 8:
		for i, c := range codes {
			*(*[8]byte)(dst[8*i:]) = *(*[8]byte)(dict[8*c:])
		}
	default:
		for i, c := range codes {
			copy(dst[i*size:(i+1)*size], dict[int(c)*size:])
		}
	}
}

func (w *fixedWriter) finish(c *chunkCursor) (arrow.Array, error) {
	return column.NewFixed(c.leaf.field.Type, w.valid.Len(), w.data, &w.valid), nil
}

// stringWriter collects BYTE_ARRAY values: as codes of the chunk's dictionary
// until a page without it comes, as writers do whose dictionary grew too large.
type stringWriter struct {
	rows    int
	valid   column.Validity
	codes   []uint32
	offsets []int32 // nil while coded
	data    []byte
}

func (w *stringWriter) add(c *chunkCursor, k, values int) error {
	if c.view.codes == nil && w.offsets == nil && values > 0 {
		if err := w.flatten(c); err != nil {
			return err
		}
	}
	if w.offsets == nil {
		w.addCodes(c, k)
		return nil
	}
	return w.addPlain(c, k)
}

func (w *stringWriter) addCodes(c *chunkCursor, k int) {
	if w.codes == nil {
		w.codes = make([]uint32, 0, w.rows)
	}
	value := c.value
	c.view.eachRun(c.row, k, func(valid bool, n int) {
		first := len(w.codes)
		w.codes = w.codes[:first+n]
		if !valid {
			w.valid.AppendNull(n)
			return
		}
		w.valid.AppendValid(n)
		for i, code := range c.view.codes[value : value+n] {
			w.codes[first+i] = uint32(code)
		}
		value += n
	})
}

func (w *stringWriter) addPlain(c *chunkCursor, k int) error {
	var err error
	value := c.value
	c.view.eachRun(c.row, k, func(valid bool, n int) {
		if !valid {
			w.valid.AppendNull(n)
			for range n {
				w.offsets = append(w.offsets, int32(len(w.data)))
			}
			return
		}
		w.valid.AppendValid(n)
		switch {
		case err != nil:
		case c.view.codes != nil:
			for _, code := range c.view.codes[value : value+n] {
				if err = w.appendCode(c, uint32(code)); err != nil {
					break
				}
			}
		default:
			off := c.view.offsets[value : value+n+1]
			base := int64(len(w.data)) - int64(off[0])
			if base+int64(off[n]) > math.MaxInt32 {
				err = errTooLong
				break
			}
			w.data = append(w.data, c.view.data[off[0]:off[n]]...)
			for _, o := range off[1:] {
				w.offsets = append(w.offsets, int32(base+int64(o)))
			}
		}
		value += n
	})
	return err
}

func (w *stringWriter) appendCode(c *chunkCursor, code uint32) error {
	off, data, _ := column.SpansOf(c.strings)
	v := data[off[code]:off[code+1]]
	if len(w.data)+len(v) > math.MaxInt32 {
		return errTooLong
	}
	w.data = append(w.data, v...)
	w.offsets = append(w.offsets, int32(len(w.data)))
	return nil
}

// flatten turns what was collected as codes into plain values.
func (w *stringWriter) flatten(c *chunkCursor) error {
	w.offsets = append(make([]int32, 0, w.rows+1), 0)
	for i, code := range w.codes {
		if w.valid.IsNull(i) {
			w.offsets = append(w.offsets, int32(len(w.data)))
			continue
		}
		if err := w.appendCode(c, code); err != nil {
			return err
		}
	}
	w.codes = nil
	return nil
}

func (w *stringWriter) finish(c *chunkCursor) (arrow.Array, error) {
	if w.offsets == nil && c.strings != nil {
		return column.NewDictionary(w.codes, &w.valid, c.strings), nil
	}
	if w.offsets == nil {
		if err := w.flatten(c); err != nil {
			return nil, err
		}
	}
	return column.NewStrings(c.leaf.field.Type, w.offsets, w.data, &w.valid), nil
}
