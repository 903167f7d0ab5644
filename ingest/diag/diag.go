package diag

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Origin is the place in the input that a value was read from.
type Origin struct {
	File    string // path as given or found, "-" for standard input
	Line    int    // 1-based; 0 when unknown
	Column  int    // 1-based, in bytes; 0 when unknown
	Pointer string // RFC 6901 JSON Pointer inside its document; "" is the document itself
}

// IsZero reports whether the origin names no place at all.
func (o Origin) IsZero() bool { return o == Origin{} }

// String renders FILE:LINE:COLUMN, leaving out what is unknown.
func (o Origin) String() string {
	switch {
	case o.Line == 0:
		return o.File
	case o.Column == 0:
		return fmt.Sprintf("%s:%d", o.File, o.Line)
	}
	return fmt.Sprintf("%s:%d:%d", o.File, o.Line, o.Column)
}

// Compare orders origins by file, then position, then pointer.
func (o Origin) Compare(p Origin) int {
	return cmp.Or(
		cmp.Compare(o.File, p.File),
		cmp.Compare(o.Line, p.Line),
		cmp.Compare(o.Column, p.Column),
		cmp.Compare(o.Pointer, p.Pointer),
	)
}

// Severity ranks a diagnostic. The zero value is Error, so that a forgotten
// severity never hides a fault.
type Severity uint8

// The severities, worst first.
const (
	Error   Severity = iota // something could not be read; flows it may touch become Unknown
	Warning                 // read, but Azure or the user may see it differently
	Info                    // worth knowing
)

// String returns "error", "warning" or "info".
func (s Severity) String() string {
	switch s {
	case Error:
		return "error"
	case Warning:
		return "warning"
	case Info:
		return "info"
	}
	panic(fmt.Sprintf("diag: severity %d", uint8(s)))
}

// Diagnostic is one fault of the input.
type Diagnostic struct {
	Severity Severity
	Origin   Origin
	Code     string // stable kebab-case word, for example "bad-priority"
	Message  string // one sentence without its position, lower case, no period
}

// String renders FILE:LINE:COL: /json/pointer: text, with control characters
// shown as escapes: input text must not drive a terminal.
func (d Diagnostic) String() string {
	var b strings.Builder
	if s := d.Origin.String(); s != "" {
		b.WriteString(s)
		b.WriteString(": ")
	}
	if d.Origin.Pointer != "" {
		b.WriteString(d.Origin.Pointer)
		b.WriteString(": ")
	}
	b.WriteString(d.Message)
	return Printable(b.String())
}

// Printable returns s with control and other invisible characters written as Go
// escapes, so that untrusted names stay inert on a terminal and on one line.
func Printable(s string) string {
	ok := func(r rune) bool { return r != unicode.ReplacementChar && (unicode.IsPrint(r) || r == ' ') }
	if !strings.ContainsFunc(s, func(r rune) bool { return !ok(r) }) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if ok(r) {
			b.WriteRune(r)
			continue
		}
		q := fmt.Sprintf("%+q", string(r))
		b.WriteString(q[1 : len(q)-1])
	}
	return b.String()
}

// List collects diagnostics. The zero value is ready to use.
type List []Diagnostic

// Errorf adds an error at the origin.
func (l *List) Errorf(o Origin, code, format string, args ...any) {
	l.add(Error, o, code, format, args)
}

// Warnf adds a warning at the origin.
func (l *List) Warnf(o Origin, code, format string, args ...any) {
	l.add(Warning, o, code, format, args)
}

// Infof adds a remark at the origin.
func (l *List) Infof(o Origin, code, format string, args ...any) {
	l.add(Info, o, code, format, args)
}

func (l *List) add(s Severity, o Origin, code, format string, args []any) {
	*l = append(*l, Diagnostic{Severity: s, Origin: o, Code: code, Message: fmt.Sprintf(format, args...)})
}

// Sort orders the list by place, then severity, code and message, and removes
// exact repeats.
func (l *List) Sort() {
	slices.SortFunc(*l, func(a, b Diagnostic) int {
		return cmp.Or(
			a.Origin.Compare(b.Origin),
			cmp.Compare(a.Severity, b.Severity),
			cmp.Compare(a.Code, b.Code),
			cmp.Compare(a.Message, b.Message),
		)
	})
	*l = slices.Compact(*l)
}

// Count returns how many diagnostics have the severity.
func (l List) Count(s Severity) int {
	n := 0
	for _, d := range l {
		if d.Severity == s {
			n++
		}
	}
	return n
}
