package scorer

import (
	"bytes"
	"maps"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/internal/sim"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
	"github.com/loanscorer/loanscorer/model"
)

// batchBy plans one upload with the first scorer and scores its chunks with all
// of the others, at the same time.
func batchBy(t *testing.T, planner *Scorer, workers ...*Scorer) (*sim.Bucket, status.Batch) {
	t.Helper()
	s, list := sim.NewBucket(), &simList{}
	b := simBulkWorker(planner, 400, s, list)
	if errs := b.Handle(t.Context(), []events.Message{simUpload(t, s, simRowsText(60))}); errs[0] != nil {
		t.Fatal(errs[0])
	}
	bodies := list.bodies
	list.bodies = nil
	var wg sync.WaitGroup
	for w, scorer := range workers {
		wg.Go(func() {
			worker := simBulkWorker(scorer, 400, s, &simList{})
			for n := w; n < len(bodies); n += len(workers) {
				if errs := worker.Handle(t.Context(), []events.Message{{ID: "m", Body: []byte(bodies[n])}}); errs[0] != nil {
					t.Error(errs[0])
				}
			}
		})
	}
	wg.Wait()
	plan := simPlans(t, s)[0]
	if err := b.announce(t.Context(), &plan); err != nil { // closes the batch, or reissues what was guessed wrong
		t.Fatal(err)
	}
	simPump(t, b, list)
	simVerify(t, s, plan.ID, 60)
	return s, plan
}

// failure 57: the plan pins the reason codes. Workers with other tables, or
// without reasons, write the bytes that one worker writes.
func TestPlansPinReasons(t *testing.T) {
	t.Parallel()
	built, own := testScorer(t), mustScorer(t, model.Default(), Options{Reasons: mustTable(t, operatorsTable)})
	none, other := mustScorer(t, model.Default(), Options{NoReasons: true}), simModels(t)[1]
	codes := map[string]map[string]int64{}
	for name, planner := range map[string]*Scorer{"built-in": built, "operator's": own, "none": none} {
		bucket, plan := batchBy(t, planner, built, own, none, other)
		plain, err := simPlainRun(t, bucket, &plan, store.Info{Key: simKey}, simRowsText(60))
		if err != nil {
			t.Fatal(err)
		}
		prefix := status.PartsPrefix(plan.ID)
		if got, want := bucket.Bodies(prefix), plain.Bodies(prefix); len(got) < 5 || !maps.EqualFunc(got, want, bytes.Equal) {
			t.Errorf("%s: %d parts differ from those of one worker", name, len(got))
		}
		summary := simSummary(t, bucket, plan.ID)
		if diff := cmp.Diff([]*status.ReasonsRef{planner.ReasonsRef(), planner.ReasonsRef()}, []*status.ReasonsRef{plan.Reasons, summary.Reasons}); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		tables := bucket.Bodies(status.ReasonsPrefix)
		if planner.reasons != nil && !bytes.Equal(tables[status.ReasonsKey(plan.Reasons.SHA256)], planner.reasons.file) {
			t.Errorf("%s: the codes are not in the store", name)
		}
		codes[name] = summary.Tally.Reasons
	}
	if n := codes["built-in"]["CREDIT_HISTORY"]; n == 0 || n != codes["operator's"]["R01"] || len(codes["none"]) > 0 {
		t.Errorf("%v", codes)
	}
}

// failure 19: as long as the store does not give the reason codes of a plan, or
// gives others, nothing ends.
func TestReasonsOfAPlanThatCannotBeRead(t *testing.T) {
	t.Parallel()
	own := mustScorer(t, model.Default(), Options{Reasons: mustTable(t, operatorsTable)})
	key := status.ReasonsKey(own.ReasonsRef().SHA256)
	s, list := newSimStore(), &simList{}
	planner, worker := simBulkWorker(own, 200, s, list), simBulkWorker(testScorer(t), 200, s, list)
	if errs := planner.Handle(t.Context(), []events.Message{simUpload(t, s.Bucket, simRowsText(30))}); errs[0] != nil {
		t.Fatal(errs[0])
	}
	plan := simPlans(t, s.Bucket)[0]
	good := s.Bodies(key)[key]
	broken := map[string]func(){
		"no answer": func() {
			s.before = func(op, k string) error {
				if op == "get" && k == key {
					return errSim
				}
				return nil
			}
		},
		"not a table":   func() { putBody(t, s.Bucket, key, []byte("{}")) },
		"another table": func() { putBody(t, s.Bucket, key, bytes.Replace(good, []byte("R01"), []byte("R99"), 1)) },
	}
	for name, breakIt := range broken {
		breakIt()
		for _, body := range list.bodies {
			errs := worker.Handle(t.Context(), []events.Message{{ID: "m", Body: []byte(body)}})
			if errs[0] == nil || events.IsPermanent(errs[0]) {
				t.Errorf("%s: error %v", name, errs[0])
			}
		}
		s.before = nil
		putBody(t, s.Bucket, key, good)
	}
	if n := len(s.Bodies(status.LedgerPrefix(plan.ID))) + len(s.Bodies(status.PartsPrefix(plan.ID))); n > 0 {
		t.Errorf("%d objects without the codes", n)
	}
	simPump(t, worker, list)
	simVerify(t, s.Bucket, plan.ID, 30)
}

func putBody(t *testing.T, s *sim.Bucket, key string, body []byte) {
	t.Helper()
	if _, err := s.Put(t.Context(), key, body, store.PutOptions{}); err != nil {
		t.Fatal(err)
	}
}

// Verify finds first reasons that were counted wrongly.
func TestVerifyCountsReasons(t *testing.T) {
	t.Parallel()
	bucket, plan := batchBy(t, testScorer(t), testScorer(t))
	one := func(doc any, tally *status.Tally, key string) {
		if err := status.Decode(bucket.Bodies(key)[key], doc); err != nil {
			t.Fatal(err)
		}
		tally.Reasons["TOTAL_INCOME"]++
		body, err := status.Encode(doc)
		if err != nil {
			t.Fatal(err)
		}
		putBody(t, bucket, key, body)
	}
	var summary status.Summary
	one(&summary, &summary.Tally, status.SummaryKey(plan.ID))
	if got := failedChecks(t, bucket, plan.ID); got != "ledger parts" {
		t.Errorf("a summary that counts one more: %q", got)
	}
	var entry status.Chunk
	one(&entry, &entry.Tally, status.LedgerKey(plan.ID, 0))
	if got := failedChecks(t, bucket, plan.ID); got != "parts" {
		t.Errorf("a ledger that counts one more: %q", got)
	}
}
