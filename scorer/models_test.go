package scorer

import (
	"bytes"
	"errors"
	"testing"

	"github.com/loanscorer/loanscorer/internal/sim"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
	"github.com/loanscorer/loanscorer/model"
)

// failure 55, 56: a plan's model is taken from the store only if its bytes have
// the SHA-256 that the plan names, whatever else is right about them.
func TestModelOfThePlanIsCheckedBeforeItScores(t *testing.T) {
	t.Parallel()
	models := simModels(t)
	ours, planned := models[0], models[1]
	right := planned.Model().Bytes()
	for name, tc := range map[string]struct {
		stored []byte
		want   error
	}{
		"right":               {right, nil},
		"missing":             {nil, store.ErrNotFound},
		"another valid model": {ours.Model().Bytes(), model.ErrCorrupt},
		"a space more":        {append(bytes.Clone(right), ' '), model.ErrCorrupt},
		"other name":          {bytes.Replace(right, []byte("loan-approval"), []byte("Loan-approval"), 1), model.ErrCorrupt},
		"empty":               {[]byte{}, model.ErrCorrupt},
	} {
		bucket := sim.NewBucket()
		ref := planned.ModelRef()
		if tc.stored != nil {
			if _, err := bucket.Put(t.Context(), status.ModelKey(ref.SHA256), tc.stored, store.PutOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		k := modelKeeper{objects: bucket}
		putBody(t, bucket, status.ReasonsKey(planned.ReasonsRef().SHA256), planned.reasons.file)
		plan := &status.Batch{Model: ref, Policy: planned.Policy(), Reasons: planned.ReasonsRef()}
		s, err := k.scorer(t.Context(), ours, plan)
		if !errors.Is(err, tc.want) || (err == nil) != (s != nil) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
		if s != nil && (s.Model().SHA256() != ref.SHA256 || s.Policy() != planned.Policy()) {
			t.Errorf("%s: model %s, policy %v", name, s.Model().SHA256(), s.Policy())
		}
	}
}
