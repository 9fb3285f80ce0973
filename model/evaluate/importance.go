package evaluate

import (
	"slices"

	"github.com/loanscorer/loanscorer/model/train"
)

// Importance is how much worse predictions get when one feature's values are
// shuffled among the tested rows. Features that say the same share their
// importance.
type Importance struct {
	Feature  string   `json:"feature"`
	AUC      Interval `json:"auc"`
	Accuracy Interval `json:"accuracy"`
}

// Interval is the mean of many drops and the range of the middle 95 % of them.
type Interval struct {
	Mean float64 `json:"mean"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Drop is what one permutation of one feature cost.
type Drop struct {
	Feature       int // index of the column
	AUC, Accuracy float64
}

// permutation says how often columns are shuffled, and by what seed.
type permutation struct {
	times int
	seed  uint32
}

// Permute measures the importances of every column for all rows of d, each
// shuffled the given number of times.
func Permute(p Predictor, d *train.Data, times int, seed uint32) ([]Importance, error) {
	drops, err := permute(p, d, nil, permutation{times: times, seed: seed})
	if err != nil {
		return nil, err
	}
	single := make([][]Drop, 0, len(drops))
	for _, drop := range drops {
		single = append(single, []Drop{drop})
	}
	return importances(d, single), nil
}

func permute(p Predictor, d *train.Data, rows []int, how permutation) ([]Drop, error) {
	if how.times < 1 {
		return nil, nil
	}
	if rows == nil {
		rows = allRows(d.Rows())
	}
	whole, err := Score(p, d, rows)
	if err != nil {
		return nil, err
	}
	before, r := whole.Metrics(), train.NewRandomState(how.seed)
	var drops []Drop
	for column := range d.Columns {
		for range how.times {
			from := slices.Clone(rows)
			r.Shuffle(len(from), func(i, j int) { from[i], from[j] = from[j], from[i] })
			s, err := scoreWith(p, d, rows, column, from)
			if err != nil {
				return nil, err
			}
			after := s.Metrics()
			drops = append(drops, Drop{Feature: column, AUC: before.AUC - after.AUC, Accuracy: before.Accuracy - after.Accuracy})
		}
	}
	return drops, nil
}

// importances takes drops in groups, one a fold; a group counts once.
func importances(d *train.Data, groups [][]Drop) []Importance {
	var out []Importance
	for column := range d.Columns {
		var auc, accuracy []float64
		for _, group := range groups {
			var a, b []float64
			for _, drop := range group {
				if drop.Feature == column {
					a, b = append(a, drop.AUC), append(b, drop.Accuracy)
				}
			}
			if len(a) > 0 {
				meanA, _ := meanSD(a)
				meanB, _ := meanSD(b)
				auc, accuracy = append(auc, meanA), append(accuracy, meanB)
			}
		}
		if len(auc) > 0 {
			out = append(out, Importance{Feature: d.Columns[column].Name, AUC: middle(auc), Accuracy: middle(accuracy)})
		}
	}
	slices.SortStableFunc(out, func(a, b Importance) int {
		switch {
		case a.AUC.Mean > b.AUC.Mean:
			return -1
		case a.AUC.Mean < b.AUC.Mean:
			return 1
		}
		return 0
	})
	return out
}

func middle(values []float64) Interval {
	mean, _ := meanSD(values)
	slices.Sort(values)
	last := float64(len(values) - 1)
	return Interval{Mean: mean, Low: values[int(0.025*last)], High: values[int(0.975*last+0.5)]}
}
