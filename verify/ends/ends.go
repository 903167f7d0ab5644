package ends

import (
	"slices"
	"strings"

	"ipflow/ingest/flow"
)

// Packet is the opening packet of a flow between two ends.
type Packet struct {
	Source, Destination         flow.Address
	SourcePort, DestinationPort uint16 // meaningful iff Protocol.HasPorts
	Protocol                    flow.Protocol
	AnySourcePort               bool // the source port is left open (`*`)
}

// AtSource is the question at the source: the packet leaves it.
func (p Packet) AtSource() flow.Tuple {
	return flow.Tuple{
		Local: p.Source, Remote: p.Destination, LocalPort: p.SourcePort, RemotePort: p.DestinationPort,
		Protocol: p.Protocol, Direction: flow.Outbound, AnySourcePort: p.AnySourcePort,
	}
}

// AtDestination is the question at the destination: the packet arrives there.
func (p Packet) AtDestination() flow.Tuple {
	return flow.Tuple{
		Local: p.Destination, Remote: p.Source, LocalPort: p.DestinationPort, RemotePort: p.SourcePort,
		Protocol: p.Protocol, Direction: flow.Inbound, AnySourcePort: p.AnySourcePort,
	}
}

// End is one end of a flow.
type End uint8

// The two ends.
const (
	Source End = iota
	Destination
)

// String returns the word for messages.
func (e End) String() string {
	if e == Source {
		return "source"
	}
	return "destination"
}

// Join makes one verdict of those of both ends; nil is an end that was not
// evaluated, and one of them must be there. A Deny of either end is final; both
// must allow for an Allow; else it is Unknown.
//
// Rule, layer and per-layer rules are those of the end that is returned: the
// first that surely denies; on Allow the last that has a rule to show; on
// Unknown, where Rule is 0, the first that is undecided. The reason of Unknown
// is the facts of the undecided ends; where the source is undecided and the
// destination denies, it is unsure whose rule blocks, which the reason says.
func Join(source, destination *flow.Verdict) (flow.Verdict, End) {
	switch {
	case source == nil && destination == nil:
		panic("ends: no verdict to join")
	case source == nil:
		return *destination, Destination
	case destination == nil, source.Access == flow.Deny:
		return *source, Source
	}
	switch {
	case destination.Access == flow.Deny:
		v := *destination
		if source.Access == flow.Unknown {
			v.Reason = flow.ReasonRuleUncertain + union(source, destination)
		}
		return v, Destination
	case source.Access == flow.Unknown:
		v := *source
		if destination.Access == flow.Unknown {
			v.Reason = union(source, destination)
		}
		return v, Source
	case destination.Access == flow.Allow && destination.Rule == 0:
		// Nothing surely filters at the destination: the last layer on the way
		// may be one of the source's, and "no-nsg" then is wrong of the way.
		v, end := *destination, Destination
		if source.Rule != 0 {
			v, end = *source, Source
		}
		if facts := union(source, destination); facts != "" {
			v.Reason = flow.ReasonRuleUncertain + facts
		}
		return v, end
	}
	return *destination, Destination
}

// union joins the facts that both reasons name, sorted.
func union(a, b *flow.Verdict) string {
	facts := append(factsOf(a.Reason), factsOf(b.Reason)...)
	slices.Sort(facts)
	return strings.Join(slices.Compact(facts), ",")
}

// factsOf takes a reason apart. A fact is KIND:WHAT; WHAT may be a file's name
// with a comma in it, so a piece without a kind belongs to the one before.
func factsOf(reason string) (facts []string) {
	reason = strings.TrimPrefix(reason, flow.ReasonRuleUncertain)
	if reason == "" || reason == flow.ReasonNoNSG {
		return nil
	}
	for piece := range strings.SplitSeq(reason, ",") {
		if n := len(facts); n > 0 && !hasKind(piece) {
			facts[n-1] += "," + piece
		} else {
			facts = append(facts, piece)
		}
	}
	return facts
}

func hasKind(piece string) bool {
	kind, _, ok := strings.Cut(piece, ":")
	return ok && kind != "" && strings.Trim(kind, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
