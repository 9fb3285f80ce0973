package model

import (
	"cmp"
	"math"
	"slices"

	"github.com/loanscorer/loanscorer/model/axis"
)

// grid is the table form. The thresholds of each feature cut its line into
// cells; together they cut the space of x into boxes inside which no tree can
// tell two rows apart, so the forest has one probability a box.
type grid struct {
	axes  []gridAxis // one a feature, in the order of x
	cells []float64
}

// gridAxis is one dimension of the table.
type gridAxis struct {
	axis.Axis
	stride  int // places between neighbouring cells
	missing int // places from the first cell to that of a missing value; -1: it cannot be scored
}

// newAxes lays out the table; nil when it would be too big.
func newAxes(m *Model) []gridAxis {
	thresholds := make([][]float64, len(m.spec.Features))
	for _, n := range m.forest.nodes {
		thresholds[n.feature] = append(thresholds[n.feature], n.threshold)
	}
	axes, order := make([]gridAxis, len(thresholds)), make([]int, len(thresholds))
	for i, t := range thresholds {
		axes[i].Axis, order[i] = *axis.New(t), i
	}
	// The feature with the most cells gets stride 1: long runs to fill, and
	// rows that differ little there are neighbours in memory.
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(axes[b].Cells(), axes[a].Cells()) })
	stride := 1
	for _, i := range order {
		a := &axes[i]
		a.stride, a.missing = stride, -1
		stride *= a.Cells()
		if stride > maxCells || stride*len(m.forest.roots) > maxCellTrees {
			return nil
		}
		if key, ok := missingKey(&m.spec.Features[i]); ok {
			a.missing = a.Cell(key) * a.stride
		}
	}
	return axes
}

// newGrid fills the table tree by tree, so that each cell is added up in the
// order of the walk.
func newGrid(m *Model, axes []gridAxis) *grid {
	size := 1
	box := make([]span, len(axes))
	var order []int // dimensions with more than one cell, longest strides first
	for i := range axes {
		size *= axes[i].Cells()
		box[i] = span{0, axes[i].Cells()}
		if axes[i].Cells() > 1 {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(axes[b].stride, axes[a].stride) })
	f := filler{m: m, axes: axes, order: order, box: box, cells: make([]float64, size)}
	for _, root := range m.forest.roots {
		f.tree(root)
	}
	for i := range f.cells {
		f.cells[i] /= float64(len(m.forest.roots))
	}
	return &grid{axes: axes, cells: f.cells}
}

// span is the half-open range of cells of one dimension.
type span struct{ from, to int }

// filler adds one tree after another to a table.
type filler struct {
	m     *Model
	axes  []gridAxis
	order []int
	box   []span // the cells that reach the current node
	cells []float64
}

// tree adds the leaves under a node. Its depth is bounded: a node whose other
// side is empty in the box still goes one down in a tree of at most MaxDepth.
func (f *filler) tree(at int32) {
	if at < 0 {
		forest := &f.m.forest
		f.leaf(0, 0, forest.leaves[int(^at)*forest.classes+f.m.spec.Positive])
		return
	}
	n := &f.m.forest.nodes[at]
	whole := f.box[n.feature]
	edge := f.axes[n.feature].Cell(axis.Key(axis.Below(n.threshold))) + 1
	if left := (span{whole.from, min(whole.to, edge)}); left.from < left.to {
		f.box[n.feature] = left
		f.tree(n.left)
	}
	if right := (span{max(whole.from, edge), whole.to}); right.from < right.to {
		f.box[n.feature] = right
		f.tree(n.right)
	}
	f.box[n.feature] = whole
}

// leaf adds p to every cell of the box, dimension after dimension.
func (f *filler) leaf(dim, at int, p float64) {
	if dim == len(f.order) {
		f.cells[at] += p
		return
	}
	d := f.order[dim]
	s, stride := f.box[d], f.axes[d].stride
	if stride == 1 {
		run := f.cells[at+s.from : at+s.to]
		for i := range run {
			run[i] += p
		}
		return
	}
	for i := s.from; i < s.to; i++ {
		f.leaf(dim+1, at+i*stride, p)
	}
}

// probability looks one row up.
func (g *grid) probability(x []float64) (float64, bool) {
	at := 0
	for i, v := range x[:len(g.axes)] {
		a := &g.axes[i]
		f := float32(v)
		if math.Float32bits(f)&notFinite32 == notFinite32 {
			if !math.IsNaN(v) || a.missing < 0 {
				return 0, false
			}
			at += a.missing
			continue
		}
		at += a.Cell(axis.Key(f)) * a.stride
	}
	return g.cells[at], true
}

// gridBlock is how many rows go through the dimensions together.
const gridBlock = 256

// probabilities looks rows up, one dimension of a block after another. A row
// that probability would refuse gets NaN.
func (g *grid) probabilities(x, out []float64) {
	width := len(g.axes)
	var keyBuf [gridBlock]int32
	var atBuf [gridBlock]int
	for len(out) > 0 {
		n := min(gridBlock, len(out))
		keys, at := keyBuf[:n], atBuf[:n]
		clear(at)
		odd := false
		for i := range g.axes {
			a := &g.axes[i]
			for r := range keys {
				f := float32(x[r*width+i])
				odd = odd || math.Float32bits(f)&notFinite32 == notFinite32
				keys[r] = axis.Key(f)
			}
			a.AddCells(at, keys, a.stride)
		}
		for r, cell := range at {
			out[r] = g.cells[cell]
		}
		if odd {
			g.again(x, out[:n])
		}
		x, out = x[n*width:], out[n:]
	}
}

// again looks rows up one by one: some are missing or cannot be scored.
func (g *grid) again(x, out []float64) {
	width := len(g.axes)
	for r := range out {
		p, ok := g.probability(x[r*width : (r+1)*width])
		if !ok {
			p = math.NaN()
		}
		out[r] = p
	}
}
