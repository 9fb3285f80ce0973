package axis_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/loanscorer/loanscorer/model/axis"
)

// odd are numbers that have gone wrong in programs like this one.
func odd() []float64 {
	return []float64{
		0, math.Copysign(0, -1), 1, -1, 0.1, -0.1, 5e-324, -5e-324, 1e-45, -1e-45, 1e-310, 1.17549435e-38,
		math.MaxFloat32, -math.MaxFloat32, math.MaxFloat64, -math.MaxFloat64, 3.5e38, 16777217, 0.5, 16777216,
	}
}

func TestKeyOrdersLikeTheNumber(t *testing.T) {
	t.Parallel()
	for _, a := range odd() {
		for _, b := range odd() {
			a, b := float32(a), float32(b)
			if (axis.Key(a) < axis.Key(b)) != (a < b) || (axis.Key(a) == axis.Key(b)) != (a == b) {
				t.Errorf("%g and %g: keys %d and %d", a, b, axis.Key(a), axis.Key(b))
			}
		}
		if got := axis.Float(axis.Key(float32(a))); got != float32(a) {
			t.Errorf("Float(Key(%g)) = %g", float32(a), got)
		}
	}
}

// count is what Cell must return, by the rule of the trees.
func count(thresholds []float64, x float32) int {
	var below []float32
	for _, t := range thresholds {
		if !(float64(x) <= t) {
			below = append(below, axis.Below(t))
		}
	}
	slices.Sort(below)
	return len(slices.Compact(below))
}

func TestCellCountsTheThresholdsBelow(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 300 {
		thresholds := make([]float64, rng.IntN(1+round))
		scale := math.Exp(rng.NormFloat64() * 20)
		for i := range thresholds {
			thresholds[i] = rng.NormFloat64() * scale
			if rng.IntN(4) == 0 {
				thresholds[i] = odd()[rng.IntN(len(odd()))]
			}
		}
		a := axis.New(thresholds)
		for _, v := range append(odd(), thresholds...) {
			x := float32(v)
			down, up := math.Nextafter32(x, float32(math.Inf(-1))), math.Nextafter32(x, float32(math.Inf(1)))
			for _, x := range []float32{x, down, up, -x} {
				// -0 and +0 are one threshold, so is everything between two float32.
				at := []int{100}
				finite := a.AddCells(at, []float64{float64(x)}, 1, 3)
				if got, want := a.Cell(axis.Key(x)), count(thresholds, x); got != want || finite && at[0] != 100+3*want ||
					finite != (math.Abs(float64(x)) <= math.MaxFloat32) {
					t.Fatalf("thresholds %v: Cell(%g) = %d, %d, want %d", thresholds, x, got, at[0], want)
				}
			}
		}
		for i := range a.Cells() - 1 {
			if at := axis.Key(a.Threshold(i)); a.Cell(at) != i || a.Cell(at+1) != i+1 {
				t.Fatalf("threshold %d: it is in cell %d, the next number in %d", i, a.Cell(at), a.Cell(at+1))
			}
		}
	}
}

func BenchmarkCell(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	thresholds, keys := make([]float64, 165), make([]int32, 4096)
	for i := range thresholds {
		thresholds[i] = 1500 + rng.ExpFloat64()*5000
	}
	for i := range keys {
		keys[i] = axis.Key(float32(1500 + rng.ExpFloat64()*5000))
	}
	a := axis.New(thresholds)
	b.ReportAllocs()
	i, sum := 0, 0
	for b.Loop() {
		sum += a.Cell(keys[i&4095])
		i++
	}
	if sum < 0 {
		b.Fatal(sum)
	}
}
