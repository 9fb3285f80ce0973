package train_test

import (
	"context"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/train"
	"github.com/loanscorer/loanscorer/model/train/traintest"
)

// The number of workers changes nothing.
func TestSameForestOnAnyNumberOfCores(t *testing.T) {
	t.Parallel()
	d := traintest.Loans(t)
	p := train.Params{Seed: 3, ClassWeight: train.Balanced, Criterion: train.Entropy}
	var first string
	for _, workers := range []int{1, 2, 3, 16, runtime.NumCPU()} {
		f, err := train.Fit(t.Context(), d, nil, p, train.Options{Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		got := traintest.Digest(f.Spec(d).Trees)
		if first == "" {
			first = got
		}
		if got != first {
			t.Errorf("%d workers: forest %s, want %s", workers, got, first)
		}
	}
}

// The model file of a forest predicts what the forest predicts, bit for bit.
func TestModelFilePredictsTheSame(t *testing.T) {
	t.Parallel()
	d := traintest.Loans(t)
	for _, p := range []train.Params{{}, {ClassWeight: train.Balanced, MaxFeatures: train.All}, {Criterion: train.Entropy, MaxFeatures: train.Sqrt}} {
		f := fit(t, d, p)
		text, err := model.Encode(f.Spec(d))
		if err != nil {
			t.Fatal(err)
		}
		m, err := model.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		x, a, b := make([]float64, len(d.Columns)), make([]float64, 2), make([]float64, 2)
		for row := range d.Rows() {
			d.Row(row, x)
			if err := errors.Join(f.PredictProba(x, a), m.PredictProba(x, b)); err != nil {
				t.Fatal(err)
			}
			if a[0] != b[0] || a[1] != b[1] {
				t.Fatalf("row %d: forest %v, model file %v", row, a, b)
			}
		}
	}
}

// column is a number column of a small table.
func column(name string, fill train.Fill, values ...float64) train.Column {
	return train.Column{Name: name, Fill: fill, Values: values}
}

func small(columns ...train.Column) *train.Data {
	d := &train.Data{Columns: columns, Classes: []model.Class{model.IntClass(0), model.IntClass(1)}, Positive: 1}
	for i := range columns[0].Values {
		d.Labels = append(d.Labels, i%2)
	}
	return d
}

func TestFill(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	tests := []struct {
		fill   train.Fill
		values []float64
		want   float64
	}{
		{train.Mean, []float64{1, nan, 2, 6}, 3},
		{train.Median, []float64{7, nan, 1, 2}, 2},
		{train.Median, []float64{7, 1, 2, 4}, 3},
		{train.Mode, []float64{5, 2, 2, 5, nan, 9}, 2},
	}
	for _, tt := range tests {
		d := small(column("a", tt.fill, tt.values...))
		got := fit(t, d, train.Params{}).Spec(d).Features[0].Missing
		want := &model.Missing{Rule: model.Constant, Value: tt.want, Fitted: string(tt.fill)}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s of %v (-want +got):\n%s", tt.fill, tt.values, diff)
		}
	}
}

// Constants are fitted on the rows that are trained on, not on the others.
func TestFillSeesTrainingRowsOnly(t *testing.T) {
	t.Parallel()
	d := small(column("a", train.Mean, 1, 3, 1000, 2000))
	f, err := train.Fit(t.Context(), d, []int{0, 1}, train.Params{}, train.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Spec(d).Features[0].Missing.Value; got != 2 {
		t.Errorf("constant %v, want 2", got)
	}
}

func TestFitRefuses(t *testing.T) {
	t.Parallel()
	good := func() *train.Data { return small(column("a", train.Refuse, 1, 2, 3, 4)) }
	tests := []struct {
		name   string
		change func(d *train.Data, p *train.Params)
		want   string
	}{
		{"missing value", func(d *train.Data, _ *train.Params) { d.Columns[0].Values[2] = math.NaN() }, "a is missing"},
		{"overflow", func(d *train.Data, _ *train.Params) { d.Columns[0].Values[2] = 1e39 }, "too large"},
		{"no column", func(d *train.Data, _ *train.Params) { d.Columns = nil }, "0 features"},
		{"one class", func(d *train.Data, _ *train.Params) { d.Classes = d.Classes[:1] }, "1 classes"},
		{"label", func(d *train.Data, _ *train.Params) { d.Labels[1] = 2 }, "label 2"},
		{"short column", func(d *train.Data, _ *train.Params) { d.Columns[0].Values = d.Columns[0].Values[:3] }, "3 values for 4 rows"},
		{"positive", func(d *train.Data, _ *train.Params) { d.Positive = 2 }, "positive class 2"},
		{"fill", func(d *train.Data, _ *train.Params) { d.Columns[0].Fill = "guess" }, `fill "guess"`},
		{"all missing", func(d *train.Data, _ *train.Params) {
			nan := math.NaN()
			d.Columns[0] = column("a", train.Mean, nan, nan, nan, nan)
		}, "no value"},
		{"trees", func(_ *train.Data, p *train.Params) { p.Trees = 10_001 }, "trees 10001"},
		{"depth", func(_ *train.Data, p *train.Params) { p.MaxDepth = -2 }, "max depth -2"},
		{"split", func(_ *train.Data, p *train.Params) { p.MinSamplesSplit = 1 }, "min samples split 1"},
		{"criterion", func(_ *train.Data, p *train.Params) { p.Criterion = "mse" }, `criterion "mse"`},
		{"class weight", func(_ *train.Data, p *train.Params) { p.ClassWeight = "x" }, `class weight "x"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, p := good(), train.Params{}
			tt.change(d, &p)
			_, err := train.Fit(t.Context(), d, nil, p, train.Options{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestFitStopsWhenCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := train.Fit(ctx, small(column("a", train.Refuse, 1, 2)), nil, train.Params{}, train.Options{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want canceled", err)
	}
}

// A forest that no model file holds is given up early.
func TestFitRefusesTooManyNodes(t *testing.T) {
	t.Parallel()
	_, err := train.Fit(t.Context(), traintest.Loans(t), nil, train.Params{}, train.LimitNodes(500))
	if !errors.Is(err, train.ErrTooLarge) {
		t.Errorf("error %v, want %v", err, train.ErrTooLarge)
	}
}

// A threshold is the float64 midpoint of two float32 values, and the lower one
// where the midpoint is not below the higher one.
func TestThresholds(t *testing.T) {
	t.Parallel()
	next := math.Nextafter32(1000, 2000)
	tests := []struct {
		low, high float32
		want      float64
	}{
		{1, 2, 1.5},
		{1000, next, 1000 + float64(next-1000)/2},
		{-math.MaxFloat32, math.MaxFloat32, 0},
		{3e38, math.MaxFloat32, float64(float32(3e38))/2 + math.MaxFloat32/2},
	}
	for _, tt := range tests {
		d := small(column("a", train.Refuse, float64(tt.low), float64(tt.high)))
		p := train.Params{Trees: 1, MinSamplesSplit: 2, NoBootstrap: true}
		if got := fit(t, d, p).Spec(d).Trees[0].Threshold[0]; math.Abs(got-tt.want) > 1e-15*math.Abs(tt.want) {
			t.Errorf("between %v and %v: %v, want %v", tt.low, tt.high, got, tt.want)
		}
	}
}

// Values within 1e-7 of each other are one.
func TestNearValuesAreNotSplit(t *testing.T) {
	t.Parallel()
	d := small(column("a", train.Refuse, 0.1, 0.1+5e-8))
	trees := fit(t, d, train.Params{MinSamplesSplit: 2, NoBootstrap: true}).Spec(d).Trees
	if len(trees[0].Left) != 1 {
		t.Errorf("%d nodes, want 1", len(trees[0].Left))
	}
}

func TestReference(t *testing.T) {
	t.Parallel()
	values := []float64{math.NaN()}
	for i := range 21 {
		values = append(values, float64(i))
	}
	got := train.Reference(small(column("many", train.Mean, values...)))
	want := []model.Distribution{{Feature: "many", Rows: 22, Missing: 1, Deciles: []float64{2, 4, 6, 8, 10, 12, 14, 16, 18}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("deciles (-want +got):\n%s", diff)
	}
	got = train.Reference(small(column("few", train.Mean, 1, 0, 1, 1)))
	want = []model.Distribution{{Feature: "few", Rows: 4, Counts: []model.ValueCount{{Value: 0, Count: 1}, {Value: 1, Count: 3}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

func BenchmarkFit(b *testing.B) {
	d := traintest.Loans(b)
	b.ReportAllocs()
	for b.Loop() {
		fit(b, d, train.Params{})
	}
}
