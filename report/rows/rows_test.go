package rows

import (
	"bytes"
	"encoding/csv"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
)

type row struct {
	Name   string `parquet:"name"`
	Rule   string `parquet:"rule,optional"`
	Number int32  `parquet:"number"`
	Yes    bool   `parquet:"yes"`
}

var list = []row{{"a", "r|1", 7, true}, {"b,\"c\"\nd", "", -1, false}}

func TestCSV(t *testing.T) {
	var b bytes.Buffer
	if err := CSV(&b, slices.Values(list)); err != nil {
		t.Fatal(err)
	}
	got, err := csv.NewReader(&b).ReadAll()
	want := [][]string{{"name", "rule", "number", "yes"}, {"a", "r|1", "7", "true"}, {"b,\"c\"\nd", "", "-1", "false"}}
	if err != nil || !cmp.Equal(got, want) {
		t.Error(err, cmp.Diff(want, got))
	}
}

func TestMarkdown(t *testing.T) {
	var b bytes.Buffer
	if err := Markdown(&b, slices.Values(list)); err != nil {
		t.Fatal(err)
	}
	want := "| name | rule | number | yes |\n|---|---|---|---|\n| a | r\\|1 | 7 | true |\n| b,\"c\" d |  | -1 | false |\n"
	if got := b.String(); got != want {
		t.Error(cmp.Diff(want, got))
	}
}

func TestParquet(t *testing.T) {
	var b, again bytes.Buffer
	if err := Parquet(&b, slices.Values(list), "1.0", [2]string{"ipflow.version", "1.0"}); err != nil {
		t.Fatal(err)
	}
	if err := Parquet(&again, slices.Values(list), "1.0", [2]string{"ipflow.version", "1.0"}); err != nil || !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Error("equal rows, other bytes", err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := f.Lookup("ipflow.version"); !ok || v != "1.0" {
		t.Errorf("metadata %q", v)
	}
	got, err := parquet.Read[row](bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil || !cmp.Equal(got, list) {
		t.Error(err, cmp.Diff(list, got))
	}
	var none bytes.Buffer
	if err := Parquet(&none, slices.Values([]row(nil)), "1.0"); err != nil {
		t.Fatal(err)
	}
	if got, err := parquet.Read[row](bytes.NewReader(none.Bytes()), int64(none.Len())); err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
}
