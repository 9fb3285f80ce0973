package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/loanscorer/loanscorer/internal/status"
)

// The page is made whatever there is to tell, and names from outside are text.
func TestReportPage(t *testing.T) {
	t.Parallel()
	hostile := `<script>alert("1")</script>`
	full := status.Summary{ID: "B", State: status.BatchSucceededWithRejects, Tally: status.NewTally(), Chunks: 2, ClosedAt: time.Unix(1, 0)}
	full.Source.Key, full.Source.Size = hostile, 1<<20
	full.Tally.Score("referred", 0.5)
	full.Tally.Rows++
	full.Tally.Rejected["bad_number"]++
	full.Tally.Area(hostile, "referred", 1)
	full.Tally.Bins("F", status.Bins{Missing: 1, Rows: []int64{0, 0}})
	full.Problems = []status.RowProblem{{Line: 7, Column: hostile, Code: "bad_number", Reason: hostile}}
	full.Stats = full.Tally.Statistics([]status.Reference{{Feature: "F", Labels: []string{"to 5", "above 5"}, Rows: []float64{1, 1}}}, time.Second)
	for range maxReportParts + 3 {
		full.Parts = append(full.Parts, status.Object{Key: hostile})
	}
	beside := full
	beside.Shadow = &status.Shadow{Model: status.ModelRef{Name: hostile}}
	beside.Tally.Shadow = nil
	beside.Tally.WithShadow().Unscore("missing_value", hostile, 1)
	unscored := beside
	unscored.Stats = unscored.Tally.Statistics(nil, time.Second)
	beside.Tally.Shadow = nil
	beside.Tally.WithShadow().Decide("referred", "approved", 1)
	beside.Tally.Shadow.Compare(1, 0.5)
	beside.Stats = beside.Tally.Statistics(nil, time.Second)
	for name, tc := range map[string]struct {
		summary status.Summary
		want    []string
	}{
		"full":           {full, []string{"succeeded with rejects", "bad_number", "no values", "And 3 parts more", "verify B", "&lt;script&gt;", "On AWS about 0.000"}},
		"shadow":         {beside, []string{"<h2>Shadow model</h2>", "<b>1</b> rows that only the shadow model would approve", "0.500 on average", "the model that decided"}},
		"unscored":       {unscored, []string{"<h2>Shadow model</h2>", "1 for &lt;script&gt;"}},
		"header only":    {status.Summary{State: status.BatchSucceeded, Tally: status.NewTally()}, []string{"<b>0</b> rows", "None.", noReference}},
		"of an old time": {status.Summary{ID: "B", Tally: full.Tally}, []string{"<b>2</b> rows", noReference}},
	} {
		var page bytes.Buffer
		if err := renderReport(&page, &tc.summary); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, want := range tc.want {
			if !strings.Contains(page.String(), want) {
				t.Errorf("%s: no %q", name, want)
			}
		}
		for _, bad := range []string{"<script", "NaN", "Inf", "src="} {
			if strings.Contains(page.String(), bad) {
				t.Errorf("%s: has %q", name, bad)
			}
		}
	}
}
