package index

import (
	"net/netip"
	"sync"
	"sync/atomic"
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
	made   atomic.Bool
}

// origin is a NIC, direction and local address that a classifier is for.
type origin struct {
	nic   *network.NIC
	dir   flow.Direction
	local netip.Addr
}

// ready makes the classifier unless that was done. Others that ask wait.
func (k *Classifier) ready() {
	if !k.made.Load() {
		k.once.Do(k.make)
	}
}

func (k *Classifier) make() {
	c, start := k.c, time.Now()
	if k.kind.openSource { // nobody counted it among those that use the stages
		k.stages, _ = c.stagesOf(&signer{}, k.origin)
		for _, s := range k.stages {
			s.users.Add(1)
		}
	}
	k.arrays = c.build(k.stages, k.kind, k.origin)
	for _, s := range k.stages {
		c.release(s)
	}
	k.stages = nil
	k.made.Store(true)
	c.making.Add(int64(time.Since(start)))
	if !k.kind.openSource && k.number < c.expected && c.left.Add(-1) == 0 {
		c.forget()
	}
}
