package audit

import (
	"fmt"
	"slices"

	"ipflow/index"
	"ipflow/ingest/flow"
)

// The controls of the benchmark that are judged by exposure.
const (
	controlRDP  = "6.1"
	controlSSH  = "6.2"
	controlUDP  = "6.3"
	controlHTTP = "6.4"
)

// controlsOf are the controls that a service is about.
func controlsOf(s *KnownService) (out []string) {
	tcp, udp := s.Protocols.Contains(flow.TCP), s.Protocols.Contains(flow.UDP)
	if s.Ports.Contains(3389) && (tcp || udp) {
		out = append(out, controlRDP)
	}
	if s.Ports.Contains(22) && tcp {
		out = append(out, controlSSH)
	}
	if s.Protocols == index.ProtocolsOf(flow.UDP) {
		out = append(out, controlUDP)
	}
	if tcp && (s.Ports.Contains(80) || s.Ports.Contains(443)) {
		out = append(out, controlHTTP)
	}
	return out
}

// controls judges the controls by the findings.
func (a *auditor) controls() {
	a.out.Controls = []Control{}
	for _, c := range []struct{ id, title, what string }{
		{controlRDP, "RDP from the Internet is evaluated and restricted", "RDP"},
		{controlSSH, "SSH from the Internet is evaluated and restricted", "SSH"},
		{controlUDP, "UDP from the Internet is evaluated and restricted", "UDP"},
		{controlHTTP, "HTTP(S) from the Internet is evaluated and restricted", "HTTP or HTTPS"},
	} {
		a.out.Controls = append(a.out.Controls, a.exposureControl(c.id, c.title, c.what))
	}
	a.out.Controls = append(a.out.Controls, a.flowLogs(), a.watchers(), Control{
		ID: "6.7", Title: "Public IP addresses are evaluated periodically", Status: Undecided, Findings: []string{},
		Reason: fmt.Sprintf("A manual review: the snapshot lists %s, and cannot tell when they were last looked at.", plural(len(a.net.PublicIPs), "public IP address", "public IP addresses")),
	})
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func (a *auditor) exposureControl(id, title, what string) Control {
	c := Control{ID: id, Title: title, Findings: []string{}}
	open, unknown, accepted, restricted := 0, 0, 0, 0
	for i := range a.out.Findings {
		f := &a.out.Findings[i]
		if !slices.Contains(f.Controls, id) {
			continue
		}
		c.Findings = append(c.Findings, f.ID)
		switch {
		case f.Dismissed:
			accepted++
		case f.Access == flow.Unknown.String():
			unknown++
		case f.Breadth == Open:
			open++
		default:
			restricted++
		}
	}
	switch {
	case len(a.net.NICs) == 0:
		c.Status, c.Reason = NotApplicable, "The snapshot holds no NIC."
	case open > 0:
		c.Status, c.Reason = Fail, fmt.Sprintf("%s open to the Internet at large: %s.", what, count(open, "finding"))
	case unknown > 0:
		c.Status, c.Reason = Undecided, fmt.Sprintf("Whether %s is open rests on missing facts: %s.", what, count(unknown, "finding"))
	default:
		c.Status, c.Reason = Pass, fmt.Sprintf("No NIC lets the Internet at large reach %s, by all rules in front of it together.", what)
	}
	if accepted > 0 {
		c.Reason += fmt.Sprintf(" Dismissed with a reason: %d.", accepted)
	}
	if restricted > 0 {
		c.Reason += fmt.Sprintf(" Restricted to some addresses: %d.", restricted)
	}
	return c
}
