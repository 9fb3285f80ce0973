package model

// leaf is the child index of a node that has no children.
const leaf = -1

// node is an inner node of the compiled forest. A child that is >= 0 is the
// index of another node; a child c < 0 is leaf number ^c.
type node struct {
	threshold   float64
	feature     int32
	left, right int32
	missingLeft bool // NaN goes left, else right; false unless the forest routes
}

// forest holds every tree in flat arrays, for plain walks.
type forest struct {
	nodes   []node
	roots   []int32   // one a tree, in file order; coded like a child
	leaves  []float64 // class probabilities, classes numbers a leaf
	classes int
	routes  bool // the trees say where a missing value goes
}

// flatten needs a validated spec.
func flatten(s *Spec) forest {
	f := forest{
		classes: len(s.Classes), roots: make([]int32, len(s.Trees)), routes: s.Trees[0].MissingLeft != nil,
	}
	for i := range s.Trees {
		f.roots[i] = f.add(&s.Trees[i], s.ValueUnit)
	}
	return f
}

// add appends one tree and returns its root.
func (f *forest) add(t *Tree, unit ValueUnit) int32 {
	code := make([]int32, len(t.Left)) // tree node -> child code
	inner, leaves := len(f.nodes), len(f.leaves)/f.classes
	for i, left := range t.Left {
		if left == leaf {
			code[i] = ^int32(leaves)
			leaves++
			f.leaves = appendProba(f.leaves, t.Value[i], unit)
			continue
		}
		code[i] = int32(inner)
		inner++
	}
	for i, left := range t.Left {
		if left != leaf {
			f.nodes = append(f.nodes, node{
				threshold: t.Threshold[i], feature: t.Feature[i],
				left: code[left], right: code[t.Right[i]],
				missingLeft: f.routes && t.MissingLeft[i],
			})
		}
	}
	return code[0]
}

// appendProba appends what DecisionTreeClassifier.predict_proba returns for a
// leaf: counts over their sum up to scikit-learn 1.3, fractions as they are
// from 1.4 on.
func appendProba(dst, row []float64, unit ValueUnit) []float64 {
	if unit == Fraction {
		return append(dst, row...)
	}
	sum := pairwiseSum(row)
	for _, v := range row {
		dst = append(dst, v/sum)
	}
	return dst
}

// walk returns the leaf of the tree at root for x, whose values have been
// rounded to float32. NaN is a missing value that the trees route.
func (f *forest) walk(root int32, x []float64) int {
	nodes := f.nodes
	for root >= 0 {
		n := &nodes[root]
		if v := x[n.feature]; v <= n.threshold || n.missingLeft && v != v {
			root = n.left
		} else {
			root = n.right
		}
	}
	return int(^root)
}

// probability returns the mean probability of one class.
func (f *forest) probability(x []float64, class int) float64 {
	sum := 0.0
	for _, root := range f.roots {
		sum += f.leaves[f.walk(root, x)*f.classes+class]
	}
	return sum / float64(len(f.roots))
}

// proba fills out with the mean probability of every class.
func (f *forest) proba(x, out []float64) {
	clear(out)
	for _, root := range f.roots {
		at := f.walk(root, x) * f.classes
		for c, p := range f.leaves[at : at+f.classes] {
			out[c] += p
		}
	}
	for c := range out {
		out[c] /= float64(len(f.roots))
	}
}

// pairwiseSum adds as numpy's add.reduce does over a contiguous axis of at
// most 128 numbers, so that a normaliser has numpy's bits: eight running sums
// (numpy/core/src/umath/loops_utils.h.src, DOUBLE_pairwise_sum), and halves
// for more than 128.
func pairwiseSum(v []float64) float64 {
	n := len(v)
	if n < 8 {
		sum := 0.0
		for _, x := range v {
			sum += x
		}
		return sum
	}
	if n > 128 {
		half := n / 2
		half -= half % 8
		return pairwiseSum(v[:half]) + pairwiseSum(v[half:])
	}
	var r [8]float64
	copy(r[:], v)
	i := 8
	for ; i < n-n%8; i += 8 {
		for j := range r {
			r[j] += v[i+j]
		}
	}
	sum := ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]))
	for ; i < n; i++ {
		sum += v[i]
	}
	return sum
}
