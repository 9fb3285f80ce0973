package model

import (
	"math"

	"github.com/loanscorer/loanscorer/model/axis"
	"github.com/loanscorer/loanscorer/model/sums"
)

// grid is the table form. The thresholds of each feature cut its line into
// cells; together they cut the space of x into boxes inside which no tree can
// tell two rows apart, so the forest has one probability a box.
type grid struct {
	axes  []gridAxis // one a feature, in the order of x
	cells []float64
}

// newGrid fills the table tree by tree, so that each cell is added up in the
// order of the walk; nil when it would be too big.
func newGrid(m *Model) *grid {
	thresholds := make([][]float64, len(m.spec.Features))
	for _, n := range m.forest.nodes {
		thresholds[n.feature] = append(thresholds[n.feature], n.threshold)
	}
	axes, cells, ok := layOut(m.spec.Features, thresholds, min(maxCells, maxCellTrees/len(m.forest.roots)))
	if !ok {
		return nil
	}
	f := filler{m: m, box: newBox(axes), cells: make([]float64, cells)}
	for _, root := range m.forest.roots {
		f.tree(root)
	}
	for i := range f.cells {
		f.cells[i] /= float64(len(m.forest.roots))
	}
	return &grid{axes: axes, cells: f.cells}
}

// filler adds one tree after another to a table.
type filler struct {
	m     *Model
	box   *box // the cells that reach the current node
	cells []float64
}

// tree adds the leaves under a node. Its depth is bounded: a node whose other
// side is empty in the box still goes one down in a tree of at most MaxDepth.
func (f *filler) tree(at int32) {
	if at < 0 {
		forest := &f.m.forest
		f.add(forest.leaves[int(^at)*forest.classes+f.m.spec.Positive])
		return
	}
	n := &f.m.forest.nodes[at]
	dim := int(n.feature)
	a := &f.box.axes[dim]
	edge := a.Cell(axis.Key(axis.Below(n.threshold))) + 1
	f.box.within(dim, span{0, edge}, func() { f.tree(n.left) })
	f.box.within(dim, span{edge, a.Cells()}, func() { f.tree(n.right) })
}

// add adds p to every cell of the box.
func (f *filler) add(p float64) {
	f.box.runs(func(from, to int) { sums.Add(f.cells[from:to], p) })
}

// one looks one row up.
func (g *grid) one(x []float64) (float64, bool) {
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

// many looks rows up, one dimension of a block after another. A row
// that one would refuse gets NaN.
func (g *grid) many(x, out []float64) {
	width := len(g.axes)
	var buf [gridBlock]int
	for len(out) > 0 {
		n := min(gridBlock, len(out))
		at := buf[:n]
		clear(at)
		finite := true
		for i := range g.axes {
			a := &g.axes[i]
			finite = a.AddCells(at, x[i:], width, a.stride) && finite
		}
		if finite {
			for r, cell := range at {
				out[r] = g.cells[cell]
			}
		} else {
			g.again(x, out[:n])
		}
		x, out = x[n*width:], out[n:]
	}
}

// again looks rows up one by one: some are missing or cannot be scored.
func (g *grid) again(x, out []float64) {
	width := len(g.axes)
	for r := range out {
		p, ok := g.one(x[r*width : (r+1)*width])
		if !ok {
			p = math.NaN()
		}
		out[r] = p
	}
}
