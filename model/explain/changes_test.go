package explain_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/explain"
)

// Each change decides as it says, and no nearer value of the feature does.
func TestChangesAreTheSmallest(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	policy := model.Policy{ApproveAbove: 0.55, DeclineAt: 0.45}
	found := 0
	for range 100 {
		m := mustParse(t, grown(rng, 1+rng.IntN(4), 1+rng.IntN(5), 1+rng.IntN(30), false))
		e := mustNew(t, m)
		x := make([]float64, len(m.Features()))
		for i := range x {
			x[i] = math.Round(rng.NormFloat64()*4) / 4
		}
		changes, err := e.Changes(x, policy)
		if err != nil {
			t.Fatal(err)
		}
		by := map[string]explain.Change{}
		for _, c := range changes {
			by[c.Feature] = c
		}
		now := decide(t, m, policy, x)
		for i, f := range m.Features() {
			c, ok := by[f.Name]
			y := append([]float64(nil), x...)
			if ok {
				found++
				if y[i] = c.To; decide(t, m, policy, y) != c.Decision || c.Decision == now || c.From != x[i] {
					t.Fatalf("%+v: decides %s, before %s", c, decide(t, m, policy, y), now)
				}
			}
			// Thresholds are quarters, so steps of an eighth meet every cell.
			for d := 0.125; d < 8; d += 0.125 {
				for _, v := range []float64{x[i] - d, x[i] + d} {
					y[i] = v
					after := decide(t, m, policy, y)
					changes := now == model.Approved && after != now || better(after, now)
					if changes && (!ok || math.Abs(c.To-x[i]) > d) {
						t.Fatalf("%s = %g decides %s, before %s; found %+v %t", f.Name, v, after, now, c, ok)
					}
				}
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d changes were tried", found)
	}
}

func better(a, b model.Decision) bool {
	order := map[model.Decision]int{model.Declined: 0, model.Referred: 1, model.Approved: 2}
	return order[a] > order[b]
}

func decide(tb testing.TB, m *model.Model, p model.Policy, x []float64) model.Decision {
	tb.Helper()
	probability, err := m.Probability(x)
	if err != nil {
		tb.Fatal(err)
	}
	return p.Decide(probability)
}

func TestChangesOfTheDefaultModel(t *testing.T) {
	t.Parallel()
	m := model.Default()
	e := mustNew(t, m)
	changes, err := e.Changes([]float64{5000, 128, 0, 1}, m.Policy())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		if c.Feature == "Credit_History" {
			if c.Relation != explain.Equal || c.To != 1 || c.Decision != model.Approved {
				t.Errorf("%+v", c)
			}
			return
		}
	}
	t.Errorf("credit history is not among %+v", changes)
}

func TestChangesRefuse(t *testing.T) {
	t.Parallel()
	if _, err := mustNew(t, model.Default()).Changes([]float64{math.NaN(), 1, 1, 1}, model.DefaultPolicy()); err == nil {
		t.Error("a missing income is accepted")
	}
}
