package flowfile

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"ipflow/ingest/column"
)

const jsonTail = `"direction":"In","protocol":6,"local_ip":"10.0.0.4","local_port":443,"remote_ip":"10.0.0.5","remote_port":"1024"}`

func TestJSONLValuesAndKinds(t *testing.T) {
	content := "\xef\xbb\xbf" + strings.Join([]string{
		`{"nic":"web","n":-1.50e+3,"b":true,"o":{"a":[1, "]}\"" ]},"e":"","u":"\u00e9\ud83d\ude00\ud800\n",` + jsonTail,
		``,
		`  {"NIC" : "db" , "b":false, "o": [ ] , "n":null, ` + jsonTail + " \r",
		`{"nic":null,` + jsonTail,
		`{"nic":"a",`,
		`{"nic":"a","nic":"b",` + jsonTail,
		`{"nic":"a","NIC":"b",` + jsonTail,
		`[1]`,
		`{"nic":01,` + jsonTail,
		`{"nic":"a"` + "\t" + `"}`,
		`{"nic":"a",` + jsonTail + `{}`,
		`{}`,
		`{"nic":"last",` + jsonTail,
	}, "\n")
	dir := t.TempDir()
	none := []string{null, null, null, null, null, null, null, null, null, null, null, null}
	rest := []string{"In", "6", "10.0.0.4", "443", "10.0.0.5", "1024"}
	row := func(first ...string) []string { return append(first, rest...) }
	want := [][]string{
		row("web", "-1.50e+3", "true", `{"a":[1, "]}\"" ]}`, "", "é😀\ufffd\n"),
		row("db", null, "false", "[ ]", null, null),
		row(null, null, null, null, null, null),
		none, none, none, none, none, none, none, none,
		row("last", null, null, null, null, null),
	}
	for name, c := range map[string]string{"a.jsonl": content, "a.ndjson.gz": gz(content)} {
		for window := range 3 {
			got := mustRead(t, Options{WindowRows: window}, write(t, dir, name, c))
			if diff := cmp.Diff(want, got.rows); diff != "" {
				t.Fatalf("%s window %d:\n%s", name, window, diff)
			}
			if diff := cmp.Diff([]int64{3, 4, 5, 6, 7, 8, 9}, got.bad); diff != "" {
				t.Error(diff)
			}
			if got.kinds[0] != "snbosssnsnss" || got.kinds[1] != "s.bo..snsnss" || got.kinds[3] != "............" {
				t.Errorf("kinds %q", got.kinds)
			}
		}
	}
}

func TestJSONLKeysThatComeLate(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir, "a.jsonl", `{"a":1,`+jsonTail+"\n"+`{"a":1,`+jsonTail+"\n"+`{"Late":2,"a":3,`+jsonTail+"\n")
	_, err := read(t, Options{WindowRows: 2}, path)
	if err == nil || !strings.Contains(err.Error(), "a.jsonl:3: key Late first appears here") || !strings.Contains(err.Error(), "--keep 'a,direction") {
		t.Errorf("late key: %v", err)
	}
	if got := mustRead(t, Options{WindowRows: 3}, path); len(got.rows) != 3 || len(got.rows[0]) != 8 {
		t.Errorf("in one window: %v", got.rows)
	}
	got := mustRead(t, Options{WindowRows: 2, Keep: KeepSpec{None: true}}, path)
	if len(got.rows) != 3 || len(got.rows[2]) != 6 {
		t.Errorf("none kept: %v", got.rows)
	}
	got = mustRead(t, Options{WindowRows: 2, Keep: KeepSpec{Columns: []string{"late", "a"}}}, path)
	if len(got.rows) != 3 || got.rows[0][7] != null || got.rows[2][7] != "2" || got.rows[2][0] != "3" {
		t.Errorf("late kept: %v", got.rows)
	}
	for _, window := range []int{0, 2} {
		_, err = read(t, Options{WindowRows: window, Keep: KeepSpec{Columns: []string{"latte"}}}, path)
		if u := new(UsageError); !asUsage(err, &u) || !strings.Contains(err.Error(), "--keep latte") {
			t.Errorf("window %d, a key that never comes: %v", window, err)
		}
	}
	path = write(t, dir, "b.jsonl", `{`+jsonTail+"\n"+`{"NIC":"n",`+jsonTail+"\n")
	for _, keep := range []KeepSpec{{}, {None: true}} {
		_, err = read(t, Options{WindowRows: 1, Keep: keep}, path)
		if err == nil || !strings.Contains(err.Error(), "b.jsonl:2: flow column NIC first appears here") {
			t.Errorf("flow column late: %v", err)
		}
	}
	if _, err = read(t, Options{}, write(t, dir, "c.jsonl", "1\n2\n")); err == nil || !strings.Contains(err.Error(), "no JSON object") {
		t.Errorf("no objects: %v", err)
	}
	if _, err = read(t, Options{}, write(t, dir, "d.jsonl", `{"nic":"a"}`)); err == nil || !strings.Contains(err.Error(), "no column direction") {
		t.Errorf("no flow columns: %v", err)
	}
}

func asUsage(err error, u **UsageError) bool {
	e, ok := err.(*UsageError)
	*u = e
	return ok
}

func TestFlowColumnsOfJSONL(t *testing.T) {
	got := mustRead(t, Options{Map: map[string]string{"nic": "NicId"}}, write(t, t.TempDir(), "a.jsonl", `{"nicid":"n",`+jsonTail+"\n"+`{"NICID":"m",`+jsonTail))
	if len(got.rows) != 2 || got.rows[0][column.NIC] != "n" || got.rows[1][column.NIC] != "m" {
		t.Errorf("%v", got.rows)
	}
}

// FuzzJSONL holds the scanner to encoding/json: the same lines are objects, with
// the same members.
func FuzzJSONL(f *testing.F) {
	for _, s := range []string{`{"a":1}`, `{"a":"\u00e9\ud83d\ude00","b":[{}],"c":null}`, `{"a":-0.5e+7,"a":2}`, `{`, `{"a"}`, `{"a":"\x"}`, `{"":true} `, `{"a":[}`, `{"\ud800\u0041":"\\\""}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		if !utf8.Valid(line) {
			t.Skip("lines that are not UTF-8 are bad rows before they are scanned")
		}
		var s objectScanner
		type member struct {
			key, value string
			kind       byte
		}
		var got []member
		more, ok := true, s.start(line)
		for ok && more {
			var m member
			var k, v []byte
			if k, v, m.kind, more, ok = s.member(); ok && more {
				m.key, m.value = string(k), string(v)
				got = append(got, m)
			}
		}
		var want map[string]json.RawMessage
		err := json.Unmarshal(line, &want)
		if isObject := err == nil && want != nil; isObject != ok {
			t.Fatalf("%q: object is %v, encoding/json says %v", line, ok, err)
		}
		if !ok {
			return
		}
		last := map[string]member{}
		for _, m := range got {
			last[m.key] = m
		}
		if len(last) != len(want) {
			t.Fatalf("%q: %d members, want %d", line, len(last), len(want))
		}
		for k, raw := range want {
			m, found := last[k]
			text := string(raw)
			switch {
			case !found:
				t.Fatalf("%q: no member %q", line, k)
			case m.kind == 's':
				if err := json.Unmarshal(raw, &text); err != nil {
					t.Fatal(err)
				}
			case m.kind == 0:
				if text != "null" {
					t.Fatalf("%q: null for %s", line, text)
				}
				text = ""
			}
			if m.value != text {
				t.Fatalf("%q: member %q is %q, want %q", line, k, m.value, text)
			}
		}
	})
}

// FuzzJSONLFile reads whole files: no panic, and one row per line that is not
// blank.
func FuzzJSONLFile(f *testing.F) {
	f.Add([]byte(`{"a":1,` + jsonTail + "\n{}\n\nx\n" + `{"nic":"b",` + jsonTail))
	f.Fuzz(func(t *testing.T, content []byte) {
		path := t.TempDir() + "/f.jsonl"
		if err := os.WriteFile(path, content, 0o666); err != nil {
			t.Fatal(err)
		}
		got, err := read(t, Options{WindowRows: 2}, path)
		if err != nil {
			return
		}
		lines := 0
		for l := range strings.Lines(strings.TrimPrefix(string(content), "\xef\xbb\xbf")) {
			if strings.Trim(l, " \t\r\n") != "" {
				lines++
			}
		}
		if len(got.rows) != lines {
			t.Fatalf("%d rows of %d lines", len(got.rows), lines)
		}
	})
}
