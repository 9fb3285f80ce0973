package model

import (
	"fmt"
	"math"
)

// stackFeatures is how many features are rounded without allocating.
const stackFeatures = 64

// Probability returns the positive class's probability, 0 to 1. x holds one
// value a feature, in the order of Features; NaN means missing. The error is a
// [*ValueError], or says that len(x) is wrong. The first call makes the
// model's compiled form, which takes milliseconds; after that it does not
// allocate (but for missing values that trees route, beyond 64 features).
func (m *Model) Probability(x []float64) (float64, error) {
	if fast := m.fast(); fast != nil && len(x) == len(m.spec.Features) {
		if p, ok := fast.one(x); ok {
			return p, nil
		}
	}
	return m.walk(x)
}

// Probabilities fills out with the positive class's probability of each row.
// x holds len(out) rows one after another, each as in [Model.Probability]; the
// error says that its length is wrong. A row that cannot be scored gets NaN,
// and Probability of that row says why. It allocates as Probability does, and
// is faster for forests that are too large for a table.
func (m *Model) Probabilities(x, out []float64) error {
	width := len(m.spec.Features)
	if len(x) != len(out)*width {
		return fmt.Errorf("x has %d values for %d rows of %d features", len(x), len(out), width)
	}
	fast := m.fast()
	if fast != nil {
		fast.many(x, out)
	}
	for i, p := range out {
		if fast != nil && (!math.IsNaN(p) || !m.forest.routes) {
			continue
		}
		out[i] = math.NaN()
		if p, err := m.walk(x[i*width : (i+1)*width]); err == nil {
			out[i] = p
		}
	}
	return nil
}

// walk is Probability without the compiled form.
func (m *Model) walk(x []float64) (float64, error) {
	var buf [stackFeatures]float64
	rounded, err := m.round(x, buf[:0])
	if err != nil {
		return 0, err
	}
	return m.forest.probability(rounded, m.spec.Positive), nil
}

// PredictProba fills out, one number a class in the order of Classes, with
// what scikit-learn's predict_proba returns. x and the errors are as in
// [Model.Probability]; out must have len(Classes()).
func (m *Model) PredictProba(x, out []float64) error {
	if len(out) != m.forest.classes {
		return fmt.Errorf("out has %d places for %d classes", len(out), m.forest.classes)
	}
	var buf [stackFeatures]float64
	rounded, err := m.round(x, buf[:0])
	if err != nil {
		return err
	}
	m.forest.proba(rounded, out)
	return nil
}

// Predict returns the index of the class with the highest probability; the
// first of equals wins. proba must not be empty.
func (m *Model) Predict(proba []float64) int {
	best := 0
	for i, p := range proba {
		if p > proba[best] {
			best = i
		}
	}
	return best
}

// Rounded appends to dst each value of x as the trees see it: filled if it is
// missing and its feature has a rule, then rounded to float32. NaN remains
// where the trees route missing values. The errors are those of
// [Model.Probability].
func (m *Model) Rounded(dst, x []float64) ([]float64, error) { return m.round(x, dst) }

// round appends to dst each value of x, filled if missing, rounded to float32.
func (m *Model) round(x, dst []float64) ([]float64, error) {
	features := m.spec.Features
	if len(x) != len(features) {
		return nil, fmt.Errorf("x has %d values for %d features", len(x), len(features))
	}
	for i, v := range x {
		if math.IsNaN(v) {
			switch {
			case features[i].Missing != nil:
				v = features[i].Missing.Value
			case !m.forest.routes:
				return nil, &ValueError{Feature: features[i].Name, Code: MissingValue, Value: v}
			}
		}
		v = float64(float32(v))
		if math.IsInf(v, 0) {
			return nil, &ValueError{Feature: features[i].Name, Code: Overflow, Value: x[i]}
		}
		dst = append(dst, v)
	}
	return dst, nil
}
