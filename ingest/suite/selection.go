package suite

import (
	"strings"

	"ipflow/ingest/flow"
)

// selection reads the keys that an assertion and an entry of only share.
func (r *reader) selection(m map[string]*node) (out Selection) {
	out.From, out.To = r.words(m["from"], "from"), r.words(m["to"], "to")
	r.each(m["protocol"], "protocol", func(n *node) {
		out.Protocols = append(out.Protocols, r.protocols(n)...)
	})
	r.each(m["ports"], "ports", func(n *node) {
		if p, ok := r.ports(n); ok {
			out.Ports = append(out.Ports, p)
		}
	})
	if len(out.Ports) > 0 && len(out.Protocols) > 0 && !hasPorts(out.Protocols) {
		r.value(m["ports"].at, "ports of protocols without ports select no flow; leave ports out")
	}
	return out
}

// word reads a text, or a number of 0 to most as its digits.
func (r *reader) word(n *node, key string, most int) (string, bool) {
	switch v, ok := flow.ParsePort(n.text); {
	case n.kind != number:
		t := r.text(n, key, maxWord)
		return t, t != ""
	case n.odd:
		r.value(n.at, "%s %s: write a plain decimal number", key, shortened(n.text))
	case !ok || int(v) > most:
		r.structure(n.at, "%s %s is not a whole number of 0 to %d", key, shortened(n.text), most)
	default:
		return n.text, true
	}
	return "", false
}

func (r *reader) protocols(n *node) (out []ProtocolRange) {
	words, ok := r.word(n, "protocol", 255)
	if !ok {
		return nil
	}
	for part := range strings.SplitSeq(words, ",") {
		part = strings.TrimSpace(part)
		if part == "*" || strings.EqualFold(part, "any") {
			out = append(out, ProtocolRange{0, 255})
			continue
		}
		if p, ok := flow.ParseProtocol(part); ok {
			out = append(out, ProtocolRange{p, p})
			continue
		}
		span, ok := flow.ParsePortRange(part)
		if !ok || span.Last > 255 {
			r.value(n.at, "%q is not a protocol: a name, a number 0-255, a range of numbers or \"*\"", shortened(part))
			return nil
		}
		out = append(out, ProtocolRange{flow.Protocol(span.First), flow.Protocol(span.Last)})
	}
	return out
}

func (r *reader) ports(n *node) (flow.PortRange, bool) {
	t, ok := r.word(n, "ports", 65535)
	if !ok {
		return flow.PortRange{}, false
	}
	p, ok := flow.ParsePortRange(t)
	if !ok {
		r.value(n.at, "%q is not a port or a range of ports (443, 5000-5010 or \"*\")", shortened(t))
	}
	return p, ok
}

func hasPorts(list []ProtocolRange) bool {
	for _, p := range list {
		for _, q := range []flow.Protocol{flow.TCP, flow.UDP} {
			if p.First <= q && q <= p.Last {
				return true
			}
		}
	}
	return false
}

// entries reads only: a text or mapping, or a list of them.
func (r *reader) entries(n *node) (out []Entry) {
	r.each(n, "only", func(x *node) {
		e := Entry{At: x.at}
		if x.kind != object {
			if e.Far = (Word{r.text(x, "only", maxWord), x.at}); e.Far.Text != "" {
				out = append(out, e)
			}
			return
		}
		m := r.mapping(x, "an entry of only", selectionKeys)
		if len(x.members) == 0 {
			r.structure(x.at, "an entry of only without a key would allow everything; there are %s", strings.Join(selectionKeys, ", "))
		}
		e.Selection = r.selection(m)
		out = append(out, e)
	})
	return out
}
