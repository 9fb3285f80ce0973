package main

import (
	"path"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/internal/runtimetest"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
	"github.com/loanscorer/loanscorer/scorer"
)

// past decides applications and files their results under a day that is over.
func (c *cloud) past(t *testing.T, day string, applications int) {
	t.Helper()
	var bodies [][]byte
	for range applications {
		bodies = append(bodies, application(t, "OLD"))
	}
	want(t, c.function(t, roleWorker).Invoke(t.Context(), queued(t, testApplications, bodies...)), runtimetest.OK, noFailures)
	for info, err := range c.objects.List(t.Context(), status.ApplicationResultsPrefix, "") {
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(info.Key, status.Day(time.Now())) {
			continue
		}
		data, _, err := c.objects.Get(t.Context(), info.Key, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.objects.Create(t.Context(), status.ApplicationResultsDay(day)+path.Base(info.Key), data, store.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}

// The maintenance role sweeps, merges closed days and looks for orphans: all of
// it at first, and what costs more not again at once.
func TestMaintenance(t *testing.T) {
	t.Parallel()
	c := newCloud(t, time.Minute)
	c.past(t, "2026-01-01", 3)
	f := c.function(t, roleMaintenance)
	first := f.Invoke(t.Context(), fixture(t, "scheduled.json"))
	want(t, first, runtimetest.OK, "")
	d := decoded[done](t, first.Payload)
	if len(d.Days) != 1 || d.Days[0].Day != "2026-01-01" || d.Days[0].Rows != 3 || d.Days[0].State != scorer.DayMerged {
		t.Errorf("%s", first.Payload)
	}
	if !strings.Contains(f.Log(), `"oldest_unfinished_seconds":0`) || !strings.Contains(f.Log(), `"msg":"day merged"`) {
		t.Errorf("log: %s", f.Log())
	}
	c.past(t, "2026-01-02", 2)
	second := f.Invoke(t.Context(), fixture(t, "scheduled.json")) // within the hour
	if d := decoded[done](t, second.Payload); len(d.Days) != 0 || second.Cold {
		t.Errorf("merged again at once: %s", second.Payload)
	}
	byHand := f.Invoke(t.Context(), []byte(`{"task":"compact","day":"2026-01-02"}`))
	if d := decoded[done](t, byHand.Payload); len(d.Days) != 1 || d.Days[0].State != scorer.DayMerged {
		t.Errorf("%s", byHand.Payload)
	}
	for payload, outcome := range map[string]runtimetest.Outcome{
		`{"task":"sweep"}`: runtimetest.OK, `{"task":"orphans"}`: runtimetest.OK, `{"task":"compact"}`: runtimetest.OK,
		`"text"`: runtimetest.OK, `{"task":"format c:"}`: runtimetest.Failed, `{"task":"compact","day":"today"}`: runtimetest.Failed,
	} {
		if a := f.Invoke(t.Context(), []byte(payload)); a.Outcome != outcome {
			t.Errorf("%s: %s: %s", payload, a.Outcome, a.Payload)
		}
	}
}

// Copies of the function that merge the same day at the same time write it once.
func TestMaintenanceCopies(t *testing.T) {
	t.Parallel()
	c := newCloud(t, time.Minute)
	c.past(t, "2026-01-01", 5)
	f := c.function(t, roleMaintenance)
	answers := make(chan runtimetest.Answer)
	for range 3 {
		go func() { answers <- f.Invoke(t.Context(), []byte(`{"task":"compact","day":"2026-01-01"}`)) }()
	}
	states := map[scorer.MergeState]int{}
	for range 3 {
		a := <-answers
		want(t, a, runtimetest.OK, "")
		states[decoded[done](t, a.Payload).Days[0].State]++
	}
	if diff := cmp.Diff(map[scorer.MergeState]int{scorer.DayMerged: 1, scorer.DayAlready: 2}, states); diff != "" {
		t.Error(diff)
	}
}
