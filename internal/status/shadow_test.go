package status

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shadowRows counts n rows of any kind.
func shadowRows(r *rand.Rand, n int) *Tally {
	t := NewTally()
	for range n {
		decision := decisions()[r.IntN(3)]
		t.Score(decision, 0.5)
		if r.IntN(4) == 0 {
			t.WithShadow().Unscore([]string{"missing_value", "overflow"}[r.IntN(2)], []string{"A", "B"}[r.IntN(2)], 1)
			continue
		}
		t.WithShadow().Decide(decision, decisions()[r.IntN(3)], 1)
		t.Shadow.Compare(r.Float64(), r.Float64())
	}
	return &t
}

// Tallies of pieces add up to the same in any order, through JSON as well.
func TestShadowTallyAdds(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	var pieces []*Tally
	for n := range 20 {
		pieces = append(pieces, shadowRows(r, n*7))
	}
	add := func() *Tally {
		sum := NewTally()
		for _, p := range pieces {
			body, err := Encode(p)
			if err != nil {
				t.Fatal(err)
			}
			var read Tally
			if err := Decode(body, &read); err != nil {
				t.Fatal(err)
			}
			sum.Add(&read)
		}
		return &sum
	}
	want := add()
	for range 10 {
		r.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
		got := add()
		if !want.Equal(got) || !want.shadowStatistics().Equal(got.shadowStatistics()) {
			t.Fatal(cmp.Diff(want, got))
		}
	}
	s := want.shadowStatistics()
	var rows int64
	for i, d := range s.Decisions {
		if got := d.Approved + d.Declined + d.Referred + d.Unscored; got != want.Decided[decisions()[i]] {
			t.Errorf("%s: %d rows, want %d", d.Decision, got, want.Decided[d.Decision])
		}
		rows += d.Approved + d.Declined + d.Referred
	}
	if rows != s.Rows || s.Rows+s.Unscored != want.DecidedRows() {
		t.Errorf("%d and %d rows of %d", s.Rows, s.Unscored, want.DecidedRows())
	}
}

func TestShadowStatistics(t *testing.T) {
	t.Parallel()
	tally := NewTally()
	for _, row := range []struct {
		decision, shadow string
		p, q             float64
	}{
		{"approved", "approved", 0.9, 0.8},
		{"approved", "declined", 0.6, 0.1},
		{"declined", "approved", 0.2, 0.7},
		{"referred", "approved", 0.5, 1},
		{"referred", "referred", 0.5, 0.5},
		{"approved", "", 0.9, 0},
	} {
		tally.Score(row.decision, row.p)
		if row.shadow == "" {
			tally.WithShadow().Unscore("missing_value", "Gender", 1)
			continue
		}
		tally.WithShadow().Decide(row.decision, row.shadow, 1)
		tally.Shadow.Compare(row.q, row.p)
	}
	f := func(v float64) *float64 { return &v }
	want := &ShadowStatistics{
		Rows: 5, Unscored: 1, UnscoredBy: []ShadowUnscored{{Code: "missing_value", Feature: "Gender", Rows: 1}},
		Agreement: f(0.4), ApprovalRate: f(0.4), ShadowApprovalRate: f(0.6), ApprovedByBoth: 1, SwapIn: 2, SwapOut: 1,
		MeanDifference: f(0.08), MeanAbsDifference: f(0.32),
		Decisions: []ShadowDecision{
			{Decision: "approved", Approved: 1, Declined: 1, Unscored: 1}, {Decision: "declined", Approved: 1}, {Decision: "referred", Approved: 1, Referred: 1},
		},
		Histogram: tally.Shadow.Histogram[:],
	}
	if diff := cmp.Diff(want, tally.Statistics(nil, 0).Shadow); diff != "" {
		t.Errorf("(-want +got): %s", diff)
	}
	if tally.Shadow.Histogram[19] != 1 || tally.Shadow.Histogram[2] != 1 {
		t.Error(tally.Shadow.Histogram)
	}
	empty := NewTally()
	if empty.Statistics(nil, 0).Shadow != nil || !empty.Shadow.Equal(&ShadowTally{}) || empty.Shadow.Equal(tally.Shadow) {
		t.Error("no shadow is not nothing")
	}
}

func TestBillionths(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		shadow, probability float64
		want                int64
	}{
		{1, 0, 1e9},
		{0, 1, -1e9},
		{0.5, 0.5, 0},
		{0.5 + 1e-10, 0.5, 0},
		{math.Nextafter(1, 0), 1, 0},
		{0.25, 0.125, 125_000_000},
	} {
		if got := Billionths(tc.shadow, tc.probability); got != tc.want {
			t.Errorf("%v less %v: %d, want %d", tc.shadow, tc.probability, got, tc.want)
		}
	}
}
