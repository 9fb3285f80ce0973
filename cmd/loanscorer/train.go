package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/evaluate"
	"github.com/loanscorer/loanscorer/model/train"
)

// trainFlags are the flags of train.
type trainFlags struct {
	dataFlags
	recipeFlags
	output, name, version   string
	folds                   int
	approveAbove, declineAt float64
	json                    bool
}

func trainCommand(s streams) *cobra.Command {
	var o trainFlags
	cmd := &cobra.Command{
		Use:   "train LOANS.csv",
		Short: "Fit a forest on loans with known outcomes",
		Long: `Fit a random forest on a CSV file of loans with known outcomes and write a model
file. The algorithm is scikit-learn's RandomForestClassifier; the same file,
parameters and seed always give the same model, byte by byte.

Missing values are filled by constants that are fitted too and stored in the
model. The model file also holds the data's SHA-256, the parameters, how well
the recipe did in cross-validation, and how the training data was distributed.`,
		Example: `  loanscorer train loans.csv -o model.json
  loanscorer train loans.csv --features TotalIncome,LoanAmount,Credit_History,Property_Area,Education
  loanscorer train loans.csv --trees 100 --max-depth unlimited --max-features sqrt --seed 7`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runTrain(cmd.Context(), s, args[0], &o)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.output, "output", "o", "model.json", "model file to write")
	f.StringVar(&o.name, "name", "loan-approval-forest", "name of the model")
	f.StringVar(&o.version, "model-version", "1", "version of the model")
	f.IntVar(&o.folds, "folds", 5, "folds of the cross-validation that is stored in the model, 0 for none")
	f.Float64Var(&o.approveAbove, "approve-above", 0.5, "approve above this probability")
	f.Float64Var(&o.declineAt, "decline-at", 0.5, "decline at or below this probability; between, refer to a person")
	f.BoolVar(&o.json, "json", false, "print the training record as JSON")
	o.dataFlags.add(f)
	o.recipeFlags.add(f)
	return cmd
}

func runTrain(ctx context.Context, s streams, path string, o *trainFlags) error {
	p, err := o.params()
	if err != nil {
		return err
	}
	if o.declineAt < 0 || o.approveAbove > 1 || !(o.declineAt <= o.approveAbove) {
		return usagef("--decline-at %g --approve-above %g: must satisfy 0 <= decline-at <= approve-above <= 1", o.declineAt, o.approveAbove)
	}
	table, d, err := o.data(path)
	if err != nil {
		return err
	}
	record := newRecord(path, table, d, p)
	record.Label.Column = table.column(o.label).name
	bar := begin(s.err, int64(p.Trees), "trees")
	started := time.Now()
	forest, err := train.Fit(ctx, d, nil, p, train.Options{Progress: func(n int) { bar.set(int64(n)) }})
	elapsed := time.Since(started)
	bar.done()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := measure(ctx, fitted{record, table, d, forest}, measuring{p: p, folds: o.folds, progress: s.err}); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	spec := forest.Spec(d)
	spec.Name, spec.Version = o.name, o.version
	spec.Policy = model.Policy{ApproveAbove: o.approveAbove, DeclineAt: o.declineAt}
	m, err := writeModel(o.output, spec, record)
	if err != nil {
		return err
	}
	if o.json {
		return json.NewEncoder(s.out).Encode(map[string]any{
			"output": o.output, "sha256": m.SHA256(), "forest": m.Stats(), "training": record,
		})
	}
	st := m.Stats()
	_, err = fmt.Fprintf(s.out, "%s  %d trees, %s nodes  sha256 %s\n", o.output, st.Trees, count(int64(st.Nodes)), m.SHA256())
	_, _ = fmt.Fprintf(s.err, "%s rows, %s\n", count(int64(d.Rows())), took(elapsed))
	printRecord(s.out, record)
	return err
}

func newRecord(path string, table *loanTable, d *train.Data, p train.Params) *evaluate.Record {
	r := &evaluate.Record{
		Library: evaluate.Library, LibraryVersion: version, Algorithm: "RandomForestClassifier", Params: p.Record(), Seed: p.Seed,
		Data: filepath.Base(path), DataSHA256: table.sha256, Rows: d.Rows(), RowsSkipped: table.skipped,
		Label: evaluate.RecordLabel{Classes: map[string]string{}}, ClassBalance: map[string]int{},
	}
	for i, n := range classBalance(d) {
		name := d.Classes[i].String()
		r.Label.Classes[name], r.ClassBalance[name] = name, n
	}
	return r
}

func classBalance(d *train.Data) []int {
	balance := make([]int, len(d.Classes))
	for _, label := range d.Labels {
		balance[label]++
	}
	return balance
}

// measuring says how a record gets its metrics.
type measuring struct {
	p        train.Params
	folds    int
	progress io.Writer
}

// fitted is a forest, what it was fitted on, and its record.
type fitted struct {
	record *evaluate.Record
	table  *loanTable
	d      *train.Data
	forest *train.Forest
}

// measure fills the record's metrics.
func measure(ctx context.Context, f fitted, how measuring) error {
	r, d := f.record, f.d
	whole, err := evaluate.Score(f.forest, d, nil)
	if err != nil {
		return err
	}
	m := whole.Metrics()
	r.Metrics = evaluate.RecordMetrics{TrainAccuracy: m.Accuracy, TrainAUC: m.AUC, Baselines: rules(f.table.history(), d)}
	if how.folds == 0 {
		return nil
	}
	folds, err := evaluate.Stratified(d.Labels, how.folds)
	if err != nil {
		return err
	}
	bar := begin(how.progress, int64(how.folds), "folds")
	defer bar.done()
	cv, err := evaluate.CrossValidate(ctx, d, folds, how.p, evaluate.Options{Progress: func(n int) { bar.set(int64(n)) }})
	if err != nil {
		return err
	}
	r.Metrics.Fill(cv, "stratified, not shuffled, constants fitted inside the folds", classNames(d))
	return nil
}

func classNames(d *train.Data) []string {
	names := make([]string, len(d.Classes))
	for i, c := range d.Classes {
		names[i] = c.String()
	}
	return names
}

func printRecord(w io.Writer, r *evaluate.Record) {
	_, _ = fmt.Fprintf(w, "accuracy %s on the %s rows it was fitted on\n", percent(r.Metrics.TrainAccuracy), count(int64(r.Rows)))
	if r.Metrics.Folds > 0 {
		_, _ = fmt.Fprintf(w, "accuracy %s, AUC %.3f on rows it was not fitted on (%d folds)\n",
			percent(r.Metrics.Accuracy.Mean), r.Metrics.AUC.Mean, r.Metrics.Folds)
	}
	for _, b := range r.Metrics.Baselines {
		_, _ = fmt.Fprintf(w, "accuracy %s for the rule: %s\n", percent(b.Accuracy), b.Name)
	}
}

func percent(share float64) string { return fmt.Sprintf("%.2f %%", 100*share) }

// writeModel writes a model file that appears only when it is complete.
func writeModel(path string, spec *model.Spec, training any) (*model.Model, error) {
	record, err := json.Marshal(training)
	if err != nil {
		return nil, err
	}
	spec.Training = record
	text, err := model.Encode(spec)
	if err != nil {
		return nil, err
	}
	m, err := model.Parse(text)
	if err != nil {
		return nil, err
	}
	return m, writeFile(path, func(f *os.File) error {
		_, err := f.Write(text)
		return err
	})
}

// show writes a result to a report, if one is asked for, and prints it: as JSON,
// or as text and then the report's path.
func (s streams) show(report string, asJSON bool, result any, write func(f *os.File) error, text func()) error {
	if report != "" {
		if err := writeFile(report, write); err != nil {
			return err
		}
	}
	if asJSON {
		return json.NewEncoder(s.out).Encode(result)
	}
	text()
	if report == "" {
		return nil
	}
	_, err := fmt.Fprintln(s.out, report)
	return err
}

// writeFile makes a file that appears only when it is complete.
func writeFile(path string, fill func(f *os.File) error) error {
	p, err := newPending(path)
	if err != nil {
		return err
	}
	if err := fill(p.file); err != nil {
		_ = p.drop()
		return err
	}
	return p.publish()
}
