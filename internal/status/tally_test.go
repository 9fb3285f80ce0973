package status

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Chunks add up to the whole, however the rows are divided.
func TestTallySums(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 100 {
		whole, sum := NewTally(), NewTally()
		for range rng.IntN(6) {
			part := NewTally()
			for range rng.IntN(50) {
				for _, tally := range []*Tally{&whole, &part} {
					switch p := float64(round) / 100; {
					case round%3 == 0:
						tally.Rows++
						tally.Rejected["bad_number"]++
					case p > 0.5:
						tally.Score("approved", p)
						tally.Imputed["LoanAmount"]++
					default:
						tally.Score("declined", p)
						tally.Reason([]string{"R1", "R2"}[round%2], 1)
					}
				}
			}
			sum.Add(&part)
		}
		if diff := cmp.Diff(whole, sum); diff != "" {
			t.Fatalf("round %d: %s", round, diff)
		}
		if whole.Rows != whole.DecidedRows()+whole.RejectedRows() {
			t.Errorf("round %d: %d rows, %d decided, %d rejected", round, whole.Rows, whole.DecidedRows(), whole.RejectedRows())
		}
		var bins int64
		for _, n := range whole.Histogram {
			bins += n
		}
		if bins != whole.DecidedRows() {
			t.Errorf("round %d: %d rows in the histogram, %d decided", round, bins, whole.DecidedRows())
		}
	}
}

func TestScoreBins(t *testing.T) {
	t.Parallel()
	for p, bin := range map[float64]int{0: 0, 0.049: 0, 0.05: 1, 0.5: 10, 0.94999: 18, 0.95: 19, 0.999: 19, 1: 19} {
		tally := NewTally()
		tally.Score("approved", p)
		if tally.Histogram[bin] != 1 || tally.Rows != 1 || tally.DecidedRows() != 1 {
			t.Errorf("probability %v: %+v, want bin %d", p, tally, bin)
		}
	}
}

// A tally that was never made, or read from a document without members, is
// empty.
func TestZeroTally(t *testing.T) {
	t.Parallel()
	some := NewTally()
	some.Score("approved", 0.5)
	some.Rejected["bad_number"]++
	some.Imputed["LoanAmount"]++
	some.Reason("R1", 1)
	var sum, scored Tally
	sum.Add(&Tally{})
	sum.Add(&some)
	if diff := cmp.Diff(some, sum); diff != "" {
		t.Error(diff)
	}
	scored.Score("approved", 0.5)
	if scored.Decided["approved"] != 1 || scored.DecidedRows() != 1 || scored.RejectedRows() != 0 {
		t.Errorf("%+v", scored)
	}
}

func TestFirstReasons(t *testing.T) {
	t.Parallel()
	tally := Tally{Reasons: map[string]int64{"B": 2, "A": 2, "D": 9, "C": 1}}
	if diff := cmp.Diff([]string{"D", "A", "B", "C"}, tally.FirstReasons()); diff != "" {
		t.Error(diff)
	}
	if got := new(Tally).FirstReasons(); len(got) > 0 {
		t.Errorf("%v", got)
	}
}
