package train

import (
	"math"
	"slices"

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

	// What was drawn, in the order of the nodes: a node is a span of these.
	rows    []drawnRow
	columns [][]uint32 // of each feature: ranks
	isLeft  []uint8    // see partition
	scratch []uint32

	nodeCounts, left, right       []int64 // rows by class, drawn ones as often as they were
	nodeSide, leftSide, rightSide side
	groups                        groups
	table                         []uint32
	keys                          []uint64

	tree   model.Tree
	values []float64 // space for the values of nodes to come
}

// span is the rows of a node: from up to but not including to.
type span struct{ from, to int }

// drawnRow is a row's class in its lowest 10 bits, and above how often it was
// drawn.
type drawnRow uint32

const labelBits = 10 // model.MaxClasses is 1000

func (r drawnRow) label() int    { return int(r & (1<<labelBits - 1)) }
func (r drawnRow) times() uint32 { return uint32(r >> labelBits) }

func newGrower(m *matrix, p Params, weights []float64) *grower {
	n, k := len(m.labels), m.classes
	g := &grower{
		m: m, p: p, tried: p.featuresTried(len(m.values)), weights: weights,
		features: make([]int, len(m.values)), constants: make([]int, len(m.values)),
		drawn: make([]uint32, n), rows: make([]drawnRow, 0, n), columns: make([][]uint32, len(m.values)),
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
	whole := span{0, len(g.rows)}
	g.count(whole)
	g.total = g.nodeSide.total
	g.node(whole, 0, 0)
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
	g.rows = g.rows[:0]
	for f := range g.columns {
		g.columns[f] = g.columns[f][:0]
	}
	for row, times := range g.drawn {
		if times > 0 {
			g.rows = append(g.rows, drawnRow(times<<labelBits|g.m.labels[row]))
		}
	}
	for f, ranks := range g.m.ranks {
		column := slices.Grow(g.columns[f], len(g.rows))
		for row, times := range g.drawn {
			if times > 0 {
				column = append(column, ranks[row])
			}
		}
		g.columns[f] = column
	}
	g.isLeft, g.scratch = sized(g.isLeft, len(g.rows)), sized(g.scratch, len(g.rows))
}

// sized returns a slice of n elements, s if it is long enough.
func sized[T any](s []T, n int) []T {
	return slices.Grow(s[:0], n)[:n]
}

// count sets nodeCounts and nodeSide for a node.
func (g *grower) count(at span) {
	clear(g.nodeCounts)
	for _, row := range g.rows[at.from:at.to] {
		g.nodeCounts[row.label()] += int64(row.times())
	}
	g.nodeSide.set(g.nodeCounts, g.weights)
}

// node adds the node of the rows and everything below it, and returns its
// index. Nodes are made in the order of DepthFirstTreeBuilder: a node, its
// left side, its right side.
func (g *grower) node(at span, depth, constant int) int32 {
	g.count(at)
	t := &g.tree
	id := int32(len(t.Left))
	t.Feature, t.Threshold = append(t.Feature, -1), append(t.Threshold, 0)
	t.Left, t.Right = append(t.Left, -1), append(t.Right, -1)
	t.Value = append(t.Value, g.keep(g.nodeSide.counts))
	t.Samples = append(t.Samples, g.nodeSide.total)

	impurity, n := g.nodeSide.impurity(g.p.Criterion), at.to-at.from
	if g.p.MaxDepth >= 0 && depth >= g.p.MaxDepth ||
		n < g.p.MinSamplesSplit || n < 2*g.p.MinSamplesLeaf || impurity <= epsilon {
		return id
	}
	best, constant := g.bestSplit(at, constant)
	if math.IsInf(best.gain, -1) || g.improvement(best.gain, impurity) < 0 {
		return id
	}
	middle := g.partition(at, &best, constant)
	t.Feature[id], t.Threshold[id] = int32(best.feature), best.threshold
	l := g.node(span{at.from, middle}, depth+1, constant)
	r := g.node(span{middle, at.to}, depth+1, constant)
	t.Left[id], t.Right[id] = l, r
	return id
}

// improvement is impurity_improvement plus epsilon: below 0 the split is none.
func (g *grower) improvement(gain, impurity float64) float64 {
	n := g.nodeSide.total
	return n/g.total*(impurity+gain/n) + epsilon
}

// partition puts the rows of the left side first, each side in its old order,
// and returns where the right side begins. Columns known to be constant are
// left alone: they are never looked at again below. There are no branches on
// the data, which no processor could predict.
func (g *grower) partition(at span, s *split, constant int) int {
	isLeft, left := g.isLeft[:at.to-at.from], 0
	for i, rank := range g.columns[s.feature][at.from:at.to] {
		var b uint8
		if rank <= s.rank {
			b = 1
		}
		isLeft[i] = b
		left += int(b)
	}
	for _, f := range g.features[constant:] {
		divide(g.columns[f][at.from:at.to], isLeft, g.scratch)
	}
	divide(g.rows[at.from:at.to], isLeft, g.scratch)
	return at.from + left
}

// divide moves the elements marked by 1 to the front.
func divide[T ~uint32](values []T, isLeft []uint8, scratch []uint32) {
	left, right := 0, 0
	for i, v := range values {
		values[left], scratch[right] = v, uint32(v)
		b := int(isLeft[i])
		left += b
		right += 1 - b
	}
	for i, v := range scratch[:right] {
		values[left+i] = T(v)
	}
}

// keep copies a node's values to where they stay.
func (g *grower) keep(values []float64) []float64 {
	if len(g.values) < len(values) {
		g.values = make([]float64, 256*len(values))
	}
	kept := g.values[:len(values):len(values)]
	g.values = g.values[len(values):]
	copy(kept, values)
	return kept
}
