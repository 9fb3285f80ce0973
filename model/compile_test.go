package model

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// oddThresholds are where float32 and float64 part, or where numbers end.
var oddThresholds = []float64{
	0, math.Copysign(0, -1), 0.1, 0.5, 1e-310, -1e-310, 5e-324, 1e-45, -1e-45, 16777217, 1e300, -1e300,
	math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, 3.4028235677973366e38,
}

// shape is what a random forest is like.
type shape struct {
	features, trees, nodes, classes int
	distinct                        int // thresholds a feature; few means duplicates
}

// randomSpec grows trees without any data.
func randomSpec(rng *rand.Rand, s shape) *Spec {
	spec := &Spec{
		Name: "random", Version: "1", Policy: DefaultPolicy(), ValueUnit: Count, Positive: rng.IntN(s.classes),
	}
	for c := range s.classes {
		spec.Classes = append(spec.Classes, IntClass(int64(c)))
	}
	pool := make([][]float64, s.features)
	for i := range s.features {
		f := Feature{Name: fmt.Sprint("f", i), Kind: Number}
		if rng.IntN(3) > 0 {
			f.Missing = &Missing{Rule: Constant, Value: rng.NormFloat64()}
		}
		spec.Features = append(spec.Features, f)
		for range s.distinct {
			t := rng.NormFloat64()
			if rng.IntN(4) == 0 {
				t = oddThresholds[rng.IntN(len(oddThresholds))]
			}
			pool[i] = append(pool[i], t)
		}
	}
	for range s.trees {
		spec.Trees = append(spec.Trees, randomTree(rng, s, pool))
	}
	return spec
}

func randomTree(rng *rand.Rand, s shape, pool [][]float64) Tree {
	var t Tree
	add := func() {
		row := make([]float64, s.classes)
		for c := range row {
			row[c] = float64(rng.IntN(50))
		}
		row[rng.IntN(s.classes)]++
		t.Feature, t.Threshold = append(t.Feature, leaf), append(t.Threshold, 0)
		t.Left, t.Right = append(t.Left, leaf), append(t.Right, leaf)
		t.Value, t.Samples = append(t.Value, row), append(t.Samples, 1)
	}
	add()
	for open := []int{0}; len(open) > 0 && len(t.Left) < s.nodes; {
		i := rng.IntN(len(open))
		at := open[i]
		open = append(open[:i], open[i+1:]...)
		f := rng.IntN(s.features)
		t.Feature[at], t.Threshold[at] = int32(f), pool[f][rng.IntN(len(pool[f]))]
		t.Left[at], t.Right[at] = int32(len(t.Left)), int32(len(t.Left)+1)
		open = append(open, len(t.Left), len(t.Left)+1)
		add()
		add()
	}
	return t
}

func parseSpec(tb testing.TB, s *Spec) *Model {
	tb.Helper()
	data, err := Encode(s)
	if err != nil {
		tb.Fatal(err)
	}
	m, err := Parse(data)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// probes are rows on thresholds, beside them, odd, missing and too large.
func probes(rng *rand.Rand, m *Model, n int) []float64 {
	var values []float64
	for _, n := range m.forest.nodes {
		t := float32(n.threshold)
		values = append(values, n.threshold, math.Nextafter(n.threshold, math.Inf(1)),
			float64(math.Nextafter32(t, float32(math.Inf(1)))), float64(math.Nextafter32(t, float32(math.Inf(-1)))))
	}
	values = append(append(values, oddThresholds...), 3.4e38, -3.4e38, 1e-40, -0.3)
	x := make([]float64, 0, n*len(m.spec.Features))
	for range n * len(m.spec.Features) {
		v := values[rng.IntN(len(values))]
		if rng.IntN(20) == 0 {
			v = []float64{math.NaN(), math.Inf(1), math.Inf(-1), 3.5e38}[rng.IntN(4)]
		}
		x = append(x, v)
	}
	return x
}

// checkForms compares every compiled form with the plain walk, bit for bit.
func checkForms(t *testing.T, m *Model, x []float64) {
	t.Helper()
	forms := map[string]form{"chosen": m.fast(), "flat": newFlat(m)}
	if g := newGrid(m); g != nil {
		forms["grid"] = g
	}
	width := len(m.spec.Features)
	out := make([]float64, len(x)/width)
	public := make([]float64, len(out))
	if err := m.Probabilities(x, public); err != nil {
		t.Fatal(err)
	}
	for name, form := range forms {
		form.many(x, out)
		for i, many := range out {
			row := x[i*width : (i+1)*width]
			want, err := m.walk(row)
			one, ok := form.one(row)
			if ok == math.IsNaN(many) || ok && math.Float64bits(one) != math.Float64bits(many) {
				t.Fatalf("%s: row %v: one %v %t, many %v", name, row, one, ok, many)
			}
			if ok != (err == nil) && !m.forest.routes || ok && math.Float64bits(one) != math.Float64bits(want) {
				t.Fatalf("%s: row %v: %x %t; the plain walk %x, %v", name, row, one, ok, want, err)
			}
			if got, gotErr := m.Probability(row); (err == nil) != (gotErr == nil) || got != want {
				t.Fatalf("Probability(%v) = %v, %v; the plain walk %v, %v", row, got, gotErr, want, err)
			}
			if p := public[i]; math.IsNaN(p) != (err != nil) || err == nil && p != want {
				t.Fatalf("Probabilities: row %v: %v; the plain walk %v, %v", row, p, want, err)
			}
		}
	}
}

func TestCompiledFormsEqualThePlainWalk(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	grids := 0
	for range 150 {
		m := parseSpec(t, randomSpec(rng, shape{
			features: 1 + rng.IntN(6), trees: 1 + rng.IntN(20), nodes: 1 + rng.IntN(40),
			classes: 1 + rng.IntN(3), distinct: 1 + rng.IntN(12),
		}))
		checkForms(t, m, probes(rng, m, 70))
		if m.fast().grid != nil {
			grids++
		}
	}
	if grids < 50 || grids == 150 {
		t.Errorf("%d of 150 forests have a grid", grids)
	}
}

func TestCompiledFormsOfTheDefaultModelEqualThePlainWalk(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 6))
	m := Default()
	if m.fast().grid == nil {
		t.Error("the default model has no grid")
	}
	checkForms(t, m, probes(rng, m, 3000))
}

func TestCompiledFormsOfLargeForestsEqualThePlainWalk(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7, 8))
	for _, s := range []shape{
		{features: MaxFeatures, trees: 9, nodes: 200, classes: 2, distinct: 3},
		{features: 8, trees: 30, nodes: 500, classes: 2, distinct: 300},
		{features: 1, trees: 3, nodes: 3000, classes: 2, distinct: 3000},
	} {
		m := parseSpec(t, randomSpec(rng, s))
		checkForms(t, m, probes(rng, m, 60))
	}
}

// More trees than one row goes down at once, and more rows than fit a block.
func TestCompiledFormsWorkInPieces(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(15, 16))
	m := parseSpec(t, randomSpec(rng, shape{features: 20, trees: 2*group + 3, nodes: 30, classes: 2, distinct: 20}))
	checkForms(t, m, probes(rng, m, 2*scratchKeys/32+5))
}

func TestStartsAreBounded(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(17, 18))
	for _, s := range []shape{
		{features: 4, trees: 2, nodes: 3000, classes: 2, distinct: 500},
		{features: 40, trees: 300, nodes: 50, classes: 2, distinct: 50},
		{features: 1, trees: 20, nodes: 5, classes: 2, distinct: 1},
	} {
		m := parseSpec(t, randomSpec(rng, s))
		limit := min(maxStartCells, maxStarts/s.trees)
		_, cells, ok := layOut(m.spec.Features, coarse(weigh(m), limit), limit)
		if !ok || s.nodes > 5 && cells < limit/3 {
			t.Errorf("%+v: %d cells, %t; at most %d are allowed", s, cells, ok, limit)
		}
	}
}

// Missing values that trees route are walked plainly.
func TestCompiledFormsLeaveRoutedValuesToThePlainWalk(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(9, 10))
	for range 20 {
		spec := randomSpec(rng, shape{features: 3, trees: 5, nodes: 20, classes: 2, distinct: 10})
		for i := range spec.Trees {
			spec.Trees[i].MissingLeft = make([]bool, len(spec.Trees[i].Left))
			for n, left := range spec.Trees[i].Left {
				spec.Trees[i].MissingLeft[n] = left != leaf && rng.IntN(2) == 0
			}
		}
		m := parseSpec(t, spec)
		checkForms(t, m, probes(rng, m, 100))
	}
}

func TestGridIsBounded(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(11, 12))
	wide := parseSpec(t, randomSpec(rng, shape{features: 40, trees: 5, nodes: 400, classes: 2, distinct: 3}))
	many := parseSpec(t, randomSpec(rng, shape{features: 3, trees: 2000, nodes: 60, classes: 2, distinct: 40}))
	for name, m := range map[string]*Model{"cells": wide, "cells times trees": many} {
		if m.fast().grid != nil {
			t.Errorf("%s: a grid of %d cells", name, len(m.fast().grid.cells))
		}
	}
}

func TestProbabilitiesChecksLengths(t *testing.T) {
	t.Parallel()
	if err := Default().Probabilities(make([]float64, 7), make([]float64, 2)); err == nil {
		t.Error("7 values are taken for 2 rows of 4 features")
	}
	if err := Default().Probabilities(nil, nil); err != nil {
		t.Error(err)
	}
}

func TestCompiledFormsDoNotAllocate(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	large := parseSpec(t, randomSpec(rng, shape{features: 9, trees: 30, nodes: 300, classes: 2, distinct: 300}))
	for name, m := range map[string]*Model{"grid": Default(), "flat": large} {
		x, out := make([]float64, 100*len(m.spec.Features)), make([]float64, 100)
		for i := range x {
			x[i] = rng.Float64()
		}
		if n := testing.AllocsPerRun(20, func() {
			_, _ = m.Probability(x[:len(m.spec.Features)])
			_ = m.Probabilities(x, out)
		}); n > poolAllocations {
			t.Errorf("%s: %g allocations", name, n)
		}
	}
}

func FuzzCompiledForms(f *testing.F) {
	f.Add(uint64(1), uint8(2), uint8(3), uint8(20), 0.5, 1e-45)
	f.Add(uint64(2), uint8(4), uint8(25), uint8(60), math.MaxFloat32, -1e-310)
	f.Fuzz(func(t *testing.T, seed uint64, features, trees, nodes uint8, a, b float64) {
		rng := rand.New(rand.NewPCG(seed, 1))
		spec := randomSpec(rng, shape{
			features: 1 + int(features%8), trees: 1 + int(trees%32), nodes: 1 + int(nodes), classes: 2, distinct: 6,
		})
		// The fuzzer's numbers become thresholds and values.
		for _, v := range []float64{a, b} {
			tree := &spec.Trees[rng.IntN(len(spec.Trees))]
			if i := rng.IntN(len(tree.Left)); tree.Left[i] != leaf && !notFinite(v) {
				tree.Threshold[i] = v
			}
		}
		m := parseSpec(t, spec)
		x := probes(rng, m, 20)
		for i := range x {
			if rng.IntN(4) == 0 {
				x[i] = []float64{a, b, float64(float32(a)), math.Nextafter(b, a)}[rng.IntN(4)]
			}
		}
		checkForms(t, m, x)
	})
}

func BenchmarkForms(b *testing.B) {
	m, rng := Default(), rand.New(rand.NewPCG(1, 2))
	const rows = 4096
	x, out := make([]float64, 0, 4*rows), make([]float64, rows)
	for range rows {
		x = append(x, 1500+rng.ExpFloat64()*5000, 30+rng.ExpFloat64()*120, float64(rng.IntN(2)), float64(rng.IntN(3)))
	}
	score := map[string]func(i int){
		"plain":         func(i int) { _, _ = m.walk(x[4*i : 4*i+4]) },
		"probability":   func(i int) { _, _ = m.Probability(x[4*i : 4*i+4]) },
		"flat":          nil,
		"probabilities": nil,
		"flatblock":     nil,
	}
	f := newFlat(m)
	for _, name := range []string{"plain", "probability", "flat"} {
		one := score[name]
		if one == nil {
			one = func(i int) { f.one(x[4*i : 4*i+4]) }
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				one(i & (rows - 1))
				i++
			}
		})
	}
	for name, many := range map[string]func(x, out []float64){"flatblock": f.many, "probabilities": m.fast().many} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				many(x, out)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	m := Default()
	b.ReportAllocs()
	for b.Loop() {
		choose(m)
	}
}
