package expr

import (
	"strconv"
	"strings"
)

// Print writes the expression with its brackets: one space after each comma,
// no other white space, no parentheses of its own.
func Print(e Expr) string {
	var b strings.Builder
	b.WriteByte('[')
	printTo(&b, e)
	b.WriteByte(']')
	return b.String()
}

func printTo(b *strings.Builder, e Expr) {
	switch e := e.(type) {
	case *StringLit:
		b.WriteByte('\'')
		b.WriteString(strings.ReplaceAll(e.Value, "'", "''"))
		b.WriteByte('\'')
	case *IntLit:
		b.WriteString(strconv.FormatInt(e.Value, 10))
	case *Call:
		if e.Namespace != "" {
			b.WriteString(e.Namespace)
			b.WriteByte('.')
		}
		b.WriteString(e.Name)
		b.WriteByte('(')
		for i, a := range e.Args {
			if i > 0 {
				b.WriteString(", ")
			}
			printTo(b, a)
		}
		b.WriteByte(')')
	case *Property:
		printTo(b, e.Of)
		b.WriteByte('.')
		b.WriteString(e.Name)
	case *Index:
		printTo(b, e.Of)
		b.WriteByte('[')
		printTo(b, e.Key)
		b.WriteByte(']')
	}
}
