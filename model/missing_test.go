package model_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/loanscorer/loanscorer/model"
)

// routing is a tree whose nodes say where a missing value goes:
// a <= 1 (missing: left), else b <= 2 (missing: right).
func routing() *model.Spec {
	return &model.Spec{
		Name: "routing", Version: "1",
		Features: []model.Feature{{Name: "a", Kind: model.Number}, {Name: "b", Kind: model.Number}},
		Classes:  []model.Class{model.StringClass("N"), model.StringClass("Y")}, Positive: 1,
		Policy: model.DefaultPolicy(), ValueUnit: model.Count,
		Trees: []model.Tree{{
			Feature: []int32{0, -1, 1, -1, -1}, Threshold: []float64{1, 0, 2, 0, 0},
			Left: []int32{1, -1, 3, -1, -1}, Right: []int32{2, -1, 4, -1, -1},
			Value:   [][]float64{{6, 4}, {4, 0}, {2, 4}, {2, 2}, {0, 2}},
			Samples: []float64{10, 4, 6, 4, 2}, MissingLeft: []bool{true, false, false, false, false},
		}},
	}
}

func TestMissingValuesTakeTheTreesWay(t *testing.T) {
	t.Parallel()
	none := math.NaN()
	filled := routing()
	filled.Features[0].Missing = &model.Missing{Rule: model.Constant, Value: 5}
	for _, tc := range []struct {
		name string
		spec *model.Spec
		x    []float64
		want float64
	}{
		{"left", routing(), []float64{none, 0}, 0},
		{"both", routing(), []float64{none, none}, 0},
		{"right", routing(), []float64{3, none}, 1},
		{"none", routing(), []float64{3, 2}, 0.5},
		{"a constant goes first", filled, []float64{none, 0}, 0.5},
	} {
		m := mustParse(t, tc.spec)
		got, err := m.Probability(tc.x)
		if err != nil || got != tc.want || !m.RoutesMissing() {
			t.Errorf("%s: %g, %v, want %g", tc.name, got, err, tc.want)
		}
		proba := make([]float64, 2)
		if err := m.PredictProba(tc.x, proba); err != nil || proba[1] != tc.want {
			t.Errorf("%s: %v, %v, want %g", tc.name, proba, err, tc.want)
		}
	}
	plain := routing()
	plain.Trees[0].MissingLeft = nil
	m := mustParse(t, plain)
	var value *model.ValueError
	if _, err := m.Probability([]float64{none, 0}); !errors.As(err, &value) || m.RoutesMissing() {
		t.Error(err)
	}
}

func TestMissingRoutesAreChecked(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*model.Spec){
		"missing_left: has 2 entries for 5": func(s *model.Spec) { s.Trees[0].MissingLeft = []bool{true, false} },
		"missing_left: has 0 entries for 5": func(s *model.Spec) { s.Trees[0].MissingLeft = []bool{} },
		"missing_left[1]: is true at a lea": func(s *model.Spec) { s.Trees[0].MissingLeft[1] = true },
		"trees[1].missing_left: is in some": func(s *model.Spec) {
			s.Trees = append(s.Trees, s.Trees[0])
			s.Trees[1].MissingLeft = nil
		},
	} {
		s := routing()
		change(s)
		if _, err := model.Encode(s); !errors.Is(err, model.ErrCorrupt) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
