package verify

import (
	"math"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"ipflow/ingest/column"
	"ipflow/ingest/flow"
)

// Lanes are the flow columns of a batch decoded to numbers. They point into the
// batch and are valid as long as it is; a worker reuses their own memory from
// batch to batch.
type lanes struct {
	direction             coded[uint32] // a flow.Direction; 0 is bad
	protocol              coded[uint32] // a flow.Protocol, or badProtocol
	localPort, remotePort coded[uint32] // 0-65535, or one of the port codes
	local, remote         addresses
	nic, vm               coded[int32] // index into the texts seen by the worker; 0 is empty
	hasVM                 bool         // the batch has a vm column
}

// Codes of a port lane that are no port.
const (
	portOpen uint32 = 1<<16 + iota // null, empty or `*`
	portBad
)

const badProtocol uint32 = math.MaxUint32

// decode fills the lanes from the batch.
func (l *lanes) decode(b *column.Batch, nicTexts, vmTexts *textIDs) {
	n := b.Rows()
	col := func(name column.Name) arrow.Array {
		if i := b.Flow[name]; i >= 0 {
			return b.Record.Column(i)
		}
		return nil
	}
	l.direction.decode(col(column.Direction), n, 0, fillsSome, texts(parseDirection))
	l.protocol.decode(col(column.Protocol), n, badProtocol, fillsAll, protocols)
	l.localPort.decode(col(column.LocalPort), n, portOpen, fillsAll, ports)
	l.remotePort.decode(col(column.RemotePort), n, portOpen, fillsAll, ports)
	l.local.decode(col(column.LocalIP), n)
	l.remote.decode(col(column.RemoteIP), n)
	l.nic.decode(col(column.NIC), n, 0, fillsSome, texts(nicTexts.index))
	l.vm.decode(col(column.VM), n, 0, fillsSome, texts(vmTexts.index))
	l.hasVM = b.Flow[column.VM] >= 0
}

func parseDirection(t []byte) uint32 {
	d, _ := flow.ParseDirection(strings.TrimSpace(string(t)))
	return uint32(d)
}

// protocols decodes numbers or names.
func protocols(out []uint32, a arrow.Array) {
	if get, ok := integers(a); ok {
		for i := range out {
			if v, ok := get(i); ok {
				out[i] = badProtocol
				if v >= 0 && v <= 255 {
					out[i] = uint32(v)
				}
			}
		}
		return
	}
	texts(func(t []byte) uint32 {
		if p, ok := flow.ParseProtocol(strings.TrimSpace(string(t))); ok {
			return uint32(p)
		}
		return badProtocol
	})(out, a)
}

// ports decodes numbers or text; what can be neither is bad.
func ports(out []uint32, a arrow.Array) {
	if _, ok := viewStrings(a); ok {
		texts(parsePort)(out, a)
		return
	}
	if a.NullN() == 0 {
		switch x := a.(type) {
		case *array.Uint16:
			widen(out, x.Uint16Values())
			return
		case *array.Int32:
			for i, v := range x.Int32Values() {
				out[i] = portBad
				if uint32(v) <= math.MaxUint16 {
					out[i] = uint32(v)
				}
			}
			return
		}
	}
	get, ok := integers(a)
	for i := range out {
		if !ok {
			out[i] = portBad
			continue
		}
		if v, ok := get(i); ok {
			out[i] = portBad
			if v >= 0 && v <= math.MaxUint16 {
				out[i] = uint32(v)
			}
		}
	}
}

func widen(out []uint32, values []uint16) {
	done := 0
	if blocks := len(values) / lanesWide; hasVector && blocks > 0 {
		vectorWiden(&out[0], &values[0], blocks)
		done = blocks * lanesWide
	}
	for i, v := range values[done:] {
		out[done+i] = uint32(v)
	}
}

// parsePort reads a decimal port; empty and `*` leave it open.
func parsePort(t []byte) uint32 {
	v := uint32(0)
	for _, c := range t {
		if c < '0' || c > '9' || v > math.MaxUint16 {
			return parseOddPort(t)
		}
		v = v*10 + uint32(c-'0')
	}
	if len(t) == 0 {
		return portOpen
	}
	if v > math.MaxUint16 {
		return portBad
	}
	return v
}

func parseOddPort(t []byte) uint32 {
	s := strings.TrimSpace(string(t))
	if s == "" || s == "*" {
		return portOpen
	}
	if p, ok := flow.ParsePort(s); ok {
		return uint32(p)
	}
	return portBad
}

// integers returns a getter for any integer array; ok is false for nulls.
func integers(a arrow.Array) (get func(i int) (v int64, ok bool), ok bool) {
	var at func(i int) int64
	switch x := a.(type) {
	case *array.Int8:
		at = func(i int) int64 { return int64(x.Value(i)) }
	case *array.Int16:
		at = func(i int) int64 { return int64(x.Value(i)) }
	case *array.Int32:
		at = func(i int) int64 { return int64(x.Value(i)) }
	case *array.Int64:
		at = x.Value
	case *array.Uint8:
		at = func(i int) int64 { return int64(x.Value(i)) }
	case *array.Uint16:
		at = func(i int) int64 { return int64(x.Value(i)) }
	case *array.Uint32:
		at = func(i int) int64 { return int64(x.Value(i)) }
	case *array.Uint64:
		at = func(i int) int64 { return int64(min(x.Value(i), math.MaxInt64)) }
	default:
		return nil, false
	}
	return func(i int) (int64, bool) {
		if a.IsNull(i) {
			return 0, false
		}
		return at(i), true
	}, true
}

// fault checks the fields of a row that need no network.
func (l *lanes) fault(b *column.Batch, i int) Fault {
	localFamily, remoteFamily := l.local.family[l.local.entry(i)], l.remote.family[l.remote.entry(i)]
	protocol := l.protocol.at(i)
	switch {
	case b.Bad != nil && b.Bad[i]:
		return BadRow
	case l.direction.at(i) == 0:
		return BadDirection
	case protocol == badProtocol:
		return BadProtocol
	case localFamily == 0 || remoteFamily == 0:
		return BadAddress
	case localFamily != remoteFamily:
		return AddressFamilyMismatch
	case l.localPort.at(i) == portBad || l.remotePort.at(i) == portBad:
		return BadPort
	}
	if flow.Protocol(protocol).HasPorts() {
		if _, destination := l.ports(i); destination == portOpen {
			return BadPort
		}
	}
	return NoFault
}

// tuple is row i as one value.
func (l *lanes) tuple(i int) flow.Tuple {
	t := flow.Tuple{
		Direction: l.directionOf(i), Protocol: flow.Protocol(l.protocol.at(i)),
		LocalPort: uint16(l.localPort.at(i)), RemotePort: uint16(l.remotePort.at(i)),
	}
	t.Local, _ = l.local.at(i)
	t.Remote, _ = l.remote.at(i)
	source, _ := l.ports(i)
	t.AnySourcePort = source >= portOpen
	return t
}

func (l *lanes) directionOf(i int) flow.Direction { return flow.Direction(l.direction.at(i)) }

// ports returns source and destination port of row i in the packet's own order.
func (l *lanes) ports(i int) (source, destination uint32) {
	if l.directionOf(i) == flow.Inbound {
		return l.remotePort.at(i), l.localPort.at(i)
	}
	return l.localPort.at(i), l.remotePort.at(i)
}

// turn changes sides: what was local is remote, and a direction that is the same
// in all rows is the other one.
func (l *lanes) turn(rows int, now flow.Direction) {
	l.local, l.remote = l.remote, l.local
	l.localPort, l.remotePort = l.remotePort, l.localPort
	l.direction.fill(rows, uint32(now))
}

// textIDs numbers the distinct texts a worker has met; 0 is the empty text.
type textIDs struct {
	list []string
	ids  map[string]int32
}

func newTextIDs() *textIDs { return &textIDs{list: []string{""}, ids: map[string]int32{"": 0}} }

func (t *textIDs) index(s []byte) int32 {
	id, ok := t.ids[string(s)]
	if !ok {
		id = int32(len(t.list))
		text := string(s)
		t.list = append(t.list, text)
		t.ids[text] = id
	}
	return id
}
