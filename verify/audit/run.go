package audit

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"ipflow/index"
	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/lint"
	"ipflow/verify/reach"
	"ipflow/verify/space"
)

// Benchmark is what Controls are taken from.
const Benchmark = "CIS Microsoft Azure Foundations Benchmark v2.1.0, section 6"

// Input is what an audit looks at.
type Input struct {
	Network *network.Network // linked
	Index   *index.Index     // of it
	// Snapshot says where it comes from: SHA256, Documents, Resources, Errors and
	// Warnings. Run fills in the rest.
	Snapshot Snapshot
	Hashes   map[string]string // SHA-256 by path, of every file that an Origin may name
	Version  string
}

// Options say what is looked for; the zero value works.
type Options struct {
	Services []KnownService // nil: DefaultServices
	// Zones are the groups of endpoints besides the Internet; nil for subnets, or
	// virtual networks where there are more than MaxSubnetZones subnets.
	Zones    []reach.Zone
	Baseline *Baseline
	Now      time.Time // what dismissals expire by; required with a Baseline
	// Progress is told of what is done, of how much; nil for nobody.
	Progress func(step string, done, of int)
}

// MaxSubnetZones is how many subnets are zones of their own by default: a matrix
// of more is not read by anybody.
const MaxSubnetZones = 64

// internet is the name of the zone that is not made of NICs.
const internet = "Internet"

// auditor is one run.
type auditor struct {
	in    Input
	o     Options
	net   *network.Network
	p     *reach.Prober
	space *space.Space

	services   []KnownService
	known      []space.Set // by service
	zones      []reach.Zone
	viewOf     map[string]*view
	seats      []*seat
	seatsOf    [][]int // positions in seats, by NIC
	outSeats   []*seat // of what NICs may send
	outSeatsOf [][]int

	projections map[projectionKey]projection
	served      map[servedKey]bool
	contents    map[contentKey]*content
	measures    map[space.Map]*measured
	faces       []face
	lint        *lint.Report
	out         *Report
}

// Run audits a network.
func Run(ctx context.Context, in Input, o Options) (*Report, error) {
	if o.Progress == nil {
		o.Progress = func(string, int, int) {}
	}
	if o.Services == nil {
		o.Services = DefaultServices()
	}
	a := &auditor{
		in: in, o: o, net: in.Network, p: reach.New(in.Network, in.Index), services: withJudged(o.Services), viewOf: map[string]*view{},
		projections: map[projectionKey]projection{}, served: map[servedKey]bool{},
		contents: map[contentKey]*content{}, measures: map[space.Map]*measured{},
		out: &Report{Version: in.Version, Benchmark: Benchmark, Notes: []string{}},
	}
	a.space = a.p.Space()
	for i := range a.services {
		a.known = append(a.known, a.space.Box(a.services[i].box()))
	}
	a.zones = o.Zones
	if a.zones == nil {
		kind := "subnets"
		if len(a.net.Subnets) > MaxSubnetZones {
			kind = "vnets"
		}
		a.zones = reach.ZonesBy(a.net, kind)
	}
	volumes := map[*network.Rule]volume{}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		a.lint, err = lint.Run(ctx, a.net, lint.Options{})
		return err
	})
	g.Go(func() (err error) {
		volumes, err = volumesOf(ctx, a.net, in.Index)
		return err
	})
	g.Go(func() error { return a.look(ctx) })
	if err := g.Wait(); err != nil {
		return nil, err
	}
	a.ruleRows(volumes)
	a.factRows()
	a.findings()
	a.dismiss()
	a.controls()
	slices.Sort(a.out.Notes)
	a.out.Notes = slices.Compact(a.out.Notes)
	return a.out, nil
}

// look asks what needs the prober, which is for one goroutine.
func (a *auditor) look(ctx context.Context) error {
	a.estate()
	if err := a.takeSeats(ctx); err != nil {
		return err
	}
	a.nicRows()
	if err := a.expose(ctx); err != nil {
		return err
	}
	return a.matrix(ctx)
}

func (a *auditor) note(text string) { a.out.Notes = append(a.out.Notes, text) }

// place is where something stands, with the hash of its file.
func (a *auditor) place(o diag.Origin) Place {
	return Place{File: o.File, Line: o.Line, Column: o.Column, Pointer: o.Pointer, SHA256: a.in.Hashes[o.File]}
}

// ruleID returns the id of a rule, "" for none.
func (a *auditor) ruleID(r flow.RuleRef) string {
	if rule := a.net.Rule(r); rule != nil {
		return rule.ID
	}
	return ""
}

// witness asks for the verdict of a flow and writes both.
func (a *auditor) witness(nic *network.NIC, t flow.Tuple) *Witness {
	f, v := space.FlowOf(nic.ID, t), a.in.Index.Classify(nic, t)
	w := &Witness{
		NIC: nic.ID, VM: nic.VMID, Direction: f.Direction, Protocol: f.Protocol,
		LocalIP: f.LocalIP, LocalPort: f.LocalPort, RemoteIP: f.RemoteIP, RemotePort: f.RemotePort,
		Access: v.Access.String(), AdminRule: a.ruleID(v.AdminRule), SubnetRule: a.ruleID(v.SubnetRule), NICRule: a.ruleID(v.NICRule),
		Reason: v.Reason,
	}
	if v.Access != flow.Unknown {
		w.Rule = a.ruleID(v.Rule)
	}
	return w
}

// factsOf lists the facts of a reason.
func factsOf(reason string) []string {
	reason = strings.TrimPrefix(reason, flow.ReasonRuleUncertain)
	if reason == "" || reason == flow.ReasonNoNSG {
		return []string{}
	}
	return strings.Split(reason, ",")
}

// sortedSet returns the distinct texts, sorted, never nil.
func sortedSet(list []string) []string {
	out := append([]string{}, list...)
	slices.Sort(out)
	return slices.Compact(out)
}

func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return strconv.Itoa(n) + " " + noun
}
