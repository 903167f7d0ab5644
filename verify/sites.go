package verify

import (
	"math/bits"

	"ipflow/ingest/column"
	"ipflow/ingest/flow"
)

// site is what the nic and local_ip of a row lead to, in 12 bytes.
type site struct {
	number [2]uint32 // for groups.put, inbound and outbound; valid iff fault is NoFault
	fault  Fault     // of the row, unless its own fields have one
	family uint8     // of the local address, 0 when it is none
}

// sites finds the site of a row by the codes of its nic and local_ip columns: a
// hash table with open addressing, made anew for every batch, since codes mean
// something in their batch only. A batch has few pairs and many rows.
type sites struct {
	slots []siteSlot // a power of two, at most half full
	shift uint8      // 64 - log2(len(slots))
	list  []site

	// By local address, the first NIC that was met with it: what the vector loop
	// reads (see rowColumns).
	nic     []uint32
	numbers []uint32
}

type siteSlot struct {
	key  uint64 // nic code above local code
	site uint32 // 1 + its place in list; 0 for a free slot
}

const (
	leastSlots  = 1 << 10
	numberBlock = 512 // rows that the vector loop numbers before new sites are made known to it
)

func (s *sites) begin() {
	if s.slots == nil {
		s.slots = make([]siteSlot, leastSlots)
	}
	clear(s.slots)
	s.shift = uint8(64 - bits.TrailingZeros(uint(len(s.slots))))
	s.list = s.list[:0]
}

// slot returns the key's slot, or the free one where it belongs.
func (s *sites) slot(key uint64) *siteSlot {
	mask := uint64(len(s.slots) - 1)
	for i := key * 0x9e3779b97f4a7c15 >> s.shift; ; i++ {
		slot := &s.slots[i&mask]
		if slot.key == key && slot.site != 0 || slot.site == 0 {
			return slot
		}
	}
}

// add puts a site at a free slot.
func (s *sites) add(slot *siteSlot, key uint64, v site) {
	s.list = append(s.list, v)
	*slot = siteSlot{key, uint32(len(s.list))}
	if 2*len(s.list) <= len(s.slots) {
		return
	}
	old := s.slots
	s.slots = make([]siteSlot, 4*len(old))
	s.shift -= 2
	for _, slot := range old {
		if slot.site != 0 {
			*s.slot(slot.key) = slot
		}
	}
}

// paired reports whether the batch's rows can be told apart by their codes.
func (l *lanes) paired(b *column.Batch) bool {
	return l.local.code != nil && !l.hasVM && (l.nic.code != nil || b.Flow[column.NIC] < 0)
}

// groupPaired hands every row to its classifier, as group does, by its codes.
func (w *worker) groupPaired(b *column.Batch) {
	l, s, g := &w.lanes, &w.sites, &w.groups
	s.begin()
	if !hasVector || b.Bad != nil {
		for i := range w.ids {
			w.putPaired(b, i)
		}
		return
	}
	s.nic = grow(s.nic, len(l.local.family))
	s.numbers = grow(s.numbers, 2*len(l.local.family))
	clear(s.numbers)
	t := l.rowColumns()
	t.local, t.nic = pointTo(l.local.code), pointTo(l.nic.code)
	t.siteNIC, t.siteNumbers = pointTo(s.nic), pointTo(s.numbers)
	done := 0
	for rows := len(w.ids); rows-done >= lanesWide; {
		blocks := min(rows-done, numberBlock) / lanesWide
		of := g.of[done : done+blocks*lanesWide]
		vectorNumbers(&t, done, blocks, &of[0])
		for i, n := range of {
			if n != 0 {
				g.tally(n)
			} else {
				w.putPaired(b, done+i)
			}
		}
		done += blocks * lanesWide
	}
	for ; done < len(w.ids); done++ {
		w.putPaired(b, done)
	}
}

// putPaired hands one row to its classifier: the plain twin of the vector loop,
// which knows the sites that were met here.
func (w *worker) putPaired(b *column.Batch, row int) {
	l, s := &w.lanes, &w.sites
	local := l.local.code[row]
	key := uint64(local)
	if l.nic.code != nil {
		key |= uint64(l.nic.code[row]) << 32
	}
	slot := s.slot(key)
	if slot.site == 0 {
		s.add(slot, key, w.siteOf(row))
		slot = s.slot(key) // the table may have grown
	}
	at := &s.list[slot.site-1]
	if f := l.fault(b, row); f != NoFault {
		w.ids[row] = ID(f)
		return
	}
	if at.fault != NoFault {
		w.ids[row] = ID(at.fault)
		return
	}
	s.show(local, uint32(key>>32), at)
	w.groups.put(row, at.number[l.directionOf(row)-flow.Inbound])
}

// show lets the vector loop know a site without a fault.
func (s *sites) show(local, nic uint32, at *site) {
	if int(2*local) >= len(s.numbers) || s.numbers[2*local] != 0 {
		return
	}
	family := uint32(0)
	if at.family == 6 {
		family = siteIPv6
	}
	s.nic[local] = nic
	for i, n := range at.number {
		s.numbers[2*local+uint32(i)] = n | family
	}
}

// siteOf locates the site of a row.
func (w *worker) siteOf(row int) site {
	l := &w.lanes
	local, ok := l.local.at(row)
	if !ok {
		return site{fault: BadAddress}
	}
	nic := int32(0)
	if l.nic.code != nil {
		nic = l.nic.at(row)
	}
	at := w.locate(question{nic, 0, local})
	s := site{fault: at.fault, family: 6}
	if local.Is4() {
		s.family = 4
	}
	if at.fault == NoFault {
		s.number = [2]uint32{w.groups.know(at.in), w.groups.know(at.out)}
	}
	return s
}
