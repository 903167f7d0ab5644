package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify"
	"ipflow/verify/ends"
	"ipflow/verify/explain"
	"ipflow/verify/frontend"
	"ipflow/verify/oracle"
)

func (f *checkFlags) addEnds(fs *pflag.FlagSet) {
	fs.StringVar(&f.from, "from", "", "source: VM or NIC by name or id, or IP; a port may follow (:PORT). Asks at both ends (with --to, --protocol)")
	fs.StringVar(&f.to, "to", "", "destination: VM or NIC by name or id, or IP, then :PORT")
}

// flowEnd is --from or --to.
type flowEnd struct {
	which ends.End
	flag  string
	name  string // of a NIC or VM, or its id; "" when an address was given
	endpoint
	nic *network.NIC // nil when the end is not in the snapshot
}

// endAnswer is check's answer at one end.
type endAnswer struct {
	NIC   string `json:"nic"`
	Local string `json:"local"`
	checkAnswer
}

// endsAnswer is the answer from both ends: the usual keys are those of the end
// that decides, and an end is absent when it is not in the snapshot.
type endsAnswer struct {
	checkAnswer
	Source      *endAnswer `json:"source,omitempty"`
	Destination *endAnswer `json:"destination,omitempty"`
}

// parseEnd reads NAME, NAME:PORT, or what parseEndpoint takes. Azure's names
// have no colon.
func parseEnd(which ends.End, flag, text string) (e flowEnd, err error) {
	e = flowEnd{which: which, flag: flag}
	if text == "" {
		return e, usagef("--from and --to go together: --%s is missing; it takes a VM, a NIC or an IP, and :PORT", flag)
	}
	host, port, found := strings.Cut(text, ":")
	_, notIP := netip.ParseAddr(host)
	if strings.HasPrefix(text, "[") || strings.Count(text, ":") > 1 || notIP == nil {
		e.endpoint, err = parseEndpoint(flag, text)
		return e, err
	}
	if host == "" || found && port == "" {
		return e, usagef("--%s %q is not NAME:PORT or IP:PORT", flag, text)
	}
	e.name, e.port = host, port
	return e, nil
}

// endsQuestion reads the flags; the addresses of named ends follow with the
// snapshot.
func (f *checkFlags) endsQuestion() (from, to flowEnd, p ends.Packet, err error) {
	for _, other := range []struct{ name, value string }{
		{"--local", f.local}, {"--remote", f.remote}, {"--direction", f.direction}, {"--vm", f.vm}, {"--nic", f.nic}, {"--via-frontend", f.frontend},
	} {
		if other.value != "" {
			return from, to, p, usagef("--from and --to ask at both ends of a flow; leave out %s", other.name)
		}
	}
	if from, err = parseEnd(ends.Source, "from", f.from); err != nil {
		return from, to, p, err
	}
	if to, err = parseEnd(ends.Destination, "to", f.to); err != nil {
		return from, to, p, err
	}
	var ok bool
	if p.Protocol, ok = flow.ParseProtocol(f.protocol); !ok {
		return from, to, p, usagef("--protocol takes TCP, UDP, ICMP, ESP, AH or a number 0-255, not %q", f.protocol)
	}
	if f.strict && !p.Protocol.HasPorts() {
		return from, to, p, usagef("--strict: IP flow verify takes TCP or UDP only, not %s; 'ipflow diagnose' asks about other protocols", p.Protocol)
	}
	if p.SourcePort, p.AnySourcePort, err = from.portOf("from", true, p.Protocol); err != nil {
		return from, to, p, err
	}
	p.AnySourcePort = p.AnySourcePort && p.Protocol.HasPorts()
	if to.port == "" && p.Protocol.HasPorts() {
		return from, to, p, usagef("--to needs a port: it is the destination; write %s", withPort(f.to))
	}
	p.DestinationPort, _, err = to.portOf("to", false, p.Protocol)
	return from, to, p, err
}

// withPort shows how the end is written with a port.
func withPort(text string) string {
	if strings.Count(text, ":") > 1 {
		return "[" + strings.Trim(text, "[]") + "]:PORT"
	}
	return text + ":PORT"
}

// find looks the end up: the NIC that is named, or the one that owns the address.
func (e *flowEnd) find(n *network.Network) error {
	if e.name == "" {
		nic, fault := verify.Find(n, "", "", e.addr)
		if fault == verify.NICAmbiguous {
			var ids []string
			for _, c := range n.NICsOwning(e.addr) {
				ids = append(ids, c.ID)
			}
			return usagef("--%s: several NICs own %s; name one: %s", e.flag, e.addr, diag.Printable(strings.Join(ids, ", ")))
		}
		e.nic = nic
		return nil
	}
	found := slices.Clone(n.NICsNamed(e.name))
	machines := n.VMsNamed(e.name)
	for _, m := range machines {
		for _, c := range m.NICs {
			if !slices.Contains(found, c) {
				found = append(found, c)
			}
		}
	}
	switch {
	case len(found) == 1:
		e.nic = found[0]
		return nil
	case len(found) > 1:
		var ids []string
		for _, c := range found {
			ids = append(ids, c.ID)
		}
		return usagef("--%s: %s stands for several NICs; name the NIC by its id: %s", e.flag, diag.Printable(e.name), diag.Printable(strings.Join(ids, ", ")))
	case len(machines) > 0:
		return usagef("--%s: VM %s has no NIC in the snapshot; export its NICs or give an address", e.flag, diag.Printable(e.name))
	}
	hint := ""
	for _, near := range []string{nearest(n, e.name, ""), nearest(n, "", e.name)} {
		if near != "" && hint == "" {
			hint = "; did you mean " + near + "?"
		}
	}
	return usagef("--%s: %s is no IP address, and no NIC or VM of that name or id is in the snapshot%s", e.flag, diag.Printable(e.name), diag.Printable(hint))
}

// choose gives named ends their addresses, of the family of the other end; IPv4
// where both ends are named and have both.
func choose(from, to *flowEnd) error {
	for _, four := range [...]bool{true, false} {
		a, b := from.address(four), to.address(four)
		if a.IsValid() && b.IsValid() {
			from.addr, to.addr = a, b
			return nil
		}
	}
	if from.name == "" && to.name == "" {
		return usagef("--from %s and --to %s are of different address families", from.addr, to.addr)
	}
	return usagef("--from %s and --to %s have no recorded addresses of one family; give addresses", from.text(), to.text())
}

// address returns the end's address of the family: what was given, or the NIC's
// primary ip configuration's, else its first one's.
func (e *flowEnd) address(four bool) (a netip.Addr) {
	if e.name == "" {
		if e.addr.Is4() == four {
			return e.addr
		}
		return a
	}
	for i := range e.nic.IPConfigs {
		c := &e.nic.IPConfigs[i]
		if c.Address.IsValid() && c.Address.Is4() == four && (c.Primary || !a.IsValid()) {
			if a = c.Address; c.Primary {
				break
			}
		}
	}
	return a
}

func (e *flowEnd) text() string {
	if e.name != "" {
		return diag.Printable(e.name)
	}
	return e.addr.String()
}

func (a *app) checkEnds(ctx context.Context, f *checkFlags, output string) error {
	from, to, p, err := f.endsQuestion()
	if err != nil {
		return err
	}
	s, err := a.load(ctx, 0)
	if err != nil {
		return err
	}
	a.talk.diagnostics(s.Diagnostics)
	n := s.Network
	for _, e := range []*flowEnd{&from, &to} {
		if err := e.find(n); err != nil {
			return err
		}
	}
	if err := choose(&from, &to); err != nil {
		return err
	}
	if from.nic == nil && to.nic == nil {
		return usagef("neither %s nor %s is the address of a NIC in the snapshot; one end must be", from.addr, to.addr)
	}
	if f.strict && !from.addr.Is4() {
		return usagef("--strict: IP flow verify takes valid IPv4 addresses only; 'ipflow diagnose' asks about IPv6")
	}
	p.Source, p.Destination = flow.AddressFrom(from.addr), flow.AddressFrom(to.addr)
	w := askEnds(n, &from, &to, p)
	for _, e := range w.asked() {
		if e.verdict.Reason == flow.ReasonNoNSG {
			a.talk.infof("no security group applies to %s; Azure's own API answers HTTP 400 NsgsNotAppliedOnNic here", e.nic.ID)
		}
	}
	if output == "text" {
		if err := a.writeEnds(n, &w); err != nil {
			return err
		}
	} else if err := a.printJSON(w.answer(n)); err != nil {
		return err
	}
	var deny, unknown int64
	switch w.both.Access {
	case flow.Deny:
		deny = 1
	case flow.Unknown:
		unknown = 1
	case flow.Allow:
	}
	return f.failOn.exit(deny, unknown, 0)
}

// askedEnd is an end with its question and answer.
type askedEnd struct {
	*flowEnd
	tuple   flow.Tuple
	verdict flow.Verdict
	notes   []string
}

// way is both ends of a flow, and what they come to.
type way struct {
	source, destination *askedEnd // nil when not in the snapshot
	both                flow.Verdict
	decides             ends.End
	notes               []string
}

// asked returns the ends that were evaluated, the source first.
func (w *way) asked() []*askedEnd {
	return slices.DeleteFunc([]*askedEnd{w.source, w.destination}, func(e *askedEnd) bool { return e == nil })
}

func askEnds(n *network.Network, from, to *flowEnd, p ends.Packet) way {
	judge := oracle.New(n)
	ask := func(e *flowEnd, t flow.Tuple) (*askedEnd, *flow.Verdict) {
		if e.nic == nil {
			return nil, nil
		}
		v := judge.Classify(e.nic, t)
		out := &askedEnd{flowEnd: e, tuple: t, verdict: v, notes: explain.Notes(n, e.nic, t, v)}
		return out, &out.verdict
	}
	var w way
	var source, destination *flow.Verdict
	w.source, source = ask(from, p.AtSource())
	w.destination, destination = ask(to, p.AtDestination())
	w.both, w.decides = ends.Join(source, destination)
	for _, e := range []*flowEnd{from, to} {
		if e.nic == nil {
			w.notes = append(w.notes, outsideNote(n, e, p))
		}
	}
	if from.nic != nil && from.nic == to.nic {
		w.notes = append(w.notes, "both ends are NIC "+from.nic.Name+": packets of a machine to itself need not leave it")
	}
	for _, e := range w.asked() {
		for _, note := range e.notes {
			w.notes = append(w.notes, "at the "+e.which.String()+": "+note)
		}
	}
	return w
}

// outsideNote says why an end was not evaluated, and where the snapshot knows
// its address from all the same.
func outsideNote(n *network.Network, e *flowEnd, p ends.Packet) string {
	note := fmt.Sprintf("no NIC of the snapshot has the address %s: the %s end is not evaluated", e.addr, e.which)
	for _, s := range n.Subnets {
		if slices.ContainsFunc(s.Prefixes, func(x netip.Prefix) bool { return x.Contains(e.addr) }) {
			note += ", though the address lies in " + s.ID
			break
		}
	}
	if e.which == ends.Destination && p.Protocol.HasPorts() {
		q := frontend.Question{Address: e.addr, Port: p.DestinationPort, Protocol: p.Protocol}
		if owners := frontend.Resolve(n, q).Owners; len(owners) > 0 {
			note += "; it is a frontend of " + strings.Join(owners, ", ") + ", whose backends --via-frontend asks"
		}
	}
	return note
}

func (w *way) answer(n *network.Network) endsAnswer {
	one := func(e *askedEnd) *endAnswer {
		if e == nil {
			return nil
		}
		return &endAnswer{NIC: e.nic.ID, Local: e.local(), checkAnswer: answerOf(n, e.verdict, nil)}
	}
	return endsAnswer{checkAnswer: answerOf(n, w.both, w.notes), Source: one(w.source), Destination: one(w.destination)}
}

// local is the end's address, with its port where the protocol has ports.
func (e *askedEnd) local() string {
	switch {
	case !e.tuple.Protocol.HasPorts():
		return e.addr.String()
	case e.which == ends.Source && e.tuple.AnySourcePort:
		return net.JoinHostPort(e.addr.String(), "*")
	}
	return netip.AddrPortFrom(e.addr, e.tuple.LocalPort).String()
}

// writeEnds prints the answer and the explanation of each end, names inert.
func (a *app) writeEnds(n *network.Network, w *way) error {
	var b strings.Builder
	line := func(format string, args ...any) {
		b.WriteString(diag.Printable(fmt.Sprintf(format, args...)) + "\n")
	}
	head := w.both.Access.String()
	if r := n.Rule(w.both.Rule); r != nil {
		head += fmt.Sprintf(" by %s at the %s", r.Spelling(), w.decides)
	}
	line("%s", head)
	if w.both.Reason != "" {
		line("reason: %s", w.both.Reason)
	}
	if len(w.notes) > 0 {
		line("")
		line("notes")
		for _, note := range w.notes {
			line("  %s", note)
		}
	}
	for _, e := range w.asked() {
		line("")
		line("%s: %s of %s", e.which, e.local(), e.nic.ID)
		if err := explain.Of(n, e.nic, e.tuple).Write(&b, nil); err != nil {
			return err
		}
	}
	_, err := io.WriteString(a.stdout, b.String())
	return err
}
