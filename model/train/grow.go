package train

import (
	"math"

	"github.com/loanscorer/loanscorer/model"
)

// grower grows one tree after another and keeps its memory.
type grower struct {
	m       *matrix
	p       Params
	tried   int       // max_features as a count
	weights []float64 // of a row of each class
	total   float64   // weighted rows of the tree

	random    xorshift
	features  []int // see bestSplit
	constants []int
	drawn     []uint32 // of each row: how often the bootstrap drew it
	samples   []int32  // rows that were drawn, in the order of the nodes
	scratch   []int32

	nodeCounts, left, right       []int64 // rows by class, drawn ones as often as they were
	nodeSide, leftSide, rightSide side
	groups                        groups
	table                         []uint32
	keys                          []uint64

	tree model.Tree
}

func newGrower(m *matrix, p Params, weights []float64) *grower {
	n, k := len(m.labels), m.classes
	g := &grower{
		m: m, p: p, tried: p.featuresTried(len(m.values)), weights: weights,
		features: make([]int, len(m.values)), constants: make([]int, len(m.values)),
		drawn: make([]uint32, n), samples: make([]int32, 0, n), scratch: make([]int32, 0, n),
		nodeCounts: make([]int64, k), left: make([]int64, k), right: make([]int64, k),
	}
	for _, s := range []*side{&g.nodeSide, &g.leftSide, &g.rightSide} {
		s.counts = make([]float64, k)
	}
	places := 0
	for _, values := range m.values {
		places = max(places, min(len(values), sortBelow*n))
	}
	g.table = make([]uint32, places*(k+1))
	return g
}

// grow returns the tree of one random state, as _parallel_build_trees of
// _forest.py makes it.
func (g *grower) grow(seed uint32) model.Tree {
	g.draw(seed)
	g.random = xorshift(NewRandomState(seed).Below(math.MaxInt32))
	for i := range g.features {
		g.features[i] = i
	}
	g.tree = model.Tree{}
	g.count(g.samples)
	g.total = g.nodeSide.total
	g.node(g.samples, 0, 0)
	return g.tree
}

// draw takes the bootstrap sample: as many rows as there are, with
// replacement, as weights.
func (g *grower) draw(seed uint32) {
	n := len(g.drawn)
	if g.p.NoBootstrap {
		for i := range g.drawn {
			g.drawn[i] = 1
		}
	} else {
		clear(g.drawn)
		r := NewRandomState(seed)
		for range n {
			g.drawn[r.Below(uint32(n))]++
		}
	}
	g.samples = g.samples[:0]
	for row, times := range g.drawn {
		if times > 0 {
			g.samples = append(g.samples, int32(row))
		}
	}
}

// count sets nodeCounts and nodeSide for the samples.
func (g *grower) count(samples []int32) {
	clear(g.nodeCounts)
	for _, row := range samples {
		g.nodeCounts[g.m.labels[row]] += int64(g.drawn[row])
	}
	g.nodeSide.set(g.nodeCounts, g.weights)
}

// node adds the node of the samples and everything below it, and returns its
// index. Nodes are made in the order of DepthFirstTreeBuilder: a node, its
// left side, its right side.
func (g *grower) node(samples []int32, depth, constant int) int32 {
	g.count(samples)
	t := &g.tree
	id := int32(len(t.Left))
	t.Feature, t.Threshold = append(t.Feature, -1), append(t.Threshold, 0)
	t.Left, t.Right = append(t.Left, -1), append(t.Right, -1)
	t.Value = append(t.Value, append([]float64(nil), g.nodeSide.counts...))
	t.Samples = append(t.Samples, g.nodeSide.total)

	impurity, n := g.nodeSide.impurity(g.p.Criterion), len(samples)
	if g.p.MaxDepth >= 0 && depth >= g.p.MaxDepth ||
		n < g.p.MinSamplesSplit || n < 2*g.p.MinSamplesLeaf || impurity <= epsilon {
		return id
	}
	best, constant := g.bestSplit(samples, constant)
	if math.IsInf(best.gain, -1) || g.improvement(best.gain, impurity) < 0 {
		return id
	}
	left, right := g.partition(samples, &best)
	t.Feature[id], t.Threshold[id] = int32(best.feature), best.threshold
	l := g.node(left, depth+1, constant)
	r := g.node(right, depth+1, constant)
	t.Left[id], t.Right[id] = l, r
	return id
}

// improvement is impurity_improvement plus epsilon: below 0 the split is none.
func (g *grower) improvement(gain, impurity float64) float64 {
	n := g.nodeSide.total
	return n/g.total*(impurity+gain/n) + epsilon
}

// partition puts the rows of the left side first, each side in its old order.
func (g *grower) partition(samples []int32, s *split) (left, right []int32) {
	ranks := g.m.ranks[s.feature]
	scratch, n := g.scratch[:0], 0
	for _, row := range samples {
		if ranks[row] <= s.rank {
			samples[n] = row
			n++
		} else {
			scratch = append(scratch, row)
		}
	}
	copy(samples[n:], scratch)
	g.scratch = scratch
	return samples[:n], samples[n:]
}
