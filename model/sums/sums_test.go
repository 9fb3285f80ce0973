package sums

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"
)

// checkAdd compares both ways, and looks beside the run.
func checkAdd(t *testing.T, numbers []float64, from, to int, v float64) {
	t.Helper()
	want, got := append([]float64{}, numbers...), append([]float64{}, numbers...)
	addEach(want[from:to], v)
	Add(got[from:to], v)
	for i := range want {
		if math.Float64bits(got[i]) != math.Float64bits(want[i]) && !(math.IsNaN(got[i]) && math.IsNaN(want[i])) {
			t.Fatalf("%d to %d of %d, + %v: number %d is %v, want %v", from, to, len(numbers), v, i, got[i], want[i])
		}
	}
}

func TestAdd(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	odd := []float64{0, math.Copysign(0, -1), math.Inf(1), math.NaN(), 5e-324, math.MaxFloat64, 1e-300}
	numbers := make([]float64, 80)
	for i := range numbers {
		if numbers[i] = rng.Float64(); i%9 == 0 {
			numbers[i] = odd[rng.IntN(len(odd))]
		}
	}
	for from := range 9 {
		for to := from; to <= len(numbers); to++ {
			for _, v := range append(odd, rng.Float64(), -rng.Float64()) {
				checkAdd(t, numbers, from, to, v)
			}
		}
	}
}

func FuzzAdd(f *testing.F) {
	f.Add(make([]byte, 200), uint8(3), 0.1)
	f.Fuzz(func(t *testing.T, data []byte, from uint8, v float64) {
		numbers := make([]float64, len(data)/8)
		for i := range numbers {
			numbers[i] = math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:]))
		}
		start := min(int(from), len(numbers))
		checkAdd(t, numbers, start, len(numbers), v)
	})
}
