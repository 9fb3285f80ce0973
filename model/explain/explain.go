package explain

import (
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/loanscorer/loanscorer/model"
)

// ErrSamples is wrapped by New for a model whose trees do not say how many
// training rows reached each node, as models from other formats may not.
var ErrSamples = errors.New("model cannot be explained: samples of its nodes do not add up")

// Explainer explains one model. Make one with [New].
type Explainer struct {
	model    *model.Model
	features []model.Feature
	trees    []tree
	base     float64
	rule     quadrature
	depth    int // of the deepest tree
	tables   func() *tables
	scratch  sync.Pool
	reasons  []codes
}

// Options change what an Explainer says. The zero value is the default.
type Options struct {
	Table Table // reason codes; default: [DefaultTable]
}

// New makes an explainer with the default reason codes.
func New(m *model.Model) (*Explainer, error) { return NewWith(m, Options{}) }

// NewWith makes an explainer. The error wraps [ErrSamples], or [ErrTable] when
// the table names a feature that the model does not have.
func NewWith(m *model.Model, o Options) (*Explainer, error) {
	e := &Explainer{model: m, features: m.Features(), depth: m.Stats().MaxDepth}
	spec := m.Spec()
	most := 0
	for i := range spec.Trees {
		t, err := newTree(spec, i)
		if err != nil {
			return nil, err
		}
		e.trees = append(e.trees, t)
		e.base += t.mean(0)
		most = max(most, t.mostFeatures(len(e.features)))
	}
	e.base /= float64(len(e.trees))
	e.rule = gaussLegendre((most + 1) / 2)
	e.tables = sync.OnceValue(func() *tables { return newTables(e) })
	e.scratch.New = func() any { return newScratch(e) }
	var err error
	e.reasons, err = o.Table.bind(e.features)
	return e, err
}

// Model returns the model that is explained.
func (e *Explainer) Model() *model.Model { return e.model }

// Table returns the reasons in force: an entry for every feature of the model,
// in their order, and one for its missing value where that has its own.
// NewWith with this table says the same reasons, whatever the built-in texts.
func (e *Explainer) Table() Table {
	var t Table
	for _, c := range e.reasons {
		t = append(t, *c.given)
		if c.missing != c.given {
			t = append(t, *c.missing)
		}
	}
	return t
}

// Base returns the mean probability of the training rows, which is where the
// contributions start from.
func (e *Explainer) Base() float64 { return e.base }

// Explain fills contributions, one a feature in the order of x, and returns
// the base value: base + their sum is the probability of x. x and the errors
// are those of [model.Model.Probability].
//
// Small forests are looked up in tables that the first call makes; it takes
// milliseconds. Others take time in proportion to nodes times half the
// features of a path. Explain allocates nothing once it is warm.
func (e *Explainer) Explain(x, contributions []float64) (base float64, err error) {
	if len(contributions) != len(e.features) {
		return 0, fmt.Errorf("contributions has %d places for %d features", len(contributions), len(e.features))
	}
	if t := e.tables(); t != nil && len(x) == len(e.features) {
		var cell cells
		if t.find(x, &cell) {
			t.explain(&cell, contributions)
			return e.base, nil
		}
	}
	s := e.scratch.Get().(*scratch)
	defer e.scratch.Put(s)
	if s.x, err = e.model.Rounded(s.x[:0], x); err != nil {
		return 0, err
	}
	s.explain(contributions)
	return e.base, nil
}

// tree is one tree with what Shapley values need. Node 0 is the root.
type tree struct {
	*model.Tree
	value []float64 // positive class's probability at leaves
	share []float64 // rows of a node over its parent's
}

// leaf is the child index of a node without children.
const leaf = -1

// tolerance is how far the samples of two children may be from their
// parent's, as a share: weights are added in different orders.
const tolerance = 1e-6

// minShare is the smallest share of the rows that a leaf may stand for. Beyond
// it products of shares would leave the range of float64.
const minShare = 1e-100

func newTree(spec *model.Spec, i int) (tree, error) {
	t := tree{Tree: &spec.Trees[i]}
	n := len(t.Left)
	t.value, t.share = make([]float64, n), make([]float64, n)
	t.share[0] = 1
	whole := make([]float64, n)
	whole[0] = 1
	for at, left := range t.Left {
		if whole[at] < minShare {
			return t, fmt.Errorf("%w: tree %d, node %d stands for a share of %g", ErrSamples, i, at, whole[at])
		}
		if left == leaf {
			t.value[at] = probability(t.Value[at], spec)
			continue
		}
		right := t.Right[at]
		l, r := t.Samples[left], t.Samples[right]
		if math.Abs(l+r-t.Samples[at]) > tolerance*t.Samples[at] {
			return t, fmt.Errorf("%w: tree %d, node %d has %g, its children %g and %g", ErrSamples, i, at, t.Samples[at], l, r)
		}
		t.share[left], t.share[right] = l/t.Samples[at], r/t.Samples[at]
		whole[left], whole[right] = whole[at]*t.share[left], whole[at]*t.share[right]
	}
	return t, nil
}

func probability(row []float64, spec *model.Spec) float64 {
	if spec.ValueUnit == model.Fraction {
		return row[spec.Positive]
	}
	sum := 0.0
	for _, v := range row {
		sum += v
	}
	return row[spec.Positive] / sum
}

// mean is the expected value under a node.
func (t *tree) mean(at int32) float64 {
	if t.Left[at] == leaf {
		return t.value[at]
	}
	l, r := t.Left[at], t.Right[at]
	return float64(t.share[l]*t.mean(l)) + float64(t.share[r]*t.mean(r))
}

// goesLeft tells which way a rounded x takes at an inner node.
func (t *tree) goesLeft(at int32, x []float64) bool {
	v := x[t.Feature[at]]
	return v <= t.Threshold[at] || t.MissingLeft != nil && t.MissingLeft[at] && math.IsNaN(v)
}

// mostFeatures is the largest number of different features on a path.
func (t *tree) mostFeatures(features int) int {
	seen := make([]int, features)
	most, now := 0, 0
	var visit func(at int32)
	visit = func(at int32) {
		most = max(most, now)
		if t.Left[at] == leaf {
			return
		}
		f := t.Feature[at]
		if seen[f]++; seen[f] == 1 {
			now++
		}
		visit(t.Left[at])
		visit(t.Right[at])
		if seen[f]--; seen[f] == 0 {
			now--
		}
	}
	visit(0)
	return most
}
