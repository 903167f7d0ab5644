package ends

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipflow/ingest/flow"
)

func TestJoin(t *testing.T) {
	allow := &flow.Verdict{Access: flow.Allow, Rule: 1, Layer: flow.Subnet, SubnetRule: 1}
	allow2 := &flow.Verdict{Access: flow.Allow, Rule: 2, Layer: flow.NetworkInterface, NICRule: 2}
	doubtful := &flow.Verdict{Access: flow.Allow, Rule: 3, Layer: flow.Subnet, Reason: "rule-uncertain:unknown-tag:B"}
	open := &flow.Verdict{Access: flow.Allow, Reason: flow.ReasonNoNSG}
	adminOnly := &flow.Verdict{Access: flow.Allow, Reason: "rule-uncertain:unknown-tag:A"}
	deny := &flow.Verdict{Access: flow.Deny, Rule: 4, Layer: flow.Subnet, SubnetRule: 4}
	deny2 := &flow.Verdict{Access: flow.Deny, Rule: 5, Layer: flow.Subnet, Reason: "rule-uncertain:unknown-tag:A"}
	unknown := &flow.Verdict{Reason: "unknown-tag:B,unresolved:a, b.json#/x", NICRule: 9}
	unknown2 := &flow.Verdict{Reason: "missing-nsg:/x,unknown-tag:B", SubnetRule: 8}
	with := func(v *flow.Verdict, reason string) flow.Verdict {
		w := *v
		w.Reason = reason
		return w
	}
	for _, c := range []struct {
		name                string
		source, destination *flow.Verdict
		want                flow.Verdict
		end                 End
	}{
		{"both-allow", allow, allow2, *allow2, Destination},
		{"source-rule-in-doubt-does-not-decide", doubtful, allow, *allow, Destination},
		{"destination-rule-in-doubt", allow, doubtful, *doubtful, Destination},
		{"nothing-filters-at-destination", allow, open, *allow, Source},
		{"nothing-filters-anywhere", open, open, *open, Destination},
		{"destination-may-have-a-rule", allow, adminOnly, with(allow, "rule-uncertain:unknown-tag:A"), Source},
		{"source-may-have-the-only-rule", adminOnly, open, with(open, "rule-uncertain:unknown-tag:A"), Destination},
		{"rules-in-doubt-at-both", doubtful, adminOnly, with(doubtful, "rule-uncertain:unknown-tag:A,unknown-tag:B"), Source},
		{"source-denies", deny, allow, *deny, Source},
		{"destination-denies", allow, deny2, *deny2, Destination},
		{"both-deny", deny, deny2, *deny, Source},
		{"source-denies-whatever-the-destination", deny, unknown, *deny, Source},
		{"destination-denies-whatever-the-source", unknown, deny, with(deny, "rule-uncertain:unknown-tag:B,unresolved:a, b.json#/x"), Destination},
		{"whose-rule-denies", unknown, deny2, with(deny2, "rule-uncertain:unknown-tag:A,unknown-tag:B,unresolved:a, b.json#/x"), Destination},
		{"source-unknown", unknown, doubtful, *unknown, Source},
		{"destination-unknown", doubtful, unknown, *unknown, Destination},
		{"both-unknown", unknown, unknown2, with(unknown, "missing-nsg:/x,unknown-tag:B,unresolved:a, b.json#/x"), Source},
		{"only-source", unknown, nil, *unknown, Source},
		{"only-destination", nil, deny, *deny, Destination},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, end := Join(c.source, c.destination)
			if diff := cmp.Diff(c.want, got); diff != "" || end != c.end {
				t.Errorf("decided by the %s, want the %s\n%s", end, c.end, diff)
			}
		})
	}
}

func TestEachEndIsAskedInItsOwnDirection(t *testing.T) {
	p := Packet{
		Source: flow.AddressFrom4(1), Destination: flow.AddressFrom4(2), SourcePort: 1000, DestinationPort: 443,
		Protocol: flow.TCP, AnySourcePort: true,
	}
	out, in := p.AtSource(), p.AtDestination()
	want := flow.Tuple{Local: p.Source, Remote: p.Destination, LocalPort: 1000, RemotePort: 443, Protocol: flow.TCP, Direction: flow.Outbound, AnySourcePort: true}
	if out != want {
		t.Errorf("at the source %+v", out)
	}
	want = flow.Tuple{Local: p.Destination, Remote: p.Source, LocalPort: 443, RemotePort: 1000, Protocol: flow.TCP, Direction: flow.Inbound, AnySourcePort: true}
	if in != want {
		t.Errorf("at the destination %+v", in)
	}
	for _, q := range []flow.Tuple{out, in} {
		if s, d := q.Ports(); s != 1000 || d != 443 {
			t.Errorf("ports %d, %d", s, d)
		}
	}
}

func TestEndsHaveNames(t *testing.T) {
	if got := Source.String() + " " + Destination.String(); got != "source destination" {
		t.Error(got)
	}
}
