package scorer

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/internal/status"
)

// Before and after the merge of its day, an application's row goes and every
// other one stays as it was; a message that comes again is not scored again.
func TestErase(t *testing.T) {
	t.Parallel()
	for name, merged := range map[string]bool{"before the merge": false, "after the merge": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHistory()
			ids := h.ids(t, 10)
			h.submit(t, ids[:6], ids[6:])
			h.clock.pass(16 * time.Hour)
			if merged {
				if _, err := h.compactor(t).Day(t.Context(), firstDay); err != nil {
					t.Fatal(err)
				}
			}
			gone := ids[2]
			before := h.small(t, firstDay)
			eraser := &Eraser{Objects: h, Now: h.clock.Now}
			out, err := eraser.Erase(t.Context(), gone)
			if err != nil {
				t.Fatal(err)
			}
			rows := 1
			if merged {
				rows = 2
			}
			if out.Rows != rows || out.Merged != merged || len(out.Keys) != rows+1 {
				t.Errorf("erased %+v, want %d rows", out, rows)
			}
			h.without(t, gone, before)
			if again, err := eraser.Erase(t.Context(), gone); err != nil || again.Rows != 0 {
				t.Errorf("again: %+v, %v", again, err)
			}
			if !merged {
				if _, err := h.compactor(t).Day(t.Context(), firstDay); err != nil {
					t.Fatal(err)
				}
				h.without(t, gone, before)
			}
			if diff := cmp.Diff(h.small(t, firstDay), rowsOf(t, h.daily(t, firstDay))); diff != "" {
				t.Errorf("the merged day differs:\n%s", diff)
			}

			// failure 27: a redrive long after.
			errs := simWorker(t, h, h.clock).Handle(t.Context(), []events.Message{messageOf(t, gone, simGood)})
			if errs[0] != nil {
				t.Errorf("message again: %v", errs[0])
			}
			h.without(t, gone, before)
		})
	}
}

// without checks that nothing holds the application and nothing else is gone.
func (h *history) without(t *testing.T, id string, before []string) {
	t.Helper()
	for key, body := range h.Bodies("") {
		if key != status.ApplicationKey(id) && bytes.Contains(body, []byte(id)) {
			t.Errorf("%s still holds it", key)
		}
	}
	var want []string
	for _, line := range before {
		if !bytes.Contains([]byte(line), []byte(id)) {
			want = append(want, line)
		}
	}
	if diff := cmp.Diff(want, h.small(t, firstDay)); diff != "" || len(want) != len(before)-1 {
		t.Errorf("other rows (-want +got):\n%s", diff)
	}
	data, _, err := h.Bucket.Get(t.Context(), status.ApplicationKey(id), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	var doc status.Application
	if err := status.Decode(data, &doc); err != nil || doc.State != status.DocRejected || doc.Error.Code != CodeErased ||
		doc.LoanID != "" || doc.Decision != "" || doc.Probability != nil || doc.Reasons != nil || doc.Imputed != nil {
		t.Errorf("document %+v, %v", doc, err)
	}
}

func TestEraseRefuses(t *testing.T) {
	t.Parallel()
	h := newHistory()
	ids := h.ids(t, 2)
	eraser := &Eraser{Objects: h, Now: h.clock.Now}
	if _, err := eraser.Erase(t.Context(), ids[0]); !errors.Is(err, ErrNotKept) {
		t.Errorf("without a document: %v", err)
	}
	h.before = func(op, key string) error {
		if op == "create" && isResult(key) {
			return errSim
		}
		return nil
	}
	simWorker(t, h, h.clock).Handle(t.Context(), []events.Message{messageOf(t, ids[1], simGood)})
	h.before = nil
	if _, err := eraser.Erase(t.Context(), ids[1]); !errors.Is(err, ErrNotDone) {
		t.Errorf("claimed only: %v", err)
	}
}
