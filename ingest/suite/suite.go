package suite

import (
	_ "embed"
	"time"

	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
)

// Schema is the JSON schema of suites. It accepts every suite that Parse reads;
// what Parse refuses about the structure it refuses too. docs/schema holds it
// for editors.
//
//go:embed suite.schema.json
var Schema string

// Suite is one file of assertions.
type Suite struct {
	Assertions []*Assertion // in the order of the file
}

// Word is a text of the suite and its place.
type Word struct {
	Text string
	At   diag.Origin
}

// Assertion is one expectation.
type Assertion struct {
	Name      Word
	Selection // the flows that it is about
	Direction flow.Direction
	Expect    flow.Access // Unknown when Only alone says what is expected
	By        []Word      // rules, any of which may decide; empty for any rule
	Only      []Entry     // nothing beyond these may be allowed; empty for no such bound
	Owner     string
	Expires   time.Time // the day, in UTC; zero when it does not expire
	XFail     bool      // expected to fail
	Reason    string    // why, "" when not said
}

// Selection is a set of flows, in the packet's direction. What is empty does not
// limit it.
type Selection struct {
	From, To  []Word
	Protocols []ProtocolRange
	Ports     []flow.PortRange // destination ports
}

// ProtocolRange is an inclusive range of protocol numbers.
type ProtocolRange struct{ First, Last flow.Protocol }

// Entry is a set of flows that may be allowed. Far, when its text is not "",
// stands in place of the Selection: all flows with that other end, as the NICs
// that are asked see it.
type Entry struct {
	At  diag.Origin
	Far Word
	Selection
}

// The bounds of a suite.
const (
	MaxBytes = 8 << 20 // of one file
	maxDepth = 32
	maxNodes = 1 << 20 // values, aliases counted as often as they are used
	maxName  = 256     // characters of a name, owner or reason
	maxWord  = 1024    // characters of any other text
	// maxFaults is how many faults are told; more are counted.
	maxFaults = 50
)
