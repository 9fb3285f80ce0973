package model

import (
	"math"

	"github.com/loanscorer/loanscorer/model/axis"
)

// Grid is how a small forest divides the values of its features: rows in the
// same cell of every feature go the same way through all trees, so that they
// have one probability and one explanation. It never changes and is safe for
// concurrent use.
type Grid struct{ axes []gridAxis }

// Grid returns how the model divides its features, nil for a forest that is
// too large for a table of all its cells.
func (m *Model) Grid() *Grid {
	if fast := m.fast(); fast != nil && fast.grid != nil {
		return &Grid{fast.grid.axes}
	}
	return nil
}

// Cells returns how many cells a feature has, by its place in x; at least 1.
func (g *Grid) Cells(feature int) int { return g.axes[feature].Cells() }

// Cell returns the cell of a value of a feature, from 0 on; -1 for one that is
// missing or beyond float32, which is in none.
func (g *Grid) Cell(feature int, v float64) int {
	f := float32(v)
	if math.Float32bits(f)&notFinite32 == notFinite32 {
		return -1
	}
	return g.axes[feature].Cell(axis.Key(f))
}
