package evaluate_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/evaluate"
	"github.com/loanscorer/loanscorer/model/train"
	"github.com/loanscorer/loanscorer/model/train/traintest"
)

var near = cmpopts.EquateApprox(0, 1e-12)

// The example of scikit-learn's roc_auc_score, the other measures by hand.
func TestMetrics(t *testing.T) {
	t.Parallel()
	s := &evaluate.Scored{
		Labels: []int{0, 0, 1, 1}, Predicted: []int{0, 0, 0, 1}, Probability: []float64{0.1, 0.4, 0.35, 0.8}, Positive: 1, Classes: 2,
	}
	want := evaluate.Metrics{
		Rows: 4, Accuracy: 0.75, AUC: 0.75,
		LogLoss: -(math.Log(0.9) + math.Log(0.6) + math.Log(0.35) + math.Log(0.8)) / 4,
		Brier:   (0.01 + 0.16 + 0.4225 + 0.04) / 4,
		Recall:  []float64{1, 0.5}, Confusion: [][]int{{2, 0}, {1, 1}},
	}
	if diff := cmp.Diff(want, s.Metrics(), near); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAUC(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		labels      []int
		probability []float64
		want        float64
	}{
		{"perfect", []int{0, 1}, []float64{0, 1}, 1},
		{"upside down", []int{1, 0}, []float64{0, 1}, 0},
		{"all equal", []int{0, 1, 1}, []float64{0.3, 0.3, 0.3}, 0.5},
		{"tie counts half", []int{0, 1, 1}, []float64{0.3, 0.3, 0.9}, 0.75},
		{"one class", []int{1, 1}, []float64{0.3, 0.9}, 0.5},
		{"no rows", nil, nil, 0.5},
	}
	for _, tt := range tests {
		s := &evaluate.Scored{Labels: tt.labels, Predicted: make([]int, len(tt.labels)), Probability: tt.probability, Positive: 1, Classes: 2}
		if got := s.Metrics().AUC; got != tt.want {
			t.Errorf("%s: AUC %v, want %v", tt.name, got, tt.want)
		}
	}
}

// A sure prediction that is wrong costs much but not infinity.
func TestLogLossIsFinite(t *testing.T) {
	t.Parallel()
	s := &evaluate.Scored{Labels: []int{1}, Predicted: []int{0}, Probability: []float64{0}, Positive: 1, Classes: 2}
	if got := s.Metrics().LogLoss; math.Abs(got-52*math.Ln2) > 1e-9 {
		t.Errorf("log loss %v, want %v", got, 52*math.Ln2)
	}
}

func TestCurves(t *testing.T) {
	t.Parallel()
	s := &evaluate.Scored{
		Labels: []int{0, 0, 1, 1}, Predicted: make([]int, 4), Probability: []float64{0.1, 0.4, 0.35, 1}, Positive: 1, Classes: 2,
	}
	c := s.Curves()
	roc := []evaluate.Point{{}, {X: 0, Y: 0.5}, {X: 0.5, Y: 0.5}, {X: 0.5, Y: 1}, {X: 1, Y: 1}}
	if diff := cmp.Diff(roc, c.ROC, near); diff != "" {
		t.Errorf("ROC (-want +got):\n%s", diff)
	}
	pr := []evaluate.Point{{X: 0.5, Y: 1}, {X: 0.5, Y: 0.5}, {X: 1, Y: 2.0 / 3}, {X: 1, Y: 0.5}}
	if diff := cmp.Diff(pr, c.PrecisionRecall, near); diff != "" {
		t.Errorf("precision and recall (-want +got):\n%s", diff)
	}
	rows := 0
	for _, b := range c.Bins {
		rows += b.Rows
	}
	if last := c.Bins[9]; rows != 4 || last.Rows != 1 || last.Positive != 1 || last.Mean != 1 {
		t.Errorf("%d rows in bins, last bin %+v", rows, last)
	}
	twice := &evaluate.Scored{
		Labels: append(s.Labels, s.Labels...), Predicted: make([]int, 8), Probability: append(s.Probability, s.Probability...),
		Positive: 1, Classes: 2, Repeats: 2,
	}
	for i, b := range twice.Curves().Bins { // the same rows again make no interval narrower
		if b.ShareLow != c.Bins[i].ShareLow || b.ShareTop != c.Bins[i].ShareTop || b.Rows != 2*c.Bins[i].Rows {
			t.Errorf("bin %d of rows that count twice %+v, once %+v", i, b, c.Bins[i])
		}
	}
	if want := (0.1 + 0.4 + 0.65) / 4; math.Abs(c.CalibrationError-want) > 1e-12 {
		t.Errorf("calibration error %v, want %v", c.CalibrationError, want)
	}
}

func TestKFold(t *testing.T) {
	t.Parallel()
	folds, err := evaluate.KFold(7, 3)
	if err != nil {
		t.Fatal(err)
	}
	want := []evaluate.Fold{
		{Train: []int{3, 4, 5, 6}, Test: []int{0, 1, 2}},
		{Train: []int{0, 1, 2, 5, 6}, Test: []int{3, 4}},
		{Train: []int{0, 1, 2, 3, 4}, Test: []int{5, 6}},
	}
	if diff := cmp.Diff(want, folds); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFoldsRefuse(t *testing.T) {
	t.Parallel()
	_, few := evaluate.KFold(3, 4)
	_, one := evaluate.Stratified([]int{0, 1, 1}, 1)
	_, rare := evaluate.Stratified([]int{0, 1, 1}, 2)
	_, never := evaluate.RepeatedStratified([]int{0, 1, 0, 1}, 2, 0, 0)
	for i, err := range []error{few, one, rare, never} {
		if err == nil {
			t.Errorf("case %d: no error", i)
		}
	}
}

// Shuffling the feature that decides costs most; a constant costs nothing.
func TestImportances(t *testing.T) {
	t.Parallel()
	d := traintest.Loans(t)
	constant := make([]float64, d.Rows())
	d.Columns = append(d.Columns, train.Column{Name: "constant", Fill: train.Refuse, Values: constant})
	folds, err := evaluate.RepeatedStratified(d.Labels, 5, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	first, err := evaluate.CrossValidate(t.Context(), d, folds, train.Params{}, evaluate.Options{Permutations: 3, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	again, err := evaluate.CrossValidate(t.Context(), d, folds, train.Params{}, evaluate.Options{Permutations: 3, Workers: 4})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("depends on the number of workers:\n%s", diff)
	}
	for i, importance := range first.Importances {
		if importance.AUC.Low > importance.AUC.Mean || importance.AUC.Mean > importance.AUC.High {
			t.Errorf("interval of %+v", importance)
		}
		if importance.Feature == "constant" && importance.AUC != (evaluate.Interval{}) {
			t.Errorf("constant: %+v", importance)
		}
		if i == 0 && importance.Feature != "Credit_History" {
			t.Errorf("most important is %s, want Credit_History", importance.Feature)
		}
	}
}

// The search that is judged never sees the rows that judge it, and the same
// seed gives the same choice.
func TestTune(t *testing.T) {
	t.Parallel()
	d := traintest.Loans(t)
	fits := 0
	s := evaluate.Search{
		Candidates: []train.Params{{Trees: 1, MaxDepth: train.Unlimited, MinSamplesSplit: 2}, {Trees: 40}},
		Measure:    evaluate.ByLogLoss, Outer: 3, Inner: 3,
		Options: evaluate.Options{Workers: 1, Progress: func(n int) { fits = max(fits, n) }},
	}
	tuned, err := evaluate.Tune(t.Context(), d, s)
	if err != nil {
		t.Fatal(err)
	}
	if tuned.Best.Trees != 40 || len(tuned.Chosen) != 3 || len(tuned.Scores) != 2 {
		t.Errorf("best %+v, %d choices, %d scores", tuned.Best, len(tuned.Chosen), len(tuned.Scores))
	}
	if tuned.Nested.Pooled.Rows != d.Rows() {
		t.Errorf("%d rows tested, want each of %d once", tuned.Nested.Pooled.Rows, d.Rows())
	}
	if fits != s.Fits() {
		t.Errorf("progress ended at %d of %d", fits, s.Fits())
	}
}

func TestTuneRefuses(t *testing.T) {
	t.Parallel()
	d := traintest.Loans(t)
	if _, err := evaluate.Tune(t.Context(), d, evaluate.Search{Measure: evaluate.ByAUC}); err == nil {
		t.Error("no candidates: no error")
	}
	one := []train.Params{{}}
	if _, err := evaluate.Tune(t.Context(), d, evaluate.Search{Candidates: one, Measure: "beauty"}); err == nil {
		t.Error("unknown measure: no error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := evaluate.Tune(ctx, d, evaluate.Search{Candidates: one, Measure: evaluate.ByAUC}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want canceled", err)
	}
}

// The interval of the AUC is that of Hanley and McNeil's formula, worked out with
// another program; the others are those of package interval.
func TestRangesAndDecisions(t *testing.T) {
	t.Parallel()
	s := &evaluate.Scored{Positive: 1, Classes: 2}
	for i := range 100 {
		p, label := float64(i)/100, 0
		if i%3 > 0 && i > 20 {
			label = 1
		}
		predicted := 0
		if p > 0.5 {
			predicted = 1
		}
		s.Labels, s.Predicted, s.Probability = append(s.Labels, label), append(s.Predicted, predicted), append(s.Probability, p)
	}
	m := s.Metrics()
	r := s.Ranges(&m)
	if low, high := 0.6192064, 0.8182936; math.Abs(r.AUC.Low-low) > 1e-6 || math.Abs(r.AUC.High-high) > 1e-6 {
		t.Errorf("AUC %v in %v, want %v to %v", m.AUC, r.AUC, low, high)
	}
	if !(r.Accuracy.Low < m.Accuracy && m.Accuracy < r.Accuracy.High) || !(r.LogLoss.Low < m.LogLoss && m.LogLoss < r.LogLoss.High) ||
		!(r.Brier.Low < m.Brier && m.Brier < r.Brier.High) || len(r.Recall) != 2 {
		t.Errorf("%+v in %+v", m, r)
	}
	got := s.Decisions(model.Policy{ApproveAbove: 0.79, DeclineAt: 0.2})
	want := []evaluate.Decided{
		{Decision: model.Approved, Rows: 20, Classes: []int{7, 13}},
		{Decision: model.Referred, Rows: 59, Classes: []int{20, 39}},
		{Decision: model.Declined, Rows: 21, Classes: []int{21, 0}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := s.Decisions(model.DefaultPolicy()); len(got) != 2 {
		t.Errorf("%v: nobody is referred", got)
	}
}

func TestRule(t *testing.T) {
	t.Parallel()
	d := traintest.Loans(t)
	yes := 0
	for _, label := range d.Labels {
		yes += label
	}
	want := evaluate.Baseline{Name: "always", Accuracy: float64(yes) / float64(d.Rows()), AUC: 0.5, Recall: []float64{0, 1}}
	if diff := cmp.Diff(want, evaluate.Rule("always", d, 0, func(int) bool { return true }), near); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Filling a missing Credit_History from the outcome makes every figure better.
func TestProtocolShowsTheLeak(t *testing.T) {
	t.Parallel()
	d := traintest.Loans(t)
	leaking := traintest.Loans(t)
	for row, v := range leaking.Columns[2].Values {
		if math.IsNaN(v) {
			leaking.Columns[2].Values[row] = float64(d.Labels[row])
		}
	}
	honest, err := evaluate.RunProtocol(t.Context(), d, train.Params{}, 5, evaluate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	leak, err := evaluate.RunProtocol(t.Context(), leaking, train.Params{}, 5, evaluate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if leak.TrainAccuracy.Mean <= honest.TrainAccuracy.Mean || leak.AllFolds.Mean <= honest.AllFolds.Mean {
		t.Errorf("with the leak %+v, without %+v", leak, honest)
	}
	if len(leak.Runs) != 5 || leak.Runs[4].Seed != 4 {
		t.Errorf("runs %+v", leak.Runs)
	}
}

// The page is well-formed, loads nothing from elsewhere and shows names as
// text, whatever they are.
func TestReport(t *testing.T) {
	t.Parallel()
	d := traintest.Loans(t)
	d.Columns[0].Name = "<script>alert(1)</script>"
	folds, err := evaluate.Stratified(d.Labels, 3)
	if err != nil {
		t.Fatal(err)
	}
	cv, err := evaluate.CrossValidate(t.Context(), d, folds, train.Params{}, evaluate.Options{Permutations: 1})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	r := &evaluate.Report{
		Data: "loans.csv", Rows: d.Rows(), Classes: []string{"N", "Y"}, Positive: 1, ClassBalance: []int{200, 400},
		Split: "3 folds", CrossValidation: cv, Warning: "mind this",
		Baselines: []evaluate.Baseline{evaluate.Rule("always Y", d, 0, func(int) bool { return true })},
	}
	if err := evaluate.WriteReport(&b, r); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, want := range []string{"ROC curve", "Precision and recall", "Calibration", "Scores", "Importances", "always Y", "mind this"} {
		if !strings.Contains(page, want) {
			t.Errorf("page lacks %q", want)
		}
	}
	for _, never := range []string{"<script", "http://", "https://", "NaN", "ZgotmplZ"} {
		if strings.Contains(page, never) {
			t.Errorf("page contains %q", never)
		}
	}
	wellFormed(t, page)
	if err := evaluate.WriteReport(io.Discard, &evaluate.Report{Data: "x"}); err == nil {
		t.Error("report without a result: no error")
	}
}

// wellFormed reads the page as XML, the void elements of its head aside.
func wellFormed(t *testing.T, page string) {
	t.Helper()
	dec := xml.NewDecoder(strings.NewReader(page))
	dec.Strict = false
	dec.AutoClose = xml.HTMLAutoClose
	dec.Entity = xml.HTMLEntity
	depth := 0
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		}
	}
	if depth != 0 {
		t.Errorf("%d elements are not closed", depth)
	}
}
