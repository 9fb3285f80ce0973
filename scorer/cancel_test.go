package scorer

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

// A batch that is cancelled before any one of its writes has one terminal
// state, which stays: cancelled until the summary is there, and what the
// summary says afterwards. Workers drop what is left of it, and begin no chunk.
func TestCancelBeforeEveryWrite(t *testing.T) {
	t.Parallel()
	text := simRowsText(40)
	for at, ended := 0, false; !ended; at++ {
		s, list := newSimStore(), &simList{}
		b := simBulkWorker(simModels(t)[0], 200, s, list)
		m := simUpload(t, s.Bucket, text)
		writes, won, partsThen := 0, false, 0
		s.before = func(op, key string) error {
			if op == "head" || op == "get" {
				return nil
			}
			if writes++; writes != at+1 {
				return nil
			}
			for planKey, body := range s.Bodies(status.BatchesPrefix) {
				var plan status.Batch
				if !strings.HasSuffix(planKey, "/batch.json") || status.Decode(body, &plan) != nil {
					continue
				}
				cancelled, err := status.Encode(status.NewSummary(&plan, status.BatchCancelled, plan.PlannedAt))
				if err != nil {
					return err
				}
				_, err = s.Bucket.Create(t.Context(), status.SummaryKey(plan.ID), cancelled, store.PutOptions{})
				won = err == nil
				partsThen = len(s.Bodies(status.PartsPrefix(plan.ID)))
				if !won && !errors.Is(err, store.ErrExists) {
					return err
				}
			}
			return nil
		}
		list.bodies = []string{string(m.Body), string(m.Body)}
		simPump(t, b, list)
		ended = writes <= at
		plan := simPlans(t, s.Bucket)[0]
		summary := simSummary(t, s.Bucket, plan.ID)
		if won != (summary.State == status.BatchCancelled) {
			t.Errorf("cancelled before write %d: %t, but it is %s", at+1, won, summary.State)
		}
		if !won {
			simVerify(t, s.Bucket, plan.ID, 40)
			continue
		}
		if parts := len(s.Bodies(status.PartsPrefix(plan.ID))); parts > partsThen+1 {
			t.Errorf("cancelled before write %d with %d parts, then there are %d", at+1, partsThen, parts)
		}
		if _, err := ReadSummary(t.Context(), s, plan.ID); !errors.Is(err, ErrNoResults) {
			t.Errorf("a cancelled batch has results: %v", err)
		}
	}
}

// A packed file is one chunk of many segments. When its batch ends meanwhile,
// the worker stops after one of them: nothing of the chunk is written, and the
// rest of the file is not read. A look that fails is no end.
func TestCancelWithinAChunk(t *testing.T) {
	t.Parallel()
	const segments = 4
	packed := packedSegments(t, segments)
	for name, look := range map[string]error{"told": nil, "not told": errSim} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSimStore()
			m := simUpload(t, s.Bucket, packed)
			u := &readUpload{simStore: s}
			b := simBulkWorker(simModels(t)[0], 0, u, &simList{})
			looks := 0
			s.before = func(op, key string) error {
				if op != "head" || !strings.HasSuffix(key, "/summary.json") {
					return nil
				}
				if looks++; looks == 1 { // before the chunk
					return nil
				}
				if looks == 2 {
					plan := simPlans(t, s.Bucket)[0]
					cancelled, err := status.Encode(status.NewSummary(&plan, status.BatchCancelled, plan.PlannedAt))
					if err != nil {
						return err
					}
					if _, err := s.Bucket.Create(t.Context(), key, cancelled, store.PutOptions{}); err != nil {
						return err
					}
				}
				return look
			}
			if errs := b.Handle(t.Context(), []events.Message{m}); errs[0] != nil {
				t.Fatal(errs[0])
			}
			plan := simPlans(t, s.Bucket)[0]
			if summary := simSummary(t, s.Bucket, plan.ID); summary.State != status.BatchCancelled {
				t.Errorf("it is %s", summary.State)
			}
			stopped := len(s.Bodies(status.PartsPrefix(plan.ID)))+len(s.Bodies(status.LedgerPrefix(plan.ID))) == 0
			if stopped != (look == nil) {
				t.Errorf("stopped: %t, look %v", stopped, look)
			}
			if whole := u.read.Load() >= int64(len(packed)); whole == stopped {
				t.Errorf("stopped: %t, but %d of %d bytes were read", stopped, u.read.Load(), len(packed))
			}
		})
	}
}

// packedSegments is a gzip file whose text takes so many segments; its rows are
// long, so that they are few.
func packedSegments(t *testing.T, segments int) string {
	t.Helper()
	var packed strings.Builder
	w, err := gzip.NewWriterLevel(&packed, gzip.NoCompression) // what is read tells how far it got
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(w, "Loan_ID,TotalIncome,LoanAmount,Credit_History,Property_Area,Notes\n")
	row := "LP1,5849,128,1,Urban," + strings.Repeat("x", 8<<10) + "\n"
	for range segments * segmentBytes / len(row) {
		if _, err := io.WriteString(w, row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.String()
}

// readUpload counts what is read of the upload.
type readUpload struct {
	*simStore
	read atomic.Int64
}

func (u *readUpload) Open(ctx context.Context, ref store.Ref, offset int64, o store.OpenOptions) (io.ReadCloser, error) {
	in, err := u.simStore.Open(ctx, ref, offset, o)
	if err != nil || ref.Key != simKey {
		return in, err
	}
	return &countedReads{ReadCloser: in, n: &u.read}, nil
}

type countedReads struct {
	io.ReadCloser
	n *atomic.Int64
}

func (c *countedReads) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n.Add(int64(n))
	return n, err
}
