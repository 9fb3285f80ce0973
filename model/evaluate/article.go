package evaluate

import (
	"context"
	"errors"
	"slices"

	"github.com/loanscorer/loanscorer/model/train"
)

// articleFolds is how many folds the article's code made; it printed the
// first.
const articleFolds = 5

// Protocol is one preparation of the rows measured as the article's code did,
// each figure over many seeds.
type Protocol struct {
	Seeds         int    `json:"seeds"`
	TrainAccuracy Seeded `json:"train_accuracy"` // on the rows that the forest was fitted on
	FirstFold     Seeded `json:"first_fold"`     // accuracy on the first of five folds of neighbours
	AllFolds      Seeded `json:"all_folds"`      // mean accuracy of the five
	AUC           Seeded `json:"auc"`            // mean of the five
	Runs          []Run  `json:"-"`              // one a seed
}

// Run is what one seed gave.
type Run struct {
	Seed                                    uint32
	TrainAccuracy, FirstFold, AllFolds, AUC float64
}

// Seeded is a figure over many seeds, everything else being equal.
type Seeded struct {
	Mean float64 `json:"mean"`
	SD   float64 `json:"sd"`
	Min  float64 `json:"min"`
	Max  float64 `json:"max"`
}

// RunProtocol fits with the seeds p.Seed, p.Seed+1, ...
func RunProtocol(ctx context.Context, d *train.Data, p train.Params, seeds int, o Options) (*Protocol, error) {
	if seeds < 1 {
		return nil, errors.New("0 seeds: want 1 or more")
	}
	folds, err := KFold(d.Rows(), articleFolds)
	if err != nil {
		return nil, err
	}
	runs := make([]Run, seeds)
	err = each(ctx, seeds, o, func(i int) error {
		recipe := p
		recipe.Seed += uint32(i)
		whole, err := train.Fit(ctx, d, nil, recipe, train.Options{Workers: 1})
		if err != nil {
			return err
		}
		s, err := Score(whole, d, nil)
		if err != nil {
			return err
		}
		cv, err := CrossValidate(ctx, d, folds, recipe, Options{Workers: 1})
		if err != nil {
			return err
		}
		runs[i] = Run{
			Seed: recipe.Seed, TrainAccuracy: s.Metrics().Accuracy,
			FirstFold: cv.EachFold[0].Accuracy, AllFolds: cv.Accuracy.Mean, AUC: cv.AUC.Mean,
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	seeded := func(figure func(r Run) float64) Seeded {
		values := make([]float64, seeds)
		for i, r := range runs {
			values[i] = figure(r)
		}
		s := Seeded{Min: slices.Min(values), Max: slices.Max(values)}
		s.Mean, s.SD = meanSD(values)
		return s
	}
	return &Protocol{
		Seeds: seeds, Runs: runs,
		TrainAccuracy: seeded(func(r Run) float64 { return r.TrainAccuracy }),
		FirstFold:     seeded(func(r Run) float64 { return r.FirstFold }),
		AllFolds:      seeded(func(r Run) float64 { return r.AllFolds }),
		AUC:           seeded(func(r Run) float64 { return r.AUC }),
	}, nil
}
