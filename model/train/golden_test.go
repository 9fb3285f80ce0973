package train_test

import (
	"testing"

	"github.com/loanscorer/loanscorer/model/train"
	"github.com/loanscorer/loanscorer/model/train/traintest"
)

func fit(tb testing.TB, d *train.Data, p train.Params) *train.Forest {
	tb.Helper()
	f, err := train.Fit(tb.Context(), d, nil, p, train.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// The same data, parameters and seed give scikit-learn's forest, bit for bit.
func TestForestsEqualScikitLearn(t *testing.T) {
	t.Parallel()
	d := traintest.Loans(t)
	for _, g := range traintest.ReadGolden(t).Forests {
		if got := traintest.Digest(fit(t, d, g.Params.Native()).Spec(d).Trees); got != g.SHA256 {
			t.Errorf("%+v: forest %s, scikit-learn %s", g.Params, got, g.SHA256)
		}
	}
}

func TestRandomStateEqualsNumPy(t *testing.T) {
	t.Parallel()
	r, n := train.NewRandomState(5), uint32(1)
	for i, want := range traintest.ReadGolden(t).Randint {
		if got := r.Below(n); got != want {
			t.Errorf("randint %d below %d = %d, NumPy %d", i, n, got, want)
		}
		n *= 10
	}
}
