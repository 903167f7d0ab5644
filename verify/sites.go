package verify

import (
	"math/bits"

	"ipflow/ingest/column"
	"ipflow/ingest/flow"
)

// site is what the nic and local_ip of a row lead to, in 12 bytes.
type site struct {
	number [2]uint32 // of the classifiers, inbound and outbound; valid iff fault is NoFault
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
}

type siteSlot struct {
	key  uint64 // nic code above local code
	site uint32 // 1 + its place in list; 0 for a free slot
}

const leastSlots = 1 << 10

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

// destinationLimit is per protocol (-1 first) the greatest destination port
// that is no fault.
var destinationLimit = func() (limit [257]int32) {
	limit[0] = -1
	for p := range 256 {
		limit[1+p] = int32(portOpen)
		if flow.Protocol(p).HasPorts() {
			limit[1+p] = int32(portOpen) - 1
		}
	}
	return limit
}()

// groupPaired hands every row to its classifier, as group does, by its codes.
func (w *worker) groupPaired(b *column.Batch) {
	l, s := &w.lanes, &w.sites
	s.begin()
	nicCode, localCode := l.nic.code, l.local.code
	for i := range w.ids {
		key := uint64(localCode[i])
		if nicCode != nil {
			key |= uint64(nicCode[i]) << 32
		}
		slot := s.slot(key)
		if slot.site == 0 {
			s.add(slot, key, w.siteOf(i))
			slot = s.slot(key) // the table may have grown
		}
		at := &s.list[slot.site-1]
		direction := l.direction.at(i)
		source, destination := l.localPort.at(i), l.remotePort.at(i)
		if direction == flow.Inbound {
			source, destination = destination, source
		}
		if at.fault == NoFault && at.family == l.remote.family[l.remote.entry(i)] && direction != 0 &&
			source != portBad && int32(destination) <= destinationLimit[1+l.protocol.at(i)] && b.Bad == nil {
			w.groups.put(i, at.number[direction-flow.Inbound])
			continue
		}
		if f := l.fault(b, i); f != NoFault {
			w.ids[i] = ID(f)
		} else if at.fault != NoFault {
			w.ids[i] = ID(at.fault)
		} else {
			w.groups.put(i, at.number[direction-flow.Inbound])
		}
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
