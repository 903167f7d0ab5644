package index

import (
	"net/netip"
	"sync"
	"time"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// recipe is how a classifier is made, once: by Compile, or by the first who asks.
type recipe struct {
	c      *compiler
	stages []*Stage // dropped when made; nil for an open source port, where nobody has asked for them yet
	origin origin
	kind   tableKind
	once   sync.Once
}

// origin is a NIC, direction and local address that a classifier is for.
type origin struct {
	nic   *network.NIC
	dir   flow.Direction
	local netip.Addr
}

// defaultFuseAfter is after how many questions fusing pays: it takes about as long as so
// many answers of a chain.
const defaultFuseAfter = 1 << 11

// ready makes the classifier unless that was done. Others that ask wait.
func (k *Classifier) ready() *form {
	if f := k.form.Load(); f != nil {
		return f
	}
	k.once.Do(k.make)
	return k.form.Load()
}

func (k *Classifier) make() {
	c, start := k.c, time.Now()
	if k.kind.openSource {
		k.stages, _ = c.stagesOf(&signer{}, k.origin)
	}
	f := c.link(k.stages, k.kind, k.origin)
	if len(k.stages) == 0 || c.fuseAfter < 0 {
		f = c.fuse(f, k.kind)
	}
	k.form.Store(f)
	c.finish(k)
	c.making.Add(int64(time.Since(start)))
}

// finish lets go of what a classifier was made of, and of what making all of them took
// when it was the last.
func (c *compiler) finish(k *Classifier) {
	if !k.kind.openSource {
		for _, s := range k.stages {
			c.release(s)
		}
		c.made.Add(1)
	}
	k.stages = nil
	if !k.kind.openSource && k.number < c.expected {
		if c.left.Add(-1) == 0 {
			c.forget()
		}
	} else if c.late.Add(1)%lateBeforeForget == 0 && c.left.Load() == 0 {
		c.forget()
	}
}

// lateBeforeForget is how many classifiers that Compile did not foresee may share what
// making them takes, before that is let go.
const lateBeforeForget = 1 << 12

// formFor returns the form for so many questions, which is another one when they were
// asked often enough. Whoever comes while it is made is served by the old one.
func (k *Classifier) formFor(questions int) *form {
	f := k.ready()
	if f.chain == nil || f.chain.tooLarge.Load() || k.asked.Add(int64(questions)) < int64(k.c.fuseAfter) || !k.fusing.TryLock() {
		return f
	}
	defer k.fusing.Unlock()
	return k.fuse()
}

// fused returns the form with a table, unless that would be too large.
func (k *Classifier) fused() *form {
	k.ready()
	k.fusing.Lock()
	defer k.fusing.Unlock()
	return k.fuse()
}

// fuse replaces a chain by a table; the caller holds fusing.
func (k *Classifier) fuse() *form {
	f := k.form.Load()
	if f.chain == nil || f.chain.tooLarge.Load() {
		return f
	}
	start := time.Now()
	f = k.c.fuse(f, k.kind)
	k.form.Store(f)
	k.c.making.Add(int64(time.Since(start)))
	return f
}
