package assert

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"ipflow/index"
	"ipflow/index/interval"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/ingest/suite"
	"ipflow/verify/reach"
	"ipflow/verify/space"
)

// maxZones bounds the zones between which assertions are suggested: they grow
// with its square.
const maxZones = 48

// Suggestion is a suite that holds for a snapshot.
type Suggestion struct {
	Assertions []*suite.Assertion
	// LeftOut counts assertions that do not hold, because facts are missing.
	LeftOut int
	Notes   []string
}

// Suggest describes what is allowed now: for every subnet with NICs what the
// Internet and each other subnet may open there and what it may open on the
// Internet. Every assertion of it passes.
func (c *Checker) Suggest(ctx context.Context) (*Suggestion, error) {
	g := &suggester{c: c, s: space.New(), same: map[string]*suite.Assertion{}}
	zones, left := c.zones()
	out := &Suggestion{}
	if left > 0 {
		out.Notes = append(out.Notes, fmt.Sprintf("%s without a subnet in the snapshot left out", count(left, "NIC")))
	}
	pairs := zones
	if len(zones) > maxZones {
		pairs = nil
		out.Notes = append(out.Notes, fmt.Sprintf("%d subnets are more than %d: what they may open at each other is left out", len(zones), maxZones))
	}
	internet := zone{text: "Internet"}
	var err error
	if internet.end, err = reach.Resolve(c.net, internet.text); err != nil {
		panic("assert: the tag Internet: " + err.Error())
	}
	for _, to := range zones {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for _, from := range append([]zone{internet}, pairs...) {
			g.pair(from, to)
		}
	}
	for _, from := range zones {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		g.pair(from, internet)
	}
	g.keepPassing(out)
	g.name()
	out.Assertions = g.list
	return out, nil
}

// zone is a subnet with NICs, or the Internet.
type zone struct {
	text string // as a suite names it
	end  reach.End
}

// zones returns the subnets with NICs, by id, and how many NICs are in none.
func (c *Checker) zones() (out []zone, left int) {
	seen := map[*network.NIC]bool{}
	for _, s := range c.net.Subnets {
		e := reach.SubnetEnd(c.net, s)
		if len(e.Members) == 0 {
			continue
		}
		for _, m := range e.Members {
			seen[m.NIC] = true
		}
		short := network.LastSegment(s.VirtualNetworkID) + "/" + s.Name
		for _, text := range []string{s.Name, short, "subnet:" + short, "subnet:" + s.ID} {
			found, err := reach.Resolve(c.net, text)
			if err == nil && text != "" && slices.EqualFunc(found.Members, e.Members, func(a, b reach.Member) bool { return a.NIC == b.NIC }) && slices.Equal(found.Prefixes, e.Prefixes) {
				out = append(out, zone{text, found})
				break
			}
		}
	}
	for _, n := range c.net.NICs {
		if !seen[n] {
			left++
		}
	}
	return out, left
}

// suggester makes assertions. s holds sets of services: their addresses and
// source ports are all.
type suggester struct {
	c    *Checker
	s    *space.Space
	list []*suite.Assertion
	what []string                    // of the list: what is told, for names
	same map[string]*suite.Assertion // by all but the sender
}

// services are what is allowed between two zones.
type services struct {
	may     space.Set // allowed, or unknown, for some flow
	every   space.Set // allowed for every flow
	known   bool      // nothing is unknown
	some    bool      // there are flows between them at all
	entries []peer    // by service, who may open it or be opened
}

// peer is the far addresses of a service that is allowed for some of them.
type peer struct {
	service space.Box
	remote  index.Addresses
}

// pair suggests what one zone may open at another.
func (g *suggester) pair(from, to zone) {
	v := g.ask(from, to)
	if !v.some {
		return
	}
	wide := suite.Selection{From: []suite.Word{{Text: from.text}}, To: []suite.Word{{Text: to.text}}}
	if v.may.Empty() {
		g.add(&suite.Assertion{Selection: wide, Expect: flow.Deny}, "nothing")
		return
	}
	if only := g.only(v, from, to); len(only) > 0 && (v.may != g.everything() || len(only) > 1) {
		byAddress := func(e suite.Entry) bool { return len(e.From)+len(e.To) > 0 }
		a := &suite.Assertion{Selection: wide, Only: only}
		if v.known && v.every == v.may && !slices.ContainsFunc(only, byAddress) {
			a.Expect = flow.Allow
			g.add(a, "exactly "+entriesWords(only))
			return
		}
		g.add(a, "nothing but "+entriesWords(only))
		for _, e := range only {
			if byAddress(e) {
				g.allowed(wide, e.Selection)
			}
		}
	}
	for _, b := range g.s.Boxes(v.every) {
		g.allowed(wide, serviceWords(b))
	}
}

// allowed suggests that flows are allowed; what the narrower selection leaves
// open the wider one says.
func (g *suggester) allowed(wide, narrow suite.Selection) {
	if len(narrow.From) == 0 {
		narrow.From = wide.From
	}
	if len(narrow.To) == 0 {
		narrow.To = wide.To
	}
	g.add(&suite.Assertion{Selection: narrow, Expect: flow.Allow}, serviceText(&narrow))
}

// add keeps an assertion. Those that differ in one sender become one.
func (g *suggester) add(a *suite.Assertion, what string) {
	rest := *a
	rest.From = nil
	key := fmt.Sprint(rest.Selection, rest.Expect, rest.Only, len(a.From))
	if at, known := g.same[key]; known && len(a.From) == 1 {
		at.From = append(at.From, a.From[0])
		return
	}
	g.same[key] = a
	g.list = append(g.list, a)
	g.what = append(g.what, what)
}

// keepPassing leaves out what does not hold: of an assertion about several
// senders those for which it does not.
func (g *suggester) keepPassing(out *Suggestion) {
	list, what := g.list, g.what
	g.list, g.what = nil, nil
	for i, a := range list {
		if all := a.From; len(all) > 1 && g.c.Check(a).State != Pass {
			a.From = nil
			for _, from := range all {
				alone := *a
				alone.From = []suite.Word{from}
				if g.c.Check(&alone).State == Pass {
					a.From = append(a.From, from)
				}
			}
			out.LeftOut += len(all) - len(a.From)
		} else if len(all) <= 1 && g.c.Check(a).State != Pass {
			a.From = nil
			out.LeftOut++
		}
		if len(a.From) > 0 {
			g.list, g.what = append(g.list, a), append(g.what, what[i])
		}
	}
}

// name gives every assertion a name of its own.
func (g *suggester) name() {
	const room = 200
	used := map[string]bool{}
	for i, a := range g.list {
		name := fmt.Sprintf("%s from %s: %s", wordsText(a.To, ", "), wordsText(a.From, ", "), g.what[i])
		if r := []rune(name); len(r) > room {
			name = string(r[:room]) + "…"
		}
		a.Name.Text = name
		for n := 2; used[a.Name.Text]; n++ {
			a.Name.Text = fmt.Sprintf("%s (%d)", name, n)
		}
		used[a.Name.Text] = true
	}
}

func (g *suggester) everything() space.Set { return g.s.Box(serviceBox(anyBox(), flow.Inbound)) }

// serviceBox keeps of a box what is a service: protocols and destination ports.
func serviceBox(b space.Box, dir flow.Direction) space.Box {
	out := anyBox()
	out.Local, out.Remote = index.Addresses{V4: space.AllAddresses.V4}, index.Addresses{V4: space.AllAddresses.V4}
	out.Protocols, out.RemotePorts = b.Protocols, b.RemotePorts
	if dir == flow.Inbound {
		out.RemotePorts = b.LocalPorts
	}
	return out
}

// ask finds what is allowed between two zones.
func (g *suggester) ask(from, to zone) (v services) {
	answer := g.c.prober.Ask(reach.Question{From: from.end, To: to.end})
	var may, not []space.Set
	v.known, v.some = true, len(answer.Asked) > 0
	at := map[string]int{}
	for i := range answer.Sets {
		set := &answer.Sets[i]
		for k := range set.Boxes {
			b := serviceBox(set.Boxes[k].Box, set.Direction)
			if set.Access != flow.Deny {
				may = append(may, g.s.Box(b))
				key := serviceKey(b)
				if _, known := at[key]; !known {
					at[key] = len(v.entries)
					v.entries = append(v.entries, peer{service: b})
				}
				p := &v.entries[at[key]]
				p.remote = p.remote.Or(set.Boxes[k].Remote)
			}
			if set.Access != flow.Allow {
				not = append(not, g.s.Box(b))
			}
			v.known = v.known && set.Access != flow.Unknown
		}
	}
	v.may = g.s.Union(may...)
	v.every = g.s.Difference(v.may, g.s.Union(not...))
	return v
}

func serviceKey(b space.Box) string { return fmt.Sprint(b.Protocols, b.RemotePorts) }

// The bounds of what is told apart by address: more would not be read.
const (
	maxPeers    = 8
	maxPrefixes = 6
)

// only returns what may be opened: by address where the Internet is one end and
// few addresses may.
func (g *suggester) only(v services, from, to zone) (out []suite.Entry) {
	if from.text == "Internet" || to.text == "Internet" {
		for _, p := range v.entries {
			e := suite.Entry{Selection: serviceWords(p.service)}
			list := p.remote.Prefixes()
			if len(list) <= maxPrefixes {
				texts := make([]suite.Word, len(list))
				for i, x := range list {
					texts[i].Text = strings.TrimSuffix(strings.TrimSuffix(x.String(), "/32"), "/128")
				}
				if from.text == "Internet" {
					e.From = texts
				} else {
					e.To = texts
				}
			}
			if len(e.From)+len(e.To)+len(e.Protocols)+len(e.Ports) == 0 {
				return nil // everything may
			}
			out = append(out, e)
		}
		if len(out) <= maxPeers {
			return out
		}
		out = nil
	}
	for _, b := range g.s.Boxes(v.may) {
		out = append(out, suite.Entry{Selection: serviceWords(b)})
	}
	return out
}

// serviceWords writes a service as a suite does. A box with some ports holds no
// protocol without ports.
func serviceWords(b space.Box) (out suite.Selection) {
	full := len(b.RemotePorts) == 1 && b.RemotePorts[0] == space.AllPorts[0]
	if !full {
		for _, r := range b.RemotePorts {
			out.Ports = append(out.Ports, flow.PortRange{First: uint16(r.First), Last: uint16(r.Last)})
		}
	}
	if full && b.Protocols == index.AllProtocols {
		return out
	}
	var list []interval.Range[interval.Port]
	for p := range 256 {
		if proto := flow.Protocol(p); b.Protocols.Contains(proto) && (full || proto.HasPorts()) {
			list = append(list, interval.Range[interval.Port]{First: interval.Port(p), Last: interval.Port(p)})
		}
	}
	for _, r := range interval.Of(list) {
		out.Protocols = append(out.Protocols, suite.ProtocolRange{First: flow.Protocol(r.First), Last: flow.Protocol(r.Last)})
	}
	return out
}

func entriesWords(list []suite.Entry) string {
	texts := make([]string, len(list))
	for i := range list {
		texts[i] = serviceText(&list[i].Selection)
	}
	return few(texts, ", ")
}

func serviceText(s *suite.Selection) string {
	out := space.ProtocolsText(protocolsOf(s.Protocols))
	if len(s.Ports) == 0 {
		return out
	}
	ports := make([]string, len(s.Ports))
	for i, p := range s.Ports {
		ports[i] = portText(p)
	}
	return out + " " + few(ports, ",")
}
