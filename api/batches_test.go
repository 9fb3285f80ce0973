package api

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/internal/status"
)

var source = status.Source{Bucket: "loanscorer", Key: "uploads/january.csv", ETag: `"e"`, Size: 1000, LastModified: now}

func plan(id string, chunks int) *status.Batch {
	return &status.Batch{
		V: 1, ID: id, Source: source, Chunks: chunks, PlannedAt: now.Add(-time.Minute),
		Model: status.ModelRef{Name: "m", Version: "1", SHA256: "abc"}, Policy: status.Policy{ApproveAbove: 0.5, DeclineAt: 0.5},
	}
}

// tally has two approved, one declined and one rejected row.
func tally() status.Tally {
	t := status.NewTally()
	t.Score("approved", 0.9)
	t.Score("approved", 0.8)
	t.Score("declined", 0.1)
	t.Rows++
	t.Rejected["bad_number"]++
	return t
}

func entryOf(id string, n int) *status.Chunk {
	return &status.Chunk{
		V: 1, Batch: id, N: n, Tally: tally(),
		Problems: []status.RowProblem{{Line: 3, Offset: int64(100*n + 7), Column: "LoanAmount", Code: "bad_number", Reason: "r"}},
	}
}

func counts(rows, chunks, done int) BatchCounts {
	n := int64(rows)
	return BatchCounts{
		Rows: new(4 * n), Decided: new(3 * n), Approved: new(2 * n), Declined: new(n), Referred: new(int64(0)),
		Rejected: new(n), Chunks: chunks, ChunksDone: done,
	}
}

func TestGetBatch(t *testing.T) {
	t.Parallel()
	summary := func(id string, state status.BatchState) *status.Summary {
		all := tally()
		return &status.Summary{
			V: 1, ID: id, State: state, Source: source, Chunks: 1, Tally: all, PlannedAt: now, ClosedAt: now.Add(time.Second),
			Stats: all.Statistics(nil, time.Second), Rejects: &status.Object{Key: status.RejectsKey(id)},
			Problems: []status.RowProblem{{Line: 3, Offset: 7, Column: "LoanAmount", Code: "bad_number", Reason: "r"}},
		}
	}
	tests := []struct {
		name     string
		age      time.Duration
		fill     func(t *testing.T, w *world, id string)
		state    status.BatchState
		counts   BatchCounts
		progress float64
		eta      *int64
		retry    string
		errors   int
		error    string
	}{
		{name: "not planned", fill: func(*testing.T, *world, string) {}, state: status.BatchQueued, retry: "2"},
		{name: "not planned for long", age: time.Hour, fill: func(*testing.T, *world, string) {}, state: status.BatchQueued, retry: "60"},
		{
			name: "planned", state: status.BatchScoring, counts: counts(0, 4, 0), retry: "2",
			fill: func(t *testing.T, w *world, id string) {
				t.Helper()
				w.bucket.putDoc(t, status.PlanKey(id), plan(id, 4))
			},
		},
		{
			name: "one of four", state: status.BatchScoring, counts: counts(1, 4, 1), progress: 0.25, eta: new(int64(180)), retry: "18", errors: 1,
			fill: func(t *testing.T, w *world, id string) {
				t.Helper()
				w.bucket.putDoc(t, status.PlanKey(id), plan(id, 4))
				w.bucket.putDoc(t, status.LedgerKey(id, 2), entryOf(id, 2))
			},
		},
		{
			name: "all but the summary", state: status.BatchScoring, counts: counts(2, 2, 2), progress: 1, eta: new(int64(0)), retry: "2", errors: 2,
			fill: func(t *testing.T, w *world, id string) {
				t.Helper()
				w.bucket.putDoc(t, status.PlanKey(id), plan(id, 2))
				w.bucket.putDoc(t, status.LedgerKey(id, 0), entryOf(id, 0))
				w.bucket.putDoc(t, status.LedgerKey(id, 1), entryOf(id, 1))
			},
		},
		{
			name: "done", state: status.BatchSucceededWithRejects, counts: counts(1, 1, 1), progress: 1, eta: new(int64(0)), errors: 1,
			fill: func(t *testing.T, w *world, id string) {
				t.Helper()
				w.bucket.putDoc(t, status.SummaryKey(id), summary(id, status.BatchSucceededWithRejects))
			},
		},
		{
			name: "refused", state: status.BatchFailed, counts: BatchCounts{Chunks: 1}, progress: 0, eta: new(int64(0)), errors: 1, error: "missing_columns",
			fill: func(t *testing.T, w *world, id string) {
				t.Helper()
				s := summary(id, status.BatchFailed)
				s.Error = &status.Problem{Title: "The file was refused", Code: "missing_columns"}
				w.bucket.putDoc(t, status.SummaryKey(id), s)
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, at(now))
			id := w.ids.New(status.KindBatch, now.Add(-tt.age), "")
			tt.fill(t, w, id)
			out := w.do(t, http.MethodGet, "/v1/batches/"+id, "")
			if out.Code != http.StatusOK {
				t.Fatalf("status %d: %s", out.Code, out.Body)
			}
			got := decode[BatchStatus](t, out)
			if got.ID != id || got.State != tt.state || got.Done != tt.state.Done() || got.Progress != tt.progress {
				t.Errorf("got %+v", got)
			}
			if diff := cmp.Diff(tt.counts, got.Counts); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.eta, got.ETASeconds); diff != "" {
				t.Errorf("eta: %s", diff)
			}
			if after := out.Header().Get("Retry-After"); after != tt.retry {
				t.Errorf("Retry-After %q, want %q", after, tt.retry)
			}
			if len(got.FirstErrors) != tt.errors {
				t.Errorf("first_errors %+v", got.FirstErrors)
			}
			for _, e := range got.FirstErrors {
				if (e.Line != nil) != got.Done { // lines of a chunk are not lines of the file
					t.Errorf("line %v in state %s", e.Line, got.State)
				}
			}
			if tt.state != status.BatchQueued && (got.Source.Key != source.Key || got.Output.Parts != status.PartsPrefix(id)) {
				t.Errorf("source %+v, output %+v", got.Source, got.Output)
			}
			if got.Done && (got.Output.Summary != status.SummaryKey(id) || got.Output.Rejects != status.RejectsKey(id)) {
				t.Errorf("output %+v", got.Output)
			}
			if results := tt.state == status.BatchSucceededWithRejects; results != (got.Statistics != nil) || results != (len(got.Histogram) == status.ScoreBins) {
				t.Errorf("statistics %+v, histogram %v", got.Statistics, got.Histogram)
			}
			if (got.Statistics != nil) != (got.Cost != nil && got.Cost.USD > 0) {
				t.Errorf("cost %+v of state %s", got.Cost, got.State)
			}
			if got.Error == nil {
				got.Error = &status.Problem{}
			}
			if got.Error.Code != tt.error {
				t.Errorf("error %+v, want %q", got.Error, tt.error)
			}
			if again := w.do(t, http.MethodGet, "/v1/batches/"+id, "", "If-None-Match", out.Header().Get("ETag")); again.Code != http.StatusNotModified {
				t.Errorf("status %d for the same", again.Code)
			}
		})
	}
}

func TestGetBatchNotFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, id := range []string{
		"42", w.ids.New(status.KindApplication, now, ""), w.ids.New(status.KindBatch, now, "someone"),
	} {
		wantProblem(t, w.do(t, http.MethodGet, "/v1/batches/"+id, ""), CodeNotFound)
	}
	w.bucket.fail(errDown)
	id := w.ids.New(status.KindBatch, now, "")
	wantProblem(t, w.do(t, http.MethodGet, "/v1/batches/"+id, ""), CodeUnavailable)
	wantProblem(t, w.do(t, http.MethodGet, "/v1/batches", ""), CodeUnavailable)
}

// A request reads a bounded number of ledger entries; what was read is not read
// again, so that a few requests have counted a batch of any size.
func TestLedgerReadsAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at(now))
	id := w.ids.New(status.KindBatch, now, "")
	const chunks = 2*ledgerReads + 50
	w.bucket.putDoc(t, status.PlanKey(id), plan(id, chunks+1))
	for n := range chunks {
		w.bucket.putDoc(t, status.LedgerKey(id, n), entryOf(id, n))
	}
	for request, want := range []struct {
		reads int
		known bool
	}{{ledgerReads, false}, {2 * ledgerReads, false}, {chunks, true}, {chunks, true}} {
		got := decode[BatchStatus](t, w.do(t, http.MethodGet, "/v1/batches/"+id, ""))
		if n := w.bucket.countGets(status.LedgerPrefix(id)); n != want.reads {
			t.Errorf("request %d: %d entries read so far, want %d", request, n, want.reads)
		}
		if got.Counts.ChunksDone != chunks || (got.Counts.Rows != nil) != want.known {
			t.Errorf("request %d: counts %+v", request, got.Counts)
		}
		if want.known && (*got.Counts.Rows != 4*chunks || len(got.FirstErrors) != status.MaxRowProblems) {
			t.Errorf("request %d: %d rows, %d errors", request, *got.Counts.Rows, len(got.FirstErrors))
		}
	}
	// An entry that was written anew is read anew.
	again := entryOf(id, 0)
	again.Tally.Score("referred", 0.5)
	w.bucket.putDoc(t, status.LedgerKey(id, 0), again)
	got := decode[BatchStatus](t, w.do(t, http.MethodGet, "/v1/batches/"+id, ""))
	if *got.Counts.Rows != 4*chunks+1 || *got.Counts.Referred != 1 {
		t.Errorf("counts after a change: %d rows", *got.Counts.Rows)
	}
}

func TestLedgerCacheIsBounded(t *testing.T) {
	t.Parallel()
	c := newLedgerCache()
	for n := range 3 * ledgerCost {
		c.put(storeInfo(strconv.Itoa(n), "e"), &entry{problems: make([]status.RowProblem, n%4)})
	}
	if c.cost > ledgerCost || len(c.names) != c.order.Len() {
		t.Errorf("cost %d, %d names, %d entries", c.cost, len(c.names), c.order.Len())
	}
	if c.get(storeInfo("0", "e")) != nil || c.get(storeInfo(strconv.Itoa(3*ledgerCost-1), "e")) == nil {
		t.Error("the oldest should be gone, the newest there")
	}
}

func TestListBatches(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at(now))
	var ids []string // newest first
	for i := range 6 {
		id := w.ids.New(status.KindBatch, now.Add(-time.Duration(i)*9*time.Hour), "")
		ids = append(ids, id)
		w.bucket.putDoc(t, status.PlanKey(id), plan(id, 1))
	}
	foreign := w.ids.New(status.KindBatch, now, "someone")
	w.bucket.putDoc(t, status.PlanKey(foreign), plan(foreign, 1))
	w.bucket.put("batches/notes/readme.txt", nil, nil)
	w.bucket.putDoc(t, status.ReceiptKey("uploads/january.csv"), status.Receipt{V: 1, Batch: ids[2]})
	w.bucket.putDoc(t, status.ReceiptKey("uploads/foreign.csv"), status.Receipt{V: 1, Batch: foreign})
	tests := []struct {
		query string
		want  []string
	}{
		{"", ids},
		{"?limit=4", ids[:4]},
		{"?limit=1", ids[:1]},
		{"?source=uploads/january.csv", ids[2:3]},
		{"?source=uploads%2Fjanuary.csv", ids[2:3]},
		{"?source=uploads/unknown.csv", []string{}},
		{"?source=uploads/foreign.csv", []string{}},
	}
	for _, tt := range tests {
		out := w.do(t, http.MethodGet, "/v1/batches"+tt.query, "")
		got := []string{}
		for _, b := range decode[Batches](t, out).Batches {
			got = append(got, b.ID)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.query, diff)
		}
	}
	for query, code := range map[string]string{
		"limit=0": "out_of_range", "limit=101": "out_of_range", "limit=x": "wrong_type", "source=models/x": "out_of_range",
	} {
		p := wantProblem(t, w.do(t, http.MethodGet, "/v1/batches?"+query, ""), CodeInvalid)
		if len(p.Errors) != 1 || p.Errors[0].Code != code || p.Errors[0].Parameter == "" {
			t.Errorf("%s: %+v", query, p.Errors)
		}
	}
	if out := newWorld(t).do(t, http.MethodGet, "/v1/batches", ""); out.Body.String() != `{"batches":[]}` {
		t.Errorf("empty: %s", out.Body)
	}
}
