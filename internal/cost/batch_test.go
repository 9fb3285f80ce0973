package cost

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/internal/status"
)

func ofBatch(t *testing.T, b Batch) *BatchEstimate {
	t.Helper()
	prices, err := LoadPrices()
	if err != nil {
		t.Fatal(err)
	}
	e, err := OfBatch(prices, b)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// By hand: 8 chunks of 0.3 s of requests each; 124 MB are read in 1.46 s, which
// is longer than 2,000,000 rows take at 1.8 million a second.
func TestBatchByHand(t *testing.T) {
	t.Parallel()
	e := ofBatch(t, Batch{Rows: 2_000_000, Bytes: 124_000_000, Chunks: 8, ResultBytes: 27_000_000, Seconds: 0.9})
	const busy = 8*0.3 + 124e6/85e6
	if math.Abs(e.WorkerSeconds-busy) > 0.05*busy {
		t.Errorf("%v worker seconds, want about %v", e.WorkerSeconds, busy)
	}
	lambda := (busy + 1.02 + 0.53 + 6*0.3) * 1769 / 1024 * 0.0000166667 // planning, closing and starts beside
	requests := 32*0.000005 + (8*8+50)*0.0000004 + 27*0.0000004 + 9*0.0000002
	if want := lambda + requests; math.Abs(e.USD-want) > 0.08*want {
		t.Errorf("%v USD, want %v", e.USD, want)
	}
	if want := 0.151 / 1.0737 * 0.023; math.Abs(e.KeepUSD-want) > 0.05*want {
		t.Errorf("%v USD a month, want %v", e.KeepUSD, want)
	}
	if e.Region != "us-east-1" || e.AsOf == "" || !strings.Contains(e.Assumptions, "1.8 million rows/s") {
		t.Errorf("%+v", e)
	}
}

// A batch that was slow here is priced by what it took; more of anything never
// costs less.
func TestSlowerBatchesCostMore(t *testing.T) {
	t.Parallel()
	b := Batch{Rows: 100_000, Bytes: 6_200_000, Chunks: 1, ResultBytes: 1_400_000, Seconds: 0.1}
	last := ofBatch(t, b)
	for _, change := range []func(){
		func() { b.Seconds = 60 }, func() { b.Seconds = 600 }, func() { b.Chunks = 100 },
		func() { b.Bytes *= 1000 }, func() { b.Rows *= 100_000 },
	} {
		change()
		e := ofBatch(t, b)
		if e.USD < last.USD || e.KeepUSD < last.KeepUSD || e.WorkerSeconds < last.WorkerSeconds {
			t.Errorf("%+v costs %+v, less cost %+v", b, e, last)
		}
		if byTime := strings.Contains(e.Assumptions, "took here"); byTime != (e.WorkerSeconds == digits(b.Seconds)) {
			t.Errorf("%+v: %s", b, e.Assumptions)
		}
		last = e
	}
}

func TestBatchesWithoutPrice(t *testing.T) {
	t.Parallel()
	prices, err := LoadPrices()
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range []Batch{{}, {Rows: 1, Bytes: 1}, {Rows: -1, Bytes: 1, Chunks: 1}, {Bytes: 1, Chunks: 1, Seconds: math.NaN()}} {
		if e, err := OfBatch(prices, b); err == nil {
			t.Errorf("%+v: %+v", b, e)
		}
	}
	if e := ofBatch(t, Batch{Bytes: 100, Chunks: 1}); e.USD <= 0 { // a header alone
		t.Errorf("%+v", e)
	}
}

func TestSummaries(t *testing.T) {
	t.Parallel()
	sum := &status.Summary{Source: status.Source{Size: 6_200_000}, Chunks: 1, Parts: []status.Object{{Size: 1}, {Size: 2 << 30}}}
	if OfSummary(sum) != nil {
		t.Error("a batch without results has a price")
	}
	sum.Tally.Rows, sum.Stats = 100_000, &status.Statistics{Seconds: 60}
	want := ofBatch(t, Batch{Rows: 100_000, Bytes: 6_200_000, Chunks: 1, ResultBytes: 2<<30 + 1, Seconds: 60})
	if diff := cmp.Diff(want, OfSummary(sum)); diff != "" {
		t.Error(diff)
	}
	sum.Source.Size = 0
	if OfSummary(sum) != nil {
		t.Error("an empty file has a price")
	}
}
