package scorer

import (
	"bytes"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/internal/sim"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
	"github.com/loanscorer/loanscorer/model"
)

// shadowed are scorers of one champion: without a shadow, with two challengers,
// and with the cut-offs of one changed.
func shadowed(t *testing.T) (without, strict, pruned, moved *Scorer) {
	t.Helper()
	of := challengers(t)
	beside := func(m *model.Model, p *model.Policy) *Scorer {
		return mustScorer(t, model.Default(), Options{Shadow: mustScorer(t, m, Options{NoReasons: true, Policy: p})})
	}
	return testScorer(t), beside(of["strict"], nil), beside(of["fewer trees"], nil), beside(of["strict"], &model.Policy{ApproveAbove: 0.9, DeclineAt: 0.2})
}

// failure 57: the plan pins the shadow model and its cut-offs. Workers with
// another or none write the bytes that one worker writes.
func TestPlansPinShadows(t *testing.T) {
	t.Parallel()
	without, strict, pruned, moved := shadowed(t)
	for name, planner := range map[string]*Scorer{"none": without, "strict": strict, "pruned": pruned, "moved": moved} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bucket, plan := batchBy(t, planner, without, strict, pruned, moved)
			plain, err := simPlainRun(t, bucket, &plan, store.Info{Key: simKey}, simRowsText(60))
			if err != nil {
				t.Fatal(err)
			}
			prefix := status.PartsPrefix(plan.ID)
			if got, want := bucket.Bodies(prefix), plain.Bodies(prefix); len(got) < 5 || !maps.EqualFunc(got, want, bytes.Equal) {
				t.Errorf("%d parts differ from those of one worker", len(got))
			}
			summary := simSummary(t, bucket, plan.ID)
			if diff := cmp.Diff([]*status.Shadow{planner.Shadow(), planner.Shadow()}, []*status.Shadow{plan.Shadow, summary.Shadow}); diff != "" {
				t.Error(diff)
			}
			whole := wholeShadow(t, planner, simRowsText(60))
			if diff := cmp.Diff(whole.Shadow, summary.Tally.Shadow); diff != "" {
				t.Errorf("(-whole file +chunks): %s", diff)
			}
			if (summary.Stats.Shadow != nil) != (planner.Shadow() != nil) || planner.Shadow() != nil && summary.Stats.Shadow.Rows != 60 {
				t.Errorf("%+v", summary.Stats.Shadow)
			}
		})
	}
}

func wholeShadow(t *testing.T, s *Scorer, text string) status.Tally {
	t.Helper()
	tally, err := ScoreFile(t.Context(), s, textSource(text), new(bytes.Buffer), FileOptions{DecidedAt: decidedAt(), Rejects: new(bytes.Buffer)})
	if err != nil {
		t.Fatal(err)
	}
	return tally
}

// A plan of a version before shadow models, as it was written then, has parts
// without their columns, whatever the worker's shadow.
func TestPlansBeforeShadows(t *testing.T) {
	t.Parallel()
	without, strict, _, _ := shadowed(t)
	bucket, plan := batchBy(t, without, strict)
	body := bucket.Bodies(status.PlanKey(plan.ID))[status.PlanKey(plan.ID)]
	summary := simSummary(t, bucket, plan.ID)
	if bytes.Contains(body, []byte("shadow")) || plan.Shadow != nil || summary.Shadow != nil || summary.Tally.Shadow != nil || summary.Stats.Shadow != nil {
		t.Errorf("%s\n%+v", body, summary)
	}
	for key, part := range bucket.Bodies(status.PartsPrefix(plan.ID)) {
		if bytes.Contains(part, []byte(colShadowDecision)) {
			t.Errorf("%s has columns of a shadow model", key)
		}
	}
}

// failure 55, 56: a plan's shadow model is taken from the store only if its
// bytes have the SHA-256 that the plan names. Until then nothing is written.
func TestShadowOfThePlanIsChecked(t *testing.T) {
	t.Parallel()
	without, strict, pruned, _ := shadowed(t)
	right, key := strict.shadow.model.Bytes(), status.ModelKey(strict.shadow.model.SHA256())
	for name, tc := range map[string]struct {
		stored []byte
		want   error
	}{
		"missing":             {nil, store.ErrNotFound},
		"another valid model": {pruned.shadow.model.Bytes(), model.ErrCorrupt},
		"a space more":        {append(bytes.Clone(right), ' '), model.ErrCorrupt},
	} {
		s, list := sim.NewBucket(), &simList{}
		if errs := simBulkWorker(strict, 400, s, list).Handle(t.Context(), []events.Message{simUpload(t, s, simRowsText(30))}); errs[0] != nil {
			t.Fatal(errs[0])
		}
		if tc.stored == nil {
			s.Delete(key)
		} else {
			putBody(t, s, key, tc.stored)
		}
		plan := simPlans(t, s)[0]
		for _, body := range list.bodies {
			errs := simBulkWorker(without, 400, s, list).Handle(t.Context(), []events.Message{{ID: "m", Body: []byte(body)}})
			if !errors.Is(errs[0], tc.want) || events.IsPermanent(errs[0]) {
				t.Errorf("%s: %v, want %v", name, errs[0], tc.want)
			}
		}
		if n := len(s.Bodies(status.PartsPrefix(plan.ID))); n > 0 {
			t.Errorf("%s: %d parts", name, n)
		}
		putBody(t, s, key, right)
		simPump(t, simBulkWorker(without, 400, s, list), list)
		simVerify(t, s, plan.ID, 30)
	}
}

// Verify finds counts of a shadow that the rows do not have, and parts that an
// older version wrote without its columns.
func TestVerifyShadow(t *testing.T) {
	t.Parallel()
	without, strict, _, _ := shadowed(t)
	for name, tc := range map[string]struct {
		spoil func(*status.Summary)
		want  string
	}{
		"as it is":    {func(*status.Summary) {}, ""},
		"cross table": {func(s *status.Summary) { s.Tally.Shadow.Decide("approved", "declined", 1) }, "ledger statistics shadow"},
		"difference":  {func(s *status.Summary) { s.Tally.Shadow.Difference++ }, "ledger statistics shadow"},
		"histogram":   {func(s *status.Summary) { s.Tally.Shadow.Histogram[3]++ }, "ledger statistics shadow"},
		"unscored":    {func(s *status.Summary) { s.Tally.Shadow.Unscore("missing_value", "LoanAmount", 1) }, "ledger statistics shadow"},
		"statistics":  {func(s *status.Summary) { s.Stats.Shadow.SwapIn++ }, "statistics"},
		"model":       {func(s *status.Summary) { s.Shadow.Model.SHA256 = strings.Repeat("0", 64) }, "shadow"},
		"no counts":   {func(s *status.Summary) { s.Tally.Shadow = nil }, "ledger statistics shadow"},
	} {
		bucket, plan := batchBy(t, strict, strict)
		summary := simSummary(t, bucket, plan.ID)
		tc.spoil(&summary)
		body, err := status.Encode(&summary)
		if err != nil {
			t.Fatal(err)
		}
		putBody(t, bucket, status.SummaryKey(plan.ID), body)
		if got := failedChecks(t, bucket, plan.ID); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
	bucket, plan := batchBy(t, without, without)
	plan.Shadow = strict.Shadow()
	body, err := status.Encode(&plan)
	if err != nil {
		t.Fatal(err)
	}
	putBody(t, bucket, status.PlanKey(plan.ID), body)
	if got := failedChecks(t, bucket, plan.ID); got != "parts" {
		t.Errorf("parts without columns: %q", got)
	}
}

func failedChecks(t *testing.T, bucket *sim.Bucket, batch string) string {
	t.Helper()
	report, err := Verify(t.Context(), bucket, batch)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range report.Checks {
		if !c.OK {
			names = append(names, c.Name)
		}
	}
	return strings.Join(names, " ")
}
