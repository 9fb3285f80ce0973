package scorer

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/internal/sim"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
	"github.com/loanscorer/loanscorer/model"
)

const simKey = "uploads/year 2026/loans.csv"

// simRowsText is a file of n good rows, every third with a quoted line feed.
func simRowsText(n int) string {
	var b strings.Builder
	b.WriteString("Loan_ID,ApplicantIncome,CoapplicantIncome,LoanAmount,Credit_History,Property_Area,Notes\n")
	for i := range n {
		note := ""
		if i%3 == 0 {
			note = "\"two\nlines\""
		}
		fmt.Fprintf(&b, "LP%03d,%d,0,%d,%d,Urban,%s\n", i, 1000+i*137%7000, 50+i, i%2, note)
	}
	return b.String()
}

func simUpload(t *testing.T, s *sim.Bucket, text string) events.Message {
	t.Helper()
	info, err := s.Put(t.Context(), simKey, []byte(text), store.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	body, err := announcement(simBucketName, info)
	if err != nil {
		t.Fatal(err)
	}
	return events.Message{ID: "upload", Body: []byte(body), Receives: 1}
}

// simPump handles everything in the list, in order.
func simPump(t *testing.T, b *Bulk, list *simList) {
	t.Helper()
	for len(list.bodies) > 0 {
		body := list.bodies[0]
		list.bodies = list.bodies[1:]
		if errs := b.Handle(t.Context(), []events.Message{{ID: "m", Body: []byte(body), Receives: 1}}); errs[0] != nil {
			t.Fatalf("%s: %v", body, errs[0])
		}
	}
}

// simPlans are the plans of all batches.
func simPlans(t *testing.T, s *sim.Bucket) []status.Batch {
	t.Helper()
	var plans []status.Batch
	bodies := s.Bodies(status.BatchesPrefix)
	for _, key := range slices.Sorted(maps.Keys(bodies)) {
		if !strings.HasSuffix(key, "/batch.json") {
			continue
		}
		var plan status.Batch
		if err := status.Decode(bodies[key], &plan); err != nil {
			t.Fatal(err)
		}
		plans = append(plans, plan)
	}
	return plans
}

// simSummary is the terminal state of a batch.
func simSummary(t *testing.T, s *sim.Bucket, batch string) status.Summary {
	t.Helper()
	var summary status.Summary
	if err := readDocument(t.Context(), s, status.SummaryKey(batch), &summary); err != nil {
		t.Fatal(err)
	}
	return summary
}

func simVerify(t *testing.T, s *sim.Bucket, batch string, rows int64) {
	t.Helper()
	report, err := Verify(t.Context(), s, batch)
	if err != nil {
		t.Fatal(err)
	}
	state := status.BatchSucceeded
	if report.Reject > 0 {
		state = status.BatchSucceededWithRejects
	}
	if !report.OK() || report.Rows != rows || report.State != state {
		t.Errorf("report %+v, want %d rows", report, rows)
	}
}

// failure 29: however often an upload is announced, it is one batch.
func TestSimAnnouncedTenTimes(t *testing.T) {
	t.Parallel()
	s, list := newSimStore(), &simList{}
	b := simBulkWorker(simModels(t)[0], 200, s, list)
	m := simUpload(t, s.Bucket, simRowsText(30))
	for range 5 {
		if errs := b.Handle(t.Context(), []events.Message{m}); errs[0] != nil {
			t.Fatal(errs[0])
		}
	}
	simPump(t, b, list)
	before := s.Bodies("")
	for range 5 {
		if errs := b.Handle(t.Context(), []events.Message{m}); errs[0] != nil {
			t.Fatal(errs[0])
		}
	}
	if len(list.bodies) > 0 {
		t.Errorf("%d messages for a batch that is done", len(list.bodies))
	}
	if diff := cmp.Diff(before, s.Bodies("")); diff != "" {
		t.Errorf("objects changed: %s", diff)
	}
	plans := simPlans(t, s.Bucket)
	if len(plans) != 1 {
		t.Fatalf("%d plans, want 1", len(plans))
	}
	simVerify(t, s.Bucket, plans[0].ID, 30)
}

// failure 31: the sweep announces what no event did, and nothing else.
func TestSimSweep(t *testing.T) {
	t.Parallel()
	s, list := newSimStore(), &simList{}
	b := simBulkWorker(simModels(t)[0], 200, s, list)
	_ = simUpload(t, s.Bucket, simRowsText(3)) // its event is lost
	sweeper := simSweeper(t, b, s.Bucket, 0)
	for _, want := range []int{1, 0} {
		n, err := sweeper.Sweep(t.Context(), true)
		if err != nil || n.Uploads != want || n.Batches != 0 {
			t.Errorf("announced %+v, want %d: %v", n, want, err)
		}
		if open := n.Oldest > 0; open != (want == 1) {
			t.Errorf("unfinished for %s after announcing %d", n.Oldest, want)
		}
		simPump(t, b, list)
	}
	simVerify(t, s.Bucket, simPlans(t, s.Bucket)[0].ID, 3)
}

// failure 21, 32
func TestSimBulkMessagesOfNoUse(t *testing.T) {
	t.Parallel()
	s, list := newSimStore(), &simList{}
	b := simBulkWorker(simModels(t)[0], 200, s, list)
	if errs := b.Handle(t.Context(), []events.Message{simUpload(t, s.Bucket, simRowsText(30))}); errs[0] != nil {
		t.Fatal(errs[0])
	}
	plan := simPlans(t, s.Bucket)[0]
	r := chunkRange(&plan, 1)
	chunk := func(change func(c *events.Chunk)) string {
		c := events.NewChunk(plan.ID, 1, r.Start, r.End)
		change(&c)
		body, err := events.Encode(c)
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	event := func(name, bucket, key string) string {
		return fmt.Sprintf(`{"Records":[{"eventName":%q,"s3":{"bucket":{"name":%q},"object":{"key":%q}}}]}`, name, bucket, key)
	}
	tests := map[string]struct {
		body string
		fine bool // acknowledged without an error
	}{
		"not json":       {body: "x"},
		"another kind":   {body: `{"kind":"application"}`},
		"no batch":       {body: chunk(func(c *events.Chunk) { c.Batch = "" })},
		"path":           {body: chunk(func(c *events.Chunk) { c.Batch = "../" + c.Batch })},
		"unknown batch":  {body: chunk(func(c *events.Chunk) { c.Batch = simAppID(1) })},
		"chunk too high": {body: chunk(func(c *events.Chunk) { c.N = plan.Chunks })},
		"negative":       {body: chunk(func(c *events.Chunk) { c.N = -1 })},
		"other start":    {body: chunk(func(c *events.Chunk) { c.Start-- })},
		"other end":      {body: chunk(func(c *events.Chunk) { c.End++ })},
		"end first":      {body: chunk(func(c *events.Chunk) { c.Start, c.End = c.End, c.Start })},
		"too old":        {body: chunk(func(c *events.Chunk) { c.V = -1 })},
		"test event":     {body: `{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"bucket"}`, fine: true},
		"removed":        {body: event("ObjectRemoved:Delete", simBucketName, simKey), fine: true},
		"other bucket":   {body: event("ObjectCreated:Put", "other", simKey)},
		"own output":     {body: event("ObjectCreated:Put", simBucketName, "results/x.parquet"), fine: true},
		"folder":         {body: event("ObjectCreated:Put", simBucketName, "uploads/a/"), fine: true},
		"gone":           {body: event("ObjectCreated:Put", simBucketName, "uploads/gone.csv"), fine: true},
		"bad key":        {body: event("ObjectCreated:Put", simBucketName, "uploads/%zz")},
	}
	before := s.Bodies("")
	for name, tt := range tests {
		errs := b.Handle(t.Context(), []events.Message{{ID: name, Body: []byte(tt.body), Receives: 1}})
		if (errs[0] == nil) != tt.fine || errs[0] != nil && !events.IsPermanent(errs[0]) {
			t.Errorf("%s: error %v", name, errs[0])
		}
	}
	if diff := cmp.Diff(before, s.Bodies("")); diff != "" {
		t.Errorf("objects changed: %s", diff)
	}
	simPump(t, b, list)
	simVerify(t, s.Bucket, plan.ID, 30)
}

// A chunk that was scored from a wrong start, whoever asked for it, is scored
// again from the true one.
func TestSimWrongStartHeals(t *testing.T) {
	t.Parallel()
	s, list := newSimStore(), &simList{}
	b := simBulkWorker(simModels(t)[0], 200, s, list)
	if errs := b.Handle(t.Context(), []events.Message{simUpload(t, s.Bucket, simRowsText(30))}); errs[0] != nil {
		t.Fatal(errs[0])
	}
	plan := simPlans(t, s.Bucket)[0]
	for n, first := range map[int]int64{1: plan.Source.Size, 2: chunkRange(&plan, 2).Start + 1, 3: plan.Source.Size * 2} {
		r := chunkRange(&plan, n)
		c := events.NewChunk(plan.ID, n, r.Start, r.End)
		c.FirstRecord, c.Generation = &first, 3
		body, err := events.Encode(c)
		if err != nil {
			t.Fatal(err)
		}
		list.bodies = append([]string{body}, list.bodies...)
	}
	simPump(t, b, list)
	simVerify(t, s.Bucket, plan.ID, 30)
}

// failure 57: the plan pins the model, whoever scores the chunks.
func TestSimPlanOfAnotherModel(t *testing.T) {
	t.Parallel()
	s, list := newSimStore(), &simList{}
	models := simModels(t)
	planner, worker := simBulkWorker(models[1], 200, s, list), simBulkWorker(models[0], 900, s, list)
	if errs := planner.Handle(t.Context(), []events.Message{simUpload(t, s.Bucket, simRowsText(30))}); errs[0] != nil {
		t.Fatal(errs[0])
	}
	plan := simPlans(t, s.Bucket)[0]

	// failure 19: as long as the store does not give the model, nothing ends.
	s.before = func(op, key string) error {
		if op == "get" && strings.HasPrefix(key, status.ModelsPrefix) {
			return errSim
		}
		return nil
	}
	for _, body := range list.bodies {
		errs := worker.Handle(t.Context(), []events.Message{{ID: "m", Body: []byte(body)}})
		if errs[0] == nil || events.IsPermanent(errs[0]) {
			t.Errorf("error %v without the model", errs[0])
		}
	}
	s.before = nil
	if n := len(s.Bodies(status.LedgerPrefix(plan.ID))) + len(s.Bodies(status.SummaryKey(plan.ID))); n > 0 {
		t.Errorf("%d documents without the model", n)
	}

	simPump(t, worker, list)
	simVerify(t, s.Bucket, plan.ID, 30)
	ledger := &simLedger{}
	summary := simSummary(t, s.Bucket, plan.ID)
	if err := ledger.whole(t, s.Bucket, &plan, &summary, simRowsText(30)); err != nil {
		t.Fatal(err)
	}
	if len(ledger.problems) > 0 || summary.Model.SHA256 != models[1].Model().SHA256() {
		t.Errorf("model %s: %v", summary.Model.SHA256, ledger.problems)
	}
}

// failure 33, 34: what becomes of a batch whose upload changes between chunks.
func TestSimUploadChangesBetweenChunks(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(t *testing.T, s *sim.Bucket, list *simList)
		state  status.BatchState
		code   string
	}{
		"overwritten": {func(t *testing.T, s *sim.Bucket, list *simList) {
			t.Helper()
			list.bodies = append(list.bodies, string(simUpload(t, s, simRowsText(12)).Body))
		}, status.BatchSuperseded, "superseded"},
		"deleted": {func(_ *testing.T, s *sim.Bucket, _ *simList) { s.Delete(simKey) }, status.BatchFailed, "input_gone"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, list := newSimStore(), &simList{}
			b := simBulkWorker(simModels(t)[0], 200, s, list)
			if errs := b.Handle(t.Context(), []events.Message{simUpload(t, s.Bucket, simRowsText(30))}); errs[0] != nil {
				t.Fatal(errs[0])
			}
			old := simPlans(t, s.Bucket)[0]
			if errs := b.Handle(t.Context(), []events.Message{{ID: "m", Body: []byte(list.bodies[0])}}); errs[0] != nil {
				t.Fatal(errs[0])
			}
			list.bodies = list.bodies[1:]
			tt.change(t, s.Bucket, list)
			simPump(t, b, list)
			summary := simSummary(t, s.Bucket, old.ID)
			if summary.State != tt.state || summary.Error == nil || summary.Error.Code != tt.code {
				t.Errorf("%s for %+v, want %s for %s", summary.State, summary.Error, tt.state, tt.code)
			}
			for _, plan := range simPlans(t, s.Bucket) {
				if plan.ID != old.ID {
					simVerify(t, s.Bucket, plan.ID, 12)
				}
			}
		})
	}
}

// failure 30: the announcement of a version that has been replaced finds the
// batch of the new one.
func TestSimEventsOutOfOrder(t *testing.T) {
	t.Parallel()
	s, list := newSimStore(), &simList{}
	b := simBulkWorker(simModels(t)[0], 200, s, list)
	first := simUpload(t, s.Bucket, simRowsText(30))
	second := simUpload(t, s.Bucket, simRowsText(12))
	for _, m := range []events.Message{second, first, second} {
		if errs := b.Handle(t.Context(), []events.Message{m}); errs[0] != nil {
			t.Fatal(errs[0])
		}
		simPump(t, b, list)
	}
	plans := simPlans(t, s.Bucket)
	if len(plans) != 1 {
		t.Fatalf("%d plans, want 1", len(plans))
	}
	simVerify(t, s.Bucket, plans[0].ID, 12)
}

// failure 18: a message whose handling breaks down is left for redelivery, the
// others of its batch are done.
func TestSimPanicOnOneBulkMessage(t *testing.T) {
	t.Parallel()
	s, list := newSimStore(), &simList{}
	b := simBulkWorker(simModels(t)[0], 200, s, list)
	bad := simUpload(t, s.Bucket, simRowsText(30))
	good := bad
	good.Body = []byte(strings.ReplaceAll(string(bad.Body), "loans.csv", "other.csv"))
	if _, err := s.Bucket.Put(t.Context(), "uploads/year 2026/other.csv", []byte(simRowsText(2)), store.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	s.before = func(op, key string) error {
		if op == "head" && key == simKey {
			panic("broken")
		}
		return nil
	}
	errs := b.Handle(t.Context(), []events.Message{bad, good})
	if diff := cmp.Diff([]bool{false, true}, simOutcomes(errs)); diff != "" {
		t.Errorf("consumed: %s", diff)
	}
	s.before = nil
	simPump(t, b, list)
	simVerify(t, s.Bucket, simPlans(t, s.Bucket)[0].ID, 2)
}

// failure 18: scoring that breaks down is that message's error, not the end of
// the process.
func TestSimPanicInAChunk(t *testing.T) {
	t.Parallel()
	s, list := newSimStore(), &simList{}
	scorer := *simModels(t)[0]
	scorer.policy = model.Policy{ApproveAbove: 1, DeclineAt: 1} // every row has reasons
	good := scorer.reasons
	b := simBulkWorker(&scorer, 200, s, list)
	if errs := b.Handle(t.Context(), []events.Message{simUpload(t, s.Bucket, simRowsText(30))}); errs[0] != nil {
		t.Fatal(errs[0])
	}
	scorer.reasons = &reasons{sha: good.sha} // without an explainer
	for _, body := range list.bodies {
		errs := b.Handle(t.Context(), []events.Message{{ID: "m", Body: []byte(body)}})
		if errs[0] == nil || events.IsPermanent(errs[0]) {
			t.Errorf("error %v", errs[0])
		}
	}
	scorer.reasons = good
	simPump(t, b, list)
	simVerify(t, s.Bucket, simPlans(t, s.Bucket)[0].ID, 30)
}
