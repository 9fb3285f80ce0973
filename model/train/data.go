package train

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/loanscorer/loanscorer/model"
)

// Data is a table of rows with known outcomes. Fit does not change it.
type Data struct {
	Columns  []Column      // the features, in the order of x
	Classes  []model.Class // in ascending order
	Positive int           // index of the class that means approval
	Labels   []int         // of each row: an index into Classes
}

// Column is one feature of every row.
type Column struct {
	Name       string
	Categories []string  // names by code for a category, nil for a number
	Fill       Fill      // how the constant for missing values is fitted
	Values     []float64 // one a row; NaN is missing; a category is its code
}

// Fill says how the constant for a column's missing values is found.
type Fill string

// The ways to fill.
const (
	Refuse Fill = "refuse" // a missing value is an error
	Mean   Fill = "mean"   // of the training rows that have a value
	Median Fill = "median"
	Mode   Fill = "mode" // the most frequent value; of several the smallest
)

// Rows returns how many rows there are.
func (d *Data) Rows() int { return len(d.Labels) }

// Row fills x, one value a column, with a row's values; NaN is missing.
func (d *Data) Row(i int, x []float64) {
	for j := range d.Columns {
		x[j] = d.Columns[j].Values[i]
	}
}

// check tells a caller's mistakes.
func (d *Data) check() error {
	if len(d.Columns) == 0 || len(d.Columns) > model.MaxFeatures {
		return fmt.Errorf("%d features: want 1 to %d", len(d.Columns), model.MaxFeatures)
	}
	if len(d.Classes) < 2 || len(d.Classes) > model.MaxClasses {
		return fmt.Errorf("%d classes: want 2 to %d", len(d.Classes), model.MaxClasses)
	}
	if d.Positive < 0 || d.Positive >= len(d.Classes) {
		return fmt.Errorf("positive class %d of %d", d.Positive, len(d.Classes))
	}
	for i := range d.Columns {
		if c := &d.Columns[i]; len(c.Values) != len(d.Labels) {
			return fmt.Errorf("column %s has %d values for %d rows", c.Name, len(c.Values), len(d.Labels))
		}
	}
	for i, label := range d.Labels {
		if label < 0 || label >= len(d.Classes) {
			return fmt.Errorf("row %d: label %d of %d classes", i, label, len(d.Classes))
		}
	}
	return nil
}

// feature fits the column's constant on the rows and returns the feature.
func (c *Column) feature(rows []int) (model.Feature, error) {
	f := model.Feature{Name: c.Name, Kind: model.Number, Categories: c.Categories}
	if c.Categories != nil {
		f.Kind = model.Category
	}
	if c.Fill == Refuse || c.Fill == "" {
		return f, nil
	}
	present := make([]float64, 0, len(rows))
	for _, row := range rows {
		if v := c.Values[row]; !math.IsNaN(v) {
			present = append(present, v)
		}
	}
	if len(present) == 0 {
		return f, fmt.Errorf("column %s has no value in the training rows", c.Name)
	}
	value, err := c.Fill.of(present)
	if err != nil {
		return f, fmt.Errorf("column %s: %w", c.Name, err)
	}
	f.Missing = &model.Missing{Rule: model.Constant, Value: value, Fitted: string(c.Fill)}
	return f, nil
}

// of returns the constant for values, of which there is at least one.
func (f Fill) of(values []float64) (float64, error) {
	switch f {
	case Mean:
		sum := 0.0
		for _, v := range values {
			sum += v
		}
		return sum / float64(len(values)), nil
	case Median:
		sorted := slices.Sorted(slices.Values(values))
		return quantile(sorted, 0.5), nil
	case Mode:
		counts := countValues(values)
		best := slices.MaxFunc(counts, func(a, b model.ValueCount) int { return a.Count - b.Count })
		return best.Value, nil
	}
	return 0, fmt.Errorf("fill %q: want mean, median, mode or refuse", f)
}

// countValues counts each value, in ascending order.
func countValues(values []float64) []model.ValueCount {
	n := map[float64]int{}
	for _, v := range values {
		n[v]++
	}
	counts := make([]model.ValueCount, 0, len(n))
	for _, v := range slices.Sorted(maps.Keys(n)) {
		counts = append(counts, model.ValueCount{Value: v, Count: n[v]})
	}
	return counts
}

// quantile interpolates as numpy.quantile does by default; sorted is not empty.
func quantile(sorted []float64, q float64) float64 {
	at := float64(q * float64(len(sorted)-1))
	low := int(at)
	if low >= len(sorted)-1 {
		return sorted[len(sorted)-1]
	}
	a, b, t := sorted[low], sorted[low+1], at-float64(low)
	if t >= 0.5 { // numpy's _lerp is exact at both ends
		return b - float64((b-a)*(1-t))
	}
	return a + float64((b-a)*t)
}

// fewValues is how many distinct values a distribution lists one by one.
const fewValues = 10

// Reference describes every column as it is in the data, gaps not filled, in
// aggregates: the nine inner deciles, or counts where there are at most ten
// distinct values.
func Reference(d *Data) []model.Distribution {
	out := make([]model.Distribution, 0, len(d.Columns))
	for i := range d.Columns {
		c := &d.Columns[i]
		present := slices.DeleteFunc(slices.Clone(c.Values), math.IsNaN)
		r := model.Distribution{Feature: c.Name, Rows: len(c.Values), Missing: len(c.Values) - len(present)}
		slices.Sort(present)
		distinct := slices.Compact(slices.Clone(present))
		switch {
		case len(present) == 0:
		case len(distinct) <= fewValues:
			r.Counts = countValues(present)
		default:
			for decile := 1; decile <= 9; decile++ {
				r.Deciles = append(r.Deciles, quantile(present, float64(decile)/10))
			}
		}
		out = append(out, r)
	}
	return out
}
