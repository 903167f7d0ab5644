package tables

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"ipflow/verify/audit"
)

// hostile is a name that must come back as it was: a table of strings interprets
// nothing.
const hostile = "=1+1|<script>\x1b[31m\nsecond, \"quoted\" é😀"

func port(n uint16) *uint16 { return &n }

func sample() *audit.Report {
	w := &audit.Witness{NIC: "/nics/a", Direction: "Inbound", Protocol: "Tcp", LocalIP: "10.0.0.4", LocalPort: port(22), RemoteIP: "8.8.8.8", RemotePort: port(0), Access: "Allow", Rule: hostile}
	return &audit.Report{
		Benchmark: "B",
		Snapshot:  audit.Snapshot{Documents: []audit.Document{{Path: hostile, Kind: "rest", Resources: 3, SHA256: "ff"}}},
		NICs:      []audit.NIC{{ID: "/nics/a", Name: hostile, Addresses: []string{"10.0.0.4", "fd00::4"}}},
		Rules:     []audit.Rule{{ID: "/r", Name: hostile, Priority: 100, Source: []string{hostile, "*"}, Exclusive: "18446744073709551616", Place: audit.Place{File: "f", Line: 7}}},
		Groups:    []audit.Group{{ID: 1, Family: "IPv4", Internet: "open", Members: []audit.Member{{NIC: "/nics/a", Addresses: []string{"10.0.0.4"}}, {NIC: "/nics/b"}}}},
		Exposures: []audit.Exposure{{
			ID: 1, Group: 1, Zones: []string{"Internet"}, Access: "Allow", Services: []audit.Service{{Protocol: "Tcp", Ports: []string{"22", "80-90"}}},
			Sensitive: []audit.Sensitive{{Name: "SSH", Witness: w}}, Boxes: []audit.Box{{Protocol: "Tcp"}, {Protocol: "Udp", Rule: "/r"}}, Witness: w,
		}},
		Cells:      []audit.Cell{{From: "a", To: "b", Services: []audit.CellService{{Access: "Allow"}, {Access: "Unknown"}}, Witness: w}},
		Findings:   []audit.Finding{{ID: "f1", Title: hostile, Severity: audit.High, Place: audit.Place{File: hostile, Line: 3}, Witness: w}, {ID: "f2"}},
		Facts:      []audit.Fact{{Fact: hostile}},
		Controls:   []audit.Control{{ID: "6.1", Status: audit.Fail, Findings: []string{"f1", "f2"}}},
		Dismissals: []audit.Dismissal{{ID: "f9", State: "unmatched"}},
	}
}

func write(t *testing.T, table Table, r *audit.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := table.Write(&b, r, "1.2.3", [2]string{"ipflow.version", "1.2.3"}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestTablesReadBack counts the rows of every table and looks at columns that
// hold hostile names, lists and flows.
func TestTablesReadBack(t *testing.T) {
	rows := map[string]int64{
		"findings": 2, "exposures": 1, "sensitive": 1, "boxes": 2, "groups": 2, "nics": 1, "rules": 1, "cells": 2, "facts": 1, "controls": 1, "documents": 1, "dismissals": 1,
		"outbound": 0, "outbound_boxes": 0, "outbound_groups": 0,
	}
	for _, table := range All() {
		data := write(t, table, sample())
		f, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		if f.NumRows() != rows[table.Name] {
			t.Errorf("%s has %d rows, not %d", table.Name, f.NumRows(), rows[table.Name])
		}
		if v, _ := f.Lookup("ipflow.version"); v != "1.2.3" {
			t.Errorf("%s says version %q", table.Name, v)
		}
		if again := write(t, table, sample()); !bytes.Equal(data, again) {
			t.Errorf("%s: two writes differ", table.Name)
		}
		if empty := write(t, table, &audit.Report{}); len(empty) == 0 {
			t.Errorf("%s of nothing is no file", table.Name)
		}
	}
	if len(rows) != len(All()) {
		t.Errorf("%d tables", len(All()))
	}
	data := write(t, All()[0], sample())
	list, err := parquet.Read[findingRow](bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if x := list[0]; x.Title != hostile || x.File != hostile || x.Line != 3 || x.witness.RemotePort != "0" || x.witness.LocalPort != "22" || x.witness.Rule != hostile {
		t.Errorf("read back %+v", x)
	}
	if x := list[1]; x.witness.NIC != "" || x.Severity != "" {
		t.Errorf("read back %+v", x)
	}
	f, _ := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	for _, name := range []string{"id", "file", "witness_remote_ip", "dismissed_expires"} {
		if !slices.ContainsFunc(f.Schema().Fields(), func(x parquet.Field) bool { return x.Name() == name }) {
			t.Errorf("no column %s in %s", name, f.Schema())
		}
	}
}

func TestListsStayLists(t *testing.T) {
	if got := join([]string{hostile, "b"}); strings.Count(got, "\n") != 1 || !strings.HasSuffix(got, "\nb") {
		t.Errorf("%q", got)
	}
}
