package evaluate

import (
	"context"
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/loanscorer/loanscorer/model/train"
)

// Options say how a cross-validation runs. The zero value uses every core,
// computes no importances and reports nothing.
type Options struct {
	Workers      int            // folds at the same time; 0 means one a core
	Permutations int            // of each feature in each fold, for importances
	Progress     func(done int) // folds, called by several goroutines
}

// Spread is a measure over many folds.
type Spread struct {
	Mean    float64 `json:"mean"`
	SDFolds float64 `json:"sd_folds"` // standard deviation of the folds
	// SDRepeats is the standard deviation of the repeats' means, 0 for one.
	SDRepeats float64 `json:"sd_repeats"`
	// Low and High are a 95 % interval for the mean, widened because folds
	// share rows (Nadeau and Bengio, Inference for the Generalization Error,
	// Machine Learning 52, 2003).
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// CrossValidation is what models fitted on a part of the rows said about the
// rest.
type CrossValidation struct {
	Folds       int          `json:"folds"`
	Repeats     int          `json:"repeats"`
	Accuracy    Spread       `json:"accuracy"`
	AUC         Spread       `json:"auc"`
	LogLoss     Spread       `json:"log_loss"`
	Brier       Spread       `json:"brier"`
	Recall      []Spread     `json:"recall"` // of each class
	Pooled      Metrics      `json:"pooled"` // over all tested rows of all repeats
	Curves      Curves       `json:"curves"` // over the same
	Importances []Importance `json:"importances,omitempty"`
	EachFold    []Metrics    `json:"each_fold"`
}

// CrossValidate fits and tests every fold. Repeat r is fitted with the seed
// p.Seed + r. The result does not depend on the number of workers.
func CrossValidate(ctx context.Context, d *train.Data, folds []Fold, p train.Params, o Options) (*CrossValidation, error) {
	scored, drops := make([]*Scored, len(folds)), make([][]Drop, len(folds))
	err := each(ctx, len(folds), o, func(i int) error {
		fold, recipe := folds[i], p
		recipe.Seed += uint32(fold.Repeat)
		forest, err := train.Fit(ctx, d, fold.Train, recipe, train.Options{Workers: 1})
		if err != nil {
			return err
		}
		if scored[i], err = Score(forest, d, fold.Test); err != nil {
			return err
		}
		drops[i], err = permute(forest, d, fold.Test, permutation{times: o.Permutations, seed: uint32(i)})
		return err
	})
	if err != nil {
		return nil, err
	}
	return summarize(d, folds, scored, drops), nil
}

// each does n things by several workers, until one fails.
func each(ctx context.Context, n int, o Options, do func(i int) error) error {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var next, done atomic.Int64
	var workers sync.WaitGroup
	for range min(o.Workers, n) {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(n) && ctx.Err() == nil; i = next.Add(1) - 1 {
				if err := do(int(i)); err != nil {
					stop(err)
					return
				}
				if k := done.Add(1); o.Progress != nil {
					o.Progress(int(k))
				}
			}
		})
	}
	workers.Wait()
	return context.Cause(ctx)
}

func summarize(d *train.Data, folds []Fold, scored []*Scored, drops [][]Drop) *CrossValidation {
	r := &CrossValidation{Repeats: folds[len(folds)-1].Repeat + 1, Recall: make([]Spread, len(d.Classes))}
	r.Folds = len(folds) / r.Repeats
	pooled := &Scored{Repeats: r.Repeats}
	for _, s := range scored {
		pooled.add(s)
		r.EachFold = append(r.EachFold, s.Metrics())
	}
	spread := func(of func(m *Metrics) float64) Spread {
		values := make([]float64, len(folds))
		for i := range folds {
			values[i] = of(&r.EachFold[i])
		}
		return spreadOf(values, folds)
	}
	r.Accuracy = spread(func(m *Metrics) float64 { return m.Accuracy })
	r.AUC = spread(func(m *Metrics) float64 { return m.AUC })
	r.LogLoss = spread(func(m *Metrics) float64 { return m.LogLoss })
	r.Brier = spread(func(m *Metrics) float64 { return m.Brier })
	for c := range r.Recall {
		r.Recall[c] = spread(func(m *Metrics) float64 { return m.Recall[c] })
	}
	r.Pooled, r.Curves = pooled.Metrics(), pooled.Curves()
	r.Importances = importances(d, drops)
	return r
}

func spreadOf(values []float64, folds []Fold) Spread {
	repeats := make([][]float64, folds[len(folds)-1].Repeat+1)
	for i, v := range values {
		repeats[folds[i].Repeat] = append(repeats[folds[i].Repeat], v)
	}
	means := make([]float64, len(repeats))
	for i := range repeats {
		means[i], _ = meanSD(repeats[i])
	}
	var s Spread
	s.Mean, s.SDFolds = meanSD(values)
	_, s.SDRepeats = meanSD(means)
	n := float64(len(values))
	share := float64(len(folds[0].Test)) / float64(len(folds[0].Train))
	half := student975(n-1) * s.SDFolds * math.Sqrt(1/n+share)
	s.Low, s.High = s.Mean-half, s.Mean+half
	return s
}

// meanSD returns the mean and the standard deviation of a sample, 0 for one
// value.
func meanSD(values []float64) (mean, sd float64) {
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		sd += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(sd / math.Max(float64(len(values)-1), 1))
}

// student975 is the 97.5 % quantile of Student's t, to 2 % from 4 degrees of
// freedom on (Abramowitz and Stegun, 26.7.5).
func student975(df float64) float64 {
	const z = 1.959963984540054
	df = math.Max(df, 1)
	return z + (z*z*z+z)/(4*df) + (5*z*z*z*z*z+16*z*z*z+3*z)/(96*df*df)
}
