package scorer

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/internal/status"
)

// withoutKeys is what the store says when a key of KMS cannot be used, or the
// credentials have expired.
func withoutKeys() []error {
	return []error{
		&smithy.GenericAPIError{Code: "KMS.DisabledException", Message: "the key is disabled"},
		&smithy.GenericAPIError{Code: "KMS.ThrottlingException", Message: "too many calls"},
		&smithy.GenericAPIError{Code: "AccessDenied", Message: "kms:GenerateDataKey is not allowed"},
		&smithy.GenericAPIError{Code: "ExpiredToken", Message: "the token has expired"},
	}
}

// A store that can neither encrypt nor be asked is a matter of time: nothing is
// given up, nothing is decided, and all of it is done when it is over.
//
// failure 68, failure 78
func TestSimKeysCannotBeUsed(t *testing.T) {
	t.Parallel()
	for _, fault := range withoutKeys() {
		for _, op := range []string{"create", "get", "head", "open"} {
			s, list := newSimStore(), &simList{}
			b := simBulkWorker(simModels(t)[0], 1<<20, s, list)
			m := simUpload(t, s.Bucket, simRowsText(30))
			hit := false
			s.before = func(did, _ string) error {
				if did != op {
					return nil
				}
				hit = true
				return fault
			}
			err := b.Handle(t.Context(), []events.Message{m})[0]
			if hit && (err == nil || events.IsPermanent(err) || !errors.Is(err, fault)) {
				t.Errorf("%v at %s: %v", fault, op, err)
			}
			s.before = nil
			for key := range s.Bodies(status.BatchesPrefix) {
				if hit && strings.HasSuffix(key, "summary.json") {
					t.Errorf("%v at %s: the batch has ended", fault, op)
				}
			}
			if err := b.Handle(t.Context(), []events.Message{m})[0]; err != nil {
				t.Fatal(err)
			}
			simPump(t, b, list)
			simVerify(t, s.Bucket, simPlans(t, s.Bucket)[0].ID, 30)
		}
	}
}

// failure 68, failure 78
func TestSimApplicationsWithoutKeys(t *testing.T) {
	t.Parallel()
	for _, fault := range withoutKeys() {
		s, clock := newSimStore(), newSimClock()
		a := simWorker(t, s, clock)
		batch := []events.Message{simMessage(t, 0, 1, simGood), simMessage(t, 1, 1, simGood)}
		s.before = func(op, _ string) error {
			if op == "create" {
				return fault
			}
			return nil
		}
		for _, err := range a.Handle(t.Context(), batch) {
			if err == nil || events.IsPermanent(err) {
				t.Errorf("%v: %v", fault, err)
			}
		}
		s.before = nil
		for _, err := range a.Handle(t.Context(), batch) {
			if err != nil {
				t.Error(err)
			}
		}
		simCheckStates(t, s.Bucket, clock.Now(), status.Decided, status.Decided)
	}
}
