package model

import (
	"math"
	"math/bits"
	"sync"

	"github.com/loanscorer/loanscorer/model/axis"
)

// keyRow is one row: 0, and then ordered keys, one a feature. Its size is a
// power of two, so that the compiler knows that a place lies within.
type keyRow interface {
	[8]uint64 | [16]uint64 | [32]uint64 | [128]uint64 | [featureMask + 1]uint64
}

// walk scores rows by a flat.
//
// One walk down one tree mostly waits, for the next node to come from memory
// and for guesses that went wrong. So many walks go on at once, some steps
// each and without a branch to guess: all of them while few have ended, then
// those that have not.
type walk[K keyRow] struct {
	flat
	pool sync.Pool // of *scratch[K]
}

// scratch is the memory of a block of rows: 128 KiB of keys, and their state.
type scratch[K keyRow] struct {
	rows       []K
	cells      []int
	at, active []uint32
	seen       uint64 // a sum of what was read to have it at hand
}

const scratchKeys = 1 << 14

func newScratch[K keyRow]() *scratch[K] {
	var row K
	n := scratchKeys / len(row)
	return &scratch[K]{
		rows: make([]K, n), cells: make([]int, n), at: make([]uint32, n), active: make([]uint32, n),
	}
}

// descend takes walks to their leaves. Walk i is at node at[i], of row
// i&mask; active is overwritten and must be as long as at.
func descend[K keyRow](nodes []uint64, rows []K, mask uint32, at, active []uint32) {
	for some := at[:min(len(at), 64)]; ended(nodes, some)*3 <= len(some); {
		for i := range at {
			k := &rows[uint32(i)&mask]
			at[i] = step(nodes, step(nodes, step(nodes, at[i], k), k), k)
		}
	}
	n := 0
	for i, node := range at {
		active[n] = uint32(i)
		if !isLeaf(nodes[node]) { // compiled to a flag, not a branch
			n++
		}
	}
	for active = active[:n]; len(active) > 0; active = active[:n] {
		n = 0
		for _, i := range active {
			k := &rows[i&mask]
			node := step(nodes, step(nodes, at[i], k), k)
			at[i], active[n] = node, i
			if !isLeaf(nodes[node]) {
				n++
			}
		}
	}
}

// ended counts the walks that are at a leaf.
func ended(nodes []uint64, at []uint32) int {
	n := 0
	for _, node := range at {
		if isLeaf(nodes[node]) {
			n++
		}
	}
	return n
}

// step returns the child of node at, or the leaf itself: the left child, less
// one when the node's key is less than the row's. That one is the borrow of a
// subtraction, which is there without a branch.
func step[K keyRow](nodes []uint64, at uint32, k *K) uint32 {
	n := nodes[at]
	_, right := bits.Sub64(n, (*k)[n%uint64(len(*k))], 0)
	child, _ := bits.Sub64(uint64(childOf(n)), 0, right)
	return uint32(child)
}

// fill sets a row's keys; false, and keys of 0, for one that cannot be scored.
func fill[K keyRow](features []Feature, x []float64, k *K) bool {
	for i := range features {
		v, ok := fill32(&features[i], x[i])
		if !ok {
			var none K
			*k = none
			return false
		}
		(*k)[i+1] = ordered(axis.Key(v))
	}
	return true
}

// group is how many trees one row goes down at once.
const group = 128

// one takes one row down many trees at once, and adds in file order.
func (w *walk[K]) one(x []float64) (float64, bool) {
	var row [1]K
	if !fill(w.features, x, &row[0]) {
		return 0, false
	}
	cell := 0
	for i := range w.starts.axes {
		if a := &w.starts.axes[i]; a.Cells() > 1 {
			cell += a.Cell(nodeKey(row[0][i+1])) * a.stride
		}
	}
	var at, active [group]uint32
	sum := 0.0
	for from := 0; from < w.trees; from += group {
		n := min(group, w.trees-from)
		copy(at[:n], w.starts.at[cell*w.trees+from:])
		descend(w.nodes, row[:], 0, at[:n], active[:n])
		for _, leaf := range at[:n] {
			sum += w.values[valueOf(w.nodes[leaf])]
		}
	}
	return sum / float64(w.trees), true
}

// many takes a block of rows through one tree after another.
func (w *walk[K]) many(x, out []float64) {
	s, ok := w.pool.Get().(*scratch[K])
	if !ok {
		s = newScratch[K]()
	}
	defer w.pool.Put(s)
	for width := len(w.features); len(out) > 0; {
		n := min(len(s.rows), len(out))
		sums := out[:n]
		for i := range sums {
			sums[i] = 0
			if !fill(w.features, x[i*width:(i+1)*width], &s.rows[i]) {
				sums[i] = math.NaN()
			}
		}
		w.block(s, sums)
		x, out = x[n*width:], out[n:]
	}
}

// block adds every tree to sums and divides.
func (w *walk[K]) block(s *scratch[K], sums []float64) {
	cells, at, active := w.locate(s, len(sums)), s.at[:len(sums)], s.active[:len(sums)]
	first := uint32(0)
	for tree, end := range w.ends {
		s.read(w.nodes[first:end])
		first = end
		starts := w.starts.at[tree:]
		for i, cell := range cells {
			at[i] = starts[cell]
		}
		descend(w.nodes, s.rows, math.MaxUint32, at, active)
		for i, leaf := range at {
			sums[i] += w.values[valueOf(w.nodes[leaf])]
		}
	}
	for i := range sums {
		sums[i] /= float64(w.trees)
	}
}

// read reads a tree in order, which the processor does ahead of time, so that
// walks find it in the cache.
func (s *scratch[K]) read(nodes []uint64) {
	const line = 64 / 8 // nodes that come together
	for i := 0; i < len(nodes); i += line {
		s.seen += nodes[i]
	}
}

// locate finds the cells of the first n rows among the starts.
func (w *walk[K]) locate(s *scratch[K], n int) []int {
	cells := s.cells[:n]
	clear(cells)
	for i := range w.starts.axes {
		a := &w.starts.axes[i]
		if a.Cells() == 1 {
			continue
		}
		for r := range cells {
			cells[r] += a.Cell(nodeKey(s.rows[r][i+1])) * a.stride * w.trees
		}
	}
	return cells
}
