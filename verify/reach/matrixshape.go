package reach

import (
	"bufio"
	"encoding/json"
	"io"
	"iter"
	"strings"
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
}

// Rows returns the services of all cells as flat rows.
func (m *Matrix) Rows() iter.Seq[MatrixRow] {
	return func(yield func(MatrixRow) bool) {
		for c := range m.Cells() {
			for _, s := range c.Services {
				row := MatrixRow{
					From: m.Zones[c.From].Name, To: m.Zones[c.To].Name, Access: s.Access.String(), Between: between(s.Every),
					Protocol: s.Protocol, SourcePorts: s.joinedSource, DestinationPorts: s.joinedDestination,
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
	Access           string   `json:"access"`
	Between          string   `json:"between"`
	Protocol         string   `json:"protocol"`
	SourcePorts      []string `json:"sourcePorts"`
	DestinationPorts []string `json:"destinationPorts"`
}

type reportCell struct {
	From     string          `json:"from"`
	To       string          `json:"to"`
	Services []reportService `json:"services"`
}

// WriteJSON writes {"zones":[{"name","nics"}],"cells":[{"from","to","services":
// [{"access","between","protocol","sourcePorts","destinationPorts"}]}]}, a cell a
// line: there may be millions.
func (m *Matrix) WriteJSON(w io.Writer) error {
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
	first := true
	for c := range m.Cells() {
		if !first {
			out.WriteByte(',')
		}
		first = false
		cell := reportCell{From: m.Zones[c.From].Name, To: m.Zones[c.To].Name}
		for _, s := range c.Services {
			cell.Services = append(cell.Services, reportService{s.Access.String(), between(s.Every), s.Protocol, s.SourcePorts, s.DestinationPorts})
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

// WriteMarkdown writes a table of zones: a row sends, a column receives.
func (m *Matrix) WriteMarkdown(w io.Writer) error {
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
			out.WriteString(" | " + escapeCell(Text(m.Cell(from, to).Services)))
		}
		out.WriteString(" |\n")
	}
	return out.Flush()
}

// escapeCell makes text inert inside a Markdown table.
func escapeCell(text string) string {
	return strings.NewReplacer("\\", "\\\\", "|", "\\|", "\n", " ", "\r", " ", "<", "&lt;", "`", "\\`", "*", "\\*", "_", "\\_", "[", "\\[").Replace(text)
}
