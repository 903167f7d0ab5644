package diagnose

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/oracle"
)

// Answer is the body of the API's answer. Results has one element per profile
// and NIC that has a security group.
type Answer struct {
	Results []Result `json:"results"`
}

// Result answers one profile.
type Result struct {
	Profile     Profile     `json:"profile"` // as asked
	GroupResult GroupResult `json:"networkSecurityGroupResult"`
	// Warnings is ours: rules that hold part of what was asked. Absent when empty.
	Warnings []string `json:"warnings,omitempty"`
}

// GroupResult is the verdict and the groups it comes from, in the order of the
// packet's way.
type GroupResult struct {
	Access string           `json:"securityRuleAccessResult"` // Allow, Deny or Unknown
	Groups []EvaluatedGroup `json:"evaluatedNetworkSecurityGroups"`
	// Reason is ours: the facts an Unknown access depends on, or
	// rule-uncertain:FACT,… when only the rule does. Absent when empty.
	Reason string `json:"reason,omitempty"`
}

// EvaluatedGroup is one security group on the way.
type EvaluatedGroup struct {
	GroupID   string `json:"networkSecurityGroupId"`
	AppliedTo string `json:"appliedTo"` // id of the subnet or NIC
	// Matched is nil when the access of the group is not certain.
	Matched *MatchedRule     `json:"matchedRule,omitempty"`
	Rules   []RuleEvaluation `json:"rulesEvaluationResult"`
}

// MatchedRule is the rule that decides a group.
type MatchedRule struct {
	Name   string `json:"ruleName"` // UserRule_X or DefaultRule_X
	Action string `json:"action"`
}

// RuleEvaluation compares one rule with the profile; each field by itself. What
// is undecidable is false.
type RuleEvaluation struct {
	Name            string `json:"name"`
	Protocol        bool   `json:"protocolMatched"`
	Source          bool   `json:"sourceMatched"`
	SourcePort      bool   `json:"sourcePortMatched"`
	Destination     bool   `json:"destinationMatched"`
	DestinationPort bool   `json:"destinationPortMatched"`
}

// Ask answers a request about a linked network. Notes are for the reader's eye:
// the warnings of all results and what else is worth knowing. An error means
// that the request cannot be asked; it names the field, its value and what is
// allowed.
func Ask(n *network.Network, r Request) (answer Answer, notes []string, err error) {
	answer.Results = []Result{}
	switch strings.ToLower(r.VerbosityLevel) {
	case "", "normal", "minimum", "full":
	default:
		return answer, nil, fmt.Errorf("verbosityLevel: %q is not Normal, Minimum or Full", r.VerbosityLevel)
	}
	if len(r.Profiles) == 0 || len(r.Profiles) > MaxProfiles {
		return answer, nil, fmt.Errorf("profiles: %d are given, 1 to %d are allowed", len(r.Profiles), MaxProfiles)
	}
	nics, notes, err := targets(n, r.TargetResourceID)
	if err != nil {
		return answer, nil, err
	}
	sets := index.NewSelectors(n)
	for i := range r.Profiles {
		field := fmt.Sprintf("profiles[%d]", i)
		q, remarks, err := r.Profiles[i].parse(field)
		if err != nil {
			return Answer{Results: []Result{}}, nil, err
		}
		notes = append(notes, remarks...)
		chosen := choose(nics, q.local())
		if len(chosen) > 1 {
			notes = append(notes, fmt.Sprintf("%s: none of the %d NICs owns the local side; each is answered, appliedTo tells which", field, len(chosen)))
		}
		for _, nic := range chosen {
			x, err := newQuestion(n, sets, nic, &q)
			if err != nil {
				return Answer{Results: []Result{}}, nil, fmt.Errorf("%s: %w", field, err)
			}
			result, found := x.answer()
			if !found {
				notes = append(notes, fmt.Sprintf("%s: no network security group applies to NIC %s, everything is allowed; as Azure, the answer leaves it out", field, nic.Name))
				continue
			}
			result.Profile = r.Profiles[i]
			answer.Results = append(answer.Results, result)
			for _, w := range result.Warnings {
				notes = append(notes, field+": "+w)
			}
		}
	}
	return answer, notes, nil
}

// answer evaluates the layers up to a denying one; found is false when the NIC
// has none.
func (x *question) answer() (r Result, found bool) {
	layers := oracle.Layers(x.net, x.nic, x.direction)
	for i := range layers {
		layers[i].Evaluate(x.direction, x.compare)
		if !layers[i].CanPass() {
			layers = layers[:i+1]
			break
		}
	}
	verdict := oracle.Conclude(layers)
	// Admin rules none of which matches are no element of the answer.
	layers = slices.DeleteFunc(layers, func(l oracle.LayerTrace) bool { return !l.MayMatch() })
	if len(layers) == 0 {
		return Result{}, false
	}
	r.GroupResult = GroupResult{Access: verdict.Access.String(), Reason: verdict.Reason}
	for i := range layers {
		l := &layers[i]
		g := EvaluatedGroup{GroupID: l.GroupID, AppliedTo: l.AppliedTo, Rules: []RuleEvaluation{}}
		if l.Sure != nil && l.CanEnd(flow.Allow) != l.CanEnd(flow.Deny) {
			g.Matched = &MatchedRule{Name: l.Sure.DiagnosticSpelling(), Action: action(l.Sure)}
		}
		for j := range l.Rules {
			g.Rules = append(g.Rules, evaluation(&l.Rules[j]))
		}
		r.GroupResult.Groups = append(r.GroupResult.Groups, g)
		last := i == len(layers)-1
		r.Warnings = append(r.Warnings, x.partial(l, verdict.Access != flow.Deny || last)...)
	}
	return r, true
}

func evaluation(t *oracle.RuleTrace) RuleEvaluation {
	return RuleEvaluation{
		Name:     t.Rule.DiagnosticSpelling(),
		Protocol: t.Protocol.Truth == oracle.Yes,
		Source:   t.Source.Truth == oracle.Yes, SourcePort: t.SourcePort.Truth == oracle.Yes,
		Destination: t.Destination.Truth == oracle.Yes, DestinationPort: t.DestinationPort.Truth == oracle.Yes,
	}
}

// partial warns about the rules above the matching one that meet the query
// without holding it: some of the packets asked about end there. decides says
// that the access of this layer can change the answer.
func (x *question) partial(l *oracle.LayerTrace, decides bool) []string {
	var out []string
	for i := range l.Rules {
		t := &l.Rules[i]
		if t.Match().Truth != oracle.No {
			continue
		}
		meets := oracle.Yes
		for _, m := range x.overlaps[t.Rule] {
			meets = min(meets, m)
		}
		if meets == oracle.No {
			continue
		}
		what, verb := "rule", "covers"
		if (decides || t.Rule.Always) && (l.Sure == nil || action(t.Rule) != action(l.Sure)) {
			what = "answer"
		}
		if meets == oracle.Maybe || len(t.Rule.Facts) > 0 {
			verb = "may cover"
		}
		out = append(out, fmt.Sprintf("%s differs inside the range: rule %s %s part of %s",
			what, t.Rule.DiagnosticSpelling(), verb, x.parts(t)))
	}
	return out
}

func action(r *network.Rule) string {
	if r.Always {
		return "AlwaysAllow"
	}
	return r.Access.String()
}

// parts names the fields that a rule holds only in part, with the addresses it
// does hold where they are few.
func (x *question) parts(t *oracle.RuleTrace) string {
	var out []string
	for i, f := range [...]oracle.Field{t.Protocol, t.Source, t.SourcePort, t.Destination, t.DestinationPort} {
		if f.Truth != oracle.No {
			continue
		}
		part := "the " + fieldNames[i]
		if i == sourceField || i == destinationField {
			part += x.common(t.Rule, i == sourceField)
		}
		out = append(out, part)
	}
	return strings.Join(out, " and ")
}

// common lists the addresses that a side of the rule has in common with the
// query, so that they can be asked about by themselves.
func (x *question) common(r *network.Rule, source bool) string {
	const most = 4
	held := x.sets.Side(x.nic, r, source, source == (x.direction == flow.Outbound))
	asked := &x.destinationSet
	if source {
		asked = &x.sourceSet
	}
	list := held.Sure.And(asked.Sure).Prefixes()
	if len(list) == 0 || len(list) > most {
		return ""
	}
	texts := make([]string, len(list))
	for i, p := range list {
		texts[i] = prefixText(p)
	}
	return " (" + strings.Join(texts, ", ") + ")"
}

func prefixText(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}
