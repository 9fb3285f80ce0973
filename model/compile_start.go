package model

import (
	"cmp"
	"slices"

	"github.com/loanscorer/loanscorer/model/axis"
)

// starts is a coarse grid that tells, for each cell and tree, the deepest node
// that all rows of the cell pass: walks begin there instead of at the root.
type starts struct {
	axes []gridAxis
	at   []uint32 // one a tree, one cell after another
}

// Limits of the coarse grid.
const (
	maxStartCells = 1 << 12
	maxStarts     = 1 << 19 // cells times trees: 2 MiB
)

// newStarts looks the starts up in the packed nodes.
func newStarts(m *Model, nodes []uint64, roots []uint32) starts {
	limit := max(1, min(maxStartCells, maxStarts/len(roots)))
	axes, cells, _ := layOut(m.spec.Features, coarse(weigh(m), limit), limit)
	s := starts{axes: axes, at: make([]uint32, cells*len(roots))}
	f := starter{trees: len(roots), nodes: nodes, box: newBox(axes)}
	for i, root := range roots {
		f.at = s.at[i:]
		f.tree(root)
	}
	return s
}

// starter fills in the starts of one tree.
type starter struct {
	nodes []uint64
	box   *box     // the cells that reach the current node
	at    []uint32 // from the tree's place in the first cell on
	trees int      // places between neighbouring cells
}

func (f *starter) tree(node uint32) {
	n := f.nodes[node]
	if isLeaf(n) {
		f.fill(node)
		return
	}
	dim := int(n&featureMask) - 1
	a := &f.box.axes[dim]
	key := nodeKey(n)
	cell := a.Cell(key) // of the threshold: cells before it go left, after it right
	left, right := span{0, cell}, span{cell + 1, a.Cells()}
	if right.from < right.to && axis.Key(a.Threshold(cell)) == key {
		left.to = right.from // the cell ends at the threshold: it goes left
	}
	child := childOf(n)
	f.box.within(dim, left, func() { f.tree(child) })
	f.box.within(dim, right, func() { f.tree(child - 1) })
	f.box.within(dim, span{left.to, right.from}, func() { f.fill(node) })
}

func (f *starter) fill(node uint32) {
	f.box.runs(func(from, to int) {
		for cell := from; cell < to; cell++ {
			f.at[cell*f.trees] = node
		}
	})
}

// cut is a threshold and how many of the walks meet it, if all guesses are even.
type cut struct {
	key    int32
	weight float64
}

// weigh lists each feature's cuts, rising and distinct.
func weigh(m *Model) [][]cut {
	cuts := make([][]cut, len(m.spec.Features))
	type visit struct {
		node   int32
		weight float64
	}
	var open []visit
	for _, root := range m.forest.roots {
		for open = append(open, visit{root, 1}); len(open) > 0; {
			v := open[len(open)-1]
			open = open[:len(open)-1]
			if v.node < 0 {
				continue
			}
			n := &m.forest.nodes[v.node]
			cuts[n.feature] = append(cuts[n.feature], cut{axis.Key(axis.Below(n.threshold)), v.weight})
			open = append(open, visit{n.left, v.weight / 2}, visit{n.right, v.weight / 2})
		}
	}
	for i, list := range cuts {
		slices.SortFunc(list, func(a, b cut) int { return cmp.Compare(a.key, b.key) })
		distinct := list[:0]
		for _, c := range list {
			if last := len(distinct) - 1; last >= 0 && distinct[last].key == c.key {
				distinct[last].weight += c.weight
				continue
			}
			distinct = append(distinct, c)
		}
		cuts[i] = distinct
	}
	return cuts
}

// coarse chooses thresholds of at most limit cells: it halves the cells of the
// feature whose cells hold the most weight until none may be halved.
func coarse(cuts [][]cut, limit int) [][]float64 {
	parts, totals := make([]int, len(cuts)), make([]float64, len(cuts))
	for i, list := range cuts {
		parts[i] = 1
		for _, c := range list {
			totals[i] += c.weight
		}
	}
	for cells := 1; ; {
		best, more := -1, 0
		for i, list := range cuts {
			n := min(2*parts[i], len(list)+1)
			if n > parts[i] && cells/parts[i]*n <= limit &&
				(best < 0 || totals[i]/float64(parts[i]) > totals[best]/float64(parts[best])) {
				best, more = i, n
			}
		}
		if best < 0 {
			break
		}
		cells, parts[best] = cells/parts[best]*more, more
	}
	thresholds := make([][]float64, len(cuts))
	for i, list := range cuts {
		thresholds[i] = divide(list, totals[i], parts[i])
	}
	return thresholds
}

// divide chooses thresholds that cut a feature into parts of about the same
// weight.
func divide(list []cut, total float64, parts int) []float64 {
	var thresholds []float64
	seen := 0.0
	for i, c := range list {
		seen += c.weight
		// All that are left are needed, or the next part is full.
		missing := parts - 1 - len(thresholds)
		if missing > 0 && (len(list)-i <= missing || seen*float64(parts) >= total*float64(len(thresholds)+1)) {
			thresholds = append(thresholds, float64(axis.Float(c.key)))
		}
	}
	return thresholds
}
