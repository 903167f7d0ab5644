package report

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"ipflow/report/layout/layouttest"
	"ipflow/verify"
)

var endsVerdicts = layouttest.Table{
	{
		Access: "Deny", Rule: "securityRules/ssh", Reason: "rule-uncertain:unknown-tag:A",
		Source: verify.RowEnd{Access: "Unknown", Reason: "unknown-tag:A"}, Destination: verify.RowEnd{Access: "Deny", Rule: "securityRules/ssh"},
	},
	{Access: "Allow", Reason: "no-nsg", Source: verify.RowEnd{Access: "Allow", Reason: "no-nsg"}},
	{Error: "nic-not-found"},
}

const endsHeader = "access,rule,rule_id,priority,layer,group_id,admin_rule,subnet_rule,nic_rule,reason,error," +
	"source_access,source_rule,source_reason,destination_access,destination_rule,destination_reason"

// endsOutput writes three rows of two-ended flows.
func endsOutput(t *testing.T, format string) []byte {
	t.Helper()
	var stdout bytes.Buffer
	o := Output{Path: "-", Format: format, Ends: true, Stdout: &stdout}
	if format == "parquet" {
		o.Path = filepath.Join(t.TempDir(), "out.parquet")
	}
	s, err := Open(o, nil)
	if err != nil {
		t.Fatal(err)
	}
	rec := layouttest.Record(t, arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Int8}}, nil), `[{"x":1},{"x":2},{"x":3}]`)
	b := layouttest.KeepAll([][]verify.ID{{0, 1, 2}}, rec)[0]
	b.Keep = nil
	block, err := s.Encode(b.Batch, b.IDs, endsVerdicts)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(block); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if format == "parquet" {
		data, err := os.ReadFile(o.Path)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	return stdout.Bytes()
}

// TestEndsHaveColumns: every format writes the columns of each end after error.
func TestEndsHaveColumns(t *testing.T) {
	names := strings.Split(endsHeader, ",")
	rows := [][]string{
		strings.Split("Deny,securityRules/ssh,,,,,,,,rule-uncertain:unknown-tag:A,,Unknown,,unknown-tag:A,Deny,securityRules/ssh,", ","),
		strings.Split("Allow,,,,,,,,,no-nsg,,Allow,,no-nsg,,,", ","),
		strings.Split(",,,,,,,,,,nic-not-found,,,,,,", ","),
	}
	t.Run("csv", func(t *testing.T) {
		want := endsHeader + "\n"
		for _, r := range rows {
			want += strings.Join(r, ",") + "\n"
		}
		if diff := cmp.Diff(want, string(endsOutput(t, "csv"))); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("jsonl", func(t *testing.T) {
		var want strings.Builder
		for _, r := range rows {
			for i, v := range r {
				want.WriteString([]string{"{", ","}[min(i, 1)] + `"` + names[i] + `":`)
				if v == "" {
					want.WriteString("null")
				} else {
					want.WriteString(`"` + v + `"`)
				}
			}
			want.WriteString("}\n")
		}
		if diff := cmp.Diff(want.String(), string(endsOutput(t, "jsonl"))); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("arrow", func(t *testing.T) {
		r, err := ipc.NewReader(bytes.NewReader(endsOutput(t, "arrow")))
		if err != nil || !r.Next() {
			t.Fatal(err)
		}
		rec := r.Record()
		for c, name := range names {
			if f := rec.Schema().Field(c); f.Name != name || name != "priority" && f.Type.ID() != arrow.DICTIONARY {
				t.Errorf("column %d is %v, want %s", c, f, name)
			}
			for i, want := range rows {
				if got := rec.Column(c).ValueStr(i); got != want[c] && (want[c] != "" || rec.Column(c).IsValid(i)) {
					t.Errorf("%s of row %d: %q, want %q", name, i, got, want[c])
				}
			}
		}
	})
	t.Run("parquet", func(t *testing.T) {
		data := endsOutput(t, "parquet")
		f, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range f.Schema().Columns() {
			got = append(got, strings.Join(c, "."))
		}
		if diff := cmp.Diff(names, got); diff != "" {
			t.Fatal(diff)
		}
		buf := make([]parquet.Row, 4)
		r := parquet.NewReader(f)
		n, _ := r.ReadRows(buf)
		if n != len(rows) {
			t.Fatalf("%d rows", n)
		}
		for i, want := range rows {
			for c, v := range buf[i] {
				if v.IsNull() != (want[c] == "") || !v.IsNull() && v.String() != want[c] {
					t.Errorf("%s of row %d: %v, want %q", names[c], i, v, want[c])
				}
			}
		}
	})
}

// TestEndsClaimTheirNamesOnly where they are written.
func TestEndsClaimTheirNamesOnly(t *testing.T) {
	kept := []Field{{Name: "Source_Rule", Type: arrow.BinaryTypes.String}}
	for _, format := range []string{"csv", "jsonl", "arrow", "parquet"} {
		o := Output{Path: filepath.Join(t.TempDir(), "x"), Format: format}
		if err := o.Validate(kept); err != nil {
			t.Errorf("%s, one end: %v", format, err)
		}
		o.Ends = true
		if err := o.Validate(kept); err == nil || !IsUsage(err) || !strings.Contains(err.Error(), "--keep") {
			t.Errorf("%s, two ends: %v", format, err)
		}
	}
}
