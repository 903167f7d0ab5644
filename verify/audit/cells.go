package audit

import (
	"context"
	"fmt"
	"slices"

	"ipflow/verify/reach"
)

// matrix tells what the zones, and the Internet, may send to each other.
func (a *auditor) matrix(ctx context.Context) error {
	zones := a.zones
	if !slices.ContainsFunc(zones, func(z reach.Zone) bool { return z.Name == internet }) {
		zones = append([]reach.Zone{{Name: internet, Ends: []reach.End{reach.InternetEnd()}}}, zones...)
	}
	a.out.Zones, a.out.Cells = []Zone{}, []Cell{}
	for i := range zones {
		a.out.Zones = append(a.out.Zones, a.zoneRow(&zones[i]))
	}
	m := a.p.Matrix(zones)
	for from := range zones {
		a.o.Progress("zones", from, len(zones))
		for to := range zones {
			if err := ctx.Err(); err != nil {
				return err
			}
			cell := m.Cell(from, to)
			if len(cell.Services) == 0 {
				continue
			}
			a.out.Cells = append(a.out.Cells, a.cell(m, &cell))
		}
	}
	return nil
}

func (a *auditor) zoneRow(z *reach.Zone) Zone {
	row := Zone{Name: z.Name, Prefixes: []string{}, NICs: []string{}}
	for i := range z.Ends {
		e := &z.Ends[i]
		for _, m := range e.Members {
			row.NICs = append(row.NICs, m.NIC.ID)
		}
		if e.IsTag() {
			continue
		}
		for _, p := range a.p.Remotes(e, nil).Prefixes() {
			row.Prefixes = append(row.Prefixes, p.String())
		}
	}
	return row
}

func (a *auditor) cell(m *reach.Matrix, c *reach.Cell) Cell {
	row := Cell{From: m.Zones[c.From].Name, To: m.Zones[c.To].Name, Rules: []string{}}
	for _, s := range c.Services {
		between := "some"
		if s.Every {
			between = "every"
		}
		row.Services = append(row.Services, CellService{s.Access.String(), between, s.Protocol, s.SourcePorts, s.DestinationPorts})
	}
	rules, shown := m.Because(c.From, c.To)
	for _, r := range rules {
		row.Rules = append(row.Rules, a.ruleID(r))
	}
	if shown == nil {
		panic(fmt.Sprintf("audit: nothing shows the cell from %s to %s", row.From, row.To))
	}
	row.Witness = a.witness(shown.NIC, shown.Tuple)
	return row
}
