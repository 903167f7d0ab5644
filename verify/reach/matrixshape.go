package reach

import (
	"bufio"
	"encoding/json"
	"io"
	"iter"
	"strings"

	"ipflow/verify/space"
)

// MatrixRow is one service between two zones as a flat row; lists are joined by
// spaces.
type MatrixRow struct {
	From             string `parquet:"from"`
	To               string `parquet:"to"`
	Access           string `parquet:"access"`  // Allow or Unknown
	Between          string `parquet:"between"` // every or some: pairs of endpoints
	Protocol         string `parquet:"protocol"`
	SourcePorts      string `parquet:"source_ports"`
	DestinationPorts string `parquet:"destination_ports"`
	// A flow of the service.
	WitnessNIC        string `parquet:"witness_nic"`
	WitnessDirection  string `parquet:"witness_direction"`
	WitnessProtocol   string `parquet:"witness_protocol"`
	WitnessLocalIP    string `parquet:"witness_local_ip"`
	WitnessLocalPort  string `parquet:"witness_local_port,optional"`
	WitnessRemoteIP   string `parquet:"witness_remote_ip"`
	WitnessRemotePort string `parquet:"witness_remote_port,optional"`
}

// Rows returns the services of cells as flat rows.
func (m *Matrix) Rows(cells []Cell) iter.Seq[MatrixRow] {
	return func(yield func(MatrixRow) bool) {
		for _, c := range cells {
			for i, s := range c.Services {
				w := FlowAt(c.Witnesses[i].NIC, c.Witnesses[i].Tuple)
				row := MatrixRow{
					From: m.Zones[c.From].Name, To: m.Zones[c.To].Name, Access: s.Access.String(), Between: between(s.Every),
					Protocol: s.Protocol, SourcePorts: s.joinedSource, DestinationPorts: s.joinedDestination,
					WitnessNIC: w.NIC, WitnessDirection: w.Direction, WitnessProtocol: w.Protocol,
					WitnessLocalIP: w.LocalIP, WitnessLocalPort: portText(w.LocalPort),
					WitnessRemoteIP: w.RemoteIP, WitnessRemotePort: portText(w.RemotePort),
				}
				if !yield(row) {
					return
				}
			}
		}
	}
}

func between(every bool) string {
	if every {
		return "every"
	}
	return "some"
}

// reportZone, reportService and reportCell are the JSON shape of a Matrix.
type reportZone struct {
	Name string   `json:"name"`
	NICs []string `json:"nics"`
}

type reportService struct {
	Access           string     `json:"access"`
	Between          string     `json:"between"`
	Protocol         string     `json:"protocol"`
	SourcePorts      []string   `json:"sourcePorts"`
	DestinationPorts []string   `json:"destinationPorts"`
	Witness          space.Flow `json:"witness"`
}

type reportCell struct {
	From     string          `json:"from"`
	To       string          `json:"to"`
	Services []reportService `json:"services"`
}

// WriteJSON writes {"zones":[{"name","nics"}],"cells":[{"from","to","services":
// [{"access","between","protocol","sourcePorts","destinationPorts","witness"}]}]},
// a cell a line: there may be millions.
func (m *Matrix) WriteJSON(w io.Writer, cells []Cell) error {
	out := bufio.NewWriterSize(w, 1<<16)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	out.WriteString("{\"zones\":[\n")
	for i, z := range m.Zones {
		if i > 0 {
			out.WriteByte(',')
		}
		zone := reportZone{Name: z.Name, NICs: []string{}}
		for _, e := range z.Ends {
			for _, member := range e.Members {
				zone.NICs = append(zone.NICs, member.NIC.ID)
			}
		}
		if err := enc.Encode(zone); err != nil {
			return err
		}
	}
	out.WriteString("],\"cells\":[\n")
	for i, c := range cells {
		if i > 0 {
			out.WriteByte(',')
		}
		cell := reportCell{From: m.Zones[c.From].Name, To: m.Zones[c.To].Name}
		for k, s := range c.Services {
			witness := FlowAt(c.Witnesses[k].NIC, c.Witnesses[k].Tuple)
			cell.Services = append(cell.Services, reportService{s.Access.String(), between(s.Every), s.Protocol, s.SourcePorts, s.DestinationPorts, witness})
		}
		if err := enc.Encode(cell); err != nil {
			return err
		}
	}
	out.WriteString("]}\n")
	return out.Flush()
}

// Text writes services in a few words: "Tcp 80,443; Udp 53 (some)".
func Text(list []Service) string {
	var parts []string
	for _, s := range list {
		text := s.text
		if text == "" {
			continue
		}
		if s.joinedDestination != allPortsWord {
			text += " " + strings.ReplaceAll(s.joinedDestination, " ", ",")
		}
		if s.joinedSource != allPortsWord {
			text += " from " + strings.ReplaceAll(s.joinedSource, " ", ",")
		}
		switch {
		case s.Access.String() == "Unknown" && s.Every:
			text += " (unknown)"
		case s.Access.String() == "Unknown":
			text += " (some unknown)"
		case !s.Every:
			text += " (some)"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}

const allPortsWord = "0-65535"

// WriteMarkdown writes a table of zones: a row sends, a column receives. It has
// no witnesses, which would not fit.
func (m *Matrix) WriteMarkdown(w io.Writer, cells []Cell) error {
	out := bufio.NewWriter(w)
	names := make([]string, len(m.Zones))
	short := map[string]int{}
	for _, z := range m.Zones {
		short[z.Name[strings.LastIndexByte(z.Name, '/')+1:]]++
	}
	for i, z := range m.Zones {
		names[i] = z.Name[strings.LastIndexByte(z.Name, '/')+1:]
		if short[names[i]] > 1 {
			names[i] = z.Name
		}
		names[i] = escapeCell(names[i])
	}
	out.WriteString("| from \\ to | " + strings.Join(names, " | ") + " |\n" + strings.Repeat("|---", len(names)+1) + "|\n")
	for from := range m.Zones {
		out.WriteString("| " + names[from])
		for to := range m.Zones {
			var list []Service
			if len(cells) > 0 && cells[0].From == from && cells[0].To == to {
				list, cells = cells[0].Services, cells[1:]
			}
			out.WriteString(" | " + escapeCell(Text(list)))
		}
		out.WriteString(" |\n")
	}
	return out.Flush()
}

// escapeCell makes text inert inside a Markdown table.
func escapeCell(text string) string {
	return strings.NewReplacer("\\", "\\\\", "|", "\\|", "\n", " ", "\r", " ", "<", "&lt;", "`", "\\`", "*", "\\*", "_", "\\_", "[", "\\[").Replace(text)
}
