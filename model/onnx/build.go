package onnx

// builder lays one tree's nodes out in depth-first order.
type builder struct {
	e        *ensemble
	index    map[[2]int64]int
	features int
	seen     []bool // places of the lists that are in a tree
}

// build follows the tree's children from its root.
func (b *builder) build(root int) (*Tree, error) {
	t := &Tree{}
	if b.e.missing != nil {
		t.MissingLeft = []bool{}
	}
	type step struct {
		at     int // place in the lists
		parent int // in t; -1 for the root
		right  bool
	}
	stack := []step{{at: root, parent: -1}}
	for len(stack) > 0 {
		s := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		n := len(t.Left)
		if b.seen[s.at] {
			return nil, malformed("node %d has more than one parent", b.e.node[s.at])
		}
		b.seen[s.at] = true
		if s.parent >= 0 {
			side := t.Left
			if s.right {
				side = t.Right
			}
			side[s.parent] = int32(n)
		}
		if err := b.add(t, s.at); err != nil {
			return nil, err
		}
		if t.Feature[n] < 0 {
			continue
		}
		tree := b.e.tree[s.at]
		yes, ok := b.index[[2]int64{tree, b.e.yes[s.at]}]
		no, ok2 := b.index[[2]int64{tree, b.e.no[s.at]}]
		if !ok || !ok2 {
			return nil, malformed("node %d has children %d and %d, which are not there", b.e.node[s.at], b.e.yes[s.at], b.e.no[s.at])
		}
		stack = append(stack, step{at: no, parent: n, right: true}, step{at: yes, parent: n})
	}
	t.sum()
	return t, nil
}

// add appends the node at a place of the lists.
func (b *builder) add(t *Tree, at int) error {
	e := b.e
	t.Left, t.Right = append(t.Left, -1), append(t.Right, -1)
	t.Samples = append(t.Samples, 1)
	inner := e.modes[at] == branch
	if t.MissingLeft != nil {
		t.MissingLeft = append(t.MissingLeft, inner && e.missing[at] != 0)
	}
	if inner {
		if e.feature[at] >= int64(b.features) {
			return malformed("node %d compares feature %d of %d", e.node[at], e.feature[at], b.features)
		}
		t.Feature = append(t.Feature, int32(e.feature[at]))
		t.Threshold = append(t.Threshold, e.threshold[at])
		t.Value = append(t.Value, nil)
		return nil
	}
	row := e.weights[[2]int64{e.tree[at], e.node[at]}]
	if row == nil {
		return malformed("leaf %d has no weight", e.node[at])
	}
	t.Feature, t.Threshold = append(t.Feature, -1), append(t.Threshold, 0)
	t.Value = append(t.Value, row)
	return nil
}

// sum fills the inner nodes from their children, which come later.
func (t *Tree) sum() {
	for n := len(t.Left) - 1; n >= 0; n-- {
		l, r := t.Left[n], t.Right[n]
		if l < 0 {
			continue
		}
		t.Samples[n] = t.Samples[l] + t.Samples[r]
		row := make([]float64, len(t.Value[l]))
		for k := range row {
			row[k] = (t.Value[l][k]*t.Samples[l] + t.Value[r][k]*t.Samples[r]) / t.Samples[n]
		}
		t.Value[n] = row
	}
}
