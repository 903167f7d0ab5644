package tables

import (
	"iter"

	"ipflow/verify/audit"
)

type groupRow struct {
	ID        int32  `parquet:"id"`
	Family    string `parquet:"family"`
	Internet  string `parquet:"internet"`
	NIC       string `parquet:"nic"`
	Addresses string `parquet:"addresses"`
}

func groups(r *audit.Report) iter.Seq[groupRow]         { return groupRows(r.Groups) }
func outboundGroups(r *audit.Report) iter.Seq[groupRow] { return groupRows(r.OutboundGroups) }

func groupRows(list []audit.Group) iter.Seq[groupRow] {
	return within(list, func(g *audit.Group) []audit.Member { return g.Members }, func(g *audit.Group, m *audit.Member) groupRow {
		return groupRow{int32(g.ID), g.Family, g.Internet, m.NIC, join(m.Addresses)}
	})
}

type nicRow struct {
	ID        string `parquet:"id"`
	Name      string `parquet:"name"`
	VM        string `parquet:"vm,optional"`
	Subnet    string `parquet:"subnet,optional"`
	VNet      string `parquet:"vnet,optional"`
	Addresses string `parquet:"addresses,optional"`
	NSG       string `parquet:"nsg,optional"`
	SubnetNSG string `parquet:"subnet_nsg,optional"`
	ASGs      string `parquet:"asgs,optional"`
	Ways      string `parquet:"ways,optional"`
	File      string `parquet:"file"`
	Line      int32  `parquet:"line"`
}

func nics(r *audit.Report) iter.Seq[nicRow] {
	return each(r.NICs, func(c *audit.NIC) nicRow {
		return nicRow{
			c.ID, c.Name, c.VM, c.Subnet, c.VirtualNetwork, join(c.Addresses), c.NSG, c.SubnetNSG, join(c.ASGs), join(c.Ways), c.File, int32(c.Line),
		}
	})
}

type ruleRow struct {
	ID               string `parquet:"id"`
	NSG              string `parquet:"nsg"`
	Name             string `parquet:"name"`
	Kind             string `parquet:"kind"`
	Priority         int32  `parquet:"priority"`
	Direction        string `parquet:"direction"`
	Access           string `parquet:"access"`
	Protocol         string `parquet:"protocol"`
	Source           string `parquet:"source"`
	SourcePorts      string `parquet:"source_ports"`
	Destination      string `parquet:"destination"`
	DestinationPorts string `parquet:"destination_ports"`
	place
	Resolved   bool   `parquet:"resolved"`
	NICs       int32  `parquet:"nics"`
	Shadowed   string `parquet:"shadowed,optional"`
	ShadowedBy string `parquet:"shadowed_by,optional"`
	Exclusive  string `parquet:"exclusive,optional"`
	Percent    string `parquet:"exclusive_percent,optional"`
}

func ruleRows(r *audit.Report) iter.Seq[ruleRow] {
	return each(r.Rules, func(x *audit.Rule) ruleRow {
		return ruleRow{
			x.ID, x.NSG, x.Name, x.Kind, int32(x.Priority), x.Direction, x.Access, x.Protocol,
			join(x.Source), join(x.SourcePorts), join(x.Destination), join(x.DestinationPorts), placeOf(x.Place),
			x.Resolved, int32(x.NICs), x.Shadowed, join(x.ShadowedBy), x.Exclusive, x.Percent,
		}
	})
}

type cellRow struct {
	From             string `parquet:"from"`
	To               string `parquet:"to"`
	Access           string `parquet:"access"`
	Between          string `parquet:"between"`
	Protocol         string `parquet:"protocol"`
	SourcePorts      string `parquet:"source_ports"`
	DestinationPorts string `parquet:"destination_ports"`
	Rules            string `parquet:"rules,optional"` // of the whole cell
	witness
}

func cells(r *audit.Report) iter.Seq[cellRow] {
	return within(r.Cells, func(c *audit.Cell) []audit.CellService { return c.Services }, func(c *audit.Cell, s *audit.CellService) cellRow {
		return cellRow{c.From, c.To, s.Access, s.Between, s.Protocol, join(s.SourcePorts), join(s.DestinationPorts), join(c.Rules), witnessOf(c.Witness)}
	})
}

type factRow struct {
	Fact   string `parquet:"fact"`
	NICs   string `parquet:"nics,optional"`
	Rules  string `parquet:"rules,optional"`
	Remedy string `parquet:"remedy"`
}

func facts(r *audit.Report) iter.Seq[factRow] {
	return each(r.Facts, func(f *audit.Fact) factRow { return factRow{f.Fact, join(f.NICs), join(f.Rules), f.Remedy} })
}

type controlRow struct {
	Benchmark string `parquet:"benchmark"`
	ID        string `parquet:"id"`
	Title     string `parquet:"title"`
	Status    string `parquet:"status"`
	Reason    string `parquet:"reason"`
	Findings  string `parquet:"findings,optional"`
}

func controls(r *audit.Report) iter.Seq[controlRow] {
	return each(r.Controls, func(c *audit.Control) controlRow {
		return controlRow{r.Benchmark, c.ID, c.Title, string(c.Status), c.Reason, join(c.Findings)}
	})
}

type documentRow struct {
	Path      string `parquet:"path"`
	Kind      string `parquet:"kind"`
	Resources int32  `parquet:"resources"`
	SHA256    string `parquet:"sha256"`
}

func documents(r *audit.Report) iter.Seq[documentRow] {
	return each(r.Snapshot.Documents, func(d *audit.Document) documentRow {
		return documentRow{d.Path, d.Kind, int32(d.Resources), d.SHA256}
	})
}

type dismissalRow struct {
	ID      string `parquet:"id"`
	Reason  string `parquet:"reason,optional"`
	Owner   string `parquet:"owner,optional"`
	Expires string `parquet:"expires,optional"`
	State   string `parquet:"state"`
	File    string `parquet:"file"`
	Line    int32  `parquet:"line"`
}

func dismissals(r *audit.Report) iter.Seq[dismissalRow] {
	return each(r.Dismissals, func(d *audit.Dismissal) dismissalRow {
		return dismissalRow{d.ID, d.Reason, d.Owner, d.Expires, d.State, d.File, int32(d.Line)}
	})
}
