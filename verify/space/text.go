package space

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"ipflow/index"
	"ipflow/index/interval"
	"ipflow/ingest/flow"
)

// Words is a box as scripts read it. Protocol is a name or number, `*` for all,
// or a list of numbers and ranges joined by commas; addresses are prefixes and
// ports are numbers or ranges. The ports of protocols without ports are
// `0-65535`.
type Words struct {
	Protocol    string   `json:"protocol"`
	Local       []string `json:"local"`
	LocalPorts  []string `json:"localPorts"`
	Remote      []string `json:"remote"`
	RemotePorts []string `json:"remotePorts"`
}

// WordsOf writes a box; one that holds TCP or UDP and other protocols, but not
// all of them, becomes several.
func WordsOf(b Box) []Words {
	w := Words{
		Local: prefixWords(b.Local), Remote: prefixWords(b.Remote),
		LocalPorts: portWords(b.LocalPorts), RemotePorts: portWords(b.RemotePorts),
	}
	var out []Words
	for _, p := range protocolWords(b.Protocols) {
		w.Protocol = p
		out = append(out, w)
	}
	return out
}

func prefixWords(a index.Addresses) []string {
	list := a.Prefixes()
	out := make([]string, len(list))
	for i, p := range list {
		out[i] = p.String()
	}
	return out
}

func portWords(s interval.Set[interval.Port]) []string {
	out := make([]string, len(s))
	for i, r := range s {
		out[i] = span(int(r.First), int(r.Last))
	}
	return out
}

func span(first, last int) string {
	if first == last {
		return strconv.Itoa(first)
	}
	return strconv.Itoa(first) + "-" + strconv.Itoa(last)
}

// protocolWords names TCP and UDP, which have ports, apart from the others.
func protocolWords(s index.Protocols) (out []string) {
	if s == index.AllProtocols {
		return []string{"*"}
	}
	var rest []string
	for p := 0; p < 256; p++ {
		switch proto := flow.Protocol(p); {
		case !s.Contains(proto):
		case proto.HasPorts():
			out = append(out, proto.String())
		default:
			last := p
			for last < 255 && s.Contains(flow.Protocol(last+1)) && !flow.Protocol(last+1).HasPorts() {
				last++
			}
			if last == p {
				rest = append(rest, proto.String())
			} else {
				rest = append(rest, span(p, last))
			}
			p = last
		}
	}
	if len(rest) > 0 {
		out = append(out, strings.Join(rest, ","))
	}
	return out
}

// BoxOf reads what WordsOf writes. What is absent does not limit the box; a list
// without entries is refused, for it may be meant either way.
func BoxOf(w Words) (b Box, err error) {
	b = Box{Local: AllAddresses, Remote: AllAddresses, LocalPorts: AllPorts, RemotePorts: AllPorts}
	if b.Protocols, err = ParseProtocols(w.Protocol); err != nil {
		return b, err
	}
	for _, words := range [][]string{w.Local, w.LocalPorts, w.Remote, w.RemotePorts} {
		if words != nil && len(words) == 0 {
			return b, errors.New("an empty list; leave it out to mean everything")
		}
	}
	for _, side := range []struct {
		words []string
		out   *index.Addresses
	}{{w.Local, &b.Local}, {w.Remote, &b.Remote}} {
		if len(side.words) == 0 {
			continue
		}
		list := make([]netip.Prefix, len(side.words))
		for i, text := range side.words {
			p, err := netip.ParsePrefix(text)
			if a, fault := netip.ParseAddr(text); fault == nil && a.Zone() == "" {
				p, err = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
			}
			if err != nil {
				return b, fmt.Errorf("%q is not a prefix", text)
			}
			if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
				p = netip.PrefixFrom(a.Unmap(), p.Bits()-96) // flows spell it so too
			}
			list[i] = p
		}
		*side.out = index.AddressesOf(list)
	}
	for _, side := range []struct {
		words []string
		out   *interval.Set[interval.Port]
	}{{w.LocalPorts, &b.LocalPorts}, {w.RemotePorts, &b.RemotePorts}} {
		if len(side.words) == 0 {
			continue
		}
		if *side.out, err = ParsePorts(side.words); err != nil {
			return b, err
		}
	}
	return b, nil
}

// ParsePorts reads port numbers, ranges N-M and `*`.
func ParsePorts(words []string) (interval.Set[interval.Port], error) {
	list := make([]interval.Range[interval.Port], len(words))
	for i, text := range words {
		r, ok := flow.ParsePortRange(text)
		if !ok {
			return nil, fmt.Errorf("%q is not a port or a range of ports", text)
		}
		list[i] = interval.Range[interval.Port]{First: interval.Port(r.First), Last: interval.Port(r.Last)}
	}
	return interval.Of(list), nil
}

// ParseProtocols reads `*`, names, numbers and ranges of numbers, joined by
// commas; the empty text is `*`.
func ParseProtocols(text string) (out index.Protocols, err error) {
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "*" || strings.EqualFold(part, "any") || text == "" {
			return index.AllProtocols, nil
		}
		if p, ok := flow.ParseProtocol(part); ok {
			out[p>>6] |= 1 << (p & 63)
			continue
		}
		r, ok := flow.ParsePortRange(part)
		if !ok || r.Last > 255 {
			return out, fmt.Errorf("%q is not a protocol: a name, a number 0-255, a range of numbers or *", part)
		}
		for p := r.First; p <= r.Last; p++ {
			out[p>>6] |= 1 << (p & 63)
		}
	}
	return out, nil
}

// Flow is a tuple in the flow columns that verify reads. A port is null where the
// protocol has none, and for an open source port; nic and vm are "" where none is
// known.
type Flow struct {
	NIC        string  `json:"nic"`
	VM         string  `json:"vm"`
	Direction  string  `json:"direction"`
	Protocol   string  `json:"protocol"`
	LocalIP    string  `json:"local_ip"`
	LocalPort  *uint16 `json:"local_port"`
	RemoteIP   string  `json:"remote_ip"`
	RemotePort *uint16 `json:"remote_port"`
}

// FlowOf writes a tuple as seen from the NIC with the id.
func FlowOf(nic string, t flow.Tuple) Flow {
	f := Flow{NIC: nic, Direction: t.Direction.String(), Protocol: t.Protocol.String(), LocalIP: t.Local.String(), RemoteIP: t.Remote.String()}
	if !t.Protocol.HasPorts() {
		return f
	}
	if !t.AnySourcePort || t.Direction == flow.Inbound {
		f.LocalPort = &t.LocalPort
	}
	if !t.AnySourcePort || t.Direction == flow.Outbound {
		f.RemotePort = &t.RemotePort
	}
	return f
}

// ProtocolsText writes a set of protocols for readers.
func ProtocolsText(s index.Protocols) string {
	rest := s
	for w := range rest {
		rest[w] = ^rest[w]
	}
	switch but := protocolWords(rest); {
	case len(but) == 0:
		return "any protocol"
	case s.Contains(flow.TCP) != s.Contains(flow.UDP) && len(but) == 1:
		return "any protocol but " + but[0]
	}
	return strings.Join(protocolWords(s), ", ")
}
