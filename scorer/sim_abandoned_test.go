package scorer

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

// simBreakParts makes every write of a part fail.
func simBreakParts(_, key string) error {
	if strings.HasPrefix(key, status.BatchResultsPrefix) {
		return errSim
	}
	return nil
}

// A batch whose upload changes after the plan and before anything was read is
// ended by whoever sees the change, though no message names it any more.
//
// failure 33, 34
func TestSimUploadChangesAfterPlan(t *testing.T) {
	t.Parallel()
	for name, replaced := range map[string]bool{"replaced": true, "deleted": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, list := newSimStore(), &simList{}
			b := simBulkWorker(simModels(t)[0], 1<<20, s, list)
			m := simUpload(t, s.Bucket, simRowsText(3))
			s.before = simBreakParts
			if errs := b.Handle(t.Context(), []events.Message{m}); errs[0] == nil {
				t.Fatal("done")
			}
			s.before = nil
			first := simPlans(t, s.Bucket)[0]
			want, batch := status.BatchFailed, []events.Message{m, m}
			if replaced {
				again := simUpload(t, s.Bucket, simRowsText(4))
				want, batch = status.BatchSuperseded, []events.Message{m, again, m, again}
			} else {
				s.Delete(simKey)
			}
			for _, err := range b.Handle(t.Context(), batch) {
				if err != nil {
					t.Error(err)
				}
			}
			if got := simSummary(t, s.Bucket, first.ID); got.State != want {
				t.Errorf("state %s, want %s", got.State, want)
			}
		})
	}
}

// A batch whose chunk ended in the dead-letter queue is taken up by the sweep
// when it has stood still for a while, once an hour.
//
// failure 27, 31
func TestSimSweepTakesUpBatches(t *testing.T) {
	t.Parallel()
	s, list := newSimStore(), &simList{}
	b := simBulkWorker(simModels(t)[0], 200, s, list)
	now := time.Now()
	b.o.Now = func() time.Time { return now }
	m := simUpload(t, s.Bucket, simRowsText(30))
	if errs := b.Handle(t.Context(), []events.Message{m}); errs[0] != nil {
		t.Fatal(errs[0])
	}
	list.bodies = list.bodies[1:] // it was received too often
	simPump(t, b, list)
	sweeper := simSweeper(t, b, s.Bucket, 0)
	for _, step := range []struct {
		pass   time.Duration
		want   int
		oldest time.Duration
	}{{time.Second, 0, time.Second}, {16 * time.Minute, 1, 16*time.Minute + time.Second}, {time.Minute, 0, 17*time.Minute + time.Second}} {
		now = now.Add(step.pass)
		done, err := sweeper.Sweep(t.Context(), false)
		if err != nil || done.Batches != step.want || done.Oldest.Truncate(time.Second) != step.oldest {
			t.Errorf("after %v: %+v, want %d, oldest %s: %v", step.pass, done, step.want, step.oldest, err)
		}
	}
	simPump(t, b, list)
	if done, err := sweeper.Sweep(t.Context(), false); err != nil || (done != Swept{}) {
		t.Errorf("when all is done: %+v, %v", done, err)
	}
	simVerify(t, s.Bucket, simPlans(t, s.Bucket)[0].ID, 30)
}

// Rejects that another binary wrote, in other words, before it died are taken
// as they are.
//
// failure 57, 58
func TestSimRejectsOfAnotherBinary(t *testing.T) {
	t.Parallel()
	s, list := newSimStore(), &simList{}
	b := simBulkWorker(simModels(t)[0], 1<<20, s, list)
	m := simUpload(t, s.Bucket, simRowsText(3)+"x\n")
	s.before = func(op, key string) error {
		if strings.Contains(key, "/chunks/") && op == "create" {
			return errSim
		}
		return nil
	}
	b.Handle(t.Context(), []events.Message{m})
	s.before = nil
	changed := 0
	for key, body := range s.Bodies(status.BatchesPrefix) {
		if other := bytes.Replace(body, []byte("the header has"), []byte("the first line has"), 1); strings.HasSuffix(key, ".ndjson") && !bytes.Equal(other, body) {
			changed++
			if _, err := s.Put(t.Context(), key, other, store.PutOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if changed != 1 {
		t.Fatalf("%d rejects files changed, want 1", changed)
	}
	if errs := b.Handle(t.Context(), []events.Message{m}); errs[0] != nil {
		t.Error(errs[0])
	}
	id := simPlans(t, s.Bucket)[0].ID
	simVerify(t, s.Bucket, id, 4)
	key := status.RejectsKey(id)
	if !bytes.Contains(s.Bodies(key)[key], []byte("the first line has")) {
		t.Error("rejects.csv does not have the rejects that stood")
	}
}

// A chunk of nothing but short bad rows has far more rejects than memory is
// meant for: they are made in a second pass, and are the same.
//
// failure 42
func TestSimMoreRejectsThanMemory(t *testing.T) {
	t.Parallel()
	s, list := newSimStore(), &simList{}
	b := simBulkWorker(simModels(t)[0], 1<<30, s, list)
	const rows = 60_000
	text := simRowsText(1) + strings.Repeat("x\n", rows)
	m := simUpload(t, s.Bucket, text)
	if errs := b.Handle(t.Context(), []events.Message{m}); errs[0] != nil {
		t.Fatal(errs[0])
	}
	id := simPlans(t, s.Bucket)[0].ID
	simVerify(t, s.Bucket, id, rows+1)
	if got := simSummary(t, s.Bucket, id); got.Rejects.Size < maxRejectLines || got.Rejects.Rows != rows {
		t.Errorf("rejects %+v, want more than %d bytes", got.Rejects, maxRejectLines)
	}
	var csv, parquet bytes.Buffer
	_, err := ScoreFile(t.Context(), simModels(t)[0], textSource(text), &parquet, FileOptions{DecidedAt: time.Now(), Rejects: &csv})
	if err != nil {
		t.Fatal(err)
	}
	if key := status.RejectsKey(id); !bytes.Equal(csv.Bytes(), s.Bodies(key)[key]) {
		t.Error("rejects.csv differs from that of the whole file")
	}
	l := newRejectLines()
	for range rows {
		l.add(&ingest.RowError{Code: "x", Reason: strings.Repeat("y", 10_000)}, []byte("x"))
	}
	if l.buf.Cap() > 0 || !l.full || l.rows != rows || l.err != nil {
		t.Errorf("%d bytes kept, full %t, %d rows: %v", l.buf.Cap(), l.full, l.rows, l.err)
	}
}

// A line over many chunks is one rejected row; the rest is scored.
//
// failure 42
func TestSimLineOverManyChunks(t *testing.T) {
	t.Parallel()
	const chunk = 64 << 10
	s, list := newSimStore(), &simList{}
	b := simBulkWorker(simModels(t)[0], chunk, s, list)
	rows := strings.SplitAfter(simRowsText(40), "LP020")
	text := rows[0] + "\n" + strings.Repeat("x", 9*chunk) + "\nLP020" + rows[1]
	m := simUpload(t, s.Bucket, text)
	if errs := b.Handle(t.Context(), []events.Message{m}); errs[0] != nil {
		t.Fatal(errs[0])
	}
	simPump(t, b, list)
	id := simPlans(t, s.Bucket)[0].ID
	simVerify(t, s.Bucket, id, 42) // 40, the cut id and the line
	want := map[string]int64{ingest.CodeRecordTooLong: 1, ingest.CodeWrongFieldCount: 1}
	if got := simSummary(t, s.Bucket, id).Tally.Rejected; !cmp.Equal(got, want) {
		t.Errorf("rejected %v, want %v", got, want)
	}
}

// A changed rejects.csv is not proved.
func TestSimVerifyRejects(t *testing.T) {
	t.Parallel()
	s, list := newSimStore(), &simList{}
	b := simBulkWorker(simModels(t)[0], 1<<20, s, list)
	m := simUpload(t, s.Bucket, simRowsText(3)+"x\n")
	if errs := b.Handle(t.Context(), []events.Message{m}); errs[0] != nil {
		t.Fatal(errs[0])
	}
	id := simPlans(t, s.Bucket)[0].ID
	key := status.RejectsKey(id)
	other := bytes.Replace(s.Bodies(key)[key], []byte(",x\n"), []byte(",y\n"), 1)
	if _, err := s.Put(t.Context(), key, other, store.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	r, err := Verify(t.Context(), s, id)
	if err != nil {
		t.Fatal(err)
	}
	if r.OK() {
		t.Errorf("proved: %+v", r.Checks)
	}
}

func TestBatchColumnsKnowNoCase(t *testing.T) {
	t.Parallel()
	head, err := ingest.ParseHead([]byte("ApplicantIncome,CoapplicantIncome,LoanAmount,Credit_History,Property_Area,Decision,PROBABILITY\n"), true, ingest.Given{})
	if err != nil {
		t.Fatal(err)
	}
	columns, _ := batchColumns(head, false)
	seen := map[string]string{}
	for _, c := range columns {
		if other, ok := seen[strings.ToLower(c.name)]; ok {
			t.Errorf("columns %q and %q in one file", other, c.name)
		}
		seen[strings.ToLower(c.name)] = c.name
	}
}

// A receipt may outlive the batch it names.
func TestSimReceiptOfExpiredBatch(t *testing.T) {
	t.Parallel()
	s, list := newSimStore(), &simList{}
	b := simBulkWorker(simModels(t)[0], 1<<20, s, list)
	if errs := b.Handle(t.Context(), []events.Message{simUpload(t, s.Bucket, simRowsText(3))}); errs[0] != nil {
		t.Fatal(errs[0])
	}
	for key := range s.Bodies(status.BatchesPrefix) {
		s.Delete(key)
	}
	if errs := b.Handle(t.Context(), []events.Message{simUpload(t, s.Bucket, simRowsText(4))}); errs[0] != nil {
		t.Fatal(errs[0])
	}
	simVerify(t, s.Bucket, simPlans(t, s.Bucket)[0].ID, 4)
}

// What is wrong with one batch does not keep the sweep from the others.
func TestSimSweepGoesOn(t *testing.T) {
	t.Parallel()
	s, list := newSimStore(), &simList{}
	b := simBulkWorker(simModels(t)[0], 200, s, list)
	now := time.Now()
	b.o.Now = func() time.Time { return now }
	if errs := b.Handle(t.Context(), []events.Message{simUpload(t, s.Bucket, simRowsText(30))}); errs[0] != nil {
		t.Fatal(errs[0])
	}
	list.bodies = nil // they were received too often
	plan := simPlans(t, s.Bucket)[0]
	for _, id := range []string{simAppID(1), simAppID(2)} {
		if _, err := s.Put(t.Context(), status.PlanKey(id), []byte("{"), store.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(16 * time.Minute)
	if done, err := simSweeper(t, b, s.Bucket, 0).Sweep(t.Context(), false); err != nil || done.Batches != 1 {
		t.Errorf("%+v, want one batch: %v", done, err)
	}
	simPump(t, b, list)
	if got := simSummary(t, s.Bucket, plan.ID); got.State != status.BatchSucceeded {
		t.Errorf("state %s", got.State)
	}
}

// The announcement of a deleted upload does not end the batch of a new one
// under the same key, nor does the announcement of the same bytes uploaded
// before.
//
// failure 30
func TestSimStaleAnnouncements(t *testing.T) {
	t.Parallel()
	simModels(t) // made outside of every bubble
	for name, text := range map[string]string{"deleted": simRowsText(4), "same bytes": simRowsText(3)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { staleAnnouncement(t, text) })
		})
	}
}

func staleAnnouncement(t *testing.T, text string) {
	t.Helper()
	s, list := newSimStore(), &simList{}
	b := simBulkWorker(simModels(t)[0], 1<<20, s, list)
	old := simUpload(t, s.Bucket, simRowsText(3))
	stale, err := s.Head(t.Context(), simKey)
	if err != nil {
		t.Fatal(err)
	}
	<-time.After(2 * time.Second) // of the bubble: a HEAD tells times in seconds
	again := simUpload(t, s.Bucket, text)
	s.before = simBreakParts
	b.Handle(t.Context(), []events.Message{again})
	s.before = nil
	// A worker that looked before the new upload goes on now.
	_, _ = b.plan(t.Context(), stale)
	if err := b.gone(t.Context(), simKey); err != nil {
		t.Error(err)
	}
	for _, err := range b.Handle(t.Context(), []events.Message{old, again}) {
		if err != nil {
			t.Error(err)
		}
	}
	current, err := s.Head(t.Context(), simKey)
	if err != nil {
		t.Fatal(err)
	}
	if got := simSummary(t, s.Bucket, b.batchID(current)); got.State != status.BatchSucceeded {
		t.Errorf("state %s", got.State)
	}
}
