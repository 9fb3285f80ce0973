package explain_test

import (
	"encoding/binary"
	"encoding/hex"
	"hash/fnv"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/explain"
)

// someRow has values on thresholds, beside them, and missing ones.
func someRow(rng *rand.Rand, m *model.Model) []float64 {
	x := make([]float64, len(m.Features()))
	for i, f := range m.Features() {
		x[i] = math.Round(rng.NormFloat64()*4) / 4
		if (f.Missing != nil || m.RoutesMissing()) && rng.IntN(4) == 0 {
			x[i] = math.NaN()
		}
	}
	return x
}

// codes appends the codes as Adverse and Code give them.
func codes(e *explain.Explainer, x []float64, dst []string) ([]string, error) {
	order, n, err := e.Adverse(x)
	for _, f := range order[:n] {
		dst = append(dst, e.Code(f, math.IsNaN(x[f])))
	}
	return dst, err
}

// codesOf are the codes as Explain and Reasons give them.
func codesOf(tb testing.TB, e *explain.Explainer, x []float64) []string {
	tb.Helper()
	phi := make([]float64, len(x))
	if _, err := e.Explain(x, phi); err != nil {
		tb.Fatal(err)
	}
	var codes []string
	for _, r := range e.Reasons(x, phi, nil) {
		codes = append(codes, r.Code)
	}
	return codes
}

// Codes are those of the reasons, the first time and when they are remembered,
// from tables and without.
func TestCodesAreThoseOfTheReasons(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7, 8))
	most := 0
	for round := range 60 {
		m := mustParse(t, grown(rng, 1+round%8, 1+rng.IntN(4), 1+rng.IntN(40), round%3 == 0))
		e := mustNew(t, m)
		for range 40 {
			x := someRow(rng, m)
			want := codesOf(t, e, x)
			most = max(most, len(want))
			for range 2 {
				got, err := codes(e, x, nil)
				if diff := cmp.Diff(want, got); err != nil || diff != "" {
					t.Fatalf("round %d, x %v: %v %s", round, x, err, diff)
				}
			}
		}
	}
	if most != explain.MaxReasons {
		t.Errorf("at most %d codes were seen", most)
	}
}

// What is remembered of a cell does not depend on which of its values were
// missing in the row that was asked for first.
func TestCodesOfMissingValues(t *testing.T) {
	t.Parallel()
	e := mustNew(t, model.Default())
	f := model.Default().Features()
	filled := []float64{2000, f[1].Missing.Value, 0, 0}
	for _, x := range [][]float64{{2000, math.NaN(), 0, 0}, filled, {2000, math.NaN(), 0, 0}} {
		got, err := codes(e, x, nil)
		if err != nil {
			t.Fatal(err)
		}
		missing := slices.Contains(got, "LOAN_AMOUNT_MISSING")
		if given := slices.Contains(got, "LOAN_AMOUNT"); missing == given || missing != math.IsNaN(x[1]) {
			t.Errorf("x %v: %v", x, got)
		}
	}
}

func TestCodesRefuse(t *testing.T) {
	t.Parallel()
	e := mustNew(t, model.Default())
	got, err := codes(e, []float64{2500, 250, 0, 0}, nil)
	if err != nil || len(got) < 2 {
		t.Errorf("%v, %v", got, err)
	}
	for _, x := range [][]float64{{math.NaN(), 1, 1, 1}, {1, 1e39, 1, 1}, {1}} {
		if got, err := codes(e, x, nil); err == nil || len(got) != 0 {
			t.Errorf("x %v: %v, %v", x, got, err)
		}
	}
}

func TestCodesAreSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	for _, features := range []int{4, 9} {
		rng := rand.New(rand.NewPCG(9, 10))
		m := mustParse(t, grown(rng, features, 5, 60, false))
		e := mustNew(t, m)
		rows, want := make([][]float64, 50), make([][]string, 50)
		for i := range rows {
			rows[i] = someRow(rng, m)
			want[i] = codesOf(t, mustNew(t, m), rows[i])
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for i, x := range rows {
					if got, err := codes(e, x, nil); err != nil || !slices.Equal(got, want[i]) {
						t.Errorf("x %v: %v, %v, want %v", x, got, err, want[i])
					}
				}
			})
		}
		wg.Wait()
	}
}

func TestCodesDoNotAllocate(t *testing.T) {
	e := mustNew(t, model.Default())
	x, list := []float64{2500, 250, 0, 0}, make([]string, 0, explain.MaxReasons)
	if n := testing.AllocsPerRun(100, func() {
		var err error
		if list, err = codes(e, x, list[:0]); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%g allocations a row", n)
	}
}

// The bits of contributions are the same on every processor: one that fuses a
// product and a sum would round differently, and equal features could change
// places. // invariant 3
func TestContributionsAreTheSameBitsEverywhere(t *testing.T) {
	t.Parallel()
	sum := fnv.New64a()
	for _, name := range slices.Sorted(maps.Keys(goldens)) {
		m, g := readGolden(t, name, goldens[name])
		e := mustNew(t, m)
		phi := make([]float64, len(m.Features()))
		for _, x := range g.X {
			base, err := e.Explain(x, phi)
			if err != nil {
				t.Fatal(err)
			}
			_ = binary.Write(sum, binary.LittleEndian, base)
			_ = binary.Write(sum, binary.LittleEndian, phi)
		}
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != wantBits {
		t.Errorf("the bits hash to %s, want %s", got, wantBits)
	}
}

// wantBits was recorded on amd64, which does not fuse.
const wantBits = "717e03080eeace13"
