package model

import (
	"math"

	"github.com/loanscorer/loanscorer/model/axis"
)

// flat is the walked form. Walking one tree with one row mostly waits: for the
// next node to come from memory, and for guesses that went wrong. So several
// walks go on at once, each step without a branch: eight rows in one tree, or
// one row in eight trees.
//
// A node takes 8 bytes and its children lie side by side. A leaf's child is
// itself, so walks that end early stay where they are.
type flat struct {
	nodes    []flatNode
	values   []float64 // positive class's probability, for leaves
	roots    []uint32
	features []Feature
}

// flatNode compares keys of [axis.Key]: left when x's key <= key.
type flatNode struct {
	key  int32
	link uint32 // left child << featureBits | feature; right child = left + 1
}

const (
	featureBits = 10
	featureMask = 1<<featureBits - 1
	lanes       = 8
	// keyBlock is how many keys a block of rows has at most: 32 KiB of stack.
	keyBlock = 8 << featureBits
)

// Features and nodes must fit a link; this fails to compile otherwise.
const (
	_ = uint(1<<featureBits - MaxFeatures)
	_ = uint(1<<(32-featureBits) - MaxNodes)
)

func newFlat(m *Model) *flat {
	f := &flat{features: m.spec.Features}
	size := len(m.forest.nodes) + len(m.forest.leaves)/m.forest.classes
	f.nodes, f.values = make([]flatNode, 0, size), make([]float64, 0, size)
	var queue []int32 // children of m.forest whose places in f.nodes follow each other
	for _, root := range m.forest.roots {
		first := len(f.nodes)
		f.roots = append(f.roots, uint32(first))
		f.nodes, f.values = append(f.nodes, flatNode{}), append(f.values, 0)
		queue = append(queue[:0], root)
		for i := 0; i < len(queue); i++ {
			queue = f.place(m, uint32(first+i), queue[i], queue)
		}
	}
	return f
}

// place writes node at and makes room for its children, which it queues.
func (f *flat) place(m *Model, at uint32, from int32, queue []int32) []int32 {
	if from < 0 {
		f.nodes[at] = flatNode{key: math.MaxInt32, link: at << featureBits}
		f.values[at] = m.forest.leaves[int(^from)*m.forest.classes+m.spec.Positive]
		return queue
	}
	n := &m.forest.nodes[from]
	left := uint32(len(f.nodes))
	f.nodes[at] = flatNode{key: axis.Key(axis.Below(n.threshold)), link: left<<featureBits | uint32(n.feature)}
	f.nodes, f.values = append(f.nodes, flatNode{}, flatNode{}), append(f.values, 0, 0)
	return append(queue, n.left, n.right)
}

// keys fills dst, one key a feature; false for a row that cannot be scored.
func (f *flat) keys(x []float64, dst []int32) bool {
	for i := range dst {
		v, ok := fill32(&f.features[i], x[i])
		if !ok {
			clear(dst)
			return false
		}
		dst[i] = axis.Key(v)
	}
	return true
}

// probability walks eight trees at once and adds them in file order.
func (f *flat) probability(x []float64) (float64, bool) {
	var buf [1 << featureBits]int32
	keys := buf[:len(f.features)]
	if !f.keys(x, keys) {
		return 0, false
	}
	sum := 0.0
	var at, row [lanes]uint32
	for from := 0; from < len(f.roots); from += lanes {
		n := copy(at[:], f.roots[from:])
		f.walk(&at, &row, keys) // lanes beyond n stay in leaves of the trees before
		for _, leaf := range at[:n] {
			sum += f.values[leaf]
		}
	}
	return sum / float64(len(f.roots)), true
}

// probabilities takes a block of rows through one tree after another.
func (f *flat) probabilities(x, out []float64) {
	var buf [keyBlock]int32
	width := len(f.features)
	for size := keyBlock / width; len(out) > 0; {
		n := min(size, len(out))
		keys, sums := buf[:n*width], out[:n]
		for i := range n {
			sums[i] = 0
			if !f.keys(x[i*width:(i+1)*width], keys[i*width:(i+1)*width]) {
				sums[i] = math.NaN()
			}
		}
		f.block(keys, sums)
		x, out = x[n*width:], out[n:]
	}
}

// block adds every tree to sums and divides.
func (f *flat) block(keys []int32, sums []float64) {
	width := uint32(len(f.features))
	var at, row [lanes]uint32
	for _, root := range f.roots {
		for from := 0; from < len(sums); from += lanes {
			n := min(lanes, len(sums)-from)
			for i := range at {
				at[i] = root
				row[i] = uint32(from+min(i, n-1)) * width
			}
			f.walk(&at, &row, keys)
			for i, leaf := range at[:n] {
				sums[from+i] += f.values[leaf]
			}
		}
	}
	for i := range sums {
		sums[i] /= float64(len(f.roots))
	}
}

// walk moves each lane from its node to a leaf. row is where a lane's keys
// begin. It goes in two halves, so that a half's state fits the processor's
// registers.
func (f *flat) walk(at, row *[lanes]uint32, keys []int32) {
	f.walk4((*[4]uint32)(at[:4]), (*[4]uint32)(row[:4]), keys)
	f.walk4((*[4]uint32)(at[4:]), (*[4]uint32)(row[4:]), keys)
}

func (f *flat) walk4(at, row *[4]uint32, keys []int32) {
	nodes := f.nodes
	a, b, c, d := at[0], at[1], at[2], at[3]
	ka, kb, kc, kd := keys[row[0]:], keys[row[1]:], keys[row[2]:], keys[row[3]:]
	for {
		a2, b2 := nodes[a].step(ka), nodes[b].step(kb)
		c2, d2 := nodes[c].step(kc), nodes[d].step(kd)
		if (a^a2)|(b^b2)|(c^c2)|(d^d2) == 0 {
			break
		}
		a, b, c, d = a2, b2, c2, d2
	}
	*at = [4]uint32{a, b, c, d}
}

// step returns the child, or the leaf itself.
func (n flatNode) step(keys []int32) uint32 {
	right := uint32(0) // compiled to a flag, not a branch to guess
	if keys[n.link&featureMask] > n.key {
		right = 1
	}
	return n.link>>featureBits + right
}
