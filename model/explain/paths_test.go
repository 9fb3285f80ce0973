package explain_test

import (
	"math"
	"testing"

	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/explain"
)

func TestPathsLeadToTheProbability(t *testing.T) {
	t.Parallel()
	m := model.Default()
	e := mustNew(t, m)
	x := []float64{5000, math.NaN(), 0, 1}
	paths, err := e.Paths(x)
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.Probability(x)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for i, path := range paths {
		sum += path.Probability
		for _, s := range path.Steps {
			if s.Feature == "TotalIncome" && (s.Relation == explain.AtMost) != (5000 <= s.Threshold) {
				t.Errorf("tree %d: TotalIncome 5000 %s %g", i, s.Relation, s.Threshold)
			}
		}
	}
	if len(paths) != m.Stats().Trees || math.Abs(sum/float64(len(paths))-p) > 1e-12 {
		t.Errorf("%d paths with the mean %v, want %v", len(paths), sum/float64(len(paths)), p)
	}
	if _, err := e.Paths(nil); err == nil {
		t.Error("a short x is accepted")
	}
}
