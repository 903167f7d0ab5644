package index

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"ipflow/index/interval"
)

// A direct is the fast form of a classifier that is asked very often, for IPv4:
// addresses and ports lead to rows and columns without a search. It is some
// hundred times larger than the intervals, so only a few classifiers have one.
//
// Layout, for p pages of addresses, q and s pages of destination and source ports
// and g groups of protocols; pages that are equal are one:
//
//	root     128 KiB: by the first 16 bits a row, or deeper + a page
//	pages    512p bytes: by the next 8 bits a row or a page, then by the last 8
//	ports    512g bytes of page numbers by group and first 8 bits of the port, 512q
//	         of pages: a column, or depends + a row of bySource
//	sources  the same for the source port: a position in a row of bySource
//	bySource columns, so many for each row
//
// The table is the classifier's own.
type direct struct {
	root     [1 << 16]uint16
	pages    []uint16
	ports    portPages
	sources  portPages // empty when no column depends on the source port
	bySource []uint16
	width    int // of a row of bySource
	passes   atomic.Bool
}

// portPages maps the ports of a protocol group to numbers.
type portPages struct {
	top   []uint16 // by group × 256 + first 8 bits: a page
	pages []uint16
}

const (
	deeper  = 1 << 15 // a page follows
	depends = 1 << 15 // the source port counts
)

func (p *portPages) at(group uint8, port uint16) uint16 {
	return p.pages[int(p.top[int(group)<<8|int(port>>8)])<<8|int(port&0xff)]
}

func (d *direct) bytes() int {
	return 2 * (len(d.root) + len(d.pages) + len(d.ports.top) + len(d.ports.pages) + len(d.sources.top) + len(d.sources.pages) + len(d.bySource))
}

// newDirect unfolds a classifier for IPv4; nil where the numbers do not fit.
func newDirect(k *Classifier) *direct {
	d := &direct{}
	if !d.addresses(k) || !d.services(k) {
		return nil
	}
	return d
}

// row looks an address up: the plain twin of what the loops below do.
func (d *direct) row(a uint32) uint16 {
	r := d.root[a>>16]
	if r >= deeper {
		r = d.pages[int(r-deeper)<<8|int(a>>8&0xff)]
	}
	if r >= deeper {
		r = d.pages[int(r-deeper)<<8|int(a&0xff)]
	}
	return r
}

// column looks a service up; source is a port.
func (d *direct) column(group uint8, source, destination uint16) uint16 {
	c := d.ports.at(group, destination)
	if c >= depends {
		c = d.bySource[int(c-depends)*d.width+int(d.sources.at(group, source))]
	}
	return c
}

// addresses fills root and pages.
func (d *direct) addresses(k *Classifier) bool {
	var starts []uint32
	var rows []uint16
	eachRow(k.geo4, k.remotes4(), everything.v4[0].Last, func(row int, at interval.Range[interval.IPv4]) {
		starts, rows = append(starts, uint32(at.First)), append(rows, uint16(row))
	})
	var pages rowSet[uint16]
	pages.reset(256)
	// cut fills a table whose entry n stands for the addresses first + n<<bits to
	// before first + (n+1)<<bits; i is the interval in which first lies.
	var cut func(table []uint16, first uint32, bits int, i int) (last int, ok bool)
	cut = func(table []uint16, first uint32, bits, i int) (int, bool) {
		for n := range table {
			at := first + uint32(n)<<bits
			for i+1 < len(starts) && starts[i+1] <= at {
				i++
			}
			if end := at + (1<<bits - 1); i+1 == len(starts) || starts[i+1] > end {
				table[n] = rows[i]
				continue
			}
			var page [256]uint16
			last, ok := cut(page[:], at, bits-8, i)
			if !ok {
				return 0, false
			}
			number, _ := pages.of(page[:])
			if number >= deeper {
				return 0, false
			}
			table[n], i = deeper+uint16(number), last
		}
		return i, true
	}
	_, ok := cut(d.root[:], 0, 16, 0)
	d.pages = slices.Clone(pages.rows)
	return ok
}

// services fills the ports.
func (d *direct) services(k *Classifier) bool {
	l := &k.lookup
	planes := []*portLookup{&l.tcp, &l.udp}
	for _, p := range planes {
		if len(p.source.starts) > 1 {
			d.width = max(d.width, len(p.class)/int(p.width))
		}
	}
	groups := len(l.portless)
	destinations, sources := newPageMaker(groups), newPageMaker(groups)
	for g := range groups {
		if g >= 2 || groups == 1 {
			destinations.fill(g, []uint16{0}, []uint16{l.portless[g]})
			sources.fill(g, []uint16{0}, []uint16{0})
			continue
		}
		p := planes[g]
		of := make([]uint16, len(p.destination.of))
		for i, class := range p.destination.of {
			column, one := p.columnOf(class)
			if !one {
				row := len(d.bySource) / d.width
				if row >= depends {
					return false
				}
				column = depends + uint16(row)
				for s := range d.width {
					s = min(s, len(p.class)/int(p.width)-1)
					d.bySource = append(d.bySource, p.class[s*int(p.width)+int(class)])
				}
			}
			if one && column >= depends {
				return false
			}
			of[i] = column
		}
		destinations.fill(g, p.destination.starts, of)
		sources.fill(g, p.source.starts, p.source.of)
	}
	d.ports = destinations.done()
	if len(d.bySource) > 0 {
		d.sources = sources.done()
	}
	return true
}

// columnOf returns the one column of a destination class whatever the source port
// is; one is false when there are several.
func (l *portLookup) columnOf(class uint16) (column uint16, one bool) {
	column = l.class[class]
	for i := int(class); i < len(l.class); i += int(l.width) {
		if l.class[i] != column {
			return 0, false
		}
	}
	return column, true
}

type pageMaker struct {
	top   []uint16
	pages rowSet[uint16]
}

func newPageMaker(groups int) *pageMaker {
	m := &pageMaker{top: make([]uint16, groups*256)}
	m.pages.reset(256)
	return m
}

// fill sets the numbers of a group's ports.
func (m *pageMaker) fill(group int, starts, of []uint16) {
	i := 0
	for high := range 256 {
		var page [256]uint16
		for low := range page {
			for i+1 < len(starts) && int(starts[i+1]) <= high<<8|low {
				i++
			}
			page[low] = of[i]
		}
		n, _ := m.pages.of(page[:])
		m.top[group<<8|high] = uint16(n)
	}
}

func (m *pageMaker) done() portPages { return portPages{m.top, slices.Clone(m.pages.rows)} }

const (
	hotRun    = 1 << 12 // questions in one run from which on a direct is worth its loads
	hotAfter  = 100_000 // questions in such runs before one is made
	trialRun  = 1 << 14 // runs from which on both loops are tried
	passBlock = 512     // questions that go through the passes together

	defaultDirectBytes = 64 << 20
)

// directs bounds the memory of the directs of an index: the one made first goes
// when another needs room. It may be used concurrently.
type directs struct {
	mu    sync.Mutex
	limit int
	bytes int
	made  []*Classifier
}

// directFor returns the direct for a run of questions, made when the classifier has
// become hot; nil when intervals serve it better.
func (k *Classifier) directFor(run int) *direct {
	if run < hotRun || k.directs == nil {
		return nil
	}
	if d := k.direct.Load(); d != nil {
		return d
	}
	if k.heat.Add(int64(run)) < hotAfter {
		return nil
	}
	return k.directs.make(k)
}

func (s *directs) make(k *Classifier) *direct {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := k.direct.Load(); d != nil {
		return d
	}
	k.heat.Store(0)
	if s.limit <= 0 {
		return nil
	}
	d := newDirect(k)
	if d == nil || d.bytes() > s.limit {
		return nil
	}
	for s.bytes += d.bytes(); s.bytes > s.limit; {
		s.bytes -= s.made[0].direct.Swap(nil).bytes()
		s.made = append(s.made[:0:0], s.made[1:]...)
	}
	s.made = append(s.made, k)
	k.direct.Store(d)
	return d
}

// scatter answers a run of questions. Of two loops one is faster where what comes
// next can be guessed, the other where it cannot: long runs try both.
func scatterDirect[T ~uint32](k *Classifier, d *direct, q []Query4, out []T, base T) {
	if k.table8 != nil {
		scatterCells(k, d, k.table8, q, out, base)
	} else {
		scatterCells(k, d, k.table16, q, out, base)
	}
}

func scatterCells[T ~uint32, C uint8 | uint16](k *Classifier, d *direct, cells []C, q []Query4, out []T, base T) {
	const trial = 1 << 11
	for len(q) >= trialRun {
		start := time.Now()
		guessing(k, d, cells, q[:trial], out, base)
		middle := time.Now()
		passing(k, d, cells, q[trial:2*trial], out, base)
		d.passes.Store(time.Since(middle) < middle.Sub(start))
		q = q[2*trial:]
		run := q[:min(len(q), 1<<18)]
		q = q[len(run):]
		chosen(k, d, cells, run, out, base)
	}
	chosen(k, d, cells, q, out, base)
}

func chosen[T ~uint32, C uint8 | uint16](k *Classifier, d *direct, cells []C, q []Query4, out []T, base T) {
	if d.passes.Load() {
		passing(k, d, cells, q, out, base)
	} else {
		guessing(k, d, cells, q, out, base)
	}
}

// guessing goes question by question; the processor guesses how deep each goes.
func guessing[T ~uint32, C uint8 | uint16](k *Classifier, d *direct, cells []C, q []Query4, out []T, base T) {
	root, pages, group, width, verdicts := &d.root, d.pages, k.lookup.group, int(k.width), k.verdicts
	top, ports := d.ports.top, d.ports.pages
	for i := range q {
		x := &q[i]
		r := root[uint16(x.Remote>>16)]
		if r >= deeper {
			r = pages[int(r&^deeper)<<8|int(uint8(x.Remote>>8))]
			if r >= deeper {
				r = pages[int(r&^deeper)<<8|int(uint8(x.Remote))]
			}
		}
		g := int(group[x.Protocol]) << 8
		c := ports[int(top[g|int(x.Destination>>8)])<<8|int(uint8(x.Destination))]
		if c >= depends {
			c = d.bySource[int(c&^depends)*d.width+int(d.sources.pages[int(d.sources.top[g|int(uint8(x.Source>>8))])<<8|int(uint8(x.Source))])]
		}
		out[x.Row] = base + T(verdicts[cells[int(r)*width+int(c)]])
	}
}

// passing goes a block at a time through each level of the pages, so that no
// branch depends on an address.
func passing[T ~uint32, C uint8 | uint16](k *Classifier, d *direct, cells []C, q []Query4, out []T, base T) {
	var rows, list [passBlock]uint16
	root, pages, group, width, verdicts := &d.root, d.pages, k.lookup.group, int(k.width), k.verdicts
	top, ports := d.ports.top, d.ports.pages
	for len(q) > 0 {
		block := q[:min(len(q), passBlock)]
		q = q[len(block):]
		n := 0
		for i := range block {
			r := root[uint16(block[i].Remote>>16)]
			rows[i&(passBlock-1)] = r
			list[n&(passBlock-1)] = uint16(i)
			n += int(r >> 15)
		}
		m := 0
		for _, i := range list[:n] {
			i &= passBlock - 1
			r := pages[int(rows[i]&^deeper)<<8|int(uint8(block[i].Remote>>8))]
			rows[i] = r
			list[m&(passBlock-1)] = i
			m += int(r >> 15)
		}
		for _, i := range list[:m] {
			i &= passBlock - 1
			rows[i] = pages[int(rows[i]&^deeper)<<8|int(uint8(block[i].Remote))]
		}
		if len(d.bySource) == 0 {
			for i := range block {
				x := &block[i]
				c := ports[int(top[int(group[x.Protocol])<<8|int(x.Destination>>8)])<<8|int(uint8(x.Destination))]
				out[x.Row] = base + T(verdicts[cells[int(rows[i&(passBlock-1)])*width+int(c)]])
			}
			continue
		}
		for i := range block {
			x := &block[i]
			g := int(group[x.Protocol]) << 8
			c := ports[int(top[g|int(x.Destination>>8)])<<8|int(uint8(x.Destination))]
			s := d.sources.pages[int(d.sources.top[g|int(uint8(x.Source>>8))])<<8|int(uint8(x.Source))]
			mask := -(c >> 15) // all bits when the column depends on the source port
			by := d.bySource[(int(c&^depends)*d.width+int(s))&int(int16(mask))]
			c = c&^mask | by&mask
			out[x.Row] = base + T(verdicts[cells[int(rows[i&(passBlock-1)])*width+int(c)]])
		}
	}
}

// anyOpen reports whether a question leaves the source port open.
func anyOpen(q []Query4) bool {
	all := uint32(0)
	for i := range q {
		all |= q[i].Source
	}
	return all >= anySource
}
