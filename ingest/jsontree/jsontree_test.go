package jsontree

import (
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipflow/ingest/diag"
)

func parseOne(t *testing.T, text string) *Node {
	t.Helper()
	docs, faults := Parse("in.json", []byte(text))
	if len(faults) > 0 || len(docs) != 1 {
		t.Fatalf("Parse(%q): %d documents, faults %v", text, len(docs), faults)
	}
	return docs[0]
}

func encodeAll(docs []*Node) []string {
	var out []string
	for _, d := range docs {
		out = append(out, string(d.Encode()))
	}
	return out
}

func TestParseTolerates(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     []string
	}{
		{"empty", "", nil},
		{"only-space-and-comments", " \r\n\t// nothing\n/* here */", nil},
		{"only-bom", "\xef\xbb\xbf", nil},
		{"scalars", `null true false -0.5e+3 "x"`, []string{"null", "true", "false", "-0.5e+3", `"x"`}},
		{"utf8-bom", "\xef\xbb\xbf{}", []string{"{}"}},
		{"utf16-le", "\xff\xfe{\x00\"\x00\xf6\x00\"\x00:\x001\x00}\x00", []string{`{"ö":1}`}},
		{"utf16-be", "\xfe\xff\x00[\x00\"\xd8\x3d\xde\x00\x00\"\x00]", []string{`["😀"]`}},
		{"utf16-lone-surrogate", "\xff\xfe\"\x00\x3d\xd8\"\x00", []string{`"` + "\uFFFD" + `"`}},
		{"comments", "{// a\n\"a\"/* b */:/**/1, /* \"b\":2, */ \"c\": \"//no\" }//end", []string{`{"a":1,"c":"//no"}`}},
		{"comment-ends-array", "[1//x\n]", []string{"[1]"}},
		{"raw-newline-in-string", "\"a\nb\tc\x01\"", []string{`"a\nb\u0009c\u0001"`}},
		{"trailing-commas", `{"a":[1,2,],}`, []string{`{"a":[1,2]}`}},
		{"duplicate-names-kept", `{"a":1,"A":2}`, []string{`{"a":1,"A":2}`}},
		{"concatenated", `{"a":1}{"b":2}` + "\n[3]\n4 5", []string{`{"a":1}`, `{"b":2}`, "[3]", "4", "5"}},
		{"concatenated-with-commas", "{},\n{},", []string{"{}", "{}"}},
		{"concatenated-with-boms", "\xef\xbb\xbf{}\r\n\xef\xbb\xbf[]", []string{"{}", "[]"}},
		{"escapes", `"\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00"`, []string{`"\"\\/\u0008\u000c\n\u000d\u0009é😀"`}},
		{"escaped-lone-surrogates", `"\ud800x\udc00\ud800\ud83d\ude00"`, []string{"\"\uFFFDx\uFFFD\uFFFD😀\""}},
		{"invalid-utf8-byte-by-byte", "\"a\xff\xfeb\"", []string{"\"a\uFFFD\uFFFDb\""}},
		{"escaped-name", `{"a\u0062\"c":{"\\":1}}`, []string{`{"ab\"c":{"\\":1}}`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			docs, faults := Parse("in.json", []byte(c.in))
			if len(faults) > 0 {
				t.Errorf("faults: %v", faults)
			}
			if d := cmp.Diff(c.want, encodeAll(docs)); d != "" {
				t.Errorf("documents (-want +got):\n%s", d)
			}
		})
	}
}

func TestParseReportsOneFaultAndKeepsWhatCameBefore(t *testing.T) {
	deep := strings.Repeat("[", MaxDepth+1)
	for _, c := range []struct {
		name, in string
		docs     int
		want     string
	}{
		{"missing-comma", "{\"a\": 1\n \"b\": 2}", 0, `in.json:2:2: /a: expected a comma or '}', found '"'`},
		{"missing-comma-array", "[1 2]", 0, `in.json:1:4: /1: expected a comma or ']', found "2"`},
		{"missing-colon", `{"a" 1}`, 0, `in.json:1:6: /a: expected a colon after the member name, found "1"`},
		{"missing-value", `[1,,2]`, 0, "in.json:1:4: /1: a value is missing before the comma; remove the comma"},
		{"unquoted-name", `{"r":[{},{name: 1}]}`, 0, `in.json:1:11: /r/1: expected a member name in double quotes or '}', found "name"`},
		{"bad-word", "[0, nul]", 0, `in.json:1:5: /1: expected a value, found "nul"`},
		{"html", "<html>", 0, `in.json:1:1: expected a value, found '<'`},
		{"leading-zero", "[007]", 0, "in.json:1:2: /0: 007 is not a JSON number"},
		{"bare-minus", "-", 0, "in.json:1:1: - is not a JSON number"},
		{"number-runs-on", "1true", 0, "in.json:1:1: 1true is not a JSON number"},
		{"literal-runs-on", "trueish", 0, `in.json:1:1: expected a value, found "trueish"`},
		{"unclosed-object", "{}\n{\"a\":[1,\n", 1, "in.json:3:1: /a/1: the file ends inside the array opened in line 2; it is cut off or lacks ']'"},
		{"ends-after-name", `{"a/b~"`, 0, "in.json:1:8: /a~1b~0: the file ends inside the object opened in line 1; it is cut off or lacks '}'"},
		{"unclosed-string", `1 {"a": "x`, 1, "in.json:1:9: /a: the string is not closed before the end of the file"},
		{"unclosed-escaped-string", `"x\"`, 0, "in.json:1:1: the string is not closed before the end of the file"},
		{"unclosed-comment", "{}/* x", 1, "in.json:1:3: the comment is not closed before the end of the file"},
		{"bad-escape", `["C:\dir"]`, 0, "in.json:1:5: /0: unknown escape; write a backslash as two"},
		{"bad-unicode-escape", `"\u12g4"`, 0, `in.json:1:2: \u needs four hexadecimal digits`},
		{"utf16-without-bom", "{\x00\"\x00", 0, "in.json:1:2: expected a member name in double quotes or '}', found a zero byte; save the file as UTF-8, or as UTF-16 with byte order mark"},
		{"stray-close", "{} ] {}", 1, `in.json:1:4: expected a value, found ']'`},
		{"wrong-close", "[}", 0, `in.json:1:2: /0: expected a value, found '}'`},
		{"too-deep", deep, 0, "in.json:1:513: " + strings.Repeat("/0", MaxDepth) + ": more than 512 values inside each other"},
	} {
		t.Run(c.name, func(t *testing.T) {
			docs, faults := Parse("in.json", []byte(c.in))
			if len(docs) != c.docs {
				t.Errorf("%d documents, want %d", len(docs), c.docs)
			}
			if len(faults) != 1 {
				t.Fatalf("faults: %v, want one", faults)
			}
			if got := faults[0].String(); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if faults[0].Severity != diag.Error || faults[0].Code != "bad-json" {
				t.Errorf("severity %v, code %q", faults[0].Severity, faults[0].Code)
			}
		})
	}
}

func TestDepthBoundIsReachable(t *testing.T) {
	n := parseOne(t, strings.Repeat("[", MaxDepth)+strings.Repeat("]", MaxDepth))
	for range MaxDepth - 1 {
		n = n.Items()[0]
	}
	if n.Kind() != Array || len(n.Items()) != 0 {
		t.Errorf("innermost is %v", n.Kind())
	}
}

func TestOrigin(t *testing.T) {
	root := parseOne(t, "// head\n{\n  \"a\": [10,\n\t{\"x/y~z\\u0021\": \"ü\", \"k\":7}]\n}")
	for _, c := range []struct {
		name string
		node *Node
		want diag.Origin
	}{
		{"root", root, diag.Origin{File: "in.json", Line: 2, Column: 1}},
		{"array", root.Get("a"), diag.Origin{File: "in.json", Line: 3, Column: 8, Pointer: "/a"}},
		{"number", root.Get("a").Items()[0], diag.Origin{File: "in.json", Line: 3, Column: 9, Pointer: "/a/0"}},
		{"escaped-name", root.Get("a").Items()[1].Get("X/Y~Z!"), diag.Origin{File: "in.json", Line: 4, Column: 18, Pointer: "/a/1/x~1y~0z!"}},
		{"after-two-byte-letter", root.Get("a").Items()[1].Get("k"), diag.Origin{File: "in.json", Line: 4, Column: 28, Pointer: "/a/1/k"}},
		{"nil", nil, diag.Origin{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.node.Origin(); got != c.want {
				t.Errorf("got %v %q, want %v %q", got, got.Pointer, c.want, c.want.Pointer)
			}
		})
	}
}

// Marks lie every 1024 bytes and pages hold 4096 nodes: this text crosses both
// often, with lines shorter and longer than a mark's distance.
func TestOriginInLongFiles(t *testing.T) {
	for _, gap := range []string{" ", "\n", strings.Repeat(" ", 97) + "\n", strings.Repeat("\n", 41) + strings.Repeat("\t", 5000)} {
		var b strings.Builder
		const count = 9000
		b.WriteString("[")
		for i := range count {
			if i > 0 {
				b.WriteString("," + gap)
			}
			b.WriteString(`{"v":[1]}`)
		}
		b.WriteString("]")
		text := b.String()
		docs, _ := Parse("in.json", []byte(text))
		line, start, from := 1, 0, 0
		for i, item := range docs[0].Items() {
			at := from + strings.IndexByte(text[from:], '{')
			for j := from; j < at; j++ {
				if text[j] == '\n' {
					line, start = line+1, j+1
				}
			}
			from = at + 1
			o := item.Origin()
			if o.Line != line || o.Column != at-start+1 {
				t.Fatalf("gap %d, item %d: %d:%d, want %d:%d", len(gap), i, o.Line, o.Column, line, at-start+1)
			}
			if i%1000 == 999 {
				if got, want := item.Path("v").Items()[0].Origin().Pointer, o.Pointer+"/v/0"; got != want || !strings.HasPrefix(got, "/"+strconv.Itoa(i)+"/") {
					t.Fatalf("item %d: pointer %q, want %q", i, got, want)
				}
			}
		}
	}
}

func TestGet(t *testing.T) {
	n := parseOne(t, `{"Name":1,"name":2,"nam":3,"names":4,"\u006eA":5,"K":6,"":7,"Ä":8,"deep":{"Er":{"x":9}}}`)
	for name, want := range map[string]string{
		"NAME": "2", "nam": "3", "names": "4", "na": "5", "k": "6", "\u212a": "", "": "7", "Ä": "8", "ä": "", "nobody": "",
	} {
		if got := n.Get(name).Text(); got != want {
			t.Errorf("Get(%q) = %q, want %q", name, got, want)
		}
	}
	if got := n.Path("DEEP", "er", "X").Raw(); got != "9" {
		t.Errorf("Path = %q, want 9", got)
	}
	if n.Path("deep", "none", "x") != nil || n.Get("name").Get("x") != nil {
		t.Error("a lookup in what is no object answered a node")
	}
	if n.Path() != n {
		t.Error("an empty path is not the node itself")
	}
}

func TestConversions(t *testing.T) {
	type answer struct {
		Kind   Kind
		Text   string
		Str    bool
		Raw    string
		Bool   string
		Int    int64
		IntOK  bool
		Items  int
		Member int
	}
	for in, want := range map[string]answer{
		`null`:                   {Kind: Null},
		`true`:                   {Kind: Bool, Text: "true", Bool: "true"},
		`false`:                  {Kind: Bool, Text: "false", Bool: "false"},
		`"TRUE"`:                 {Kind: String, Text: "TRUE", Str: true, Bool: "true"},
		`"\u0046alse"`:           {Kind: String, Text: "False", Str: true, Bool: "false"},
		`"yes"`:                  {Kind: String, Text: "yes", Str: true},
		`" 42 "`:                 {Kind: String, Text: " 42 ", Str: true, Int: 42, IntOK: true},
		`"4.0"`:                  {Kind: String, Text: "4.0", Str: true},
		`""`:                     {Kind: String, Str: true},
		`4096`:                   {Kind: Number, Text: "4096", Raw: "4096", Int: 4096, IntOK: true},
		`-1`:                     {Kind: Number, Text: "-1", Raw: "-1", Int: -1, IntOK: true},
		`100.0`:                  {Kind: Number, Text: "100.0", Raw: "100.0", Int: 100, IntOK: true},
		`1e2`:                    {Kind: Number, Text: "1e2", Raw: "1e2", Int: 100, IntOK: true},
		`-1.50E+1`:               {Kind: Number, Text: "-1.50E+1", Raw: "-1.50E+1", Int: -15, IntOK: true},
		`1200e-2`:                {Kind: Number, Text: "1200e-2", Raw: "1200e-2", Int: 12, IntOK: true},
		`-0.0e9`:                 {Kind: Number, Text: "-0.0e9", Raw: "-0.0e9", IntOK: true},
		`1.5`:                    {Kind: Number, Text: "1.5", Raw: "1.5"},
		`1e-2`:                   {Kind: Number, Text: "1e-2", Raw: "1e-2"},
		`1.00000000000000000001`: {Kind: Number, Text: "1.00000000000000000001", Raw: "1.00000000000000000001"},
		`9223372036854775807`:    {Kind: Number, Text: "9223372036854775807", Raw: "9223372036854775807", Int: 9223372036854775807, IntOK: true},
		`9223372036854775808`:    {Kind: Number, Text: "9223372036854775808", Raw: "9223372036854775808"},
		`1e999999999999999999`:   {Kind: Number, Text: "1e999999999999999999", Raw: "1e999999999999999999"},
		`1e99999999`:             {Kind: Number, Text: "1e99999999", Raw: "1e99999999"},
		`[1,[]]`:                 {Kind: Array, Items: 2},
		`{"a":1}`:                {Kind: Object, Member: 1},
	} {
		t.Run(strings.ReplaceAll(in, " ", "_"), func(t *testing.T) {
			n := parseOne(t, in)
			got := answer{Kind: n.Kind(), Text: n.Text(), Raw: n.Raw(), Items: len(n.Items()), Member: len(n.Members())}
			_, got.Str = n.Str()
			if v, ok := n.Bool(); ok {
				got.Bool = map[bool]string{true: "true", false: "false"}[v]
			}
			got.Int, got.IntOK = n.Int()
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if n.Residue() {
				t.Error("a parsed value is a residue")
			}
		})
	}
}

func TestNilNodeIsAbsent(t *testing.T) {
	var n *Node
	if n.Kind() != Absent || n.Get("x") != nil || n.Path("x", "y") != nil || n.Items() != nil || n.Members() != nil || n.Text() != "" || n.Raw() != "" || n.Residue() || !n.Origin().IsZero() {
		t.Error("nil answers as a present value")
	}
	if _, ok := n.Str(); ok {
		t.Error("Str")
	}
	if _, ok := n.Bool(); ok {
		t.Error("Bool")
	}
	if _, ok := n.Int(); ok {
		t.Error("Int")
	}
	if got := string(n.Encode()); got != "null" {
		t.Errorf("Encode = %s", got)
	}
}

func TestConstructedNodes(t *testing.T) {
	at := func(p string) diag.Origin { return diag.Origin{File: "t.json", Line: 3, Column: 5, Pointer: p} }
	inner := parseOne(t, `{"k":[1]}`)
	n := NewObject(at("/o"), []Member{
		{"a", NewNumber(at("/o/a"), "1")},
		{"A", NewArray(at("/o/A"), []*Node{NewNull(at("/n")), NewBool(at("/b"), true), NewString(at("/s"), "q\"<\\"), nil})},
		{"r", NewResidue(at("/o/r"), "[parameters('x')]")},
		{"in", inner},
	})
	if got, want := string(n.Encode()), `{"a":1,"A":[null,true,"q\"<\\",null],"r":"[parameters('x')]","in":{"k":[1]}}`; got != want {
		t.Errorf("Encode\ngot  %s\nwant %s", got, want)
	}
	if got := n.Get("a"); got.Kind() != Array || got.Origin() != at("/o/A") {
		t.Errorf("Get took %v at %v, not the last duplicate", got.Kind(), got.Origin())
	}
	r := n.Get("R")
	if s, ok := r.Str(); !r.Residue() || !ok || s != "[parameters('x')]" || r.Text() != s || n.Residue() || n.Get("a").Items()[2].Residue() {
		t.Errorf("residue: %v %q %v", r.Residue(), s, ok)
	}
	if v, ok := n.Get("a").Items()[1].Bool(); !v || !ok {
		t.Error("Bool of a made true")
	}
	if got := n.Path("in", "k").Origin(); got.File != "in.json" || got.Pointer != "/k" {
		t.Errorf("a parsed value inside a made one lost its origin: %v", got)
	}
	defer func() {
		if recover() == nil {
			t.Error("NewNumber took 1x")
		}
	}()
	NewNumber(at(""), "1x")
}

func TestConcurrentReaders(t *testing.T) {
	n := parseOne(t, "["+strings.Repeat("{\"a\":\n1},", 2000)+"]")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if o := n.Items()[1999].Get("A").Origin(); o.Line != 2001 || o.Pointer != "/1999/a" {
				t.Errorf("origin %v %s", o, o.Pointer)
			}
		})
	}
	wg.Wait()
}
