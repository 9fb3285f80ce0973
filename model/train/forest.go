package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/loanscorer/loanscorer/model"
)

// maxRows is the largest number of rows that a forest is fitted on.
const maxRows = math.MaxInt32

// ErrTooLarge says that a forest grew more nodes than a model file can hold.
var ErrTooLarge = fmt.Errorf("the forest has more than %d nodes; "+
	"fit fewer trees, limit their depth, or ask for more rows in a leaf", model.MaxNodes)

// Options say how a fit runs, never what comes out. The zero value uses every
// core and reports nothing.
type Options struct {
	Workers  int            // trees grown at the same time; 0 means one a core
	Progress func(done int) // called with the number of grown trees, by several goroutines

	maxNodes int64 // of a forest, so that a test need not grow millions
}

// Forest is a fitted forest. It does not change and is safe for concurrent
// use.
type Forest struct {
	features []model.Feature
	trees    []model.Tree
	classes  int
}

// Fit fits a forest on the given rows of d, nil for all: first the constants
// for missing values, then the trees. The error is a [*model.ValueError] for a
// value that cannot be used, [ErrTooLarge], ctx's error, or names what is wrong
// with d or p. Memory beside d is about 4*(features+2)*(workers+1) bytes a row.
func Fit(ctx context.Context, d *Data, rows []int, p Params, o Options) (*Forest, error) {
	if err := errors.Join(d.check(), p.Validate()); err != nil {
		return nil, err
	}
	p = p.WithDefaults()
	if rows == nil {
		rows = make([]int, d.Rows())
		for i := range rows {
			rows[i] = i
		}
	}
	if len(rows) == 0 || len(rows) > maxRows {
		return nil, fmt.Errorf("%d rows: want 1 to %d", len(rows), maxRows)
	}
	f := &Forest{classes: len(d.Classes)}
	for i := range d.Columns {
		feature, err := d.Columns[i].feature(rows)
		if err != nil {
			return nil, err
		}
		f.features = append(f.features, feature)
	}
	m, err := newMatrix(d, rows, f.features)
	if err != nil {
		return nil, err
	}
	f.trees, err = growAll(ctx, m, p, o)
	return f, err
}

// growAll grows every tree from its own random state.
func growAll(ctx context.Context, m *matrix, p Params, o Options) ([]model.Tree, error) {
	seeds, r := make([]uint32, p.Trees), NewRandomState(p.Seed)
	for i := range seeds {
		seeds[i] = r.Below(math.MaxInt32)
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if o.maxNodes == 0 {
		o.maxNodes = model.MaxNodes
	}
	trees, weights := make([]model.Tree, p.Trees), classWeights(m, p.ClassWeight)
	var next, done, nodes atomic.Int64
	var workers sync.WaitGroup
	for range min(o.Workers, p.Trees) {
		workers.Go(func() {
			g := newGrower(m, p, weights)
			for i := next.Add(1) - 1; i < int64(len(trees)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				trees[i] = g.grow(seeds[i])
				if nodes.Add(int64(len(trees[i].Left))) > o.maxNodes {
					stop(ErrTooLarge)
				}
				if n := done.Add(1); o.Progress != nil {
					o.Progress(int(n))
				}
			}
		})
	}
	workers.Wait()
	return trees, context.Cause(ctx)
}

// classWeights returns the weight of a row of each class, as
// compute_class_weight does; a class without rows has weight 0.
func classWeights(m *matrix, w ClassWeight) []float64 {
	weights, counts, present := make([]float64, m.classes), make([]int, m.classes), 0
	for _, label := range m.labels {
		if counts[label]++; counts[label] == 1 {
			present++
		}
	}
	for c, n := range counts {
		switch {
		case w == Equal:
			weights[c] = 1
		case n > 0:
			weights[c] = float64(len(m.labels)) / float64(present*n)
		}
	}
	return weights
}

// PredictProba fills out, one number a class, with the mean of the trees'
// probabilities for x, one value a feature; NaN is missing. It computes what
// [model.Model.PredictProba] does for the forest's model file.
func (f *Forest) PredictProba(x, out []float64) error {
	if len(x) != len(f.features) || len(out) != f.classes {
		return fmt.Errorf("x has %d values for %d features, out %d for %d classes", len(x), len(f.features), len(out), f.classes)
	}
	var buf [64]float32
	v := buf[:0]
	for i := range f.features {
		r, err := rounded(&f.features[i], x[i])
		if err != nil {
			return err
		}
		v = append(v, r)
	}
	clear(out)
	for i := range f.trees {
		t := &f.trees[i]
		at := int32(0)
		for t.Left[at] >= 0 {
			if float64(v[t.Feature[at]]) <= t.Threshold[at] {
				at = t.Left[at]
			} else {
				at = t.Right[at]
			}
		}
		sum := 0.0
		for _, n := range t.Value[at] {
			sum += n
		}
		for c, n := range t.Value[at] {
			out[c] += n / sum
		}
	}
	for c := range out {
		out[c] /= float64(len(f.trees))
	}
	return nil
}

// Spec returns the forest as the data of a model file. Name, Version, Policy
// and Training are the caller's to set; the policy is 0.5 for both cut-offs,
// which equals scikit-learn's predict for two classes.
func (f *Forest) Spec(d *Data) *model.Spec {
	return &model.Spec{
		Name: "loan-approval-forest", Version: "1", Features: f.features, Classes: d.Classes, Positive: d.Positive,
		Policy: model.Policy{ApproveAbove: 0.5, DeclineAt: 0.5}, ValueUnit: model.Count,
		Reference: Reference(d), Trees: f.trees,
	}
}
