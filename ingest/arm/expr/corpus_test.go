package expr

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// shared finds the reference data that is kept beside the checkout.
func shared(t testing.TB) string {
	dir := os.Getenv("IPFLOW_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared")
	}
	dir = filepath.Join(dir, "data", "arm")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no reference data: %v; IPFLOW_SHARED names its directory", err)
	}
	return dir
}

func TestVectorsOfAzureEngine(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(shared(t), "vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Context struct{ SubscriptionID, ResourceGroup string }
		Vectors []struct {
			Expression string
			Expected   json.RawMessage
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) < 30 {
		t.Fatalf("only %d vectors", len(file.Vectors))
	}
	s := newScope()
	s.ctx = Context{SubscriptionID: file.Context.SubscriptionID, ResourceGroup: file.Context.ResourceGroup}
	for _, v := range file.Vectors {
		got, err := evalText(t, v.Expression, s)
		if err != nil {
			t.Errorf("%s: %v", v.Expression, err)
			continue
		}
		var want, have any
		if err := json.Unmarshal(v.Expected, &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(written(got)), &have); err != nil || !reflect.DeepEqual(want, have) {
			t.Errorf("%s\n got %s\nwant %s", v.Expression, written(got), v.Expected)
		}
	}
}

var jsonString = regexp.MustCompile(`"(?:[^"\\]|\\.|\\\n)*"`)

// expressions finds all strings of a template that are expressions, without
// minding that templates are not quite JSON.
func expressions(text []byte) []string {
	var list []string
	for _, m := range jsonString.FindAll(text, -1) {
		// Templates hold raw newlines and tabs inside strings.
		for raw, escaped := range map[string]string{"\r": `\r`, "\n": `\n`, "\t": `\t`} {
			m = bytes.ReplaceAll(m, []byte(raw), []byte(escaped))
		}
		var s string
		if json.Unmarshal(m, &s) != nil {
			continue
		}
		if IsExpression(s) {
			list = append(list, s)
		}
	}
	return list
}

func TestTemplatesParseAndPrint(t *testing.T) {
	root := filepath.Join(shared(t), "templates")
	files, found := 0, 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(path, "parameters") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		for _, s := range expressions(text) {
			found++
			e, err := Parse(s)
			if err != nil {
				t.Errorf("%s: %v: %s", path, err, s)
				continue
			}
			roundTrip(t, e)
			Walk(e, func(e Expr) bool {
				if c, ok := e.(*Call); ok && c.Namespace == "" && lookup(c.Name) == nil {
					t.Errorf("%s: no function %s", path, c.Name)
				}
				return true
			})
			// With nothing known, all must still end, as a value or an error.
			_, _ = Eval(e, newScope(), NewBudget())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 100 || found < 10_000 {
		t.Errorf("%d files with %d expressions: is the data complete?", files, found)
	}
}
