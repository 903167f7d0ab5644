package index

import (
	"context"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"ipflow/index/interval"
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
	largeSet int

	nothing, anything, loadBalancer *reach

	directs  directs
	surveyed sync.Once
	geo4     *geography[interval.IPv4]
	geo6     *geography[interval.IPv6]

	builders stack[builder]
	fusers   stack[fuser]
	tables   stack[stageTable]
	stages   atomic.Int32

	mu          sync.Mutex
	views       map[string]*view
	sights      map[sight]*view
	tags        map[string]*reach
	plans       map[listKey]*plan
	scopes      map[scopeKey]*scope
	missing     map[missingKey]*Stage
	classifiers map[pendingKey]*pending
	wanted      []*pending // by number
}

// pendingKey is what a classifier is made of.
type pendingKey struct {
	stages  [3]int32 // ids; 0 for none
	family4 bool
}

// pending is a classifier that is needed, built once.
type pending struct {
	c      *compiler
	stages []*Stage // dropped when built; nil where nobody has asked for them yet
	origin origin
	kind   tableKind
	number uint32
	once   sync.Once
	built  *Classifier
}

// origin is a NIC, direction and local address that a classifier is for.
type origin struct {
	nic   *network.NIC
	dir   flow.Direction
	local netip.Addr
}

func (p *pending) get() *Classifier {
	p.once.Do(func() {
		if p.kind.openSource { // nobody counted it among those that use the stages
			p.stages, _ = p.c.stagesOf(&signer{}, p.origin)
			for _, s := range p.stages {
				s.users.Add(1)
			}
		}
		p.built = p.c.build(p.stages, p.kind, p.origin)
		p.built.number, p.built.family4 = p.number, p.kind.family4
		if p.built.family4 && p.built.chain == nil && !p.kind.openSource {
			p.built.directs = &p.c.directs
		}
		for _, s := range p.stages {
			p.c.release(s)
		}
		p.stages = nil
	})
	return p.built
}

// Options tunes Compile; the zero value works.
type Options struct {
	Workers int // goroutines; 0 means GOMAXPROCS
	// MaxTable bounds the cells of one classifier's table; larger ones
	// intersect bit sets per question. 0 means 2^21, negative means no tables.
	MaxTable int
	// LargeSet is the number of ranges beyond which a service tag or Internet is
	// cut once for the whole index instead of in every list that names it. 0 means
	// 128, negative means always.
	LargeSet int
	// DirectBytes bounds the memory of the direct tables that classifiers get while
	// they are asked very often. 0 means 64 MiB, negative means no such tables.
	DirectBytes int
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
	if o.LargeSet != 0 {
		c.largeSet = max(0, o.LargeSet)
	}
	if c.directs.limit = o.DirectBytes; o.DirectBytes == 0 {
		c.directs.limit = defaultDirectBytes
	}
	ix := &Index{c: c, nics: make([]nicEntry, len(n.NICs))}

	wanted := make([][][2]*pending, len(n.NICs))
	if err := inChunks(ctx, o.Workers, len(n.NICs), 256, func(i int, g *signer) {
		wanted[i] = ix.wantAll(g, i)
	}); err != nil {
		return nil, err
	}
	todo := c.todo()
	if err := inChunks(ctx, o.Workers, len(todo), 1, func(i int, _ *signer) { todo[i].get() }); err != nil {
		return nil, err
	}
	c.forget()
	for i := range wanted {
		for j, pair := range wanted[i] {
			ix.nics[i].locals[j].In, ix.nics[i].locals[j].Out = pair[0].get(), pair[1].get()
		}
	}
	return ix, nil
}

// inChunks calls f for 0 to n-1 on several goroutines, each of which takes so many
// at once and has a signer.
func inChunks(ctx context.Context, workers, n, chunk int, f func(i int, g *signer)) error {
	group, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range workers {
		group.Go(func() error {
			var g signer
			for {
				to := int(next.Add(int64(chunk)))
				if to-chunk >= n {
					return nil
				}
				if err := ctx.Err(); err != nil {
					return err
				}
				for i := to - chunk; i < min(to, n); i++ {
					f(i, &g)
				}
			}
		})
	}
	return group.Wait()
}

// forget drops what only compiling needs, about as much as the index itself. What
// is asked of it later, for local addresses that no ip configuration owns, is made
// anew.
func (c *compiler) forget() {
	c.builders.drop()
	c.fusers.drop()
	c.tables.drop()
	c.verdicts.compact()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.views, c.sights = map[string]*view{}, map[sight]*view{}
	c.plans, c.scopes = map[listKey]*plan{}, map[scopeKey]*scope{}
	c.classifiers = map[pendingKey]*pending{}
}

// wantAll notes the known addresses of a NIC and returns their classifiers,
// inbound and outbound, to be built.
func (ix *Index) wantAll(g *signer, i int) (wanted [][2]*pending) {
	nic := ix.c.net.NICs[i]
	for j := range nic.IPConfigs {
		a := nic.IPConfigs[j].Address
		if !a.IsValid() {
			continue
		}
		ix.nics[i].locals = append(ix.nics[i].locals, Local{Address: flow.AddressFrom(a)})
		wanted = append(wanted, [2]*pending{ix.c.want(g, origin{nic, flow.Inbound, a}), ix.c.want(g, origin{nic, flow.Outbound, a})})
	}
	return wanted
}

// todo lists the classifiers that are wanted, by number.
func (c *compiler) todo() []*pending {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clip(c.wanted)
}

func newCompiler(n *network.Network) *compiler {
	c := &compiler{
		net: n, assume: readAssumptions(n.Assumptions), intern: newInterner(), verdicts: &verdictTable{}, largeSet: defaultLargeSet,
		views: map[string]*view{}, sights: map[sight]*view{}, tags: map[string]*reach{}, plans: map[listKey]*plan{},
		scopes: map[scopeKey]*scope{}, missing: map[missingKey]*Stage{}, classifiers: map[pendingKey]*pending{},
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
// be built by get.
func (c *compiler) want(g *signer, from origin) *pending {
	stages, key := c.stagesOf(g, from)
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.classifiers[key]
	if !ok {
		p = &pending{c: c, stages: stages, origin: from, kind: tableKind{family4: key.family4}, number: uint32(len(c.wanted))}
		c.classifiers[key], c.wanted = p, append(c.wanted, p)
		for _, s := range stages {
			s.users.Add(1)
			if len(stages) == 2 {
				s.paired.Store(true)
			}
		}
	}
	return p
}

// stagesOf returns the stages that stand before a NIC, in their order.
func (c *compiler) stagesOf(g *signer, from origin) (stages []*Stage, key pendingKey) {
	v := c.viewOf(from.nic)
	stages, key.family4 = make([]*Stage, 0, 3), from.local.Is4()
	for _, layer := range layerOrder(from.dir) {
		if s := c.stageOf(g, layer, from.dir, from.nic, v, from.local); s != nil {
			key.stages[len(stages)] = s.id
			stages = append(stages, s)
		}
	}
	return stages, key
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
	return ix.c.want(&signer{}, origin{nic, dir, local.Netip()}).get()
}

// Locals returns the known addresses of a NIC with their classifiers; callers
// must not change them.
func (ix *Index) Locals(nic *network.NIC) []Local { return ix.nics[nic.Index].locals }

// Classify answers one question; the slow door to Classifier.
func (ix *Index) Classify(nic *network.NIC, t flow.Tuple) flow.Verdict {
	return ix.Verdict(ix.Classifier(nic, t.Direction, t.Local).Classify(&t))
}

// Verdict returns the verdict of an id that a Classifier of this index gave.
func (ix *Index) Verdict(id VerdictID) flow.Verdict { return ix.c.verdicts.get(ix.c, id) }

// Access returns the access of a verdict, without the rest.
func (ix *Index) Access(id VerdictID) flow.Access { return ix.c.verdicts.access(id) }

// Verdicts returns a bound: all ids given so far are below it.
func (ix *Index) Verdicts() int { return ix.c.verdicts.len() }

// Stats says how large the index became.
type Stats struct {
	NICs, Stages, Classifiers, Verdicts int
	Bytes                               int // of the distinct classifiers, as far as they are compiled beforehand
	Chains                              int // classifiers without a table of their own
}

// Stats counts the distinct parts of the index.
func (ix *Index) Stats() Stats {
	c := ix.c
	list := c.todo()
	s := Stats{NICs: len(ix.nics), Stages: int(c.stages.Load()), Classifiers: len(list), Verdicts: c.verdicts.len()}
	for _, p := range list {
		k := p.get()
		s.Bytes += k.Bytes()
		if k.chain != nil {
			s.Chains++
		}
	}
	return s
}
