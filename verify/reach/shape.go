package reach

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/space"
)

// Report is an answer in the JSON shape that scripts rely on.
type Report struct {
	Sets []ReportSet `json:"sets"`
}

// ReportSet is a Set of a Report.
type ReportSet struct {
	NICs      []string    `json:"nics"`
	Direction string      `json:"direction"`
	Access    string      `json:"access"`
	Boxes     []ReportBox `json:"boxes"`
	Witness   *space.Flow `json:"witness"`
}

// ReportBox is a Box of a Report. Rule and Layer are null where no rule decides.
type ReportBox struct {
	space.Words
	Rule   *string `json:"rule"`
	Layer  *string `json:"layer"`
	Reason string  `json:"reason,omitempty"`
}

// Report writes the answer in words.
func (p *Prober) Report(a Answer) Report {
	out := Report{Sets: []ReportSet{}}
	for i := range a.Sets {
		s := &a.Sets[i]
		witness := FlowAt(s.WitnessNIC, s.Witness)
		set := ReportSet{Direction: s.Direction.String(), Access: s.Access.String(), Witness: &witness}
		for _, c := range s.NICs {
			set.NICs = append(set.NICs, c.ID)
		}
		for _, b := range s.Boxes {
			set.Boxes = append(set.Boxes, p.reportBoxes(b)...)
		}
		out.Sets = append(out.Sets, set)
	}
	return out
}

// FlowAt writes a flow of a NIC in the flow columns.
func FlowAt(c *network.NIC, t flow.Tuple) space.Flow {
	f := space.FlowOf(c.ID, t)
	f.VM = c.VMID
	return f
}

func (p *Prober) reportBoxes(b Box) (out []ReportBox) {
	box := ReportBox{Reason: b.Reason}
	if id := p.RuleID(b.Decision); id != "" {
		layer := b.Layer.String()
		box.Rule, box.Layer = &id, &layer
	}
	for _, w := range space.WordsOf(b.Box) {
		box.Words = w
		out = append(out, box)
	}
	return out
}

// Row is a box as a flat row; lists are joined by spaces.
type Row struct {
	Set         int32  `parquet:"set"` // boxes of one set have the same number, from 1
	NICs        string `parquet:"nics"`
	Direction   string `parquet:"direction"`
	Access      string `parquet:"access"`
	Protocol    string `parquet:"protocol"`
	Local       string `parquet:"local"`
	LocalPorts  string `parquet:"local_ports"`
	Remote      string `parquet:"remote"`
	RemotePorts string `parquet:"remote_ports"`
	Rule        string `parquet:"rule,optional"`
	Layer       string `parquet:"layer,optional"`
	Reason      string `parquet:"reason,optional"`
	// The witness of the set.
	WitnessNIC        string `parquet:"witness_nic"`
	WitnessProtocol   string `parquet:"witness_protocol"`
	WitnessLocalIP    string `parquet:"witness_local_ip"`
	WitnessLocalPort  string `parquet:"witness_local_port,optional"`
	WitnessRemoteIP   string `parquet:"witness_remote_ip"`
	WitnessRemotePort string `parquet:"witness_remote_port,optional"`
}

// Rows returns the boxes of a report as flat rows.
func (r *Report) Rows() (out []Row) {
	for i := range r.Sets {
		s := &r.Sets[i]
		w := s.Witness
		row := Row{
			Set: int32(i + 1), NICs: strings.Join(s.NICs, " "), Direction: s.Direction, Access: s.Access,
			WitnessNIC: w.NIC, WitnessProtocol: w.Protocol, WitnessLocalIP: w.LocalIP, WitnessLocalPort: portText(w.LocalPort),
			WitnessRemoteIP: w.RemoteIP, WitnessRemotePort: portText(w.RemotePort),
		}
		for _, b := range s.Boxes {
			row.Protocol, row.Reason = b.Protocol, b.Reason
			row.Local, row.LocalPorts = strings.Join(b.Local, " "), strings.Join(b.LocalPorts, " ")
			row.Remote, row.RemotePorts = strings.Join(b.Remote, " "), strings.Join(b.RemotePorts, " ")
			row.Rule, row.Layer = "", ""
			if b.Rule != nil {
				row.Rule, row.Layer = *b.Rule, *b.Layer
			}
			out = append(out, row)
		}
	}
	return out
}

func portText(p *uint16) string {
	if p == nil {
		return ""
	}
	return strconv.Itoa(int(*p))
}

// shownItems bounds the entries of a list in text; -o json has all.
const shownItems = 6

// WriteText writes an answer for readers, names inert.
func (p *Prober) WriteText(w io.Writer, a Answer) error {
	var b strings.Builder
	line := func(format string, args ...any) {
		b.WriteString(diag.Printable(fmt.Sprintf(format, args...)))
		b.WriteByte('\n')
	}
	if len(a.Sets) == 0 {
		line("no such flow")
	}
	for i := range a.Sets {
		s := &a.Sets[i]
		if i > 0 {
			line("")
		}
		names := make([]string, len(s.NICs))
		for n, c := range s.NICs {
			names[n] = c.Name
		}
		line("%s %s at %s", s.Direction, s.Access, few(names))
		for j := range s.Boxes {
			line("  %s", BoxText(s.Direction, &s.Boxes[j]))
			line("    %s", p.Because(s.Boxes[j].Decision))
		}
		witness := space.FlowOf(s.WitnessNIC.ID, s.Witness)
		line("  for example %s", FlowText(&witness))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// BoxText tells a box in the packet's direction.
func BoxText(dir flow.Direction, b *Box) string {
	w := space.WordsOf(b.Box)[0]
	source, sourcePorts, destination, destinationPorts := w.Remote, w.RemotePorts, w.Local, w.LocalPorts
	if dir == flow.Outbound {
		source, sourcePorts, destination, destinationPorts = w.Local, w.LocalPorts, w.Remote, w.RemotePorts
	}
	return space.ProtocolsText(b.Protocols) + " from " + few(source) + portsText(sourcePorts) + " to " + few(destination) + portsText(destinationPorts)
}

func portsText(ports []string) string {
	switch {
	case len(ports) > 1:
		return " ports " + few(ports)
	case ports[0] == allPortsWord:
		return ""
	case strings.Contains(ports[0], "-"):
		return " ports " + ports[0]
	}
	return " port " + ports[0]
}

func few(list []string) string {
	if len(list) <= shownItems {
		return strings.Join(list, ", ")
	}
	return strings.Join(list[:shownItems-1], ", ") + fmt.Sprintf(" and %d more", len(list)-shownItems+1)
}

// Because names the deciding rule with its place, or the facts that are missing.
func (p *Prober) Because(d Decision) string {
	var parts []string
	if r := p.net.Rule(d.Rule); r != nil {
		text := "by " + network.LastSegment(r.GroupID()) + ", " + r.Spelling()
		if r.Origin.File != "" {
			text += ", " + r.Origin.String()
		}
		parts = append(parts, text+" ("+d.Layer.String()+")")
	}
	if d.Reason != "" {
		parts = append(parts, d.Reason)
	}
	return strings.Join(parts, "; ")
}

// FlowText tells a flow in the packet's direction.
func FlowText(f *space.Flow) string {
	end := func(ip string, port *uint16) string {
		switch {
		case port == nil:
			return ip
		case strings.Contains(ip, ":"):
			return "[" + ip + "]:" + portText(port)
		}
		return ip + ":" + portText(port)
	}
	local, remote := end(f.LocalIP, f.LocalPort), end(f.RemoteIP, f.RemotePort)
	if f.Direction == "Inbound" {
		local, remote = remote, local
	}
	return f.Protocol + " " + local + " > " + remote
}

// Example tells the first set of an answer by its witness and what decides it:
// one that is allowed, if there is any. The answer is not empty.
func (p *Prober) Example(a Answer) string {
	at := slices.IndexFunc(a.Sets, func(s Set) bool { return s.Access == flow.Allow })
	s := &a.Sets[max(at, 0)]
	f := space.FlowOf(s.WitnessNIC.ID, s.Witness)
	text := s.Access.String() + ": " + f.Direction + " " + FlowText(&f) + " at " + f.NIC
	d := p.WitnessDecision(s)
	if id := p.RuleID(d); id != "" {
		return text + ", by " + id
	}
	return text + ", " + d.Reason
}

// WitnessDecision returns what decides the witness of a set.
func (p *Prober) WitnessDecision(s *Set) Decision {
	for i := range s.Boxes {
		if b := &s.Boxes[i]; p.space.Contains(p.space.Box(b.Box), s.Witness) {
			return b.Decision
		}
	}
	panic("reach: a witness that no box holds")
}
