package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/internal/status"
)

const tableSHA = "7e7e"

// withReasons puts a finished batch of declined rows in the bucket.
func withReasons(t *testing.T, w *world, state status.BatchState) string {
	t.Helper()
	id := w.ids.New(status.KindBatch, now, "")
	all := tally()
	for code, n := range map[string]int64{"TOTAL_INCOME": 2, "CREDIT_HISTORY": 7, "NOT_IN_THE_TABLE": 2} {
		for range n {
			all.Score("declined", 0.2)
			all.Reason(code, 1)
		}
	}
	w.bucket.putDoc(t, status.SummaryKey(id), &status.Summary{
		V: 1, ID: id, State: state, Source: source, Chunks: 1, Tally: all, Reasons: &status.ReasonsRef{SHA256: tableSHA},
		PlannedAt: now, ClosedAt: now,
	})
	return id
}

func reasonsOf(t *testing.T, w *world, id string) []ReasonCount {
	t.Helper()
	out := w.do(t, http.MethodGet, "/v1/batches/"+id, "")
	if out.Code != http.StatusOK {
		t.Fatalf("status %d: %s", out.Code, out.Body)
	}
	if !strings.Contains(out.Body.String(), `"reasons":[`) {
		t.Errorf("no list of reasons in %s", out.Body)
	}
	return decode[BatchStatus](t, out).Reasons
}

func TestReasonsOfABatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at(now))
	id := withReasons(t, w, status.BatchSucceeded)
	without := []ReasonCount{
		{Code: "CREDIT_HISTORY", Rows: 7}, {Code: "NOT_IN_THE_TABLE", Rows: 2}, {Code: "TOTAL_INCOME", Rows: 2},
	}
	if diff := cmp.Diff(without, reasonsOf(t, w, id)); diff != "" {
		t.Errorf("without the table: %s", diff)
	}
	w.bucket.put(status.ReasonsKey(tableSHA), []byte(`{"format":"loanscorer/reasons","v":1,"reasons":[
		{"code":"CREDIT_HISTORY","feature":"Credit_History","text":{"en":"History","pt":"Histórico"}},
		{"code":"TOTAL_INCOME","feature":"TotalIncome","text":{"en":"Income"}}]}`), nil)
	want := []ReasonCount{
		{Code: "CREDIT_HISTORY", Rows: 7, Text: "History", TextPT: "Histórico"},
		{Code: "NOT_IN_THE_TABLE", Rows: 2},
		{Code: "TOTAL_INCOME", Rows: 2, Text: "Income"},
	}
	for range 3 {
		if diff := cmp.Diff(want, reasonsOf(t, w, id)); diff != "" {
			t.Error(diff)
		}
	}
	if n := w.bucket.countGets(status.ReasonsPrefix); n != 2 {
		t.Errorf("the table was asked for %d times, want twice: missing, then kept", n)
	}
}

// A batch that ended without results has no reasons.
func TestReasonsOfAFailedBatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at(now))
	if got := reasonsOf(t, w, withReasons(t, w, status.BatchSuperseded)); len(got) > 0 {
		t.Errorf("%v", got)
	}
}

// A table that cannot be read now is no reason to answer without its texts.
func TestReasonsWithoutTheStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at(now))
	id := withReasons(t, w, status.BatchSucceeded)
	w.bucket.onGet = func(key string) {
		if strings.HasPrefix(key, status.ReasonsPrefix) {
			w.bucket.fail(errDown)
		}
	}
	if out := w.do(t, http.MethodGet, "/v1/batches/"+id, ""); out.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d: %s", out.Code, out.Body)
	}
}
