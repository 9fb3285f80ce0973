package model

import (
	"math"

	"github.com/loanscorer/loanscorer/model/axis"
)

// Limits of the grid form: above them a forest is walked. They bound the
// memory of a model (4 MiB for the table) and the time of its first score.
const (
	maxCells     = 1 << 19 // cells of the table, 8 bytes each
	maxCellTrees = 1 << 24 // cells times trees: the additions that fill it
)

// compiled is the form of a forest that scores the positive class. Both forms
// give the bits of [forest.probability]; see docs/adr/0011-compiled-forms.md.
type compiled struct {
	form
	grid *grid // the form, when it is the table
}

// form is how a compiled forest scores.
type form interface {
	// one scores one row; false for a row that needs the plain walk:
	// with a value that is missing without a rule, or beyond float32.
	one(x []float64) (float64, bool)
	// many scores len(out) rows of x. A row that one would
	// refuse gets NaN.
	many(x, out []float64)
}

// choose is the one place where a form is chosen.
func choose(m *Model) *compiled {
	if g := newGrid(m); g != nil {
		return &compiled{form: g, grid: g}
	}
	return &compiled{form: newFlat(m)}
}

// float32 bits that are all set in infinity and NaN, and only there.
const notFinite32 = 0x7f800000

// fill32 returns the value's float32 as the rule for missing values gives it;
// false when it cannot be scored.
func fill32(f *Feature, v float64) (float32, bool) {
	if math.IsNaN(v) {
		if f.Missing == nil {
			return 0, false
		}
		v = f.Missing.Value
	}
	x := float32(v)
	return x, math.Float32bits(x)&notFinite32 != notFinite32
}

// missingKey is the key of what replaces a missing value; false without one.
func missingKey(f *Feature) (int32, bool) {
	x, ok := fill32(f, math.NaN())
	if !ok {
		return 0, false
	}
	return axis.Key(x), true
}
