package api

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

// A batch is cancelled once, whatever it had done; one that ended stays as it ended.
func TestCancelBatch(t *testing.T) {
	t.Parallel()
	tick := now
	w := newWorld(t, func(o *Options) {
		o.Now = func() time.Time {
			tick = tick.Add(time.Second)
			return tick
		}
	})
	id := w.ids.New(status.KindBatch, now, "")
	cancel := func(id string) (int, string) {
		out := w.do(t, http.MethodPost, "/v1/batches/"+id+":cancel", "")
		return out.Code, out.Body.String()
	}
	if code, body := cancel(id); code != http.StatusConflict || !strings.Contains(body, `"not_finished"`) {
		t.Errorf("before its plan: %d %s", code, body)
	}
	w.bucket.putDoc(t, status.PlanKey(id), plan(id, 2))
	w.bucket.putDoc(t, status.LedgerKey(id, 0), entryOf(id, 0))
	for _, other := range []string{w.ids.New(status.KindBatch, now, "else"), id + "x", "x"} {
		if code, body := cancel(other); code != http.StatusNotFound {
			t.Errorf("%s: %d %s", other, code, body)
		}
	}
	if out := w.do(t, http.MethodPost, "/v1/batches/"+id, ""); out.Code != http.StatusNotFound {
		t.Errorf("no action: %d", out.Code)
	}
	if code, body := cancel(id); code != http.StatusAccepted || !strings.Contains(body, `"state":"cancelled"`) || !strings.Contains(body, `"done":true`) {
		t.Errorf("%d %s", code, body)
	}
	got := decode[BatchStatus](t, w.do(t, http.MethodGet, "/v1/batches/"+id, ""))
	if got.State != status.BatchCancelled || got.Counts.Rows != nil || got.Counts.Chunks != 2 || !got.Done {
		t.Errorf("%+v", got)
	}
	if code, body := cancel(id); code != http.StatusConflict || !strings.Contains(body, "is cancelled") {
		t.Errorf("again: %d %s", code, body)
	}
	ended := w.ids.New(status.KindBatch, now, "")
	w.bucket.putDoc(t, status.PlanKey(ended), plan(ended, 1))
	w.bucket.putDoc(t, status.SummaryKey(ended), &status.Summary{V: 1, ID: ended, State: status.BatchSucceeded, Tally: tally()})
	if code, body := cancel(ended); code != http.StatusConflict || !strings.Contains(body, "is succeeded") {
		t.Errorf("ended: %d %s", code, body)
	}
	w.bucket.fail(context.DeadlineExceeded)
	if code, _ := cancel(id); code != http.StatusServiceUnavailable {
		t.Errorf("without a store: %d", code)
	}
}

// A write that was applied and then tried again has cancelled the batch. // failure 9
func TestCancelWrittenTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at(now))
	id := w.ids.New(status.KindBatch, now, "")
	w.bucket.putDoc(t, status.PlanKey(id), plan(id, 2))
	w.bucket.ambiguous = store.ErrExists
	if out := w.do(t, http.MethodPost, "/v1/batches/"+id+":cancel", ""); out.Code != http.StatusAccepted {
		t.Errorf("%d %s", out.Code, out.Body)
	}
}
