package sklearn

import (
	"fmt"
	"maps"
	"slices"

	"github.com/loanscorer/loanscorer/model/pickle"
)

// nodeFields are the fields of scikit-learn's node array (tree/_tree.pxd), the
// needed ones with their kind of number.
var nodeFields = []struct {
	name string
	kind byte // 'i', 'f', or 0 when the field is not needed
}{
	{"left_child", 'i'},
	{"right_child", 'i'},
	{"feature", 'i'},
	{"threshold", 'f'},
	{"weighted_n_node_samples", 'f'},
	{"impurity", 0},
	{"n_node_samples", 0},
	{"missing_go_to_left", 0},
}

// estimator converts one tree of a model of the given class; a
// DecisionTreeClassifier is its own tree.
func (c *converter) estimator(v any, class string) (*Tree, error) {
	o, ok := v.(*pickle.Object)
	if !ok {
		return nil, bad("estimators_", "holds a %s, want a tree", describe(v))
	}
	want := isDecisionTree
	if class == "ExtraTreesClassifier" {
		want = isExtraTree
	}
	if !want(o.Class) {
		return nil, &UnsupportedError{"a " + class + " of " + o.Class.String(), adviseForest}
	}
	state, ok := o.State.(*pickle.Dict)
	if !ok {
		return nil, bad(o.Class.Name, "has no state")
	}
	v, _ = state.Get("tree_")
	tree, ok := v.(*pickle.Object)
	if !ok || tree.Class != treeClass {
		return nil, bad("tree_", "is not a sklearn.tree._tree.Tree")
	}
	arrays, ok := tree.State.(*pickle.Dict)
	if !ok {
		return nil, bad("tree_", "has no state")
	}
	return c.tree(arrays)
}

func (c *converter) tree(state *pickle.Dict) (*Tree, error) {
	count, ok := intOf(state, "node_count")
	if !ok || count < 1 || count > int64(c.nodesLeft) {
		return nil, bad("node_count", "is missing or not within 1 to %d", c.nodesLeft)
	}
	n := int(count)
	c.nodesLeft -= n
	v, _ := state.Get("nodes")
	nodes, ok := readArray(v)
	if !ok || nodes.dtype.kind != 'V' || len(nodes.shape) != 1 || nodes.size != n {
		return nil, bad("nodes", "is not a structured array of %d nodes", n)
	}
	v, _ = state.Get("values")
	values, ok := readArray(v)
	if !ok || values.dtype.kind != 'f' || len(values.shape) != 3 ||
		values.shape[0] != n || values.shape[1] != 1 || values.shape[2] != c.classes {
		return nil, bad("values", "is not a float array of %d x 1 x %d", n, c.classes)
	}
	if c.bytesLeft -= len(nodes.data) + len(values.data); c.bytesLeft < 0 {
		return nil, bad("nodes", "one array is used by more than one tree")
	}
	t := &Tree{Value: c.rows(values, n)}
	return t, c.nodes(nodes, n, t)
}

// rows copies values out, one row a node.
func (c *converter) rows(a *array, n int) [][]float64 {
	flat := make([]float64, n*c.classes)
	rows := make([][]float64, n)
	for i := range rows {
		rows[i] = flat[i*c.classes : (i+1)*c.classes : (i+1)*c.classes]
		for k := range rows[i] {
			at := i*c.classes + k
			if a.fortran {
				at = k*n + i
			}
			rows[i][k] = a.float(at)
		}
	}
	return rows
}

func (c *converter) nodes(a *array, n int, t *Tree) error {
	if err := checkNodeFields(a.dtype.fields); err != nil {
		return err
	}
	t.Feature, t.Left, t.Right = make([]int32, n), make([]int32, n), make([]int32, n)
	t.Threshold, t.Samples = make([]float64, n), make([]float64, n)
	fields := a.dtype.fields
	left, right, feature := fields["left_child"], fields["right_child"], fields["feature"]
	threshold, samples := fields["threshold"], fields["weighted_n_node_samples"]
	missing, routes := fields["missing_go_to_left"]
	if routes && c.routes {
		t.MissingLeft = make([]bool, n)
	}
	for i := range n {
		row := a.data[i*a.dtype.size : (i+1)*a.dtype.size]
		l, r := left.index(row), right.index(row)
		t.Samples[i] = samples.float(row)
		if l == -1 && r == -1 {
			t.Left[i], t.Right[i], t.Feature[i] = -1, -1, -1
			continue
		}
		x := feature.index(row)
		if l < 0 || l >= int64(n) || r < 0 || r >= int64(n) || x < 0 || x >= int64(c.features) {
			return bad("nodes", "node %d has children %d and %d of %d and feature %d of %d", i, l, r, n, x, c.features)
		}
		t.Left[i], t.Right[i], t.Feature[i] = int32(l), int32(r), int32(x)
		t.Threshold[i] = threshold.float(row)
		if t.MissingLeft != nil {
			t.MissingLeft[i] = missing.float(row) != 0
		}
	}
	return nil
}

// checkNodeFields refuses a layout of nodes that this program does not know.
func checkNodeFields(fields map[string]field) error {
	known := 0
	for _, want := range nodeFields {
		f, ok := fields[want.name]
		if ok {
			known++
		}
		if want.kind != 0 && !ok {
			return bad("nodes", "has no field %s", want.name)
		}
		if want.kind != 0 && f.dtype.kind != want.kind {
			return bad("nodes", "field %s has an unexpected type", want.name)
		}
	}
	if known == len(fields) {
		return nil
	}
	names := slices.Sorted(maps.Keys(fields))
	return &UnsupportedError{
		fmt.Sprintf("a tree with an unknown node field among %.300q", names),
		"save the forest with a scikit-learn version up to 1.9",
	}
}

// index reads an integer field of a node.
func (f field) index(row []byte) int64 {
	v, _ := f.dtype.int(row[f.offset:])
	return v
}

func (f field) float(row []byte) float64 { return f.dtype.float(row[f.offset:]) }
