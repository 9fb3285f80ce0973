package scorer

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/internal/sim"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/model"
)

// BenchmarkSmallFile reads result files as the compactor does: all of one, and
// its ids alone.
func BenchmarkSmallFile(b *testing.B) {
	for _, rows := range []int{1, 50} {
		for _, data := range resultFiles(b, rows) {
			b.Run(fmt.Sprintf("rows=%d/all", rows), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if got, err := decodeResults(data); err != nil || len(got) != rows {
						b.Fatal(err)
					}
				}
			})
			b.Run(fmt.Sprintf("rows=%d/ids", rows), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := idsIn(bytes.NewReader(data), int64(len(data)), func([]byte) error { return nil }); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// resultFiles are what a worker writes for one batch.
func resultFiles(tb testing.TB, rows int) map[string][]byte {
	tb.Helper()
	scorer, err := New(model.Default())
	if err != nil {
		tb.Fatal(err)
	}
	bucket := sim.NewBucket()
	a, err := NewApplications(ApplicationsOptions{Scorer: scorer, Objects: bucket, Logger: simLogger()})
	if err != nil {
		tb.Fatal(err)
	}
	var batch []events.Message
	for n := range rows {
		id := simID(status.KindApplication, n, time.Now())
		body, err := events.Encode(events.NewApplication(id, "caller", time.Now(), []byte(simGood)))
		if err != nil {
			tb.Fatal(err)
		}
		batch = append(batch, events.Message{ID: id, Body: []byte(body), Receives: 1})
	}
	for _, err := range a.Handle(tb.Context(), batch) {
		if err != nil {
			tb.Fatal(err)
		}
	}
	return bucket.Bodies(status.ApplicationResultsPrefix)
}
