package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/model/evaluate"
	"github.com/loanscorer/loanscorer/model/interval"
	"github.com/loanscorer/loanscorer/model/train"
)

// printEvaluation prints an evaluation as tables.
func printEvaluation(out io.Writer, r *evaluate.Report) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(w, "%s\n%s rows of %s\n", r.Subject, count(int64(r.Rows)), r.Data)
	if r.Skipped > 0 {
		_, _ = fmt.Fprintf(w, "%s more could not be used\n", count(int64(r.Skipped)))
	}
	if r.Warning != "" {
		_, _ = fmt.Fprintln(w, r.Warning)
	}
	var metrics evaluate.Metrics
	var curves evaluate.Curves
	var importances []evaluate.Importance
	if cv := r.CrossValidation; cv != nil {
		metrics, curves, importances = cv.Pooled, cv.Curves, cv.Importances
		printCrossValidation(w, r)
	} else {
		metrics, curves, importances = r.Model.Metrics, r.Model.Curves, r.Model.Importances
		printMeasures(w, r)
	}
	printRules(w, r, &metrics)
	printConfusion(w, r, &metrics)
	printCalibration(w, r, &curves)
	printImportances(w, importances)
	_ = w.Flush()
}

func printCrossValidation(w io.Writer, r *evaluate.Report) {
	cv := r.CrossValidation
	_, _ = fmt.Fprintf(w, "\n%s\tmean\t95 %% interval\ts.d. of folds\ts.d. of repeats\n", r.Split)
	printSpread(w, "accuracy, %", cv.Accuracy, 100)
	printSpread(w, "AUC", cv.AUC, 1)
	printSpread(w, "log loss", cv.LogLoss, 1)
	printSpread(w, "Brier score", cv.Brier, 1)
	for i, recall := range cv.Recall {
		printSpread(w, "recall of "+r.Classes[i]+", %", recall, 100)
	}
}

// printMeasures prints how a finished model did.
func printMeasures(w io.Writer, r *evaluate.Report) {
	m, in := &r.Model.Metrics, &r.Model.Ranges
	_, _ = fmt.Fprintf(w, "\nmeasure\ton these rows\t95 %% interval\n")
	_, _ = fmt.Fprintf(w, "accuracy, %%\t%.2f\t%s\n", 100*m.Accuracy, points(in.Accuracy))
	for _, line := range []struct {
		name  string
		value float64
		in    interval.Interval
	}{{"AUC", m.AUC, in.AUC}, {"log loss", m.LogLoss, in.LogLoss}, {"Brier score", m.Brier, in.Brier}} {
		_, _ = fmt.Fprintf(w, "%s\t%.4f\t%.4f to %.4f\n", line.name, line.value, line.in.Low, line.in.High)
	}
	for i, recall := range m.Recall {
		_, _ = fmt.Fprintf(w, "recall of %s, %%\t%.2f\t%s\n", r.Classes[i], 100*recall, points(in.Recall[i]))
	}
	_, _ = fmt.Fprintf(w, "\nby the model's policy\trows")
	for _, c := range r.Classes {
		_, _ = fmt.Fprintf(w, "\t%s in truth", c)
	}
	_, _ = fmt.Fprintln(w)
	for _, d := range r.Model.Decisions {
		_, _ = fmt.Fprintf(w, "%s\t%s", d.Decision, count(int64(d.Rows)))
		for _, n := range d.Classes {
			_, _ = fmt.Fprintf(w, "\t%s", count(int64(n)))
		}
		_, _ = fmt.Fprintln(w)
	}
}

func printRules(w io.Writer, r *evaluate.Report, m *evaluate.Metrics) {
	_, _ = fmt.Fprintf(w, "\nbeside simple rules\taccuracy\tAUC")
	for _, c := range r.Classes {
		_, _ = fmt.Fprintf(w, "\trecall of %s", c)
	}
	_, _ = fmt.Fprintln(w)
	if r.CrossValidation != nil {
		printRule(w, evaluate.Baseline{Name: "rows not fitted on", Accuracy: m.Accuracy, AUC: r.CrossValidation.AUC.Mean, Recall: m.Recall})
		printRule(w, evaluate.Baseline{Name: "rows fitted on", Accuracy: r.Apparent.Accuracy, AUC: r.Apparent.AUC, Recall: r.Apparent.Recall})
	} else {
		printRule(w, evaluate.Baseline{Name: "this model", Accuracy: m.Accuracy, AUC: m.AUC, Recall: m.Recall})
	}
	for _, b := range r.Baselines {
		printRule(w, b)
	}
}

func printConfusion(w io.Writer, r *evaluate.Report, m *evaluate.Metrics) {
	repeats := ""
	if cv := r.CrossValidation; cv != nil && cv.Repeats > 1 {
		repeats = fmt.Sprintf(" (%d repeats)", cv.Repeats)
	}
	_, _ = fmt.Fprintf(w, "\nin truth%s\tpredicted %s\n", repeats, strings.Join(r.Classes, "\tpredicted "))
	for i, row := range m.Confusion {
		_, _ = fmt.Fprint(w, r.Classes[i])
		for _, n := range row {
			_, _ = fmt.Fprintf(w, "\t%s", count(int64(n)))
		}
		_, _ = fmt.Fprintln(w)
	}
}

func printCalibration(w io.Writer, r *evaluate.Report, c *evaluate.Curves) {
	_, _ = fmt.Fprintf(w, "\ncalibration\trows\tmean probability\tshare of %s\t95 %% interval\n", r.Classes[r.Positive])
	for _, b := range c.Bins {
		if b.Rows > 0 {
			_, _ = fmt.Fprintf(w, "%.1f to %.1f\t%s\t%.3f\t%.3f\t%.3f to %.3f\n", b.Low, b.High, count(int64(b.Rows)), b.Mean, b.Share(), b.ShareLow, b.ShareTop)
		}
	}
	_, _ = fmt.Fprintf(w, "mean distance of probability and share %.3f\n", c.CalibrationError)
}

func printImportances(w io.Writer, importances []evaluate.Importance) {
	if len(importances) > 0 {
		_, _ = fmt.Fprintf(w, "\nlost when a feature is shuffled\tAUC\tmiddle 95 %%\taccuracy, points\tmiddle 95 %%\n")
	}
	for _, i := range importances {
		_, _ = fmt.Fprintf(w, "%s\t%.4f\t%.4f to %.4f\t%.2f\t%.2f to %.2f\n", i.Feature, i.AUC.Mean, i.AUC.Low, i.AUC.High,
			100*i.Accuracy.Mean, 100*i.Accuracy.Low, 100*i.Accuracy.High)
	}
}

func printSpread(w io.Writer, name string, s evaluate.Spread, times float64) {
	digits := 4
	if times == 100 {
		digits = 2
	}
	_, _ = fmt.Fprintf(w, "%s\t%.*f\t%.*f to %.*f\t%.*f\t%.*f\n", name, digits, times*s.Mean,
		digits, times*s.Low, digits, times*s.High, digits, times*s.SDFolds, digits, times*s.SDRepeats)
}

func printRule(w io.Writer, b evaluate.Baseline) {
	_, _ = fmt.Fprintf(w, "%s\t%s\t%.3f", b.Name, percent(b.Accuracy), b.AUC)
	for _, r := range b.Recall {
		_, _ = fmt.Fprintf(w, "\t%s", percent(r))
	}
	_, _ = fmt.Fprintln(w)
}

// What the article reports.
const (
	articleTrainAccuracy = 0.84853
	articleFirstFold     = 0.82114
)

// runArticle compares the article's preparation, which fills a missing
// Credit_History from the outcome, with the same without that leak.
func runArticle(ctx context.Context, s streams, d *train.Data, p train.Params, o *evaluateFlags) error {
	i := slices.IndexFunc(d.Columns, func(c train.Column) bool { return c.Name == ingest.CreditHistory.String() })
	if i < 0 || o.seeds < 1 {
		return usagef("--article needs the feature Credit_History and at least one of --seeds")
	}
	leaking := *d
	leaking.Columns = slices.Clone(d.Columns)
	leaking.Columns[i].Values = slices.Clone(d.Columns[i].Values)
	filled := 0
	for row, v := range leaking.Columns[i].Values {
		if !math.IsNaN(v) {
			continue
		}
		filled++
		leaking.Columns[i].Values[row] = 0
		if d.Labels[row] == d.Positive {
			leaking.Columns[i].Values[row] = 1
		}
	}
	bar := begin(s.err, 2*int64(o.seeds), "seeds")
	defer bar.done()
	article, err := evaluate.RunProtocol(ctx, &leaking, p, o.seeds, evaluate.Options{Progress: func(n int) { bar.set(int64(n)) }})
	if err != nil {
		return err
	}
	honest, err := evaluate.RunProtocol(ctx, d, p, o.seeds, evaluate.Options{Progress: func(n int) { bar.set(int64(o.seeds + n)) }})
	if err != nil {
		return err
	}
	bar.done()
	if o.json {
		return json.NewEncoder(s.out).Encode(map[string]any{
			"article": map[string]float64{"train_accuracy": articleTrainAccuracy, "first_fold": articleFirstFold},
			"filled":  filled, "filled_from_outcome": article, "without_leak": honest,
		})
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(w, "%d seeds; %d missing Credit_History\tarticle\tfilled from the outcome\twithout that leak\n", o.seeds, filled)
	for _, line := range []struct {
		name    string
		article string
		a, b    evaluate.Seeded
	}{
		{"accuracy on the rows fitted on, %", "84.853", article.TrainAccuracy, honest.TrainAccuracy},
		{"first of five folds, %", "82.114", article.FirstFold, honest.FirstFold},
		{"all five folds, %", "not given", article.AllFolds, honest.AllFolds},
	} {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", line.name, line.article, seeded(line.a), seeded(line.b))
	}
	_ = w.Flush()
	for _, r := range article.Runs {
		if math.Abs(r.TrainAccuracy-articleTrainAccuracy) < 5e-6 && math.Abs(r.FirstFold-articleFirstFold) < 5e-6 {
			_, err = fmt.Fprintf(s.out, "seed %d gives both of the article's figures\n", r.Seed)
			return err
		}
	}
	_, err = fmt.Fprintln(s.out, "none of these seeds gives both of the article's figures; try more with --seeds")
	return err
}

func seeded(s evaluate.Seeded) string {
	return fmt.Sprintf("%.2f +- %.2f (%.2f to %.2f)", 100*s.Mean, 100*s.SD, 100*s.Min, 100*s.Max)
}
