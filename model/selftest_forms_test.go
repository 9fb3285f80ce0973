package model

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// failure 56: a compiled form that computes otherwise is never used, and said.
func TestCompiledFormMustPassTheSelfTest(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for _, s := range []shape{
		{features: 2, trees: 3, nodes: 9, classes: 2, distinct: 4},       // a table
		{features: 30, trees: 40, nodes: 61, classes: 3, distinct: 1000}, // a walk
	} {
		m, other := parseSpec(t, randomSpec(rng, s)), parseSpec(t, randomSpec(rng, s))
		if err := m.Compile(); err != nil {
			t.Fatal(err)
		}
		x := make([]float64, s.features)
		want, err := m.Probability(x)
		if err != nil {
			t.Fatal(err)
		}
		wrong := other.fast()
		m.fast = func() *compiled { return m.tested(wrong) }
		err = m.Compile()
		if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "self_test: row") ||
			!strings.Contains(err.Error(), "the compiled form") {
			t.Errorf("%+v: %v", s, err)
		}
		got, err := m.Probability(x)
		if err != nil || got != want {
			t.Errorf("%+v: %v, %v; want %v by the plain walk", s, got, err, want)
		}
		out := []float64{0, 0}
		if err := m.Probabilities(slices.Repeat(x, 2), out); err != nil || out[0] != want || out[1] != want {
			t.Errorf("%+v: %v, %v; want %v by the plain walk", s, out, err, want)
		}
	}
}

// failure 56: the form that a model makes for itself is tested, not only one
// that a test makes.
func TestEveryCompiledFormIsTested(t *testing.T) {
	t.Parallel()
	m := parseSpec(t, randomSpec(rand.New(rand.NewPCG(5, 6)), shape{features: 2, trees: 3, nodes: 9, classes: 2, distinct: 4}))
	m.spec.SelfTest.Probability[0] += 0.25 // as if the form computed otherwise
	if err := m.Compile(); !errors.Is(err, ErrCorrupt) {
		t.Errorf("%v", err)
	}
}

// The rows are chosen without the forest that Parse makes; both must agree for
// forests of every kind, and the rows must be new to each other.
func TestSelfTestOfRandomForests(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	for range 40 {
		s := shape{
			features: 1 + rng.IntN(9), trees: 1 + rng.IntN(9), nodes: 1 + rng.IntN(60),
			classes: 1 + rng.IntN(4), distinct: 1 + rng.IntN(20),
		}
		m := parseSpec(t, randomSpec(rng, s)) // Parse runs the test
		if err := m.Compile(); err != nil {
			t.Errorf("%+v: %v", s, err)
		}
		if n := len(m.SelfTest().Rows); n == 0 || n > testRows {
			t.Errorf("%+v: %d rows", s, n)
		}
	}
}
