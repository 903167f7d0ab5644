package reach

import "context"

// pace lets a long question be followed and stopped.
type pace struct {
	ctx         context.Context
	tell        func(done, total int) // nil for nobody
	done, total int
}

// step says that a part is done and returns why to stop, nil to go on.
func (p *pace) step() error {
	if p.done++; p.tell != nil {
		p.tell(p.done, max(p.done, p.total))
	}
	return p.ctx.Err()
}
