package oracle

import (
	"slices"
	"strings"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// Oracle answers questions about one network.
type Oracle struct {
	net *network.Network
}

// New returns an oracle for a linked network.
func New(n *network.Network) *Oracle { return &Oracle{net: n} }

// Classify answers whether the packet may pass the NIC, and which rule says so.
//
// Order of the layers: security admin rules "are evaluated before network
// security group rules" (concept-security-admins); then
// "network-security-group-how-it-works": inbound traffic meets the subnet's
// group first, outbound traffic the NIC's.
func (o *Oracle) Classify(c *network.NIC, t flow.Tuple) flow.Verdict {
	order := [...]flow.Layer{flow.SecurityAdmin, flow.Subnet, flow.NetworkInterface}
	if t.Direction == flow.Outbound {
		order = [...]flow.Layer{flow.SecurityAdmin, flow.NetworkInterface, flow.Subnet}
	}
	var passed []outcome
	for _, layer := range order {
		if out, present := o.layer(layer, c, t); present {
			passed = append(passed, out)
		}
	}
	return conclude(passed)
}

// layer evaluates one layer; present is false when no group is associated there.
func (o *Oracle) layer(layer flow.Layer, c *network.NIC, t flow.Tuple) (out outcome, present bool) {
	out.layer = layer
	var ref network.GroupRef
	switch layer {
	case flow.Subnet:
		ref = o.net.SubnetGroup(c)
	case flow.NetworkInterface:
		ref = c.Group
	case flow.SecurityAdmin:
		return o.adminLayer(c, t)
	case flow.NoLayer:
		panic("oracle: no layer")
	}
	if ref.Group == nil {
		out.missing = ref.Fact
		return out, ref.Fact != ""
	}
	o.walk(&out, ref.Group.List(t.Direction), c, t)
	if out.sure == nil {
		panic("oracle: no rule of " + ref.Group.ID + " matches, not even DenyAll")
	}
	return out, true
}

// adminLayer evaluates the security admin rules; none need match.
func (o *Oracle) adminLayer(c *network.NIC, t flow.Tuple) (out outcome, present bool) {
	out.layer = flow.SecurityAdmin
	admin := o.net.AdminRulesOf(c)
	switch {
	case admin == nil:
		return out, false
	case len(admin.Facts) > 0:
		out.missing = join(slices.Clone(admin.Facts))
	default:
		o.walk(&out, admin.List(t.Direction), c, t)
	}
	return out, true
}

// walk goes down a rule list to the first rule that surely matches.
func (o *Oracle) walk(out *outcome, rules []*network.Rule, c *network.NIC, t flow.Tuple) {
	q := question{net: o.net, nic: c, t: t}
	for _, r := range rules {
		switch m := q.matches(r); m.truth {
		case yes:
			out.sure = r
			return
		case maybe:
			out.may = append(out.may, candidate{r, m.facts})
		case no:
		}
	}
}

// candidate is a rule that may match, and the facts that would settle it.
type candidate struct {
	rule  *network.Rule
	facts []string
}

// outcome is what one layer says about a packet: the first rule that surely
// matches, the undecidable rules before it, or that the layer is missing.
type outcome struct {
	layer   flow.Layer
	may     []candidate
	sure    *network.Rule // nil when missing, and for admin rules when none matches
	missing string        // fact: the rules of the layer are not known
}

// ends is a set of the ways in which a rule can end its layer.
type ends uint8

const (
	passes ends = 1 << iota // on to the next layer; after the last one, Allow
	allows                  // final: AlwaysAllow
	denies                  // final
)

// endsOf: a security group's Allow lets the packet pass to the next layer; so
// does an admin rule's, while its AlwaysAllow is final
// ("concept-security-admins"). An access that could not be read may be any.
func endsOf(layer flow.Layer, r *network.Rule) ends {
	switch {
	case r == nil:
		return passes // no admin rule matches
	case r.Access == flow.Deny:
		return denies
	case r.Access == flow.Allow && r.Always:
		return allows
	case r.Access == flow.Allow:
		return passes
	case layer == flow.SecurityAdmin:
		return passes | allows | denies
	}
	return passes | denies
}

// from is the ways in which the layer can end if its first i undecidable rules
// do not match.
func (x *outcome) from(i int) ends {
	if x.missing != "" {
		return endsOf(x.layer, &network.Rule{})
	}
	out := endsOf(x.layer, x.sure)
	for _, c := range x.may[i:] {
		out |= endsOf(x.layer, c.rule)
	}
	return out
}

// canEnd reports whether some completion of the facts makes the layer end with
// the access, as far as the layer goes.
func (x *outcome) canEnd(access flow.Access) bool {
	if access == flow.Deny {
		return x.from(0)&denies != 0
	}
	return x.from(0)&(passes|allows) != 0
}

// answers is a set of accesses: of allows and denies.
func answers(passed []outcome) ends {
	if len(passed) == 0 {
		return allows
	}
	return finally(passed[0].from(0), passed[1:])
}

// finally turns the ends of one layer into answers, given the layers behind it.
func finally(e ends, behind []outcome) ends {
	out := e &^ passes
	if e&passes != 0 {
		out |= answers(behind)
	}
	return out
}

// conclude joins the layers: every layer must let the packet pass, or an admin
// rule always allow it. Facts are independent per rule, so a verdict is certain
// when no completion gives another.
func conclude(passed []outcome) flow.Verdict {
	var v flow.Verdict
	switch answers(passed) {
	case allows:
		v.Access = flow.Allow
	case denies:
		v.Access = flow.Deny
	}
	facts := openFacts(passed, v.Access == flow.Unknown)
	switch {
	case v.Access == flow.Unknown:
		v.Reason = join(facts)
	default:
		nominal(passed, &v)
		if v.Rule == 0 {
			// "All network traffic is allowed … if they don't have a network
			// security group associated" (how-it-works).
			v.Reason = flow.ReasonNoNSG
		}
		if len(facts) > 0 {
			v.Reason = flow.ReasonRuleUncertain + join(facts)
		}
	}
	fillLayers(passed, &v)
	return v
}

// nominal reports the rule that decides if no undecidable rule matches: the
// first that denies, an AlwaysAllow, or the one that matched last.
func nominal(passed []outcome, v *flow.Verdict) {
	for i := range passed {
		x := &passed[i]
		if x.sure == nil {
			continue
		}
		v.Rule, v.Layer = x.sure.Ref, x.layer
		if endsOf(x.layer, x.sure)&passes == 0 {
			return
		}
	}
}

// openFacts are the facts that can change the access, or, when that is certain,
// the rule: those of undecidable rules whose match leads elsewhere than some
// rule behind them would. Layers that cannot be reached do not matter.
func openFacts(passed []outcome, access bool) []string {
	var facts []string
	for i := range passed {
		x, behind := &passed[i], passed[i+1:]
		if x.missing != "" {
			if !access || finally(x.from(0), behind) == allows|denies {
				facts = append(facts, x.missing)
			}
		}
		for j, c := range x.may {
			if leadsElsewhere(endsOf(x.layer, c.rule), x.from(j+1), behind, access) {
				facts = append(facts, c.facts...)
			}
		}
		if x.from(0)&passes == 0 {
			break
		}
	}
	return facts
}

// leadsElsewhere compares a match, which can end its layer as m says, with the
// rules behind it, which can end it as rest says.
func leadsElsewhere(m, rest ends, behind []outcome, access bool) bool {
	if m == passes && rest == passes {
		// Both go on to the same layers; only after the last one does the rule
		// itself decide.
		return !access && len(behind) == 0
	}
	if access {
		return finally(m|rest, behind) == allows|denies
	}
	return true
}

// fillLayers names the rule of each layer that is surely reached and surely
// matched.
func fillLayers(passed []outcome, v *flow.Verdict) {
	for i := range passed {
		x := &passed[i]
		if x.sure != nil && len(x.may) == 0 {
			switch x.layer {
			case flow.SecurityAdmin:
				v.AdminRule = x.sure.Ref
			case flow.Subnet:
				v.SubnetRule = x.sure.Ref
			case flow.NetworkInterface:
				v.NICRule = x.sure.Ref
			case flow.NoLayer:
			}
		}
		if x.from(0) != passes {
			return
		}
	}
}

// join sorts facts and drops repeats; one string may hold several facts.
func join(facts []string) string {
	facts = strings.Split(strings.Join(facts, ","), ",")
	slices.Sort(facts)
	return strings.Join(slices.Compact(facts), ",")
}
