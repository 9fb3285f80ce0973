package model

import (
	"math"

	"github.com/loanscorer/loanscorer/model/axis"
)

// Grid is how a small forest divides the values of its features: rows in the
// same cell of every feature go the same way through all trees, so that they
// have one probability and one explanation. It never changes and is safe for
// concurrent use.
type Grid struct{ grid *grid }

// Grid returns how the model divides its features, nil for a forest that is
// too large for a table of all its cells.
func (m *Model) Grid() *Grid {
	if fast := m.fast(); fast != nil && fast.grid != nil {
		return &Grid{fast.grid}
	}
	return nil
}

// Cells returns how many cells a feature has, by its place in x; at least 1.
func (g *Grid) Cells(feature int) int { return g.grid.axes[feature].Cells() }

// Cell returns the cell of a value of a feature, from 0 on; -1 for one that is
// missing or beyond float32, which is in none.
func (g *Grid) Cell(feature int, v float64) int {
	f := float32(v)
	if math.Float32bits(f)&notFinite32 == notFinite32 {
		return -1
	}
	return g.grid.axes[feature].Cell(axis.Key(f))
}

// Missing returns the cell of what replaces a missing value of a feature; -1 if
// nothing does.
func (g *Grid) Missing(feature int) int {
	a := &g.grid.axes[feature]
	if a.missing < 0 {
		return -1
	}
	return a.missing / a.stride
}

// Probabilities fills out with what [Model.Probability] returns in
// neighbouring cells: cell has one cell a feature, of which that of the feature
// along grows by one from each probability to the next. All must be there.
func (g *Grid) Probabilities(cell []int, along int, out []float64) {
	at := 0
	for i, c := range cell {
		at += c * g.grid.axes[i].stride
	}
	stride := g.grid.axes[along].stride
	for i := range out {
		out[i] = g.grid.cells[at+i*stride]
	}
}
