package main

import (
	"context"
	"encoding/json"
	"iter"
	"log/slog"
	"path"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
	"github.com/loanscorer/loanscorer/scorer"
)

// The results of a day that is over become one file, once.
func TestCompactCommand(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.start()
	const application = `{"Loan_ID":"C","ApplicantIncome":5849,"CoapplicantIncome":0,"LoanAmount":128,"Credit_History":1,"Property_Area":"Urban"}`
	call(t, application, "submit", "-", "--wait", "--server", s.url()).want(t, exitOK, "decided")
	objects, err := s.connection().store(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const day = "2026-01-02" // as if it had been decided then
	for info, err := range objects.List(t.Context(), status.ApplicationResultsPrefix, "") {
		if err != nil {
			t.Fatal(err)
		}
		data, _, err := objects.Get(t.Context(), info.Key, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := objects.Create(t.Context(), status.ApplicationResultsDay(day)+path.Base(info.Key), data, store.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	flags := []string{"--data", s.data, "--s3-endpoint", "http://" + s.s3}
	call(t, "", append([]string{"compact", "--day", status.Day(time.Now())}, flags...)...).want(t, exitFailed, "not closed yet")
	call(t, "", append([]string{"compact", "--day", "yesterday"}, flags...)...).want(t, exitFailed, "must be YYYY-MM-DD")
	out := call(t, "", append([]string{"compact", "--json"}, flags...)...)
	out.want(t, exitOK, "")
	var done compacted
	if err := json.Unmarshal([]byte(out.out), &done); err != nil {
		t.Fatal(err)
	}
	if len(done.Days) != 1 || done.Days[0].Day != day || done.Days[0].State != scorer.DayMerged || done.Days[0].Rows != 1 {
		t.Errorf("%s", out.out)
	}
	call(t, "", append([]string{"compact", "--day", day}, flags...)...).want(t, exitOK, "already")
}

// emptyBucket counts what a compactor asks for.
type emptyBucket struct {
	scorer.Objects

	began   time.Time
	days    []time.Duration // looks for days
	orphans []time.Duration // looks for orphans
}

func (b *emptyBucket) Folders(_ context.Context, prefix string) ([]string, error) {
	if prefix == status.ApplicationResultsPrefix {
		b.days = append(b.days, time.Since(b.began))
	}
	return nil, nil
}

func (b *emptyBucket) Head(context.Context, string) (store.Info, error) {
	if n := len(b.orphans); n == 0 || b.orphans[n-1] != time.Since(b.began) {
		b.orphans = append(b.orphans, time.Since(b.began))
	}
	return store.Info{}, store.ErrNotFound
}

func (b *emptyBucket) List(context.Context, string, string) iter.Seq2[store.Info, error] {
	return func(func(store.Info, error) bool) {}
}

// A server looks for days to merge a minute after its start and every hour
// then, and for orphans once a day.
func TestCompactTimer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &emptyBucket{began: time.Now()}
		c, err := scorer.NewCompactor(scorer.CompactorOptions{Objects: b, Folders: b, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 26*time.Hour)
		defer cancel()
		compact(ctx, c, slog.New(slog.DiscardHandler))
		if want := []time.Duration{compactFirst, compactFirst + orphansEvery}; !cmp.Equal(want, b.orphans) {
			t.Errorf("orphans looked for at %v, want %v", b.orphans, want)
		}
		if len(b.days) != 26 || b.days[0] != compactFirst || b.days[1] != compactFirst+compactEvery {
			t.Errorf("days looked for at %v", b.days)
		}
	})
}
