package explain_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/explain"
)

// golden is what testdata/golden.py writes.
type golden struct {
	Script        string      `json:"script"`
	Shap          string      `json:"shap"`
	Base          float64     `json:"base"`
	X             [][]float64 `json:"x"`
	Contributions [][]float64 `json:"contributions"`
}

// goldens names the golden files and the label of their positive class.
var goldens = map[string]string{
	"article": "", "multi_weighted": "7", "best_first": "N", "fractions": "Y", "weighted_fractions": "8",
}

func readGolden(tb testing.TB, name, positive string) (*model.Model, golden) {
	tb.Helper()
	pickle, err := os.ReadFile(filepath.Join("..", "testdata", "golden", name+".pkl"))
	if err != nil {
		tb.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		tb.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(data, &g); err != nil {
		tb.Fatal(err)
	}
	if g.Script != "model/explain/testdata/golden.py" || g.Shap == "" || len(g.X) < 10 || len(g.Contributions) != len(g.X) {
		tb.Fatalf("%s.json is not whole", name)
	}
	spec, err := model.Import(pickle, model.ImportOptions{Positive: positive})
	if err != nil {
		tb.Fatal(err)
	}
	return mustParse(tb, spec), g
}

func mustParse(tb testing.TB, s *model.Spec) *model.Model {
	tb.Helper()
	data, err := model.Encode(s)
	if err != nil {
		tb.Fatal(err)
	}
	m, err := model.Parse(data)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

func mustNew(tb testing.TB, m *model.Model) *explain.Explainer {
	tb.Helper()
	e, err := explain.New(m)
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

func TestContributionsEqualShap(t *testing.T) {
	t.Parallel()
	for name, positive := range goldens {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, g := readGolden(t, name, positive)
			e := mustNew(t, m)
			got := make([]float64, len(m.Features()))
			for i, x := range g.X {
				base, err := e.Explain(x, got)
				if err != nil || math.Abs(base-g.Base) > 1e-9 {
					t.Fatalf("base %v, %v; shap %v", base, err, g.Base)
				}
				for f, want := range g.Contributions[i] {
					if math.Abs(got[f]-want) > 1e-9 {
						t.Errorf("row %d feature %d: %v, shap %v", i, f, got[f], want)
					}
				}
			}
		})
	}
}

// grown is a random forest whose samples add up.
func grown(rng *rand.Rand, features, trees, nodes int, routes bool) *model.Spec {
	s := &model.Spec{
		Name: "grown", Version: "1", Classes: []model.Class{model.StringClass("N"), model.StringClass("Y")},
		Positive: 1, Policy: model.DefaultPolicy(), ValueUnit: model.Count,
	}
	for i := range features {
		s.Features = append(s.Features, model.Feature{Name: string(rune('a' + i)), Kind: model.Number})
		if !routes && i%2 == 0 {
			s.Features[i].Missing = &model.Missing{Rule: model.Constant, Value: rng.NormFloat64()}
		}
	}
	for range trees {
		var t model.Tree
		add := func(samples float64) {
			yes := math.Floor(rng.Float64() * samples)
			t.Feature, t.Threshold = append(t.Feature, -1), append(t.Threshold, 0)
			t.Left, t.Right = append(t.Left, -1), append(t.Right, -1)
			t.Value, t.Samples = append(t.Value, []float64{samples - yes, yes}), append(t.Samples, samples)
			if routes {
				t.MissingLeft = append(t.MissingLeft, false)
			}
		}
		add(1000)
		for at := 0; at < len(t.Left) && len(t.Left) < nodes; at++ {
			n := t.Samples[at]
			if n < 2 {
				continue
			}
			left := 1 + math.Floor(rng.Float64()*(n-1))
			t.Feature[at], t.Threshold[at] = int32(rng.IntN(features)), math.Round(rng.NormFloat64()*4)/4
			t.Left[at], t.Right[at] = int32(len(t.Left)), int32(len(t.Left)+1)
			if routes {
				t.MissingLeft[at] = rng.IntN(2) == 0
			}
			add(left)
			add(n - left)
		}
		s.Trees = append(s.Trees, t)
	}
	return s
}

// known is the expected value of a tree when only the features of set are
// known: the definition.
func known(t *model.Tree, at int32, x []float64, set uint) float64 {
	if t.Left[at] < 0 {
		return t.Value[at][1] / (t.Value[at][0] + t.Value[at][1])
	}
	f, l, r := t.Feature[at], t.Left[at], t.Right[at]
	switch {
	case set>>f&1 == 0:
		return (t.Samples[l]*known(t, l, x, set) + t.Samples[r]*known(t, r, x, set)) / t.Samples[at]
	case x[f] <= t.Threshold[at] || math.IsNaN(x[f]) && t.MissingLeft[at]:
		return known(t, l, x, set)
	default:
		return known(t, r, x, set)
	}
}

// byDefinition sums over all orders of the features.
func byDefinition(s *model.Spec, x []float64) []float64 {
	n := len(s.Features)
	value := make([]float64, 1<<n)
	for set := range value {
		for i := range s.Trees {
			value[set] += known(&s.Trees[i], 0, x, uint(set)) / float64(len(s.Trees))
		}
	}
	phi := make([]float64, n)
	var visit func(set, depth int, share float64)
	visit = func(set, depth int, share float64) {
		for f := range n {
			if set>>f&1 == 0 {
				phi[f] += share / float64(n-depth) * (value[set|1<<f] - value[set])
				visit(set|1<<f, depth+1, share/float64(n-depth))
			}
		}
	}
	visit(0, 0, 1)
	return phi
}

func TestContributionsEqualTheDefinition(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 60 {
		// Six features are looked up in tables, seven and routed values are not.
		features, routes := 1+round%7, round%3 == 0
		s := grown(rng, features, 1+rng.IntN(4), 1+rng.IntN(40), routes)
		m := mustParse(t, s)
		e := mustNew(t, m)
		got := make([]float64, features)
		for range 10 {
			x := make([]float64, features)
			for i := range x {
				x[i] = math.Round(rng.NormFloat64()*4) / 4
				if routes && rng.IntN(4) == 0 {
					x[i] = math.NaN()
				}
			}
			base, err := e.Explain(x, got)
			if err != nil {
				t.Fatal(err)
			}
			p, err := m.Probability(x)
			if err != nil {
				t.Fatal(err)
			}
			want, sum := byDefinition(s, x), base
			for i := range want {
				sum += got[i]
				if math.Abs(got[i]-want[i]) > 1e-12 {
					t.Fatalf("round %d, x %v: %v, want %v", round, x, got, want)
				}
			}
			if math.Abs(sum-p) > 1e-12 || base != e.Base() {
				t.Fatalf("base and contributions make %v, the probability is %v", sum, p)
			}
		}
	}
}

func TestMissingValuesAreExplainedAsWhatReplacesThem(t *testing.T) {
	t.Parallel()
	m := model.Default()
	e := mustNew(t, m)
	f := m.Features()
	missing, filled := make([]float64, 4), make([]float64, 4)
	if _, err := e.Explain([]float64{5000, math.NaN(), math.NaN(), 1}, missing); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Explain([]float64{5000, f[1].Missing.Value, f[2].Missing.Value, 1}, filled); err != nil {
		t.Fatal(err)
	}
	for i := range filled {
		if missing[i] != filled[i] {
			t.Errorf("%v, want %v", missing, filled)
		}
	}
}

func TestExplainRefuses(t *testing.T) {
	t.Parallel()
	e := mustNew(t, model.Default())
	out := make([]float64, 4)
	var value *model.ValueError
	for _, x := range [][]float64{{math.NaN(), 1, 1, 1}, {1, 1e39, 1, 1}, {1, math.Inf(-1), 1, 1}} {
		if _, err := e.Explain(x, out); !errors.As(err, &value) {
			t.Errorf("%v: %v", x, err)
		}
	}
	if _, err := e.Explain([]float64{1}, out); err == nil {
		t.Error("a short x is accepted")
	}
	if _, err := e.Explain([]float64{1, 1, 1, 1}, out[:3]); err == nil {
		t.Error("short contributions are accepted")
	}
}

func TestNewRefusesSamplesThatDoNotAddUp(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	s := grown(rng, 2, 1, 9, false)
	for i := range s.Trees[0].Samples {
		s.Trees[0].Samples[i] = 1
	}
	if _, err := explain.New(mustParse(t, s)); !errors.Is(err, explain.ErrSamples) {
		t.Errorf("equal samples: %v", err)
	}
}

func TestExplainIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 6))
	e := mustNew(t, mustParse(t, grown(rng, 9, 5, 60, false)))
	x := make([]float64, 9)
	want := make([]float64, 9)
	if _, err := e.Explain(x, want); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			got := make([]float64, 9)
			for range 200 {
				if _, err := e.Explain(x, got); err != nil || got[3] != want[3] {
					t.Errorf("%v, %v", got, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestExplainingDoesNotAllocate(t *testing.T) {
	e := mustNew(t, model.Default())
	x, out := []float64{2500, 250, 0, 0}, make([]float64, 4)
	reasons := make([]explain.Reason, 0, explain.MaxReasons)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := e.Explain(x, out); err != nil {
			t.Fatal(err)
		}
		reasons = e.Reasons(x, out, reasons[:0])
	}); n != 0 {
		t.Errorf("%g allocations a row", n)
	}
}

// BenchmarkExplain shows one score and one explanation of the default model
// side by side, then a forest that is too large for tables.
func BenchmarkExplain(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	const rows = 4096
	x := make([][]float64, rows)
	for i := range x {
		x[i] = []float64{1500 + rng.ExpFloat64()*5000, 30 + rng.ExpFloat64()*120, float64(rng.IntN(2)), float64(rng.IntN(3))}
	}
	m := model.Default()
	e := mustNew(b, m)
	large := mustNew(b, mustParse(b, grown(rng, 10, 100, 200, false)))
	out, wide := make([]float64, 4), make([]float64, 10)
	reasons := make([]explain.Reason, 0, explain.MaxReasons)
	list := make([]string, 0, explain.MaxReasons)
	var err error
	for _, c := range []struct {
		name string
		run  func(x []float64) error
	}{
		{"score", func(x []float64) error { _, err := m.Probability(x); return err }},
		{"explain", func(x []float64) error { _, err := e.Explain(x, out); return err }},
		{"reasons", func(x []float64) error {
			_, err := e.Explain(x, out)
			reasons = e.Reasons(x, out, reasons[:0])
			return err
		}},
		{"codes", func(x []float64) error { list, err = codes(e, x, list[:0]); return err }},
		{"large", func(x []float64) error {
			var row [10]float64
			copy(row[:], x)
			_, err := large.Explain(row[:], wide)
			return err
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			if err := c.run(x[0]); err != nil { // makes the tables
				b.Fatal(err)
			}
			i := 0
			for b.Loop() {
				if err := c.run(x[i&(rows-1)]); err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
	}
}

// BenchmarkTables is what the first explanation of the default model costs.
func BenchmarkTables(b *testing.B) {
	m, x, out := model.Default(), []float64{5000, 128, 1, 2}, make([]float64, 4)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := mustNew(b, m).Explain(x, out); err != nil {
			b.Fatal(err)
		}
	}
}
