package scorer

import (
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
	"github.com/loanscorer/loanscorer/model"
)

func tallyOf(t *testing.T, s *Scorer, text string) status.Tally {
	t.Helper()
	tally, err := ScoreFile(t.Context(), s, textSource(text), io.Discard, FileOptions{DecidedAt: decidedAt(), Rejects: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	return tally
}

func driftFor(t *testing.T, f model.Feature, r model.Distribution) drift {
	t.Helper()
	d, ok := newDrift(0, &f, &r)
	if !ok {
		t.Fatalf("%+v: not counted", r)
	}
	return d
}

// A value is in the bin that the label says.
func TestDriftBins(t *testing.T) {
	t.Parallel()
	number := model.Feature{Name: "LoanAmount", Kind: model.Number}
	deciles := driftFor(t, number, model.Distribution{Rows: 100, Missing: 10, Deciles: []float64{1, 2, 2, 2, 5, 6, 7, 8, 9}})
	few := driftFor(t, number, model.Distribution{Rows: 10, Counts: []model.ValueCount{{Value: 0, Count: 4}, {Value: 1, Count: 6}}})
	category := driftFor(t, model.Feature{Name: "A", Kind: model.Category, Categories: []string{"x", "y", "z"}},
		model.Distribution{Rows: 9, Counts: []model.ValueCount{{Value: 0, Count: 4}, {Value: 2, Count: 5}}})
	wantLabels := []string{"to 1", "1 to 2", "2 to 5", "5 to 6", "6 to 7", "7 to 8", "8 to 9", "above 9"}
	if diff := cmp.Diff(wantLabels, deciles.reference.Labels); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]float64{9, 27, 9, 9, 9, 9, 9, 9}, deciles.reference.Rows); diff != "" {
		t.Errorf("training rows: %s", diff)
	}
	if diff := cmp.Diff([]float64{4, 0, 5, 0}, category.reference.Rows); diff != "" {
		t.Errorf("training rows: %s", diff)
	}
	for _, tc := range []struct {
		d    *drift
		v    float64
		want string
	}{
		{&deciles, math.Inf(-1), "to 1"},
		{&deciles, 1, "to 1"},
		{&deciles, math.Nextafter(1, 2), "1 to 2"},
		{&deciles, 2, "1 to 2"},
		{&deciles, 2.5, "2 to 5"},
		{&deciles, 9, "8 to 9"},
		{&deciles, 9.01, "above 9"},
		{&deciles, 1e300, "above 9"},
		{&few, 0, "0"},
		{&few, 1, "1"},
		{&few, 0.5, "other"},
		{&few, -1, "other"},
		{&few, 2, "other"},
		{&category, 0, "x"},
		{&category, 1, "y"},
		{&category, 2, "z"},
		{&category, 3, "other"},
	} {
		if got := tc.d.reference.Labels[tc.d.find(tc.v)]; got != tc.want {
			t.Errorf("%v is in %q, want %q", tc.v, got, tc.want)
		}
	}
	fifteen := make([]float64, maxEdges)
	for i := range fifteen {
		fifteen[i] = float64(i)
	}
	full := driftFor(t, number, model.Distribution{Rows: 10, Deciles: fifteen})
	for i := range maxEdges + 1 {
		if got := full.find(float64(i) - 0.5); got != i {
			t.Errorf("bin %d, want %d", got, i)
		}
	}
}

// A distribution that cannot be counted by is left out.
func TestDriftWithoutReference(t *testing.T) {
	t.Parallel()
	number := model.Feature{Name: "LoanAmount", Kind: model.Number}
	for name, r := range map[string]model.Distribution{
		"empty":           {Rows: 10},
		"all missing":     {Rows: 10, Missing: 10, Deciles: []float64{1}},
		"many edges":      {Rows: 100, Deciles: make([]float64, maxEdges+1)},
		"values unsorted": {Rows: 2, Counts: []model.ValueCount{{Value: 1, Count: 1}, {Value: 0, Count: 1}}},
		"many values":     {Rows: 2, Counts: make([]model.ValueCount, 40)},
	} {
		if d, ok := newDrift(0, &number, &r); ok {
			t.Errorf("%s: %+v", name, d)
		}
	}
	bare := mustScorer(t, changed(t, func(s *model.Spec) { s.Reference = nil }), Options{})
	if got := tallyOf(t, bare, reasonsText(50)); len(got.Features) > 0 || len(got.Areas) != 3 {
		t.Errorf("%+v", got)
	}
}

// The bins and areas of a file are those of its rows, counted one by one, with
// gaps, and however the file is cut.
func TestStatisticsAreOfRows(t *testing.T) {
	t.Parallel()
	s := mustScorer(t, model.Default(), Options{})
	text := reasonsText(3*ingest.BlockRows/2) + "Z1,,5000,128,,rural\nZ2,70,80000000,,1,  URBAN \nZ3,1,2,9000,0,Semi Urban\n"
	text = strings.Replace(text, "Z1,,", "Z1,3000,", 1)
	want := status.NewTally()
	scanRows(t, text, func(_ *ingest.Record, app *ingest.Application, err error) {
		var v Verdict
		if err == nil {
			v, err = s.Score(app)
		}
		if err != nil {
			return // a rejected row
		}
		area, _ := app.Category(ingest.PropertyArea)
		want.Area(area, string(v.Decision), 1)
		binRow(t, s, app, &want)
	})
	got := tallyOf(t, s, text)
	if diff := cmp.Diff(want.Features, got.Features); diff != "" {
		t.Errorf("bins (-rows +blocks): %s", diff)
	}
	if diff := cmp.Diff(want.Areas, got.Areas); diff != "" {
		t.Errorf("areas (-rows +blocks): %s", diff)
	}
	for feature, bins := range got.Features {
		if bins.Total() != got.DecidedRows() {
			t.Errorf("%s: %d rows of %d", feature, bins.Total(), got.DecidedRows())
		}
	}
}

// labelOf finds a bin without a search.
func labelOf(d *drift, v float64) string {
	for i, edge := range d.edges[:len(d.reference.Labels)-1] {
		if d.values && v == edge || !d.values && v <= edge {
			return d.reference.Labels[i]
		}
	}
	return d.reference.Labels[len(d.reference.Labels)-1]
}

// A summary whose statistics do not follow from what it counts is not proved.
func TestVerifyStatistics(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*status.Summary){
		"area":  func(s *status.Summary) { s.Stats.Areas[0].Approved++ },
		"rate":  func(s *status.Summary) { *s.Stats.ApprovalRate /= 2 },
		"drift": func(s *status.Summary) { s.Stats.Drift[1].Bins[2].Rows++ },
		"bins": func(s *status.Summary) {
			s.Tally.Features["LoanAmount"].Rows[0]++
			s.Stats.Drift[1].Bins[0].Rows++
		},
	} {
		plan, summary, bucket := batchOf(t, simRowsText(30), nil)
		change(&summary)
		body, err := status.Encode(&summary)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bucket.Put(t.Context(), status.SummaryKey(plan.ID), body, store.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		report, err := Verify(t.Context(), bucket, plan.ID)
		if err != nil {
			t.Fatal(err)
		}
		if report.OK() {
			t.Errorf("%s: proved: %s", name, fmt.Sprint(report.Checks))
		}
	}
}
