package expr

import "fmt"

// Budget is what one evaluation may use. Give the same Budget to all
// evaluations of one template, also to those that a Scope starts on behalf of
// an expression: nesting is counted across them. It is not for concurrent use.
type Budget struct {
	Steps int64 // left: nodes evaluated, items and members visited
	Bytes int64 // left: bytes of text and containers built
	depth int
}

// Limits that hold whatever the budget.
const (
	maxDepth      = 1000 // nested evaluations, across variables and user functions
	maxValueDepth = 400  // levels of containers in a value
	containerCost = 48   // bytes charged for an item or a member
)

// NewBudget returns a budget large enough for the largest templates Azure
// takes (4 MB) and small enough to end within seconds.
func NewBudget() *Budget { return &Budget{Steps: 20_000_000, Bytes: 256 << 20} }

func (b *Budget) spend(steps, bytes int) error {
	if steps < 0 || bytes < 0 || int64(steps) > b.Steps || int64(bytes) > b.Bytes {
		b.Steps, b.Bytes = min(b.Steps, 0), min(b.Bytes, 0)
		return fmt.Errorf("%w: it takes too many steps or too much memory", ErrBudget)
	}
	b.Steps -= int64(steps)
	b.Bytes -= int64(bytes)
	return nil
}

// enter starts the evaluation of a node; leave ends it, if enter gave no error.
func (b *Budget) enter() error {
	if b.depth >= maxDepth {
		return fmt.Errorf("%w: it nests deeper than %d levels, perhaps without end", ErrBudget, maxDepth)
	}
	if err := b.spend(1, 0); err != nil {
		return err
	}
	b.depth++
	return nil
}

func (b *Budget) leave() { b.depth-- }
