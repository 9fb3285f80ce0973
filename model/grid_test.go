package model

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// The probabilities of cells are those of rows in them, along every feature.
func TestGridHasTheProbabilitiesOfRows(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 6))
	for range 50 {
		m := parseSpec(t, randomSpec(rng, shape{1 + rng.IntN(4), 1 + rng.IntN(5), 1 + rng.IntN(40), 2, 8}))
		g := m.Grid()
		if g == nil {
			t.Fatal("a small model has no grid")
		}
		for range 50 {
			x, cell := make([]float64, len(m.Features())), make([]int, len(m.Features()))
			for i := range x {
				x[i] = rng.NormFloat64()
				if cell[i] = g.Cell(i, x[i]); m.Features()[i].Missing != nil && rng.IntN(3) == 0 {
					x[i], cell[i] = math.NaN(), g.Missing(i)
				}
			}
			want, err := m.Probability(x)
			if err != nil {
				t.Fatal(err)
			}
			for along := range cell {
				from := slices.Clone(cell)
				from[along] = 0
				out := make([]float64, g.Cells(along))
				g.Probabilities(from, along, out)
				if got := out[cell[along]]; math.Float64bits(got) != math.Float64bits(want) {
					t.Fatalf("x %v along %d: %v, want %v", x, along, got, want)
				}
			}
		}
		for i, f := range m.Features() {
			if at := g.Missing(i); (at < 0) != (f.Missing == nil) || g.Cell(i, math.NaN()) >= 0 {
				t.Errorf("feature %d: a missing value is in cell %d", i, at)
			}
		}
	}
}
