package index

import (
	"context"
	"encoding/binary"
	"net/netip"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// Index answers questions about every NIC of one network.
type Index struct {
	c    *compiler
	nics []nicEntry // by network.NIC.Index
}

// nicEntry lists the classifiers of a NIC: one pair per known address.
type nicEntry struct {
	locals []Local
}

// Local is one known address of a NIC with its classifiers.
type Local struct {
	Address flow.Address
	In, Out *Classifier
}

// compiler holds what compilation shares. Its maps are guarded by mu.
type compiler struct {
	net      *network.Network
	assume   assumptions
	intern   *interner
	verdicts *verdictTable
	internet addresses
	maxTable int

	nothing, anything, loadBalancer *reach

	mu          sync.Mutex
	views       map[string]*view
	tags        map[string]*reach
	lists       map[listKey][]*network.Rule
	stages      map[string]*Stage
	classifiers map[string]*pending
}

// pending is a classifier that some NIC needs, built once.
type pending struct {
	stages  []*Stage
	family4 bool
	number  uint32
	once    sync.Once
	built   *Classifier
}

func (c *compiler) get(p *pending) *Classifier {
	p.once.Do(func() {
		p.built = c.build(p.stages, p.family4)
		p.built.number, p.built.family4 = p.number, p.family4
		for _, s := range p.stages {
			s.release()
		}
	})
	return p.built
}

// Options tunes Compile; the zero value works.
type Options struct {
	Workers int // goroutines; 0 means GOMAXPROCS
	// MaxTable bounds the cells of one classifier's table; larger ones
	// intersect bit sets per question. 0 means 2^21, negative means no tables.
	MaxTable int
}

// Compile builds the index of a linked network.
func Compile(ctx context.Context, n *network.Network, o Options) (*Index, error) {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.MaxTable == 0 {
		o.MaxTable = defaultMaxTable
	}
	c := newCompiler(n)
	c.maxTable = o.MaxTable
	ix := &Index{c: c, nics: make([]nicEntry, len(n.NICs))}

	var todo []*pending
	wanted := make([][][2]*pending, len(n.NICs))
	for i, nic := range n.NICs {
		for j := range nic.IPConfigs {
			a := nic.IPConfigs[j].Address
			if !a.IsValid() {
				continue
			}
			ix.nics[i].locals = append(ix.nics[i].locals, Local{Address: flow.AddressFrom(a)})
			var pair [2]*pending
			for d, dir := range [...]flow.Direction{flow.Inbound, flow.Outbound} {
				p, fresh := c.want(nic, dir, a)
				pair[d] = p
				if fresh {
					todo = append(todo, p)
				}
			}
			wanted[i] = append(wanted[i], pair)
		}
		if i%1024 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(o.Workers)
	for _, p := range todo {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			c.get(p)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for i := range wanted {
		for j, pair := range wanted[i] {
			ix.nics[i].locals[j].In, ix.nics[i].locals[j].Out = c.get(pair[0]), c.get(pair[1])
		}
	}
	return ix, nil
}

func newCompiler(n *network.Network) *compiler {
	c := &compiler{
		net: n, assume: readAssumptions(n.Assumptions), intern: newInterner(), verdicts: newVerdictTable(),
		views: map[string]*view{}, tags: map[string]*reach{}, lists: map[listKey][]*network.Rule{},
		stages: map[string]*Stage{}, classifiers: map[string]*pending{},
	}
	included := everything
	if n.Internet.Included != nil {
		included = fromPrefixes(n.Internet.Included)
	}
	c.internet = included.minus(fromPrefixes(n.Internet.Excluded))
	c.nothing = c.intern.reach(addresses{}, nil)
	c.anything = c.intern.reach(everything, nil)
	c.loadBalancer = c.intern.reach(fromPrefixes(network.LoadBalancerPrefixes), nil)
	return c
}

// want returns the classifier that a NIC, direction and local address need, to
// be built by get; fresh is true the first time.
func (c *compiler) want(nic *network.NIC, dir flow.Direction, local netip.Addr) (p *pending, fresh bool) {
	v := c.viewOf(nic)
	var stages []*Stage
	key := []byte{6} // the family of the remote addresses, then the stages
	if local.Is4() {
		key[0] = 4
	}
	for _, layer := range layerOrder(dir) {
		s := c.stageOf(layer, dir, nic, v, local)
		if s == nil {
			continue
		}
		stages = append(stages, s)
		key = binary.AppendUvarint(key, uint64(s.id))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.classifiers[string(key)]
	if !ok {
		p = &pending{stages: stages, family4: local.Is4(), number: uint32(len(c.classifiers))}
		c.classifiers[string(key)] = p
		for _, s := range stages {
			s.users.Add(1)
		}
	}
	return p, !ok
}

// Classifier returns the classifier of a NIC, direction and local address. For
// an address that no ip configuration is known to own (IP forwarding, dynamic
// allocation) it is compiled on first use.
func (ix *Index) Classifier(nic *network.NIC, dir flow.Direction, local flow.Address) *Classifier {
	for i := range ix.nics[nic.Index].locals {
		e := &ix.nics[nic.Index].locals[i]
		if e.Address == local {
			if dir == flow.Inbound {
				return e.In
			}
			return e.Out
		}
	}
	p, _ := ix.c.want(nic, dir, local.Netip())
	return ix.c.get(p)
}

// Locals returns the known addresses of a NIC with their classifiers; callers
// must not change them.
func (ix *Index) Locals(nic *network.NIC) []Local { return ix.nics[nic.Index].locals }

// Classify answers one question; the slow door to Classifier.
func (ix *Index) Classify(nic *network.NIC, t flow.Tuple) flow.Verdict {
	return ix.Verdict(ix.Classifier(nic, t.Direction, t.Local).Classify(&t))
}

// Verdict returns the verdict of an id that a Classifier of this index gave.
func (ix *Index) Verdict(id VerdictID) flow.Verdict { return ix.c.verdicts.get(id) }

// Verdicts returns a bound: all ids given so far are below it.
func (ix *Index) Verdicts() int { return ix.c.verdicts.len() }

// Stats says how large the index became.
type Stats struct {
	NICs, Stages, Classifiers, Verdicts int
	Bytes                               int // of the distinct classifiers
	Chains                              int // classifiers without a table of their own
}

// Stats counts the distinct parts of the index.
func (ix *Index) Stats() Stats {
	c := ix.c
	c.mu.Lock()
	defer c.mu.Unlock()
	s := Stats{NICs: len(ix.nics), Stages: len(c.stages), Classifiers: len(c.classifiers), Verdicts: c.verdicts.len()}
	for _, p := range c.classifiers {
		k := c.get(p)
		s.Bytes += k.Bytes()
		if k.chain != nil {
			s.Chains++
		}
	}
	return s
}
