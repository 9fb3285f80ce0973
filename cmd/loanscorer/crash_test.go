package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
	"github.com/loanscorer/loanscorer/scorer"
)

var (
	crashRounds = flag.Int("crash.rounds", 4, "how often the server is ended")
	crashRows   = flag.Int("crash.rows", 100_000, "rows of the file that is scored meanwhile")
)

// TestCrash ends the server at random moments while it scores a file and takes
// in applications, three times in four with SIGKILL, and starts it again each
// time. At the end
// everything that was accepted is decided once, every ledger closes, and no row
// is lost or doubled.
//
// failure 5, failure 6, failure 7, failure 8, failure 15, failure 31, failure 75
func TestCrash(t *testing.T) {
	s := newServer(t, "--chunk-size", "262144", "--visibility", "2s", "--lease", "1s", "--max-receives", "1000")
	csv := crashCSV(*crashRows)
	var accepted []string
	var files []string
	for round := range *crashRounds {
		s.start()
		key := fmt.Sprintf("%scrash-%d.csv", status.UploadsPrefix, round)
		end := s.kill
		if round%4 == 3 { // a stop in the middle of work is clean, too
			end = func() {
				if took := s.terminate(); took > 10*time.Second {
					t.Errorf("the stop took %s", took)
				}
			}
		}
		stored, ids := crashRound(t, s, key, csv, end)
		accepted = append(accepted, ids...)
		if stored {
			files = append(files, key)
		}
	}
	s.start()
	t.Logf("%d ends, %d applications accepted, %d files stored", *crashRounds, len(accepted), len(files))
	objects, err := s.connection().store(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range files {
		checkFile(t, s, objects, key, int64(*crashRows))
	}
	for _, id := range accepted {
		app, _, err := newClient(s.url()).waitApplication(t.Context(), id)
		if err != nil || app.State != "decided" {
			t.Fatalf("application %s: %+v, %v", id, app, err)
		}
	}
	checkRows(t, objects, accepted)
	if took := s.terminate(); took > 10*time.Second {
		t.Errorf("the stop took %s", took)
	}
}

// crashRound uploads the file and submits applications until the server is
// ended, at a random moment within about the time that the work takes.
func crashRound(t *testing.T, s *server, key string, csv []byte, end func()) (stored bool, ids []string) {
	t.Helper()
	objects, err := s.connection().store(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		_, err := objects.PutFrom(ctx, key, bytes.NewReader(csv), store.PutOptions{})
		stored = err == nil
	})
	wg.Go(func() { ids = submitUntil(ctx, newClient(s.url())) })
	timer := time.NewTimer(20*time.Millisecond + rand.N(1200*time.Millisecond))
	<-timer.C // the random moment
	end()
	cancel()
	wg.Wait()
	return stored, ids
}

// submitUntil submits applications one after the other and returns the ids of
// those that were accepted.
func submitUntil(ctx context.Context, c *client) []string {
	var ids []string
	for ctx.Err() == nil {
		body := fmt.Sprintf(`{"Loan_ID":"C%d","ApplicantIncome":%d,"CoapplicantIncome":0,"LoanAmount":120,"Credit_History":1,"Property_Area":"Urban"}`,
			len(ids), 2000+len(ids))
		a, err := c.do(ctx, http.MethodPost, "/v1/applications", []byte(body), http.Header{"Content-Type": {"application/json"}})
		if err != nil {
			return ids
		}
		var app application
		if json.Unmarshal(a.body, &app) == nil && app.ID != "" {
			ids = append(ids, app.ID)
		}
	}
	return ids
}

// checkFile waits for the file's batch and proves it.
func checkFile(t *testing.T, s *server, objects *store.Store, key string, rows int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	c := newClient(s.url())
	stored, err := objects.Head(ctx, key)
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	found, err := c.batchOf(ctx, uploaded{key: key, etag: stored.ETag, at: stored.LastModified}, func(text string) { t.Log(text) })
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	b, _, err := c.waitBatch(ctx, found.ID, func(float64) {})
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	if b.State != "succeeded_with_rejects" || b.Counts.Rows != rows || b.Counts.Decided+b.Counts.Rejected != rows {
		t.Errorf("%s: %s, %+v, want %d rows", key, b.State, b.Counts, rows)
	}
	report, err := scorer.Verify(ctx, objects, b.ID)
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	if !report.OK() || report.Rows != rows {
		t.Errorf("%s: %+v", key, report)
	}
}

// checkRows reads every result file of single applications: each row is there
// once, and every accepted application has one.
func checkRows(t *testing.T, objects *store.Store, accepted []string) {
	t.Helper()
	rows := map[string]int{}
	for info, err := range objects.List(t.Context(), status.ApplicationResultsPrefix, "") {
		if err != nil {
			t.Fatal(err)
		}
		data, _, err := objects.Get(t.Context(), info.Key, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		type row struct {
			ID string `parquet:"application_id"`
		}
		read, err := parquet.Read[row](bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatalf("%s: %v", info.Key, err)
		}
		for _, r := range read {
			rows[r.ID]++
		}
	}
	for id, n := range rows {
		if n != 1 {
			t.Errorf("application %s has %d rows", id, n)
		}
	}
	for _, id := range accepted {
		if rows[id] != 1 {
			t.Errorf("accepted application %s has %d rows", id, rows[id])
		}
	}
}

// crashCSV is a file with quoted line breaks and, one row in a thousand, an
// income that is no number.
func crashCSV(rows int) []byte {
	var b bytes.Buffer
	b.WriteString("Loan_ID,ApplicantIncome,CoapplicantIncome,LoanAmount,Credit_History,Property_Area,Note\n")
	areas := []string{"Rural", "Semiurban", "Urban"}
	for i := range rows {
		income := strconv.Itoa(1500 + i*7%20000)
		if i%1000 == 500 {
			income = "unknown"
		}
		note := "plain"
		if i%50 == 0 {
			note = "\"first line\nsecond, line\""
		}
		fmt.Fprintf(&b, "R%d,%s,%d,%d,%d,%s,%s\n", i, income, i%3*900, 60+i%300, i%7/1&1, areas[i%3], note)
	}
	return b.Bytes()
}
