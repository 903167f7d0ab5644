package index

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

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
	net       *network.Network
	assume    assumptions
	intern    *interner
	verdicts  *verdictTable
	internet  addresses
	maxTable  int
	largeSet  int
	fuseAfter int

	nothing, anything, loadBalancer *reach

	directs directs
	geo4    *geography[interval.IPv4]
	geo6    *geography[interval.IPv6]

	builders stack[builder]
	fusers   stack[fuser]
	stages   atomic.Int32
	shelf    shelf
	expected uint32       // classifiers that Compile found to be needed
	left     atomic.Int64 // how many of them are not made yet
	late     atomic.Int64 // classifiers that it did not find
	made     atomic.Int64 // classifiers, without those for open source ports
	making   atomic.Int64 // nanoseconds

	mu          sync.Mutex
	views       map[string]*view
	sights      map[sight]*view
	tags        map[string]*reach
	plans       map[listKey]*plan
	scopes      map[scopeKey]*scope
	missing     map[missingKey]*Stage
	classifiers map[classifierKey]*Classifier
	wanted      []*Classifier // by number
}

// classifierKey is what a classifier is made of.
type classifierKey struct {
	stages  [3]int32 // ids; 0 for none
	family4 bool
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
	// DirectBytes bounds the bytes of the direct tables that classifiers get while they
	// are asked very often. Above memory.ChunkBytes they share chunks of that size and of
	// room for large pages, so that the heap may grow by twice as much. 0 means 64 MiB,
	// negative means no such tables.
	DirectBytes int
	// LazyAbove is how many classifiers are compiled at once. Where more are needed
	// each is compiled when it is first asked. 0 means any number, negative that
	// none is compiled at once.
	LazyAbove int
	// FuseAfter is how many questions a classifier answers layer by layer before its
	// layers are fused into one table. 0 means 2048.
	FuseAfter int
}

// AtOnce is the FuseAfter of those who unfold classifiers (Partition) or ask all of
// them much: layers are fused by Compile, on all its goroutines.
const AtOnce = -1

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
	c.shelf.limit = shelfBytes
	if c.fuseAfter = o.FuseAfter; o.FuseAfter == 0 {
		c.fuseAfter = defaultFuseAfter
	}
	ix := &Index{c: c, nics: make([]nicEntry, len(n.NICs))}

	if err := c.survey(ctx, o.Workers); err != nil {
		return nil, err
	}
	if err := inChunks(ctx, o.Workers, len(n.NICs), 256, ix.wantAll); err != nil {
		return nil, err
	}
	todo := c.expect()
	if len(todo) == 0 {
		c.forget()
	}
	if o.LazyAbove < 0 || o.LazyAbove > 0 && len(todo) > o.LazyAbove {
		c.shelf.all = true
		return ix, nil
	}
	if err := inChunks(ctx, o.Workers, len(todo), 1+min(31, len(todo)/(16*o.Workers)), func(i int, _ *signer) { todo[i].ready() }); err != nil {
		return nil, err
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
	c.shelf.clear()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.views, c.sights = map[string]*view{}, map[sight]*view{}
	c.plans, c.scopes = map[listKey]*plan{}, map[scopeKey]*scope{}
	c.classifiers = map[classifierKey]*Classifier{}
}

// wantAll notes the known addresses of a NIC with their classifiers.
func (ix *Index) wantAll(i int, g *signer) {
	nic := ix.c.net.NICs[i]
	for j := range nic.IPConfigs {
		a := nic.IPConfigs[j].Address
		if !a.IsValid() {
			continue
		}
		ix.nics[i].locals = append(ix.nics[i].locals, Local{
			Address: flow.AddressFrom(a),
			In:      ix.c.want(g, origin{nic, flow.Inbound, a}), Out: ix.c.want(g, origin{nic, flow.Outbound, a}),
		})
	}
}

// expect notes how many classifiers there are to make, and returns them.
func (c *compiler) expect() []*Classifier {
	todo := c.all()
	c.expected = uint32(len(todo))
	c.left.Store(int64(len(todo)))
	return todo
}

// all lists the classifiers that are wanted, by number.
func (c *compiler) all() []*Classifier {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clip(c.wanted)
}

func newCompiler(n *network.Network) *compiler {
	c := &compiler{
		net: n, assume: readAssumptions(n.Assumptions), intern: newInterner(), verdicts: &verdictTable{}, largeSet: defaultLargeSet,
		views: map[string]*view{}, sights: map[sight]*view{}, tags: map[string]*reach{}, plans: map[listKey]*plan{},
		scopes: map[scopeKey]*scope{}, missing: map[missingKey]*Stage{}, classifiers: map[classifierKey]*Classifier{},
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

// want returns the classifier that a NIC, direction and local address need; it is
// made when first asked.
func (c *compiler) want(g *signer, from origin) *Classifier {
	stages, key := c.stagesOf(g, from)
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.classifiers[key]
	if !ok {
		k = &Classifier{number: uint32(len(c.wanted)), family4: key.family4}
		k.recipe = recipe{c: c, stages: stages, origin: from, kind: tableKind{family4: key.family4}}
		c.classifiers[key], c.wanted = k, append(c.wanted, k)
		for _, s := range stages {
			s.users.Add(1)
		}
	}
	return k
}

// stagesOf returns the stages that stand before a NIC, in their order.
func (c *compiler) stagesOf(g *signer, from origin) (stages []*Stage, key classifierKey) {
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
	return ix.c.want(&signer{}, origin{nic, dir, local.Netip()})
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

// Classifiers returns how many classifiers the index has, compiled or not.
func (ix *Index) Classifiers() int { return len(ix.c.all()) }

// Made returns how many classifiers are compiled, and how long that took, all
// goroutines together.
func (ix *Index) Made() (classifiers int, making time.Duration) {
	return int(ix.c.made.Load()), time.Duration(ix.c.making.Load())
}

// Stats says how large the index became.
type Stats struct {
	NICs, Stages, Classifiers, Verdicts int
	Made                                int // classifiers that are compiled so far
	Fused                               int // those of them that have a table of their own
	Bytes                               int // of the tables, each once; those for open source ports and direct tables are beside
}

// Stats counts the distinct parts of the index.
func (ix *Index) Stats() Stats {
	c := ix.c
	list := c.all()
	s := Stats{
		NICs: len(ix.nics), Stages: int(c.stages.Load()), Classifiers: len(list), Verdicts: c.verdicts.len(),
	}
	seen := map[*stageTable]bool{}
	for _, k := range list {
		f := k.form.Load()
		if f == nil {
			continue
		}
		s.Made++
		if f.chain == nil {
			s.Fused++
		}
		s.Bytes += f.bytes(seen)
	}
	return s
}
