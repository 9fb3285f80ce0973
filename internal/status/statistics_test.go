package status

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func references(rows ...float64) []Reference {
	r := Reference{Feature: "F", Rows: rows, Missing: 10}
	for i := range rows {
		r.Labels = append(r.Labels, string(rune('a'+i)))
	}
	return []Reference{r}
}

// The index is the formula's, an empty bin counts half a row, and the bands
// begin where they should.
func TestStability(t *testing.T) {
	t.Parallel()
	term := func(b, r float64) float64 { return (b - r) * math.Log(b/r) }
	for _, tc := range []struct {
		name  string
		rows  []int64
		ref   []float64
		psi   float64
		band  Band
		count int64
	}{
		{"the same shares", []int64{100, 300}, []float64{200, 600}, 0, Stable, 400},
		{"a little", []int64{400, 600}, []float64{500, 500}, term(.4, .5) + term(.6, .5), Stable, 1000},
		{"moderate", []int64{300, 700}, []float64{500, 500}, term(.3, .5) + term(.7, .5), Moderate, 1000},
		{"large", []int64{200, 800}, []float64{500, 500}, term(.2, .5) + term(.8, .5), Large, 1000},
		{"empty in the batch", []int64{0, 1000}, []float64{500, 500}, term(.0005, .5) + term(1, .5), Large, 1000},
		{"empty in training", []int64{500, 500}, []float64{1000, 0}, term(.5, 1) + term(.5, .0005), Large, 1000},
		{"empty in both", []int64{500, 500, 0}, []float64{500, 500, 0}, 0, Stable, 1000},
		{"few rows", []int64{9, 0}, []float64{500, 500}, term(1, .5) + term(.5/9, .5), FewRows, 9},
	} {
		tally := NewTally()
		tally.Bins("F", Bins{Missing: tc.count, Rows: tc.rows})
		got := tally.Statistics(references(tc.ref...), time.Second).Drift
		if len(got) != 1 || got[0].PSI == nil || math.Abs(*got[0].PSI-tc.psi) > 1e-12 || got[0].Band != tc.band {
			t.Errorf("%s: %+v, want %v, %s", tc.name, got, tc.psi, tc.band)
			continue
		}
		if got[0].Missing != 0.5 || got[0].ReferenceMissing == 0 {
			t.Errorf("%s: missing %v and %v", tc.name, got[0].Missing, got[0].ReferenceMissing)
		}
	}
}

// What is not known is null, and no number is made of nothing.
func TestStatisticsOfNothing(t *testing.T) {
	t.Parallel()
	tally := NewTally()
	tally.Bins("F", Bins{Missing: 3, Rows: []int64{0, 0}})
	got := tally.Statistics(references(5, 5), 0)
	if got.ApprovalRate != nil || got.RowsPerSecond != nil || got.Drift[0].PSI != nil || got.Drift[0].Band != "" || got.Drift[0].Missing != 1 {
		t.Errorf("%+v", got)
	}
	if got := new(Tally).Statistics(nil, time.Second); got.Drift == nil || len(got.Drift) > 0 || got.Areas == nil {
		t.Errorf("a model without a reference: %+v", got)
	}
	if body, err := Encode(got); err != nil {
		t.Errorf("%s: %v", body, err)
	}
}

// Parts of a batch add up to its statistics, in any order.
func TestStatisticsAddUp(t *testing.T) {
	t.Parallel()
	parts := make([]Tally, 3)
	whole := NewTally()
	for i := range parts {
		n := int64(i + 1)
		for _, tally := range []*Tally{&parts[i], &whole} {
			tally.Bins("F", Bins{Missing: n, Rows: []int64{n, 2 * n}})
			tally.Area("Rural", "approved", n)
			tally.Area([]string{"Urban", "Rural"}[i%2], "declined", 3)
		}
	}
	forth, back := NewTally(), NewTally()
	for i := range parts {
		forth.Add(&parts[i])
		back.Add(&parts[len(parts)-1-i])
	}
	if diff := cmp.Diff(whole, forth); diff != "" || !whole.Equal(&forth) || !whole.Equal(&back) {
		t.Errorf("%s", diff)
	}
	for name, change := range map[string]func(*Tally){
		"bin":  func(t *Tally) { t.Features["F"].Rows[1]++ },
		"area": func(t *Tally) { t.Areas["Rural"]["approved"]++ },
	} {
		change(&back)
		if whole.Equal(&back) {
			t.Errorf("%s: not seen", name)
		}
		back = NewTally()
		back.Add(&whole)
	}
	want := []Area{{"Rural", 9, 6, 3, 0, 6. / 9}, {"Urban", 6, 0, 6, 0, 0}}
	if diff := cmp.Diff(want, whole.Statistics(nil, 0).Areas); diff != "" {
		t.Error(diff)
	}
}
