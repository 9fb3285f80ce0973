package train

import (
	"math"
	"slices"

	"github.com/loanscorer/loanscorer/model"
)

// matrix is the filled, rounded training rows, each feature as ranks: the
// order of values is all that a split looks at, and equal values are one rank.
type matrix struct {
	ranks  [][]uint32  // of each feature: one a row
	values [][]float32 // of each feature: by rank, ascending
	labels []uint32
	// classes is how many labels there are.
	classes int
}

// newMatrix fills the gaps of the rows and ranks their values. The error is a
// [*model.ValueError].
func newMatrix(d *Data, rows []int, features []model.Feature) (*matrix, error) {
	m := &matrix{classes: len(d.Classes), labels: make([]uint32, len(rows))}
	for i, row := range rows {
		m.labels[i] = uint32(d.Labels[row])
	}
	for j, f := range features {
		column := make([]float32, len(rows))
		for i, row := range rows {
			v, err := rounded(&f, d.Columns[j].Values[row])
			if err != nil {
				return nil, err
			}
			column[i] = v
		}
		ranks, values := rank(column)
		m.ranks = append(m.ranks, ranks)
		m.values = append(m.values, values)
	}
	return m, nil
}

// rounded fills a missing value and rounds to float32, as scoring does.
func rounded(f *model.Feature, v float64) (float32, error) {
	if math.IsNaN(v) {
		if f.Missing == nil {
			return 0, &model.ValueError{Feature: f.Name, Code: model.MissingValue, Value: v}
		}
		v = f.Missing.Value
	}
	r := float32(v)
	if math.IsInf(float64(r), 0) {
		return 0, &model.ValueError{Feature: f.Name, Code: model.Overflow, Value: v}
	}
	return r, nil
}

// rank returns each value's place among the distinct values, and those.
func rank(column []float32) ([]uint32, []float32) {
	values := slices.Clone(column)
	slices.Sort(values)
	values = slices.Clone(slices.Compact(values))
	ranks := make([]uint32, len(column))
	for i, v := range column {
		at, _ := slices.BinarySearch(values, v)
		ranks[i] = uint32(at)
	}
	return ranks, values
}
