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
// Order of the layers: "network-security-group-how-it-works": inbound traffic
// meets the subnet's group first, outbound traffic the NIC's.
func (o *Oracle) Classify(c *network.NIC, t flow.Tuple) flow.Verdict {
	order := [...]flow.Layer{flow.Subnet, flow.NetworkInterface}
	if t.Direction == flow.Outbound {
		order = [...]flow.Layer{flow.NetworkInterface, flow.Subnet}
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
		if c.Subnet == nil {
			out.missing = c.SubnetFact
			return out, true
		}
		ref = c.Subnet.Group
	case flow.NetworkInterface:
		ref = c.Group
	case flow.SecurityAdmin, flow.NoLayer:
		panic("oracle: layer " + layer.String())
	}
	if ref.Group == nil {
		out.missing = ref.Fact
		return out, ref.Fact != ""
	}
	q := question{net: o.net, nic: c, t: t}
	for _, r := range ref.Group.List(t.Direction) {
		switch m := q.matches(r); m.truth {
		case yes:
			out.sure = r
			return out, true
		case maybe:
			out.may = append(out.may, candidate{r, m.facts})
		case no:
		}
	}
	panic("oracle: no rule of " + ref.Group.ID + " matches, not even DenyAll")
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
	sure    *network.Rule // nil iff missing
	missing string        // fact: a group is associated but not known
}

func can(access, rule flow.Access) bool { return rule == access || rule == flow.Unknown }

// canEnd reports whether some completion of the facts makes the layer end with
// the access.
func (x *outcome) canEnd(access flow.Access) bool { return x.canEndFrom(0, access) }

// canEndFrom is canEnd if the first i undecidable rules do not match.
func (x *outcome) canEndFrom(i int, access flow.Access) bool {
	if x.missing != "" {
		return true
	}
	for _, c := range x.may[i:] {
		if can(access, c.rule.Access) {
			return true
		}
	}
	return can(access, x.sure.Access)
}

// conclude joins the layers: every layer must allow. Facts are independent per
// rule, so a verdict is certain when no completion gives another.
func conclude(passed []outcome) flow.Verdict {
	if len(passed) == 0 {
		// "All network traffic is allowed … if they don't have a network
		// security group associated" (how-it-works).
		return flow.Verdict{Access: flow.Allow, Reason: flow.ReasonNoNSG}
	}
	canAllow, canDeny := true, false
	for i := range passed {
		canAllow = canAllow && passed[i].canEnd(flow.Allow)
		canDeny = canDeny || passed[i].canEnd(flow.Deny)
	}
	var v flow.Verdict
	switch {
	case canAllow && canDeny:
		v.Reason = join(accessFacts(passed))
	case canAllow:
		v.Access = flow.Allow
		last := &passed[len(passed)-1]
		v.Rule, v.Layer = last.sure.Ref, last.layer
		v.Reason = uncertain(ruleFacts(last, func(int) bool { return true }))
	default:
		v.Access = flow.Deny
		decideDeny(passed, &v)
	}
	fillLayers(passed, &v)
	return v
}

// accessFacts are the facts that can turn an unknown access: those of the
// rules whose match would end a layer differently from what follows them.
func accessFacts(passed []outcome) []string {
	var facts []string
	for i := range passed {
		x := &passed[i]
		if x.missing != "" {
			facts = append(facts, x.missing)
			continue
		}
		facts = append(facts, ruleFacts(x, func(j int) bool {
			for _, a := range [...]flow.Access{flow.Allow, flow.Deny} {
				if can(a, x.may[j].rule.Access) && x.canEndFrom(j+1, opposite(a)) {
					return true
				}
			}
			return x.may[j].rule.Access == flow.Unknown
		})...)
	}
	return facts
}

func opposite(a flow.Access) flow.Access {
	if a == flow.Allow {
		return flow.Deny
	}
	return flow.Allow
}

// decideDeny reports the first layer that denies. Layers before the one that
// surely denies may deny earlier; then the rule, not the access, is uncertain.
func decideDeny(passed []outcome, v *flow.Verdict) {
	var facts []string
	for i := range passed {
		x := &passed[i]
		if x.missing != "" {
			facts = append(facts, x.missing)
			continue
		}
		facts = append(facts, ruleFacts(x, func(j int) bool { return x.canEndFrom(j, flow.Deny) })...)
		if v.Rule == 0 && x.sure.Access == flow.Deny {
			v.Rule, v.Layer = x.sure.Ref, x.layer
		}
		if !x.canEnd(flow.Allow) {
			break
		}
	}
	v.Reason = uncertain(facts)
}

// ruleFacts collects the facts of those undecidable rules of a layer that matter.
func ruleFacts(x *outcome, matters func(j int) bool) []string {
	var facts []string
	for j := range x.may {
		if matters(j) {
			facts = append(facts, x.may[j].facts...)
		}
	}
	return facts
}

// fillLayers names the rule of each layer that is surely reached and surely
// matched.
func fillLayers(passed []outcome, v *flow.Verdict) {
	for i := range passed {
		x := &passed[i]
		if x.missing == "" && len(x.may) == 0 {
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
		if x.canEnd(flow.Deny) {
			return
		}
	}
}

func join(facts []string) string {
	slices.Sort(facts)
	return strings.Join(slices.Compact(facts), ",")
}

func uncertain(facts []string) string {
	if len(facts) == 0 {
		return ""
	}
	return flow.ReasonRuleUncertain + join(facts)
}
