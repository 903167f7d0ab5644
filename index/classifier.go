package index

import (
	"sync"

	"ipflow/index/interval"
	"ipflow/ingest/flow"
)

// A Classifier answers for one NIC, direction and local address. Many NICs share
// one. Its methods may run concurrently and do not allocate, except where the
// classes were too many for a table.
//
// A question costs two searches and two loads: the remote address among the
// sorted starts of its dimension gives a row, protocol and ports give a column,
// the table at row × width + column gives a small id, verdicts[id] the answer.
type Classifier struct {
	start4   []uint32        // IPv4 intervals; nil for an IPv6 local address
	start6   []interval.IPv6 // IPv6 intervals; nil for an IPv4 local address
	row      []uint32        // per interval: its row of the table, or its class
	services services
	width    uint32   // columns of table
	table    []uint16 // row-major; indexes verdicts
	verdicts []VerdictID
	wide     *intersection // set iff there is no table
}

// Classify answers a question. The tuple's direction and local address are
// those the classifier was made for.
func (k *Classifier) Classify(t *flow.Tuple) VerdictID {
	source, destination := t.RemotePort, t.LocalPort
	if t.Direction == flow.Outbound {
		source, destination = destination, source
	}
	open := uint32(source)
	if t.AnySourcePort {
		open = anySource
	}
	if t.Remote.Is4() {
		return k.Classify4(t.Remote.As4(), t.Protocol, open, destination)
	}
	var a interval.IPv6
	for i := range 8 {
		a.Hi = a.Hi<<8 | uint64(t.Remote[i])
		a.Lo = a.Lo<<8 | uint64(t.Remote[i+8])
	}
	return k.Classify6(a, t.Protocol, open, destination)
}

// OpenSource is the source port of a question that leaves it open.
const OpenSource uint32 = anySource

// Classify4 answers for an IPv4 remote address in host order. source is the
// source port or OpenSource.
func (k *Classifier) Classify4(remote uint32, p flow.Protocol, source uint32, destination uint16) VerdictID {
	return k.at(k.row[search32(k.start4, remote)], k.services.of(p, false, source, destination))
}

// Classify6 answers for an IPv6 remote address.
func (k *Classifier) Classify6(remote interval.IPv6, p flow.Protocol, source uint32, destination uint16) VerdictID {
	return k.at(k.row[search128(k.start6, remote)], k.services.of(p, true, source, destination))
}

func (k *Classifier) at(row, column uint32) VerdictID {
	if k.wide != nil {
		return k.wide.at(row, column)
	}
	return k.verdicts[k.table[row*k.width+column]]
}

// Bytes returns the memory the classifier's arrays take.
func (k *Classifier) Bytes() int {
	n := 4*len(k.start4) + 16*len(k.start6) + 4*len(k.row) + 2*len(k.table) + 4*len(k.verdicts) + 1024
	for _, g := range k.services.groups {
		if p := g.ports; p != nil {
			n += 6*(len(p.source.starts)+len(p.destination.starts)) + 4*len(p.class)
		}
	}
	return n
}

// intersection is the fallback for lists whose table would be too large: the
// bit sets of both classes are intersected per question.
type intersection struct {
	c                 *compiler
	layout            *layout
	remotes, services []class

	mu    sync.RWMutex
	cache map[string]VerdictID // by outcome
}

func (x *intersection) at(remote, service uint32) VerdictID {
	var buf [64]byte
	key := x.layout.cell(&x.remotes[remote], &x.services[service], buf[:0])
	x.mu.RLock()
	id, ok := x.cache[string(key)]
	x.mu.RUnlock()
	if ok {
		return id
	}
	id = x.c.verdicts.intern(x.c.conclude(x.layout.outcomes(key)))
	x.mu.Lock()
	x.cache[string(key)] = id
	x.mu.Unlock()
	return id
}
