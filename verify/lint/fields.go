package lint

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// spelling is the rule in a form that is equal for rules that say the same in
// other words: other order, other case, prefixes joined or split. "" when the
// rule says something nobody could read.
func spelling(r *network.Rule) string {
	source, ok := sideSpelling(r.Source)
	destination, ok2 := sideSpelling(r.Destination)
	if !ok || !ok2 || len(r.Facts) > 0 || r.Direction == 0 || r.Access == flow.Unknown {
		return ""
	}
	return fmt.Sprint(r.Direction, r.Access, r.Protocol, portSet(r.SourcePorts), portSet(r.DestinationPorts), source, "→", destination)
}

func sideSpelling(list []network.Selector) (text string, ok bool) {
	var prefixes []netip.Prefix
	var words []string
	for _, s := range list {
		switch s.Kind {
		case network.SelectUnknown:
			return "", false
		case network.SelectPrefix:
			prefixes = append(prefixes, s.Prefix)
		case network.SelectAny:
			words = append(words, "*")
		case network.SelectVirtualNetwork, network.SelectInternet, network.SelectAzureLoadBalancer:
			words = append(words, fmt.Sprint("tag ", s.Kind))
		case network.SelectServiceTag, network.SelectASG:
			words = append(words, fmt.Sprint(s.Kind, " ", network.Key(s.Text)))
		}
	}
	if slices.Contains(words, "*") {
		return "*", true
	}
	slices.Sort(words)
	return fmt.Sprint(slices.Compact(words), index.AddressesOf(prefixes).Prefixes()), len(list) > 0
}

// fault says what is wrong with a rule as written, "" when nothing is.
func fault(r *network.Rule) string {
	var out []string
	for _, f := range r.Facts {
		if strings.HasPrefix(f, "invalid-rule:") {
			out = append(out, "a field of it cannot be read ('ipflow inspect' says which); it is taken for any value, so flows it may touch are Unknown")
		}
	}
	for _, side := range []struct {
		name string
		list []network.Selector
	}{{"source", r.Source}, {"destination", r.Destination}} {
		if len(side.list) == 0 {
			out = append(out, "it names no "+side.name+", which Azure refuses; it matches nothing")
		}
		for _, s := range side.list {
			if s.Kind == network.SelectUnknown && strings.HasPrefix(s.Fact, "invalid-rule:") {
				out = append(out, fmt.Sprintf("its %s %q is no address prefix, service tag or *", side.name, s.Text))
			}
		}
	}
	has4, has6 := false, false
	for _, s := range slices.Concat(r.Source, r.Destination) {
		if s.Kind == network.SelectPrefix {
			has4, has6 = has4 || s.Prefix.Addr().Is4(), has6 || s.Prefix.Addr().Is6()
		}
	}
	if has4 && has6 {
		out = append(out, "it mixes IPv4 and IPv6 prefixes, which Azure refuses; write a rule for each family")
	}
	if len(r.Facts) == 0 && (r.Priority < 100 || r.Priority > 4096) {
		out = append(out, fmt.Sprintf("its priority %d is outside 100-4096", r.Priority))
	}
	return strings.Join(out, "; ")
}

// clash finds an earlier rule with the priority and direction of r, which Azure
// refuses.
func clash(list []*network.Rule, i int) *network.Rule {
	r := list[i]
	if i == 0 || len(r.Facts) > 0 {
		return nil
	}
	if o := list[i-1]; o.Priority == r.Priority && o.Kind == network.UserRule && len(o.Facts) == 0 {
		return o
	}
	return nil
}

// unknownTags are the tags of the rule about which some scope knows nothing.
func (l *linter) unknownTags(r *network.Rule, scopes []*scope) []string {
	var out []string
	for _, s := range slices.Concat(r.Source, r.Destination) {
		if s.Kind == network.SelectServiceTag && slices.ContainsFunc(scopes, func(sc *scope) bool { return l.net.TagAt(sc.bare, s.Text) == nil }) {
			out = append(out, s.Text)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// catchAll reports whether the rule names every packet of its direction: that
// earlier rules take some of them is what it is for.
func catchAll(r *network.Rule) bool {
	isAny := func(list []network.Selector) bool {
		return slices.ContainsFunc(list, func(s network.Selector) bool { return s.Kind == network.SelectAny })
	}
	return r.Protocol == network.AnyProtocol && isAny(r.Source) && isAny(r.Destination) &&
		isFull(portSet(r.SourcePorts)) && isFull(portSet(r.DestinationPorts))
}

// nowhere says why a rule can match nothing where its group stands.
func (l *linter) nowhere(r *network.Rule) string {
	for _, side := range []struct {
		name string
		list []network.Selector
	}{{"source", r.Source}, {"destination", r.Destination}} {
		empty, asgs := 0, 0
		for _, s := range side.list {
			if s.Kind == network.SelectASG {
				asgs++
				if len(l.net.ASGMembers(s.Text)) == 0 {
					empty++
				}
			}
		}
		switch {
		case len(side.list) == 0 || asgs < len(side.list):
		case empty == asgs:
			return "no NIC is in the application security groups of its " + side.name
		default:
			return "no member of the application security groups of its " + side.name + " is where it could match"
		}
	}
	return "no packet can match both its source and its destination"
}
