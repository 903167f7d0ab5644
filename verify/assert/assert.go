package assert

import (
	"context"
	"fmt"
	"time"

	"ipflow/index"
	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/ingest/suite"
	"ipflow/verify/reach"
)

// State is how an assertion came out. The zero State is none, so that one that
// was forgotten is never a pass.
type State string

// The states. Only Pass and XFail are well.
const (
	Pass    State = "pass"
	Fail    State = "fail"    // some flow surely goes otherwise
	Unknown State = "unknown" // missing facts decide
	Error   State = "error"   // it cannot be asked of this network
	XFail   State = "xfail"   // fails, as was expected
	XPass   State = "xpass"   // passes, though marked xfail
	Expired State = "expired" // its last day is over
)

// States in the order in which summaries count them.
var States = []State{Pass, Fail, Unknown, Error, XFail, XPass, Expired}

// OK reports whether the state lets a run succeed.
func (s State) OK() bool { return s == Pass || s == XFail }

// Result is what became of one assertion.
type Result struct {
	*suite.Assertion
	At       diag.Origin // the assertion's line; of an Error the word that is wrong
	State    State
	Expected string // in words
	Message  string // why it did not pass, one line; "" when it passed
	Remedy   string // what to do about it; "" when it passed
	NICs     int    // how many were asked

	// A flow that goes otherwise, or may; nil without.
	Witness *Witness
	Flows   []string // what goes otherwise, in words, a few
	More    int      // how many are left out of Flows
	Facts   []string // missing facts, sorted; of Unknown
	Notes   []string // what the reader must know to trust the result, sorted
}

// Witness is one flow and what decides it.
type Witness struct {
	NIC   *network.NIC // owns the local address
	Tuple flow.Tuple
	reach.Decision
	By *network.Rule // nil when no rule decides, or which one is not known
}

// Options of a Checker.
type Options struct {
	Now time.Time // what expires is compared with
}

// Checker checks assertions about one network.
type Checker struct {
	net    *network.Network
	ix     *index.Index
	prober *reach.Prober
	today  time.Time
	ends   map[string]*reach.End
	rules  map[string][]flow.RuleRef // by key of every spelling
	bare   []*network.NIC
}

// New returns a Checker of a linked network and its index.
func New(n *network.Network, ix *index.Index, o Options) *Checker {
	y, m, d := o.Now.UTC().Date()
	return &Checker{
		net: n, ix: ix, prober: reach.New(n, ix), today: time.Date(y, m, d, 0, 0, 0, 0, time.UTC), ends: map[string]*reach.End{},
	}
}

// Run checks all assertions, in order.
func (c *Checker) Run(ctx context.Context, list []*suite.Assertion) ([]Result, error) {
	out := make([]Result, 0, len(list))
	for _, a := range list {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		out = append(out, c.Check(a))
	}
	return out, nil
}

// Check checks one assertion.
func (c *Checker) Check(a *suite.Assertion) Result {
	r := Result{Assertion: a, At: a.Name.At, Expected: expectedText(a)}
	if q, fault := c.compile(a); fault != nil {
		r.State, r.At, r.Message, r.Remedy = Error, fault.at, fault.message, fault.remedy
	} else {
		c.judge(q, &r)
	}
	c.exceptions(&r)
	return r
}

// exceptions applies expires and xfail.
func (c *Checker) exceptions(r *Result) {
	switch {
	case !r.Expires.IsZero() && c.today.After(r.Expires):
		what, mend := "the assertion", "check that it still holds and set a later day, or delete it"
		if r.XFail {
			what, mend = "the exception (xfail)", "mend what it excuses, or agree on a later day"
		}
		said := "it passes"
		if r.Message != "" {
			said = r.Message
		}
		r.Message = fmt.Sprintf("%s expired on %s (today is %s); without that: %s: %s", what, r.Expires.Format(time.DateOnly), c.today.Format(time.DateOnly), r.State, said)
		r.State, r.Remedy = Expired, mend
	case r.XFail && r.State == Fail:
		r.State = XFail
	case r.XFail && r.State == Pass:
		r.State, r.Message, r.Remedy = XPass, "passes, but is marked xfail", "delete xfail: what it excused is mended"
	}
}
