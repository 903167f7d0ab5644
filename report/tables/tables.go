package tables

import (
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"

	"ipflow/report/rows"
	"ipflow/verify/audit"
)

// Table is one table of a report.
type Table struct {
	Name string // of its file, without extension
	// Write writes it as Parquet; version is ipflow's own, metadata are key-value
	// pairs of the file.
	Write func(w io.Writer, r *audit.Report, version string, metadata ...[2]string) error
}

func table[T any](name string, of func(r *audit.Report) iter.Seq[T]) Table {
	return Table{name, func(w io.Writer, r *audit.Report, version string, metadata ...[2]string) error {
		return rows.Parquet(w, of(r), version, metadata...)
	}}
}

// All are the tables, in the order in which they are documented.
func All() []Table {
	return []Table{
		table("findings", findings), table("exposures", exposures), table("sensitive", sensitive), table("boxes", boxes),
		table("groups", groups), table("outbound", outbound), table("outbound_boxes", outboundBoxes), table("outbound_groups", outboundGroups), table("nics", nics), table("rules", ruleRows), table("cells", cells),
		table("facts", facts), table("controls", controls), table("documents", documents), table("dismissals", dismissals),
	}
}

// join writes a list as one text.
func join(list []string) string {
	if slices.ContainsFunc(list, func(s string) bool { return strings.Contains(s, "\n") }) {
		list = slices.Clone(list)
		for i := range list {
			list[i] = strings.ReplaceAll(list[i], "\n", `\n`)
		}
	}
	return strings.Join(list, "\n")
}

// witness is a flow in the flow columns of verify, under a prefix.
type witness struct {
	NIC        string `parquet:"witness_nic,optional"`
	Direction  string `parquet:"witness_direction,optional"`
	Protocol   string `parquet:"witness_protocol,optional"`
	LocalIP    string `parquet:"witness_local_ip,optional"`
	LocalPort  string `parquet:"witness_local_port,optional"`
	RemoteIP   string `parquet:"witness_remote_ip,optional"`
	RemotePort string `parquet:"witness_remote_port,optional"`
	Access     string `parquet:"witness_access,optional"`
	Rule       string `parquet:"witness_rule,optional"`
	AdminRule  string `parquet:"witness_admin_rule,optional"`
	SubnetRule string `parquet:"witness_subnet_rule,optional"`
	NICRule    string `parquet:"witness_nic_rule,optional"`
	Reason     string `parquet:"witness_reason,optional"`
}

func witnessOf(w *audit.Witness) witness {
	if w == nil {
		return witness{}
	}
	port := func(p *uint16) string {
		if p == nil {
			return ""
		}
		return strconv.Itoa(int(*p))
	}
	return witness{
		w.NIC, w.Direction, w.Protocol, w.LocalIP, port(w.LocalPort), w.RemoteIP, port(w.RemotePort),
		w.Access, w.Rule, w.AdminRule, w.SubnetRule, w.NICRule, w.Reason,
	}
}

type place struct {
	File    string `parquet:"file"`
	Line    int32  `parquet:"line"`
	Column  int32  `parquet:"column"`
	Pointer string `parquet:"pointer"`
	SHA256  string `parquet:"sha256"`
}

func placeOf(p audit.Place) place {
	return place{p.File, int32(p.Line), int32(p.Column), p.Pointer, p.SHA256}
}

type findingRow struct {
	ID       string `parquet:"id"`
	Kind     string `parquet:"kind"`
	Category string `parquet:"category"`
	Severity string `parquet:"severity"`
	Title    string `parquet:"title"`
	Message  string `parquet:"message"`
	Remedy   string `parquet:"remedy"`
	Resource string `parquet:"resource"`
	Rule     string `parquet:"rule,optional"`
	By       string `parquet:"by,optional"`
	NICs     string `parquet:"nics,optional"`
	Services string `parquet:"services,optional"`
	Access   string `parquet:"access,optional"`
	Breadth  string `parquet:"breadth,optional"`
	Controls string `parquet:"controls,optional"`
	Facts    string `parquet:"facts,optional"`
	place
	witness
	Dismissed bool   `parquet:"dismissed"`
	Reason    string `parquet:"dismissed_reason,optional"`
	Owner     string `parquet:"dismissed_owner,optional"`
	Expires   string `parquet:"dismissed_expires,optional"`
}

func findings(r *audit.Report) iter.Seq[findingRow] {
	return each(r.Findings, func(f *audit.Finding) findingRow {
		return findingRow{
			f.ID, f.Kind, f.Category, string(f.Severity), f.Title, f.Message, f.Remedy, f.Resource, f.Rule, join(f.By), join(f.NICs), join(f.Services),
			f.Access, string(f.Breadth), join(f.Controls), join(f.Facts), placeOf(f.Place), witnessOf(f.Witness), f.Dismissed, f.Reason, f.Owner, f.Expires,
		}
	})
}

// each turns rows of the report into rows of a table.
func each[T, R any](list []T, row func(*T) R) iter.Seq[R] {
	return func(yield func(R) bool) {
		for i := range list {
			if !yield(row(&list[i])) {
				return
			}
		}
	}
}

type exposureRow struct {
	ID        int32  `parquet:"id"`
	Group     int32  `parquet:"group_id"`
	Zones     string `parquet:"zones"`
	Access    string `parquet:"access"`
	Services  string `parquet:"services"`
	Rules     string `parquet:"rules,optional"`
	Facts     string `parquet:"facts,optional"`
	Addresses string `parquet:"addresses"`
	Breadth   string `parquet:"breadth"`
	witness
}

func exposures(r *audit.Report) iter.Seq[exposureRow] { return exposureRows(r.Exposures) }
func outbound(r *audit.Report) iter.Seq[exposureRow]  { return exposureRows(r.Outbound) }

func exposureRows(list []audit.Exposure) iter.Seq[exposureRow] {
	return each(list, func(x *audit.Exposure) exposureRow {
		services := make([]string, len(x.Services))
		for i, s := range x.Services {
			services[i] = s.Protocol + " " + strings.Join(s.Ports, ",")
		}
		return exposureRow{
			int32(x.ID), int32(x.Group), join(x.Zones), x.Access, join(services), join(x.Rules), join(x.Facts), x.Addresses, string(x.Breadth), witnessOf(x.Witness),
		}
	})
}

type sensitiveRow struct {
	Exposure  int32  `parquet:"exposure_id"`
	Name      string `parquet:"name"`
	Category  string `parquet:"category"`
	Protocol  string `parquet:"protocol"`
	Ports     string `parquet:"ports"`
	Addresses string `parquet:"addresses"`
	Breadth   string `parquet:"breadth"`
	Rules     string `parquet:"rules,optional"`
	witness
}

func sensitive(r *audit.Report) iter.Seq[sensitiveRow] {
	return within(r.Exposures, func(x *audit.Exposure) []audit.Sensitive { return x.Sensitive }, func(x *audit.Exposure, s *audit.Sensitive) sensitiveRow {
		return sensitiveRow{
			int32(x.ID), s.Name, s.Category, s.Protocol, strings.Join(s.Ports, ","), s.Addresses, string(s.Breadth), join(s.Rules), witnessOf(s.Witness),
		}
	})
}

// within turns the parts of rows into rows of a table.
func within[T, P, R any](list []T, parts func(*T) []P, row func(*T, *P) R) iter.Seq[R] {
	return func(yield func(R) bool) {
		for i := range list {
			for _, p := range parts(&list[i]) {
				if !yield(row(&list[i], &p)) {
					return
				}
			}
		}
	}
}

type boxRow struct {
	Exposure    int32  `parquet:"exposure_id"`
	Protocol    string `parquet:"protocol"`
	LocalPorts  string `parquet:"local_ports"`
	Remote      string `parquet:"remote"`
	RemotePorts string `parquet:"remote_ports"`
	Rule        string `parquet:"rule,optional"`
	Layer       string `parquet:"layer,optional"`
	Reason      string `parquet:"reason,optional"`
}

func boxes(r *audit.Report) iter.Seq[boxRow]         { return boxRows(r.Exposures) }
func outboundBoxes(r *audit.Report) iter.Seq[boxRow] { return boxRows(r.Outbound) }

func boxRows(list []audit.Exposure) iter.Seq[boxRow] {
	return within(list, func(x *audit.Exposure) []audit.Box { return x.Boxes }, func(x *audit.Exposure, b *audit.Box) boxRow {
		return boxRow{int32(x.ID), b.Protocol, join(b.LocalPorts), join(b.Remote), join(b.RemotePorts), b.Rule, b.Layer, b.Reason}
	})
}
