package space

import (
	"encoding/binary"

	"ipflow/index"
	"ipflow/index/interval"
)

// maxRounds bounds the passes over the dimensions; each pass that changes
// anything leaves fewer boxes.
const maxRounds = 8

// mergeBoxes joins boxes of one label that differ in one dimension only, pass by
// pass over the dimensions, until none do. Disjoint boxes stay disjoint.
//
//	10.0.0.0/24  ports 22       10.0.0.0/23  ports 22
//	10.0.1.0/24  ports 22   →
func mergeBoxes(list []LabelledBox) []LabelledBox {
	for range maxRounds {
		before := len(list)
		for _, dim := range [...]uint8{remotePort, localPort, protocol, remote, local} {
			list = mergeAlong(list, dim)
		}
		if len(list) == before {
			break
		}
	}
	return list
}

func mergeAlong(list []LabelledBox, dim uint8) []LabelledBox {
	groups := make(map[string][]int, len(list))
	var order []string
	var key []byte
	for i := range list {
		key = list[i].appendKey(key[:0], dim)
		k := string(key)
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], i)
	}
	if len(order) == len(list) {
		return list
	}
	out := make([]LabelledBox, len(order))
	for n, k := range order {
		out[n] = joinAlong(list, groups[k], dim)
	}
	return out
}

func joinAlong(list []LabelledBox, members []int, dim uint8) LabelledBox {
	out := list[members[0]]
	if len(members) == 1 {
		return out
	}
	switch dim {
	case local:
		out.Box.Local = unionOf(list, members, func(b *Box) *index.Addresses { return &b.Local })
	case remote:
		out.Box.Remote = unionOf(list, members, func(b *Box) *index.Addresses { return &b.Remote })
	case protocol:
		for _, i := range members[1:] {
			for w := range out.Box.Protocols {
				out.Box.Protocols[w] |= list[i].Box.Protocols[w]
			}
		}
	case localPort, remotePort:
		sets := make([]interval.Set[interval.Port], len(members))
		for n, i := range members {
			if sets[n] = list[i].Box.LocalPorts; dim == remotePort {
				sets[n] = list[i].Box.RemotePorts
			}
		}
		if dim == localPort {
			out.Box.LocalPorts = interval.Union(sets...)
		} else {
			out.Box.RemotePorts = interval.Union(sets...)
		}
	}
	return out
}

func unionOf(list []LabelledBox, members []int, pick func(*Box) *index.Addresses) index.Addresses {
	v4 := make([]interval.Set[interval.IPv4], len(members))
	v6 := make([]interval.Set[interval.IPv6], len(members))
	for n, i := range members {
		a := pick(&list[i].Box)
		v4[n], v6[n] = a.V4, a.V6
	}
	return index.Addresses{V4: interval.Union(v4...), V6: interval.Union(v6...)}
}

// appendKey writes everything about the box but one dimension. Boxes of
// different families never merge: their other addresses differ.
func (l *LabelledBox) appendKey(b []byte, without uint8) []byte {
	b = binary.AppendUvarint(b, uint64(l.Label))
	box := &l.Box
	family := byte(4)
	if len(box.Remote.V6) > 0 {
		family = 6
	}
	b = append(b, family)
	if without != local {
		b = appendAddresses(b, box.Local)
	}
	if without != remote {
		b = appendAddresses(b, box.Remote)
	}
	if without != protocol {
		for _, w := range box.Protocols {
			b = binary.LittleEndian.AppendUint64(b, w)
		}
	}
	if without != localPort {
		b = appendPorts(b, box.LocalPorts)
	}
	if without != remotePort {
		b = appendPorts(b, box.RemotePorts)
	}
	return b
}

func appendAddresses(b []byte, a index.Addresses) []byte {
	b = binary.AppendUvarint(b, uint64(len(a.V4)))
	for _, r := range a.V4 {
		b = binary.LittleEndian.AppendUint32(b, uint32(r.First))
		b = binary.LittleEndian.AppendUint32(b, uint32(r.Last))
	}
	b = binary.AppendUvarint(b, uint64(len(a.V6)))
	for _, r := range a.V6 {
		for _, x := range [...]uint64{r.First.Hi, r.First.Lo, r.Last.Hi, r.Last.Lo} {
			b = binary.LittleEndian.AppendUint64(b, x)
		}
	}
	return b
}

func appendPorts(b []byte, s interval.Set[interval.Port]) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	for _, r := range s {
		b = binary.LittleEndian.AppendUint16(b, uint16(r.First))
		b = binary.LittleEndian.AppendUint16(b, uint16(r.Last))
	}
	return b
}
