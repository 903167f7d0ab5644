package lint

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"ipflow/index"
	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// Kind is what a finding says.
type Kind string

// The kinds, in the order in which findings are listed.
const (
	Malformed         Kind = "malformed"          // Azure would refuse the rule, or nobody can read it
	Shadowed          Kind = "shadowed"           // earlier rules together match all it matches
	NeverApplies      Kind = "never-applies"      // it can match nothing where its group stands
	Duplicate         Kind = "duplicate"          // an earlier rule says the same
	Redundant         Kind = "redundant"          // without it the group answers the same
	UnknownTag        Kind = "unknown-tag"        // it rests on a service tag nobody explains
	Unattached        Kind = "unattached"         // the group is associated with nothing
	PartiallyShadowed Kind = "partially-shadowed" // earlier rules match some of what it matches
)

// Kinds lists all kinds in their order.
func Kinds() []Kind {
	return []Kind{Malformed, Shadowed, NeverApplies, Duplicate, Redundant, UnknownTag, Unattached, PartiallyShadowed}
}

// Severity of a finding: an error means that the group does not do what is
// written in it, a warning that something in it does nothing, info that
// something is worth a look.
func (f *Finding) Severity() diag.Severity {
	switch f.Kind {
	case Malformed:
		return diag.Error
	case Shadowed:
		if f.DifferentAction {
			return diag.Error
		}
		return diag.Warning
	case NeverApplies, Duplicate, Redundant, UnknownTag, Unattached:
		return diag.Warning
	case PartiallyShadowed:
		return diag.Info
	}
	panic("lint: kind " + string(f.Kind))
}

// A Finding is one remark about a rule, or about a whole group.
type Finding struct {
	Kind  Kind
	Group *network.SecurityGroup
	Rule  *network.Rule   // nil when the finding is about the group
	By    []*network.Rule // the cause, in evaluation order
	// DifferentAction says that a rule of By decides some of the rule's flows
	// with another access.
	DifferentAction bool
	Message         string
	Witness         *Witness // nil when no flow shows it
}

// Subject returns the id of the rule, or of the group.
func (f *Finding) Subject() string {
	if f.Rule != nil {
		return f.Rule.ID
	}
	return f.Group.ID
}

// Origin is where the subject stands in the input.
func (f *Finding) Origin() diag.Origin {
	if f.Rule != nil {
		return f.Rule.Origin
	}
	return f.Group.Origin
}

// Options choose what is looked at; the zero value is everything.
type Options struct {
	Groups  []*network.SecurityGroup // nil: all
	Workers int                      // goroutines; 0 means GOMAXPROCS
	// Progress, when not nil, is told how many groups are done; by several
	// goroutines, perhaps not in order.
	Progress func(done, total int)
}

// Report is the findings, and the rules that can be deleted together.
type Report struct {
	Findings []Finding
	// Deletions are rules without which, all of them gone, every group answers
	// every packet as before. They are proven one after the other, each with
	// those before it gone.
	Deletions []*network.Rule
}

// linter is what the judgement of all groups shares.
type linter struct {
	net       *network.Network
	selectors *index.Selectors
	places    map[*network.SecurityGroup]*attachments
	named     map[string]bool // Key of every group that something names
	openRefs  bool            // something that nobody can tell, or no export shows, names a group
	floating  index.Addresses
}

// Run looks at the groups of a linked network.
func Run(ctx context.Context, n *network.Network, o Options) (*Report, error) {
	l := &linter{
		net: n, selectors: index.NewSelectors(n), places: attached(n), named: map[string]bool{}, floating: floatingAddresses(n),
		openRefs: n.MembersFact != "",
	}
	name := func(g network.GroupRef) {
		l.named[network.Key(g.ID)] = true
		l.openRefs = l.openRefs || g.ID == "" && g.Fact != ""
	}
	for _, s := range n.Subnets {
		name(s.Group)
	}
	for _, c := range n.NICs {
		name(c.Group)
		name(n.SubnetGroup(c))
	}
	groups := o.Groups
	if groups == nil {
		groups = n.SecurityGroups
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	reports := make([]Report, len(groups))
	var done atomic.Int64
	var g errgroup.Group // ctx ends every group by itself
	g.SetLimit(o.Workers)
	for i, group := range groups {
		g.Go(func() error {
			var err error
			if reports[i], err = l.group(ctx, group); err != nil {
				return err
			}
			if n := int(done.Add(1)); o.Progress != nil {
				o.Progress(n, len(groups))
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	out := &Report{}
	for i := range reports {
		out.Findings = append(out.Findings, reports[i].Findings...)
		out.Deletions = append(out.Deletions, reports[i].Deletions...)
	}
	order := map[Kind]int{}
	for i, k := range Kinds() {
		order[k] = i
	}
	slices.SortStableFunc(out.Findings, func(a, b Finding) int {
		different := func(f *Finding) int {
			if f.DifferentAction {
				return 0
			}
			return 1
		}
		return cmp.Or(
			cmp.Compare(a.Severity(), b.Severity()),
			cmp.Compare(order[a.Kind], order[b.Kind]),
			cmp.Compare(different(&a), different(&b)),
			a.Origin().Compare(b.Origin()),
			strings.Compare(a.Subject(), b.Subject()),
		)
	})
	return out, nil
}

// group looks at one group.
func (l *linter) group(ctx context.Context, g *network.SecurityGroup) (out Report, err error) {
	add := func(f Finding) {
		f.Group = g
		out.Findings = append(out.Findings, f)
	}
	scopes := []*scope{openScope("wherever it is attached")}
	at := l.places[g]
	switch {
	case at != nil:
		scopes = at.scopes
		if at.exempt {
			add(Finding{Kind: NeverApplies, Message: "it stands only at subnets of private endpoints that no security group applies to (privateEndpointNetworkPolicies)"})
		}
	case !l.named[network.Key(g.ID)] && !l.openRefs:
		add(Finding{Kind: Unattached, Message: "no subnet and no NIC of the snapshot is associated with it"})
	}
	l.words(g, scopes, add)
	if len(g.Facts) > 0 {
		add(Finding{Kind: Malformed, Message: "some of its rules are not known (" + g.Facts[0] + "): what it does as a whole is not judged"})
		return out, nil
	}
	if at != nil && l.net.MembersFact != "" {
		scopes = append(slices.Clip(scopes), openScope("NICs that the export leaves out"))
	}
	for _, dir := range []flow.Direction{flow.Inbound, flow.Outbound} {
		b, err := l.benchOf(ctx, g, dir, scopes)
		if err != nil {
			return out, err
		}
		candidates, err := l.list(ctx, b, add)
		if err != nil {
			return out, err
		}
		if at == nil {
			continue
		}
		gone, err := b.plan(ctx, candidates)
		if err != nil {
			return out, err
		}
		out.Deletions = append(out.Deletions, gone...)
	}
	return out, nil
}

// words judges the rules one by one, as they are written.
func (l *linter) words(g *network.SecurityGroup, scopes []*scope, add func(Finding)) {
	for i, r := range g.Rules {
		if r.Kind == network.DefaultRule {
			continue
		}
		if text := fault(r); text != "" {
			add(Finding{Kind: Malformed, Rule: r, Message: text})
		}
		if i > 0 && g.Rules[i-1].Direction == r.Direction {
			if o := clash(g.Rules, i); o != nil {
				add(Finding{
					Kind: Malformed, Rule: r, By: []*network.Rule{o}, DifferentAction: o.Access != r.Access,
					Message: "it has the priority of rule " + o.Name + ", which Azure refuses; the denying one is taken to come first",
				})
			}
		}
		if tags := l.unknownTags(r, scopes); len(tags) > 0 {
			add(Finding{
				Kind: UnknownTag, Rule: r,
				Message: "nothing in the snapshot says what " + strings.Join(tags, ", ") + " covers, so flows it may touch are Unknown; add a service-tag file with --service-tags",
			})
		}
	}
}
