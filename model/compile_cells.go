package model

import (
	"cmp"
	"slices"

	"github.com/loanscorer/loanscorer/model/axis"
)

// gridAxis is one dimension of a grid over the space of x.
type gridAxis struct {
	axis.Axis
	stride  int // places between neighbouring cells
	missing int // places from the first cell to that of a missing value; -1: it cannot be scored
}

// layOut makes the axes of a grid, one a feature in the order of x, and counts
// its cells; false when they are more than limit.
func layOut(features []Feature, thresholds [][]float64, limit int) ([]gridAxis, int, bool) {
	axes, order := make([]gridAxis, len(thresholds)), make([]int, len(thresholds))
	for i, t := range thresholds {
		axes[i].Axis, order[i] = *axis.New(t), i
	}
	// The feature with the most cells gets stride 1: long runs to fill, and
	// rows that differ little there are neighbours in memory.
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(axes[b].Cells(), axes[a].Cells()) })
	cells := 1
	for _, i := range order {
		a := &axes[i]
		a.stride, a.missing = cells, -1
		cells *= a.Cells()
		if cells > limit {
			return nil, 0, false
		}
		if key, ok := missingKey(&features[i]); ok {
			a.missing = a.Cell(key) * a.stride
		}
	}
	return axes, cells, true
}

// span is the half-open range of cells of one dimension.
type span struct{ from, to int }

// box is the part of a grid that rows reach a node from.
type box struct {
	axes  []gridAxis
	spans []span // one an axis
	order []int  // dimensions with more than one cell, longest strides first
}

// newBox is the whole grid.
func newBox(axes []gridAxis) *box {
	b := &box{axes: axes, spans: make([]span, len(axes))}
	for i := range axes {
		b.spans[i] = span{0, axes[i].Cells()}
		if axes[i].Cells() > 1 {
			b.order = append(b.order, i)
		}
	}
	slices.SortFunc(b.order, func(i, j int) int { return cmp.Compare(axes[j].stride, axes[i].stride) })
	return b
}

// within calls visit with the box cut to a span of one dimension, unless
// nothing is left of it.
func (b *box) within(dim int, s span, visit func()) {
	whole := b.spans[dim]
	s = span{max(s.from, whole.from), min(s.to, whole.to)}
	if s.from < s.to {
		b.spans[dim] = s
		visit()
		b.spans[dim] = whole
	}
}

// runs calls visit with the places of the box, a half-open range at a time.
func (b *box) runs(visit func(from, to int)) { b.runsFrom(0, 0, visit) }

func (b *box) runsFrom(depth, at int, visit func(from, to int)) {
	if depth == len(b.order) {
		visit(at, at+1)
		return
	}
	i := b.order[depth]
	s, stride := b.spans[i], b.axes[i].stride
	if stride == 1 {
		visit(at+s.from, at+s.to)
		return
	}
	for cell := s.from; cell < s.to; cell++ {
		b.runsFrom(depth+1, at+cell*stride, visit)
	}
}
