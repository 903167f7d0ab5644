package flowfile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"ipflow/ingest/column"
)

// Reader hands out the rows of flow files as batches. It implements
// verify.Source. Next must not be called from two goroutines at once; Progress
// may be called at any time.
type Reader struct {
	ctx    context.Context
	cancel context.CancelFunc
	opts   Options
	format fileFormat
	paths  []string
	held   []decoder // opened by Open and still to be read; nil to open again
	layout *layout
	schema column.Schema

	piped bool // an input is a pipe, and reading it may block for ever
	late  *lateColumns

	jobs chan *job
	err  error // sticky, once Next failed or ended
	once sync.Once

	decoding  atomic.Int64  // nanoseconds of all goroutines
	read      *atomic.Int64 // bytes
	total     int64         // bytes
	rowsTotal int64
}

// job is a window on its way: the goroutine that decodes it closes done. The
// last job of an input has no window but a check of the whole.
type job struct {
	done  chan struct{}
	batch *column.Batch
	err   error
	last  func() error
}

// decoder reads one file.
type decoder interface {
	// next returns the rows of the next window and a function that decodes it,
	// which may run while further windows are fetched; io.EOF at the end.
	next(ctx context.Context) (rows int, decode func() (*column.Batch, error), err error)
	close()
}

// ahead is the number of windows decoded ahead of Next, besides the one being
// fetched and the one that Next waits for. Text profits from one goroutine per
// window; a window of Parquet is already decoded column by column in parallel, and
// bigger.
func ahead(f fileFormat) int {
	if f.text() {
		return min(runtime.GOMAXPROCS(0), 4) - 1
	}
	return 1
}

// Open looks at every file, checks that they can be read as one input, and
// starts reading. Paths may be globs; "-" is standard input. Files are read in
// sorted order, one that is named twice only once.
func Open(ctx context.Context, paths []string, o Options) (*Reader, error) {
	if o.WindowRows < 0 {
		return nil, usagef("a window of %d rows", o.WindowRows)
	}
	paths, err := expand(paths)
	if err != nil {
		return nil, err
	}
	r := &Reader{opts: o, paths: paths, held: make([]decoder, len(paths)), read: new(atomic.Int64)}
	// A pipe may keep us waiting for its first bytes.
	inspected := make(chan error, 1)
	go func() { inspected <- r.inspect() }()
	select {
	case err = <-inspected:
	case <-ctx.Done():
		go func() {
			<-inspected
			r.closeHeld()
		}()
		return nil, ctx.Err()
	}
	if err != nil {
		r.closeHeld()
		return nil, err
	}
	r.ctx, r.cancel = context.WithCancel(ctx)
	r.jobs = make(chan *job, ahead(r.format))
	go r.run()
	return r, nil
}

// inspect opens every file once. The first stays open, as does whatever cannot
// be opened twice.
func (r *Reader) inspect() error {
	for i, path := range r.paths {
		f, err := formatOf(path, &r.opts)
		if err != nil {
			return err
		}
		if i == 0 {
			r.format = f
		} else if f != r.format {
			return fmt.Errorf("%s is read as %s but %s as %s; all flow files must have one format", nameOf(path), f, nameOf(r.paths[0]), r.format)
		}
		in, err := openInput(path, f, &r.opts, r.read)
		if err != nil {
			return err
		}
		d, err := r.open(in)
		if err != nil {
			in.close()
			return err
		}
		r.total += in.size
		switch rows, known := d.(interface{ rows() int64 }); {
		case !known:
			r.rowsTotal = -1
		case r.rowsTotal >= 0:
			r.rowsTotal += rows.rows()
		}
		r.piped = r.piped || !in.regular
		if i == 0 || !in.regular {
			r.held[i] = d
		} else {
			d.close()
			in.uncount()
		}
	}
	return nil
}

// open makes the decoder of an input; the first one settles layout and schema.
func (r *Reader) open(in *input) (decoder, error) {
	switch r.format {
	case parquetFormat:
		return openParquet(r, in)
	case arrowFormat:
		return openArrow(r, in)
	case jsonlFormat:
		return openJSONL(r, in)
	case csvFormat, tsvFormat:
		return openCSV(r, in)
	}
	panic(fmt.Sprintf("flowfile: format %d", r.format))
}

func (r *Reader) reopen(i int) (decoder, error) {
	in, err := openInput(r.paths[i], r.format, &r.opts, r.read)
	if err != nil {
		return nil, err
	}
	d, err := r.open(in)
	if err != nil {
		in.close()
		return nil, err
	}
	return d, nil
}

func (r *Reader) windowRows() int {
	if r.opts.WindowRows > 0 {
		return r.opts.WindowRows
	}
	if r.format.text() {
		return 1 << 18
	}
	return 1 << 20
}

func (r *Reader) memory() memory.Allocator {
	if r.opts.allocator != nil {
		return r.opts.allocator
	}
	return memory.DefaultAllocator
}

// Schema describes the batches.
func (r *Reader) Schema() column.Schema { return r.schema }

// Hints returns remarks for the user: columns that look like a flow column which
// the input lacks.
func (r *Reader) Hints() []string { return r.layout.hints() }

// Progress returns the bytes of the files read so far and in all (0 for pipes),
// and the rows in all, -1 when unknown.
func (r *Reader) Progress() (bytesRead, bytesTotal, rowsTotal int64) {
	return min(r.read.Load(), max(r.total, 0)), r.total, r.rowsTotal
}

// DecodeTime returns how long the reader's goroutines have read and decoded,
// added up over all of them.
func (r *Reader) DecodeTime() time.Duration { return time.Duration(r.decoding.Load()) }

// timed adds the time since start to DecodeTime.
func (r *Reader) timed(start time.Time) { r.decoding.Add(int64(time.Since(start))) }

// Next returns the next batch, which the caller releases; io.EOF at the end.
func (r *Reader) Next() (*column.Batch, error) {
	if r.err != nil {
		return nil, r.err
	}
	b, err := r.take()
	if err != nil {
		r.err = err
	}
	return b, err
}

func (r *Reader) take() (*column.Batch, error) {
	select {
	case j, ok := <-r.jobs:
		if !ok {
			if err := r.ctx.Err(); err != nil {
				return nil, err
			}
			return nil, io.EOF
		}
		select {
		case <-j.done:
			if j.last != nil {
				return nil, cmp.Or(j.last(), io.EOF)
			}
			return j.batch, j.err
		case <-r.ctx.Done():
			go j.drop()
			return nil, r.ctx.Err()
		}
	case <-r.ctx.Done():
		return nil, r.ctx.Err()
	}
}

func (j *job) drop() {
	<-j.done
	if j.batch != nil {
		j.batch.Release()
	}
}

// Close stops reading and gives back what was read ahead. It waits for the
// goroutines unless one may be stuck in a pipe.
func (r *Reader) Close() error {
	r.once.Do(func() {
		if r.err == nil {
			r.err = errors.New("flowfile: reader is closed")
		}
		r.cancel()
		drain := func() {
			for j := range r.jobs {
				j.drop()
			}
		}
		if r.piped {
			go drain()
			return
		}
		drain()
	})
	return nil
}

// finish checks what only the end of the input can tell. Every window was taken
// by then.
func (r *Reader) finish() error {
	if r.late != nil {
		return r.late.missing(r.layout)
	}
	return nil
}

func (r *Reader) closeHeld() {
	for i, d := range r.held {
		if d != nil {
			d.close()
			r.held[i] = nil
		}
	}
}

// run fetches windows in order until the end, an error, or cancellation.
func (r *Reader) run() {
	defer close(r.jobs)
	defer r.closeHeld()
	seq, firstRow := 0, int64(0)
	for i := range r.paths {
		d := r.held[i]
		if d == nil {
			var err error
			if d, err = r.reopen(i); err != nil {
				r.send(&job{err: err}, nil)
				return
			}
			r.held[i] = d
		}
		for {
			if r.ctx.Err() != nil {
				return
			}
			start := time.Now()
			rows, decode, err := d.next(r.ctx)
			if r.format != parquetFormat { // which has an account of its own
				r.timed(start)
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				r.send(&job{err: err}, nil)
				return
			}
			s, f := seq, firstRow
			if !r.send(&job{}, func() (*column.Batch, error) {
				b, err := decode()
				if b != nil {
					b.Seq, b.FirstRow = s, f
				}
				return b, err
			}) {
				// The window of a binary format is decoded already.
				if b, _ := decode(); b != nil {
					b.Release()
				}
				return
			}
			seq++
			firstRow += int64(rows)
		}
		d.close()
		r.held[i] = nil
	}
	r.send(&job{last: r.finish}, nil)
}

// send queues a job and starts its work.
func (r *Reader) send(j *job, decode func() (*column.Batch, error)) bool {
	j.done = make(chan struct{})
	select {
	case r.jobs <- j:
	case <-r.ctx.Done():
		return false
	}
	if decode == nil {
		close(j.done)
		return true
	}
	go func() {
		defer close(j.done)
		defer r.timed(time.Now())
		j.batch, j.err = decode()
	}()
	return true
}
