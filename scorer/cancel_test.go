package scorer

import (
	"errors"
	"strings"
	"testing"

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
