package verify

// Row is what one verdict id stands for: the result columns of a flow. Empty
// strings are nulls.
type Row struct {
	Access      string // Allow, Deny, Unknown; "" when the row could not be asked
	Rule        string // securityRules/… spelling
	RuleID      string
	Priority    int32 // valid iff HasPriority
	HasPriority bool
	Layer       string
	GroupID     string
	AdminRule   string
	SubnetRule  string
	NICRule     string
	Reason      string
	Error       string
	// Source and Destination are the two ends of a two-ended flow. The fields
	// above are then those of the end that decides.
	Source, Destination RowEnd
}

// RowEnd is what one end of a two-ended flow says; empty when it is not in the
// snapshot or the row could not be asked.
type RowEnd struct {
	Access string
	Rule   string // securityRules/… spelling
	Reason string
}

// ID identifies a distinct verdict within one run. Ids depend on the order of
// work and never reach an output file.
type ID uint32

// Table resolves verdict ids. It grows while the engine runs and may be read
// concurrently; a row once given never changes.
type Table interface {
	// Row returns the row of an id that the engine has handed out.
	Row(ID) *Row
	// Len returns a bound: every id handed out so far is below it.
	Len() int
}
