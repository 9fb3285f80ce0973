package model_test

import (
	"errors"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/loanscorer/loanscorer/model"
)

// mean adds in float64, unlike a constant expression.
func mean(a, b float64) float64 { return (a + b) / 2 }

func TestProbabilityOfStump(t *testing.T) {
	t.Parallel()
	m := mustParse(t, stump())
	edge := float64(float32(5.5))
	for _, tc := range []struct {
		name string
		x    []float64
		want float64
	}{
		{"left left", []float64{5, 0}, mean(0.2, 0)},
		{"on both thresholds", []float64{edge, 0.5}, mean(0.2, 0)},
		{"rounds to the threshold", []float64{math.Nextafter(edge, 9), 1}, mean(0.2, 5.0/7)},
		{"a float32 step right", []float64{float64(math.Nextafter32(5.5, 9)), 1}, mean(0.8, 5.0/7)},
		{"missing income is 10", []float64{math.NaN(), 1}, mean(0.8, 5.0/7)},
		{"largest", []float64{math.MaxFloat32, 1}, mean(0.8, 5.0/7)},
	} {
		got, err := m.Probability(tc.x)
		if err != nil || got != tc.want {
			t.Errorf("%s: %v, %v; want %v", tc.name, got, err, tc.want)
		}
	}
}

func TestValuesThatCannotBeScored(t *testing.T) {
	t.Parallel()
	m := mustParse(t, stump())
	for _, tc := range []struct {
		name string
		x    []float64
		want *model.ValueError
		text string
	}{
		{"no rule", []float64{1, math.NaN()}, &model.ValueError{Feature: "Area", Code: model.MissingValue, Value: math.NaN()}, "Area is missing"},
		{"beyond float32", []float64{3.5e38, 0}, &model.ValueError{Feature: "Income", Code: model.Overflow, Value: 3.5e38}, "Income 3.5e+38 is too large"},
		{"infinite", []float64{math.Inf(-1), 0}, &model.ValueError{Feature: "Income", Code: model.Overflow, Value: math.Inf(-1)}, "Income -Inf"},
	} {
		_, err := m.Probability(tc.x)
		var got *model.ValueError
		if !errors.As(err, &got) || !strings.Contains(err.Error(), tc.text) {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if diff := cmp.Diff(tc.want, got, cmpopts.EquateNaNs()); diff != "" {
			t.Errorf("%s: %s", tc.name, diff)
		}
		if m.PredictProba(tc.x, make([]float64, 2)) == nil {
			t.Errorf("%s: PredictProba accepts it", tc.name)
		}
	}
	if _, err := m.Probability([]float64{1}); err == nil {
		t.Error("a short x is accepted")
	}
	if err := m.PredictProba([]float64{1, 1}, make([]float64, 3)); err == nil {
		t.Error("a long out is accepted")
	}
}

func TestPredictTakesTheFirstOfEquals(t *testing.T) {
	t.Parallel()
	m := mustParse(t, stump())
	for _, tc := range []struct {
		proba []float64
		want  int
	}{{[]float64{0.5, 0.5}, 0}, {[]float64{0.4, 0.6}, 1}, {[]float64{0.2, 0.4, 0.4}, 1}, {[]float64{1}, 0}} {
		if got := m.Predict(tc.proba); got != tc.want {
			t.Errorf("Predict(%v) = %d, want %d", tc.proba, got, tc.want)
		}
	}
}

func TestScoringDoesNotAllocate(t *testing.T) {
	m := model.Default()
	x := []float64{5849, 128, 1, 2}
	out := make([]float64, 2)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := m.Probability(x); err != nil {
			t.Fatal(err)
		}
		if err := m.PredictProba(x, out); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%g allocations a row", n)
	}
}

func TestModelIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	m := model.Default()
	want, err := m.Probability([]float64{5849, math.NaN(), math.NaN(), 2})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 1000 {
				if got, err := m.Probability([]float64{5849, math.NaN(), math.NaN(), 2}); err != nil || got != want {
					t.Errorf("%v, %v", got, err)
					return
				}
			}
		})
	}
	wg.Wait()
}
