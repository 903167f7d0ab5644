package audit

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"ipflow/index"
	"ipflow/index/interval"
	"ipflow/ingest/diag"
	"ipflow/ingest/network"
	"ipflow/verify/space"
)

// few joins the first entries of a list and counts the rest.
func few(list []string, most int) string {
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return strings.Join(list[:most], ", ") + fmt.Sprintf(" and %d more", len(list)-most)
}

func nicNames(list []*network.NIC) []string {
	out := make([]string, len(list))
	for i, c := range list {
		out[i] = c.Name
	}
	return out
}

// upper begins a sentence.
func upper(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

func portWords(s interval.Set[interval.Port]) []string {
	return space.WordsOf(space.Box{Protocols: index.AllProtocols, LocalPorts: s})[0].LocalPorts
}

// Inert makes a text safe on one line of a terminal: control and other invisible
// characters become escapes.
func Inert(s string) string { return diag.Printable(s) }
