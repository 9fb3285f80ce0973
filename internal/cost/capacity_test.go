package cost

import (
	"math"
	"testing"
)

func mustRun(t *testing.T, f Fleet, size, chunk float64) *Run {
	t.Helper()
	prices, err := LoadPrices()
	if err != nil {
		t.Fatal(err)
	}
	r, err := Capacity(prices, f, size, chunk)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// near compares to a millionth.
func near(a, b float64) bool { return math.Abs(a-b) <= 1e-6*max(math.Abs(a), math.Abs(b)) }

func TestCapacityOfOneWorker(t *testing.T) {
	t.Parallel()
	f := Fleet{
		Workers: 1, RowsPerSecond: 1000, BytesPerSec: 1e6, ChunkSeconds: 1, StartSeconds: 2, RampStart: 5,
		RampPerMinute: 300, SendPerSecond: 10, EntrySeconds: 0.1, RowBytes: 100, WorkerGB: 1, Deadline: 100,
	}
	r := mustRun(t, f, 1e6, 100_000) // 10 chunks of 1,000 rows
	// Each takes 1 s of requests and 1 s of scoring, one after the other.
	if r.Chunks != 10 || r.Rows != 10_000 || !near(r.Chunk, 2) || !near(r.Busy, 20) || r.Peak != 1 || r.Bound != "scoring" {
		t.Errorf("%+v", r)
	}
	if want := 2 + 20 + 2 + 0.5 + 0.1; !near(r.Seconds, want) {
		t.Errorf("%v s, want %v", r.Seconds, want)
	}
	f.BytesPerSec = 10_000
	if r := mustRun(t, f, 1e6, 100_000); r.Bound != "reading" || !near(r.Chunk, 11) {
		t.Errorf("slow reads: %+v", r)
	}
	f.Deadline = 5
	if !mustRun(t, f, 1e6, 100_000).BeyondLimit {
		t.Error("a chunk that takes 11 s fits a deadline of 5 s")
	}
}

func TestRamp(t *testing.T) {
	t.Parallel()
	f := DefaultFleet() // 5 at once, 5 a second
	for _, tt := range []struct{ work, most, seconds, peak float64 }{
		{10, 2, 5, 2}, // no more than 2 chunks
		{5, 1000, (math.Sqrt(25+50) - 5) / 5, math.Sqrt(75)}, // done while workers are added
		{(5 + 105) / 2.0 * 20, 105, 20, 105},                 // just when all are there
		{(5+105)/2.0*20 + 1050, 105, 30, 105},
	} {
		seconds, peak := f.ramp(tt.work, tt.most)
		if !near(seconds, tt.seconds) || !near(peak, tt.peak) {
			t.Errorf("ramp(%v, %v) = %v, %v; want %v, %v", tt.work, tt.most, seconds, peak, tt.seconds, tt.peak)
		}
	}
}

// More workers, faster workers and larger chunks never take longer; the price
// of the work does not depend on how many share it.
func TestCapacityIsMonotonic(t *testing.T) {
	t.Parallel()
	const size, chunk = 100e9, 26 << 20
	f := DefaultFleet()
	last, price := math.Inf(1), 0.0
	for _, workers := range []float64{1, 2, 10, 100, 1000, 5000} {
		f.Workers = workers
		r := mustRun(t, f, size, chunk)
		if r.Seconds > last {
			t.Errorf("%v workers take %v s, fewer took %v s", workers, r.Seconds, last)
		}
		if price > 0 && math.Abs(r.USD-price) > 0.2*price {
			t.Errorf("%v workers cost %v, fewer %v", workers, r.USD, price)
		}
		last, price = r.Seconds, r.USD
	}
	slow, fast := DefaultFleet(), DefaultFleet()
	fast.RowsPerSecond *= 2
	if mustRun(t, fast, size, chunk).Seconds > mustRun(t, slow, size, chunk).Seconds {
		t.Error("faster workers take longer")
	}
}

func TestCapacityErrors(t *testing.T) {
	t.Parallel()
	prices, err := LoadPrices()
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Fleet){
		"no workers":   func(f *Fleet) { f.Workers = 0 },
		"NaN":          func(f *Fleet) { f.RowsPerSecond = math.NaN() },
		"infinite":     func(f *Fleet) { f.BytesPerSec = math.Inf(1) },
		"negative row": func(f *Fleet) { f.RowBytes = -1 },
	} {
		f := DefaultFleet()
		change(&f)
		if _, err := Capacity(prices, f, 1, 1); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := Capacity(prices, DefaultFleet(), 0, 1); err == nil {
		t.Error("an empty file: no error")
	}
}
