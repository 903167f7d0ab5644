package audit

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"ipflow/index"
	"ipflow/index/interval"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/lint"
	"ipflow/verify/reach"
	"ipflow/verify/space"
)

// A face is what the Internet may send to a seat with one access.
type face struct {
	seat     *seat
	access   flow.Access
	flows    space.Map
	exposure int // position in Report.Exposures
	hits     []hit
}

// A hit is a service of the list among the flows of a face.
type hit struct {
	service int
	breadth Breadth
	flows   space.Map // by decision
}

// A cause is what findings of exposure are told apart by: the same rule, or the
// same missing facts, opens the same kind of service as wide.
type cause struct {
	kind    string
	access  flow.Access
	breadth Breadth
	rule    flow.RuleRef
	subject string // the NIC where no rule decides; the facts of Unknown
}

// evidence collects what one cause opens where.
type evidence struct {
	cause
	opened    map[string]opened // by service
	controls  []string
	nics      map[*network.NIC]bool
	first     *network.NIC
	exposures []int
	witness   *Witness
	facts     []string
}

// opened is the ports of a service, or everything.
type opened struct {
	protocols index.Protocols
	ports     interval.Set[interval.Port]
}

// allPorts is the name in the place of a service where all TCP ports are open.
const allPorts = "all ports"

// findings turns faces and lint findings into findings.
func (a *auditor) findings() {
	a.out.Findings = []Finding{}
	byCause := map[cause]*evidence{}
	var order []*evidence
	for i := range a.faces {
		f := &a.faces[i]
		for _, label := range a.space.Labels(f.flows) {
			if label > 0 {
				a.evidence(f, label, byCause, &order)
			}
		}
	}
	for _, e := range order {
		a.out.Findings = append(a.out.Findings, a.exposureFinding(e))
	}
	for i := range a.lint.Findings {
		a.out.Findings = append(a.out.Findings, a.lintFinding(&a.lint.Findings[i]))
	}
	slices.SortStableFunc(a.out.Findings, byWeight)
	seen := map[string]int{}
	for i := range a.out.Findings {
		f := &a.out.Findings[i]
		if seen[f.ID]++; seen[f.ID] > 1 { // the same said twice, for two reasons
			f.ID = fingerprint(f.ID, fmt.Sprint(seen[f.ID]))
		}
	}
}

func byWeight(x, y Finding) int {
	kind := func(f *Finding) int {
		return slices.IndexFunc(Kinds(), func(k Kind) bool { return k.ID == f.Kind })
	}
	return cmp.Or(
		cmp.Compare(x.Severity.rank(), y.Severity.rank()), cmp.Compare(kind(&x), kind(&y)),
		strings.Compare(x.File, y.File), cmp.Compare(x.Line, y.Line), cmp.Compare(x.Column, y.Column), strings.Compare(x.ID, y.ID),
	)
}

// Severities lists the severities, worst first.
func Severities() []Severity { return []Severity{Critical, High, Medium, Low, Info} }

func (s Severity) rank() int { return slices.Index(Severities(), s) }

// AtLeast reports whether the severity is as bad as the other, or worse.
func (s Severity) AtLeast(other Severity) bool { return s.rank() <= other.rank() }

// evidence files the flows of a face that one decision lets in.
func (a *auditor) evidence(f *face, label int, byCause map[cause]*evidence, order *[]*evidence) {
	d := a.p.Decision(label)
	all := f.access == flow.Allow && a.opensAll(f, label)
	for i := range f.hits {
		h := &f.hits[i]
		part := a.only(h.flows, label)
		if part == (space.Map{}) {
			continue
		}
		known := &a.services[h.service]
		kind, breadth := kindOfService(known.Category, f.access, d), a.breadth(h, part)
		if breadth == Restricted && (kind == kindWeb || kind == kindUDP) {
			continue // meant to be few, and they are
		}
		of := a.measure(part)
		name, what := known.Name, opened{of.protocols, of.ports}
		if all && kind != kindNoNSG {
			kind, name, what = kindAllPorts, allPorts, opened{}
		} else if kind == kindNoNSG {
			name, what = allPorts, opened{}
		}
		c := cause{kind: kind, access: f.access, breadth: breadth, rule: d.Rule}
		nics := f.seat.members
		if f.access == flow.Unknown {
			c.rule, c.subject = 0, d.Reason
		}
		for m := range nics {
			own := c
			if d.Rule == 0 && f.access == flow.Allow {
				own.subject = nics[m].nic.ID
			}
			e := byCause[own]
			if e == nil {
				e = &evidence{cause: own, opened: map[string]opened{}, nics: map[*network.NIC]bool{}, first: nics[m].nic}
				e.witness = a.showAt(nics[m].nic, firstOf(nics[m].at), a.somewhere(part), flow.Inbound)
				e.facts = factsOf(d.Reason)
				byCause[own] = e
				*order = append(*order, e)
			}
			e.add(name, what, controlsOf(known), nics[m].nic, f.exposure+1)
		}
	}
}

// breadth says how much of the Internet one decision lets reach a service. Rules
// that are narrow one by one and wide together count as open.
func (a *auditor) breadth(h *hit, part space.Map) Breadth {
	if h.breadth == Restricted || a.measure(part).breadth == Open {
		return h.breadth
	}
	var narrow []index.Addresses
	for _, label := range a.space.Labels(h.flows) {
		if label == 0 {
			continue
		}
		if own := a.measure(a.only(h.flows, label)); own.breadth == Restricted {
			narrow = append(narrow, own.senders)
		}
	}
	return breadthOf(index.Join(narrow))
}

// only keeps one label.
func (a *auditor) only(m space.Map, label int) space.Map {
	return a.space.Relabel(m, func(l int) int {
		if l == label {
			return l
		}
		return 0
	})
}

func (e *evidence) add(name string, what opened, controls []string, nic *network.NIC, exposure int) {
	o := e.opened[name]
	for i, bits := range what.protocols {
		o.protocols[i] |= bits
	}
	o.ports = interval.Union(o.ports, what.ports)
	e.opened[name] = o
	for _, c := range controls {
		if !slices.Contains(e.controls, c) {
			e.controls = append(e.controls, c)
		}
	}
	e.nics[nic] = true
	if !slices.Contains(e.exposures, exposure) {
		e.exposures = append(e.exposures, exposure)
	}
}

func kindOfService(category string, access flow.Access, d reach.Decision) string {
	switch {
	case access == flow.Unknown:
		return kindUnknown
	case d.Rule == 0:
		return kindNoNSG
	}
	switch category {
	case Management:
		return kindManagement
	case Database:
		return kindDatabase
	case Web:
		return kindWeb
	case AnyUDP:
		return kindUDP
	}
	return kindService
}

// opensAll reports whether the decision lets some address of the Internet reach
// every TCP port.
func (a *auditor) opensAll(f *face, label int) bool {
	four, six := a.space.Services(f.flows, ofFamily(f.seat.view.internet, f.seat.four), nil, nil)
	tcp := fourBox()
	tcp.Protocols = index.ProtocolsOf(flow.TCP)
	every := a.space.Box(tcp)
	for _, m := range append(four, six...) {
		if a.space.Covers(a.space.Where(m, func(l int) bool { return l == label }), every) {
			return true
		}
	}
	return false
}

// fingerprint names a finding by what makes it.
func fingerprint(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func (a *auditor) exposureFinding(e *evidence) Finding {
	kind := kindOf(e.kind)
	f := Finding{
		Kind: e.kind, Category: exposureCategory, Access: e.access.String(), Breadth: e.breadth, Remedy: kind.Remedy,
		By: []string{}, NICs: []string{}, Services: []string{}, Witness: e.witness, Controls: sortedSet(e.controls), Exposures: e.exposures, Facts: e.facts,
	}
	var names, exact []string
	for name, o := range e.opened {
		names = append(names, name)
		text := name
		if len(o.ports) > 0 {
			text += " (" + space.ProtocolsText(o.protocols) + " " + strings.Join(portWords(o.ports), ", ") + ")"
		}
		f.Services = append(f.Services, text)
		exact = append(exact, text)
	}
	f.Services = sortedSet(f.Services)
	slices.Sort(names)
	nics := slices.SortedFunc(maps.Keys(e.nics), func(x, y *network.NIC) int { return cmp.Compare(x.Index, y.Index) })
	led := 0
	for _, c := range nics {
		f.NICs = append(f.NICs, c.ID)
		if len(a.out.NICs[c.Index].Ways) > 0 {
			led++
		}
	}
	subject := network.Key(e.subject)
	switch r := a.net.Rule(e.rule); {
	case r != nil:
		subject = network.Key(r.ID)
		f.Rule, f.Resource, f.Place = r.ID, r.GroupID(), a.place(r.Origin)
	default:
		f.Resource, f.Place = nics[0].ID, a.place(nics[0].Origin)
	}
	f.By = a.through(e.witness, f.Rule)
	f.Severity = severityOf(e, led > 0, a.closed(nics[0]))
	if e.access == flow.Unknown {
		f.Category = unknownCategory
	}
	f.Title, f.Message = a.tell(e, names, nics, led)
	slices.Sort(exact)
	f.ID = fingerprint(append([]string{e.kind, e.access.String(), string(e.breadth), subject}, exact...)...)
	return f
}

// through lists the other rules that let the witness in.
func (a *auditor) through(w *Witness, deciding string) []string {
	out := []string{}
	for _, id := range []string{w.AdminRule, w.SubnetRule, w.NICRule} {
		if id != "" && id != deciding && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// closed reports whether all that leads to the NIC is public IPs of SKU Standard,
// "secure by default: closed to inbound traffic" without a security group.
func (a *auditor) closed(c *network.NIC) bool {
	if !slices.Equal(a.out.NICs[c.Index].Ways, []string{"public-ip"}) {
		return false
	}
	for i := range c.IPConfigs {
		id := network.Key(c.IPConfigs[i].PublicIPID)
		standard := func(p *network.PublicIP) bool { return network.Key(p.ID) == id && strings.EqualFold(p.SKU, "Standard") }
		if id != "" && !slices.ContainsFunc(a.net.PublicIPs, standard) {
			return false
		}
	}
	return true
}

// severityOf ranks an exposure; closed says that Azure drops what comes. A NIC to which nothing in the snapshot leads from
// outside is one step safer.
func severityOf(e *evidence, led, closed bool) Severity {
	open := e.breadth == Open
	switch {
	case e.kind == kindWeb:
		return Low
	case e.kind == kindUDP:
		return Medium
	case e.kind == kindUnknown && open:
		return Medium
	case e.kind == kindUnknown:
		return Low
	case e.kind == kindNoNSG && closed:
		return Medium
	case open && led:
		return Critical
	case open:
		return High
	case e.kind == kindAllPorts:
		return Medium
	}
	return Low
}

// tell writes title and message.
func (a *auditor) tell(e *evidence, names []string, nics []*network.NIC, led int) (title, message string) {
	what := few(names, 4)
	where := few(nicNames(nics), 3)
	verb, who := "open to the Internet", "the Internet at large"
	if e.breadth == Restricted {
		verb, who = "open to some addresses of the Internet", "fewer than 65,536 addresses of the Internet"
	}
	r := a.net.Rule(e.rule)
	switch {
	case e.access == flow.Unknown:
		title = what + ": not known whether the Internet gets in at " + where
		message = fmt.Sprintf("Whether %s can reach %s at %s rests on %s.", who, what, count(len(nics), "NIC"), few(e.facts, 3))
	case e.kind == kindNoNSG:
		title = where + " has no security group"
		message = "Neither the NIC nor its subnet has a security group and no admin rule decides: every packet that gets there is let in."
		if a.closed(nics[0]) {
			message += " Its public IP is of SKU Standard, for which Azure drops inbound traffic where there is no security group."
		}
	default:
		title = what + " " + verb + " by " + network.LastSegment(r.GroupID()) + "/" + r.Name
		message = fmt.Sprintf("%s can reach %s at %s (%s); %s (%s, priority %d) decides.",
			upper(who), what, count(len(nics), "NIC"), where, r.Spelling(), r.Access, r.Priority)
	}
	switch {
	case led == 0:
		message += " The snapshot shows no public IP or load balancer that leads there."
	case led == len(nics):
		message += " A public IP or load balancer of the snapshot leads there."
	default:
		message += fmt.Sprintf(" A public IP or load balancer of the snapshot leads to %d of them.", led)
	}
	return title, message
}

func (a *auditor) lintFinding(l *lint.Finding) Finding {
	kind := ruleKind(l.Kind)
	f := Finding{
		Kind: kind.ID, Category: ruleCategory, Severity: lintSeverity(l), Remedy: kind.Remedy, Resource: l.Group.ID,
		Title: kind.Title + ": " + network.LastSegment(l.Group.ID), Message: l.Message,
		By: []string{}, NICs: []string{}, Services: []string{}, Controls: []string{}, Exposures: []int{}, Facts: []string{}, Place: a.place(l.Origin()),
	}
	parts := []string{kind.ID, network.Key(l.Subject())}
	if l.Rule != nil {
		f.Rule = l.Rule.ID
		f.Title += "/" + l.Rule.Name
	}
	if l.DifferentAction {
		parts = append(parts, "another action")
	}
	if l.Kind == lint.Malformed { // a rule may have several faults
		parts = append(parts, l.Message)
	}
	f.ID = fingerprint(parts...)
	for _, r := range l.By {
		f.By = append(f.By, r.ID)
	}
	if l.Witness != nil && l.Witness.NIC != nil && !l.Witness.Tuple.AnySourcePort {
		f.Witness = a.witness(l.Witness.NIC, l.Witness.Tuple)
	}
	return f
}
