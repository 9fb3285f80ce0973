package model

import (
	"math"

	"github.com/loanscorer/loanscorer/model/axis"
)

// flat is the walked form. A node is one number:
//
//	bits 32 to 63   the threshold's key, or a leaf's place in values
//	bits 10 to 31   the left child; the right child is the node before it
//	bits  0 to  9   the feature's place in a keyRow
//
// A leaf asks for place 0, where every row holds 0, and so is its own left
// child: walks that end early stay where they are.
type flat struct {
	nodes    []uint64
	values   []float64 // the positive class's probabilities, each once
	ends     []uint32  // where each tree's nodes end and the next one's begin
	starts   starts
	features []Feature
	trees    int
}

const (
	featureBits = 10
	featureMask = 1<<featureBits - 1
)

// Features and nodes must fit a node; this fails to compile otherwise.
const (
	_ = uint(1<<featureBits - 1 - MaxFeatures)
	_ = uint(1<<(32-featureBits) - MaxNodes)
)

func isLeaf(node uint64) bool    { return node&featureMask == 0 }
func childOf(node uint64) uint32 { return uint32(node) >> featureBits }

// ordered is the key in the upper half, so that unsigned numbers compare like
// keys: node < ordered(x's key) exactly when the node's key is less than x's.
func ordered(key int32) uint64   { return uint64(uint32(key)^1<<31) << 32 }
func nodeKey(node uint64) int32  { return int32(node>>32 ^ 1<<31) }
func valueOf(node uint64) uint32 { return uint32(node >> 32) }

func newFlat(m *Model) form {
	f := flat{features: m.spec.Features, trees: len(m.forest.roots)}
	p := packer{flat: &f, forest: &m.forest, class: m.spec.Positive, seen: map[uint64]uint64{}}
	f.nodes = make([]uint64, 0, len(m.forest.nodes)+len(m.forest.leaves)/m.forest.classes)
	roots := make([]uint32, 0, f.trees)
	for _, root := range m.forest.roots {
		roots = append(roots, p.tree(root))
		f.ends = append(f.ends, uint32(len(f.nodes)))
	}
	f.starts = newStarts(m, f.nodes, roots)
	switch n := 1 + len(f.features); {
	case n <= 8:
		return &walk[[8]uint64]{flat: f}
	case n <= 16:
		return &walk[[16]uint64]{flat: f}
	case n <= 32:
		return &walk[[32]uint64]{flat: f}
	case n <= 128:
		return &walk[[128]uint64]{flat: f}
	}
	return &walk[[featureMask + 1]uint64]{flat: f}
}

// packer makes the nodes of a flat.
type packer struct {
	*flat
	forest *forest
	class  int
	seen   map[uint64]uint64 // bits of a probability -> its place in values
}

// tree packs one tree, each left branch before the right one, so that the
// end of a walk finds its nodes side by side. It returns the root's place.
func (p *packer) tree(root int32) uint32 {
	at := len(p.nodes)
	p.nodes = append(p.nodes, 0)
	p.pack(uint64(at), root)
	return uint32(at)
}

func (p *packer) pack(at uint64, from int32) {
	if from < 0 {
		p.nodes[at] = p.value(p.forest.leaves[int(^from)*p.forest.classes+p.class])<<32 | at<<featureBits
		return
	}
	n := &p.forest.nodes[from]
	right := uint64(len(p.nodes))
	p.nodes = append(p.nodes, 0, 0)
	p.nodes[at] = ordered(axis.Key(axis.Below(n.threshold))) | (right+1)<<featureBits | uint64(n.feature+1)
	p.pack(right+1, n.left)
	p.pack(right, n.right)
}

// value returns a probability's place in values. Leaves of unlimited trees are
// 0 or 1: what they share stays close to the processor.
func (p *packer) value(probability float64) uint64 {
	bits := math.Float64bits(probability)
	at, ok := p.seen[bits]
	if !ok {
		at = uint64(len(p.values))
		p.seen[bits], p.values = at, append(p.values, probability)
	}
	return at
}
