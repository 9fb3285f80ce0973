package evaluate_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"testing"

	"github.com/loanscorer/loanscorer/model/evaluate"
	"github.com/loanscorer/loanscorer/model/train"
	"github.com/loanscorer/loanscorer/model/train/traintest"
)

func TestFoldsEqualScikitLearn(t *testing.T) {
	t.Parallel()
	folds, err := evaluate.RepeatedStratified(traintest.Loans(t).Labels, 5, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	want := traintest.ReadGolden(t).TestFolds
	if len(folds) != len(want) {
		t.Fatalf("%d folds, want %d", len(folds), len(want))
	}
	for i, fold := range folds {
		h := sha256.New()
		for _, row := range fold.Test {
			_ = binary.Write(h, binary.LittleEndian, int32(row))
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != want[i] {
			t.Errorf("fold %d has other rows than scikit-learn's", i)
		}
	}
}

// Forty seeds give the means and the spreads of scikit-learn's forty: to
// rounding, because each forest is the same.
func TestStatisticsEqualScikitLearn(t *testing.T) {
	t.Parallel()
	d, golden := traintest.Loans(t), traintest.ReadGolden(t)
	kfold, err := evaluate.KFold(d.Rows(), 5)
	if err != nil {
		t.Fatal(err)
	}
	stratified, err := evaluate.Stratified(d.Labels, 5)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]float64{}
	add := func(name string, v float64) { got[name] = append(got[name], v) }
	for seed := range uint32(golden.Seeds) {
		p := train.Params{Seed: seed}
		a := crossValidate(t, d, kfold, p)
		b := crossValidate(t, d, stratified, p)
		add("train_accuracy", apparent(t, d, p).Accuracy)
		add("kfold_accuracy", a.Accuracy.Mean)
		add("stratified_accuracy", b.Accuracy.Mean)
		add("stratified_auc", b.AUC.Mean)
	}
	for name, want := range golden.Statistics {
		mean, sd := 0.0, 0.0
		for _, v := range got[name] {
			mean += v / float64(len(got[name]))
		}
		for _, v := range got[name] {
			sd += (v - mean) * (v - mean) / float64(len(got[name])-1)
		}
		if math.Abs(mean-want.Mean) > 1e-9 || math.Abs(math.Sqrt(sd)-want.SD) > 1e-9 {
			t.Errorf("%s: %v +- %v, scikit-learn %v +- %v", name, mean, math.Sqrt(sd), want.Mean, want.SD)
		}
	}
}

// Weighted classes and entropy round differently, so only figures agree.
func TestWeightsAndEntropyAreNearScikitLearn(t *testing.T) {
	t.Parallel()
	d, golden := traintest.Loans(t), traintest.ReadGolden(t)
	for _, g := range golden.Near {
		accuracy, auc := 0.0, 0.0
		for seed := range uint32(golden.Seeds) {
			p := train.Params{Seed: seed, Criterion: train.Criterion(g.Params.Criterion), ClassWeight: train.ClassWeight(g.Params.ClassWeight)}
			m := apparent(t, d, p)
			accuracy += m.Accuracy / float64(golden.Seeds)
			auc += m.AUC / float64(golden.Seeds)
		}
		if math.Abs(accuracy-g.Accuracy) > 0.0015 || math.Abs(auc-g.AUC) > 0.0015 {
			t.Errorf("%+v: accuracy %v, AUC %v, scikit-learn %v, %v", g.Params, accuracy, auc, g.Accuracy, g.AUC)
		}
	}
}

func crossValidate(t *testing.T, d *train.Data, folds []evaluate.Fold, p train.Params) *evaluate.CrossValidation {
	t.Helper()
	r, err := evaluate.CrossValidate(t.Context(), d, folds, p, evaluate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// apparent measures a forest on the rows that it was fitted on.
func apparent(t *testing.T, d *train.Data, p train.Params) evaluate.Metrics {
	t.Helper()
	f, err := train.Fit(t.Context(), d, nil, p, train.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := evaluate.Score(f, d, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s.Metrics()
}
