package explain_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/explain"
)

// valueIn finds a value that is in a cell of a feature.
func valueIn(t *testing.T, g *model.Grid, feature, cell int) float64 {
	t.Helper()
	for v := -8.0; v <= 8; v += 1.0 / 16 {
		if g.Cell(feature, v) == cell {
			return v
		}
	}
	t.Fatalf("no value in cell %d of feature %d", cell, feature)
	return 0
}

// spread gives the trees about 250 thresholds a feature, all on 1/16 + 1/32, and
// leaves of all kinds.
func spread(rng *rand.Rand, s *model.Spec) {
	for i := range s.Trees {
		t := &s.Trees[i]
		for at, left := range t.Left {
			t.Value[at] = []float64{rng.Float64(), rng.Float64()}
			if left >= 0 {
				t.Threshold[at] = float64(rng.IntN(256))/16 - 8 + 1.0/32
			}
		}
	}
}

// A run of cells has the reasons that Adverse gives for rows in them.
func TestRunsHaveTheReasonsOfRows(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(11, 12))
	asked, refused, longest := 0, 0, 0
	for round := range 120 {
		nodes := 1 + rng.IntN(60)
		if round%20 == 0 {
			nodes = 2000 // an axis longer than what is explained together
		}
		features := 1 + round%8
		if nodes == 2000 {
			features = 2
		}
		spec := grown(rng, features, 1+rng.IntN(4), nodes, round%5 == 0 && nodes < 2000)
		if nodes == 2000 {
			spread(rng, spec)
		}
		m := mustParse(t, spec)
		e, g := mustNew(t, m), m.Grid()
		if g == nil {
			continue
		}
		for along := range features {
			cell, x := make([]int, features), make([]float64, features)
			for i := range cell {
				cell[i] = rng.IntN(g.Cells(i))
				x[i] = valueIn(t, g, i, cell[i])
			}
			cell[along] = rng.IntN(min(3, g.Cells(along)))
			from := slices.Clone(cell)
			orders := make([]explain.Order, g.Cells(along)-cell[along])
			if !e.AdverseRun(cell, along, orders) {
				refused++
				continue
			}
			if diff := cmp.Diff(from, cell); diff != "" {
				t.Fatalf("cell is another: %s", diff)
			}
			for i, got := range orders {
				x[along] = valueIn(t, g, along, cell[along]+i)
				order, n, err := e.Adverse(x)
				if err != nil {
					t.Fatal(err)
				}
				var want explain.Order
				for at, f := range order[:n] {
					want[at] = uint16(f + 1)
				}
				if want != got {
					t.Fatalf("round %d, x %v: %v, want %v", round, x, got, want)
				}
				asked++
				longest = max(longest, i)
			}
		}
	}
	if asked < 1000 || refused < 20 || longest < 128 {
		t.Errorf("%d cells were explained, %d runs refused, the longest run is %d", asked, refused, longest)
	}
}

// A model whose trees do not look at a feature has runs along it, all the same.
func TestRunAlongAFeatureThatIsNotUsed(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 5))
	s := grown(rng, 2, 2, 30, false)
	s.Features = append(s.Features, model.Feature{Name: "idle", Kind: model.Number})
	e := mustNew(t, mustParse(t, s))
	orders := make([]explain.Order, 1)
	if !e.AdverseRun([]int{0, 0, 0}, 2, orders) {
		t.Fatal("no tables")
	}
	order, n, err := e.Adverse([]float64{-100, -100, 0})
	if err != nil || n == 0 || orders[0][0] != uint16(order[0]+1) {
		t.Errorf("%v, want %v, %v", orders, order[:n], err)
	}
	if e.AdverseRun([]int{0, 0}, 0, orders) {
		t.Error("a cell of two features was explained")
	}
}
