package corpus

import (
	"fmt"
	"strconv"
	"strings"
)

// Azure's limits on what an estate may hold, and those of the address plan: a
// virtual network is 10.V.0.0/16, a subnet a /24 of it whose hosts stand in
// pairs, so that any NIC may take a second address.
const (
	maxRules      = 1000 // of a security group
	maxSubnets    = 256 * subnetsMost
	subnetsLeast  = 16 // of a virtual network, but for the last
	subnetsMost   = 250
	nicsPerSubnet = 120
	maxGroups     = 1 << 20
)

// RuleMix is a share of the security groups, all with the same number of rules.
type RuleMix struct {
	Rules  int // custom rules, 0-1000; the six default rules come on top
	Weight int // of Σ Weight groups this many have so many rules
}

// Options describe an estate. NICs is required, every other zero value works.
type Options struct {
	Seed    uint64
	NICs    int
	NSGs    int       // 0: 12 per 100 NICs
	Subnets int       // 0: 8 per 100 NICs
	ASGs    int       // 0: one per 20 NICs
	Rules   []RuleMix // nil: 36 of 60 groups have 50 rules, 18 have 200, 6 have 1000
	Tags    float64   // share of rules whose remote side is a service tag, 0-0.6
	IPv6    float64   // share of NICs with an IPv6 address too; a third as many rules name IPv6 prefixes
}

// DefaultRules is the mix that Options.Rules stands for when nil.
func DefaultRules() []RuleMix { return []RuleMix{{50, 36}, {200, 18}, {1000, 6}} }

// ParseRules reads RULES:WEIGHT[,RULES:WEIGHT…]; a number alone has weight 1.
func ParseRules(s string) ([]RuleMix, error) {
	var mix []RuleMix
	for part := range strings.SplitSeq(s, ",") {
		rules, weight, weighted := strings.Cut(strings.TrimSpace(part), ":")
		m := RuleMix{Weight: 1}
		var err error
		if m.Rules, err = strconv.Atoi(rules); err == nil && weighted {
			m.Weight, err = strconv.Atoi(weight)
		}
		if err != nil {
			return nil, fmt.Errorf("%q is not RULES:WEIGHT[,RULES:WEIGHT…], for example 50:36,200:18,1000:6", s)
		}
		mix = append(mix, m)
	}
	return mix, nil
}

// complete fills in the defaults and refuses what no Azure estate can be.
func (o Options) complete() (Options, error) {
	if o.NICs < 1 {
		return o, fmt.Errorf("an estate needs 1 NIC or more, not %d", o.NICs)
	}
	atLeastOne := func(n *int, share int) {
		if *n == 0 {
			*n = max(1, share)
		}
	}
	atLeastOne(&o.NSGs, o.NICs*12/100)
	atLeastOne(&o.Subnets, o.NICs*8/100)
	atLeastOne(&o.ASGs, o.NICs/20)
	if o.Rules == nil {
		o.Rules = DefaultRules()
	}
	weights := 0
	for _, m := range o.Rules {
		switch {
		case m.Rules < 0 || m.Rules > maxRules:
			return o, fmt.Errorf("a security group has 0-%d rules, not %d", maxRules, m.Rules)
		case m.Weight < 0 || m.Weight > maxGroups:
			return o, fmt.Errorf("the weight of groups with %d rules is 0-%d, not %d", m.Rules, maxGroups, m.Weight)
		}
		weights += m.Weight
	}
	switch {
	case weights == 0:
		return o, fmt.Errorf("the weights of the rule mix add up to 0: give at least one a weight")
	case o.NSGs < 1 || o.NSGs > maxGroups:
		return o, fmt.Errorf("an estate has 1-%d security groups, not %d", maxGroups, o.NSGs)
	case o.Subnets < 1 || o.Subnets > maxSubnets:
		return o, fmt.Errorf("an estate has 1-%d subnets, not %d", maxSubnets, o.Subnets)
	case (o.NICs+o.Subnets-1)/o.Subnets > nicsPerSubnet:
		return o, fmt.Errorf("%d NICs do not fit into %d subnets of %d: give fewer NICs or more subnets", o.NICs, o.Subnets, nicsPerSubnet)
	case o.ASGs < 1 || o.ASGs > o.NICs:
		return o, fmt.Errorf("%d NICs have 1-%d application security groups, not %d", o.NICs, o.NICs, o.ASGs)
	case !(o.Tags >= 0 && o.Tags <= 0.6):
		return o, fmt.Errorf("the share of service tags is 0-0.6, not %v: the other operands keep their own shares", o.Tags)
	case !(o.IPv6 >= 0 && o.IPv6 <= 1):
		return o, fmt.Errorf("the share of NICs with IPv6 is 0-1, not %v", o.IPv6)
	}
	return o, nil
}

// groupSizes gives every group its number of rules, in the mix's proportion to
// within one group, interleaved so that any run of groups has the mix.
func groupSizes(groups int, mix []RuleMix) []int {
	total := 0
	for _, m := range mix {
		total += m.Weight
	}
	sizes, given := make([]int, groups), make([]int, len(mix))
	for i := range sizes {
		// The entry that is furthest behind its share is next.
		best, lag := 0, -1
		for j, m := range mix {
			if l := m.Weight*(i+1) - given[j]*total; m.Weight > 0 && l > lag {
				best, lag = j, l
			}
		}
		given[best]++
		sizes[i] = mix[best].Rules
	}
	return sizes
}
