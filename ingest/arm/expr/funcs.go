package expr

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"ipflow/ingest/diag"
)

// mode says how a function takes unknown arguments.
type mode uint8

const (
	whole mode = iota // all arguments known, at any depth, or the result is unknown
	parts             // arguments may hold unknown items and members
	raw               // arguments may be unknown altogether
)

// row is one function of the language. min and max bound the number of its
// arguments, max -1 meaning no bound; kinds are those of the arguments, the last
// one of all that follow. A lazy body evaluates its arguments itself.
type row struct {
	name     string // lower case: the language ignores it
	syntax   string // with the usual spelling
	min, max int
	kinds    []kindSet
	mode     mode
	body     func(*call) (Value, error)
	lazy     func(*call) (Value, error)
	doc      string
}

// residues holds, by function, how to write the arguments into the residue of a
// call that they do not decide, where the context adds to them.
var residues = map[string]func(*call) []Value{"resourceid": scopedArgs}

const unbounded = -1

func of(kinds ...kindSet) []kindSet { return kinds }

// table is built at start: the bodies evaluate lambdas, and so refer to it.
var (
	table  []row
	byName map[string]*row
)

func init() {
	table = slices.Concat(valueRows(), collectionRows(), textRows(), templateRows())
	byName = make(map[string]*row, len(table))
	for i := range table {
		byName[table[i].name] = &table[i]
	}
}

// kind is what argument i may be.
func (r *row) kind(i int) kindSet { return r.kinds[min(i, len(r.kinds)-1)] }

func (r *row) arity() string { return countRange(r.min, r.max) }

func countRange(least, most int) string {
	switch {
	case most == unbounded:
		return fmt.Sprintf("at least %d", least)
	case least == most:
		return fmt.Sprint(least)
	}
	return fmt.Sprintf("between %d and %d", least, most)
}

// display is the name in its usual spelling.
func (r *row) display() string {
	name, _, _ := strings.Cut(r.syntax, "(")
	return name
}

// listRow is the row of all list functions; resource providers define their own.
const listRow = "list*"

func lookup(name string) *row {
	key := strings.ToLower(name)
	if r, ok := byName[key]; ok {
		return r
	}
	if strings.HasPrefix(key, "list") {
		return byName[listRow]
	}
	return nil
}

// FunctionDoc describes a function of the language.
type FunctionDoc struct {
	Name    string // in its usual spelling; list* stands for all list functions
	Syntax  string
	MinArgs int
	MaxArgs int // -1: no bound
	Doc     string
}

// Functions lists the functions of the language, by name.
func Functions() []FunctionDoc {
	var docs []FunctionDoc
	for _, r := range table {
		docs = append(docs, FunctionDoc{r.display(), r.syntax, r.min, r.max, r.doc})
	}
	slices.SortFunc(docs, func(a, b FunctionDoc) int {
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	return docs
}

// didYouMean suggests the function with the nearest name, if one is near.
func didYouMean(name string) string {
	key := strings.ToLower(name)
	if len(key) > 40 {
		return ""
	}
	best, distance := "", math.MaxInt
	for _, r := range table {
		if d := diag.Distance(key, r.name); d < distance {
			best, distance = r.display(), d
		}
	}
	if distance > 2 && distance > len(key)/4 {
		return ""
	}
	return ": did you mean '" + best + "'?"
}
