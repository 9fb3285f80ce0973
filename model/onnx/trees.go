package onnx

import (
	"fmt"
	"math"
	"slices"
)

const (
	branch   = "BRANCH_LEQ"
	leafMode = "LEAF"
)

// attrs gives an operator's attributes with their checks.
type attrs map[string]*attribute

func (a attrs) ints(name string) []int64 {
	if v, ok := a[name]; ok {
		return v.ints
	}
	return nil
}

// numbers gives floats, or the tensor of the same name in doubles.
func (a attrs) numbers(name string) (values []float64, double bool) {
	if v, ok := a[name+"_as_tensor"]; ok && len(v.doubles) > 0 {
		return v.doubles, true
	}
	if v, ok := a[name]; ok {
		values = make([]float64, len(v.floats))
		for i, f := range v.floats {
			values[i] = float64(f)
		}
	}
	return values, false
}

// ensemble is a TreeEnsembleClassifier's node lists, checked for length.
type ensemble struct {
	tree, node, feature, yes, no []int64
	modes                        []string
	threshold                    []float64
	missing                      []int64
	weights                      map[[2]int64][]float64 // (tree, node) of a leaf -> one weight a class
	classes                      int
}

// read fills f from the operator's attributes.
func (f *Forest) read(n *node, width int) error {
	a := attrs(n.attributes)
	if err := f.labels(a); err != nil {
		return err
	}
	e, err := f.lists(a)
	if err != nil {
		return err
	}
	if f.NumFeatures = width; width == 0 {
		f.NumFeatures = int(slices.Max(e.feature)) + 1
	}
	if len(f.Filled) == 1 {
		f.Filled = slices.Repeat(f.Filled, f.NumFeatures)
	}
	if f.Filled != nil && len(f.Filled) != f.NumFeatures {
		return malformed("the Imputer has %d values for %d features", len(f.Filled), f.NumFeatures)
	}
	if err := e.leaves(a); err != nil {
		return err
	}
	return f.split(e)
}

func (f *Forest) labels(a attrs) error {
	for _, v := range a.ints("classlabels_int64s") {
		f.Classes = append(f.Classes, v)
	}
	if v, ok := a["classlabels_strings"]; ok {
		for _, s := range v.strings {
			f.Classes = append(f.Classes, s)
		}
	}
	if n := len(f.Classes); n == 0 || n > maxClasses {
		return malformed("%d classes, want 1 to %d", n, maxClasses)
	}
	if v, ok := a["post_transform"]; ok && v.text != "NONE" {
		return &UnsupportedError{"a TreeEnsembleClassifier with post_transform " + short(v.text), "it is not a forest of scikit-learn; " + advise}
	}
	for _, name := range []string{"base_values", "base_values_as_tensor"} {
		if v, ok := a[name]; ok && len(v.floats)+len(v.doubles) > 0 {
			return &UnsupportedError{"a TreeEnsembleClassifier with " + name, "it is not a forest of scikit-learn; " + advise}
		}
	}
	return nil
}

func (f *Forest) lists(a attrs) (*ensemble, error) {
	e := &ensemble{
		tree: a.ints("nodes_treeids"), node: a.ints("nodes_nodeids"), feature: a.ints("nodes_featureids"),
		yes: a.ints("nodes_truenodeids"), no: a.ints("nodes_falsenodeids"),
		missing: a.ints("nodes_missing_value_tracks_true"), classes: len(f.Classes),
	}
	if v, ok := a["nodes_modes"]; ok {
		e.modes = v.strings
	}
	e.threshold, f.Double = a.numbers("nodes_values")
	n := len(e.tree)
	if n == 0 || n > maxNodes {
		return nil, malformed("%d nodes, want 1 to %d", n, maxNodes)
	}
	for name, length := range map[string]int{
		"nodes_nodeids": len(e.node), "nodes_featureids": len(e.feature), "nodes_truenodeids": len(e.yes),
		"nodes_falsenodeids": len(e.no), "nodes_modes": len(e.modes), "nodes_values": len(e.threshold),
	} {
		if length != n {
			return nil, malformed("%s has %d entries for %d nodes", name, length, n)
		}
	}
	if len(e.missing) != 0 && len(e.missing) != n {
		return nil, malformed("nodes_missing_value_tracks_true has %d entries for %d nodes", len(e.missing), n)
	}
	for i, x := range e.feature {
		if x < 0 || x >= maxFeatures {
			return nil, malformed("node %d compares feature %d", i, x)
		}
		if e.modes[i] != branch && e.modes[i] != leafMode {
			return nil, &UnsupportedError{"a tree with nodes of mode " + short(e.modes[i]), "it is not a forest of scikit-learn; " + advise}
		}
	}
	if !slices.ContainsFunc(e.missing, func(v int64) bool { return v != 0 }) {
		e.missing = nil // skl2onnx writes zeros where nothing is routed
	}
	return e, nil
}

// leaves gathers the leaves' weights. Of two classes, a file may hold the
// second one's alone, under the first one's id (ONNX Runtime's binary case).
func (e *ensemble) leaves(a attrs) error {
	trees, nodes, ids := a.ints("class_treeids"), a.ints("class_nodeids"), a.ints("class_ids")
	weights, _ := a.numbers("class_weights")
	if n := len(trees); n == 0 || len(nodes) != n || len(ids) != n || len(weights) != n {
		return malformed("the lists of leaves differ in length")
	}
	one := e.classes == 2 && slices.Min(ids) == slices.Max(ids)
	e.weights = map[[2]int64][]float64{}
	total := 0
	for i, id := range ids {
		if id < 0 || id >= int64(e.classes) || !(weights[i] >= 0) || math.IsInf(weights[i], 0) {
			return malformed("leaf weight %d: class %d, weight %g", i, id, weights[i])
		}
		if one {
			id = 1
		}
		key := [2]int64{trees[i], nodes[i]}
		row := e.weights[key]
		if row == nil {
			if total += e.classes; total > maxElements {
				return malformed("more than %d weights of leaves", maxElements)
			}
			row = make([]float64, e.classes)
			e.weights[key] = row
		}
		row[id] += weights[i]
	}
	if one {
		e.complement()
	}
	return nil
}

// complement gives the first class what the second one's weight leaves of the
// tree's share.
func (e *ensemble) complement() {
	trees := map[int64]bool{}
	for _, t := range e.tree {
		trees[t] = true
	}
	share := float64(1 / float32(len(trees)))
	for _, row := range e.weights {
		row[0] = max(0, share-row[1])
	}
}

// split cuts the lists into trees, in the order of their first nodes.
func (f *Forest) split(e *ensemble) error {
	index := map[[2]int64]int{} // (tree, node id) -> place in the lists
	roots := []int{}
	for i, t := range e.tree {
		if i == 0 || t != e.tree[i-1] {
			roots = append(roots, i)
		}
		key := [2]int64{t, e.node[i]}
		if _, twice := index[key]; twice {
			return malformed("tree %d has two nodes %d", t, e.node[i])
		}
		index[key] = i
	}
	if len(roots) > maxTrees {
		return malformed("more than %d trees", maxTrees)
	}
	b := builder{e: e, index: index, features: f.NumFeatures, seen: make([]bool, len(e.tree))}
	for _, root := range roots {
		tree, err := b.build(root)
		if err != nil {
			return fmt.Errorf("tree %d: %w", e.tree[root], err)
		}
		f.Trees = append(f.Trees, *tree)
	}
	if i := slices.Index(b.seen, false); i >= 0 {
		return malformed("node %d of tree %d has no parent", e.node[i], e.tree[i])
	}
	return f.checkShares()
}

// checkShares refuses weights that are not averaged probabilities: each leaf
// of a forest adds up to one over the number of trees.
func (f *Forest) checkShares() error {
	want := 1 / float64(len(f.Trees))
	for i, t := range f.Trees {
		for n, row := range t.Value {
			sum := 0.0
			for _, v := range row {
				sum += v
			}
			if t.Left[n] < 0 && math.Abs(sum-want) > 1e-3*want {
				return &UnsupportedError{
					fmt.Sprintf("a TreeEnsembleClassifier whose leaves do not add up to 1/%d (tree %d: %g)", len(f.Trees), i, sum),
					"it is not a forest of scikit-learn; " + advise,
				}
			}
		}
	}
	return nil
}
