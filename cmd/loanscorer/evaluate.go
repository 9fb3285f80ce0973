package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/model/evaluate"
	"github.com/loanscorer/loanscorer/model/train"
)

// evaluateFlags are the flags of evaluate.
type evaluateFlags struct {
	dataFlags
	recipeFlags
	model, split, report string
	folds, repeats       int
	permutations         int
	article, json        bool
	seeds                int
}

func evaluateCommand(s streams) *cobra.Command {
	var o evaluateFlags
	cmd := &cobra.Command{
		Use:   "evaluate LOANS.csv",
		Short: "Measure a recipe or a model on loans with known outcomes",
		Long: `Measure how well a forest tells loans apart, beside rules so simple that it should
beat them.

Without --model a recipe is measured by repeated stratified cross-validation:
models are fitted on a part of the rows and tested on the rest, constants for
missing values included. With --model a finished model is measured on the file,
which should hold no rows that it was fitted on.

--article repeats the protocol of the article that this project grew out of, and
the same without its leak, each with many seeds.`,
		Example: `  loanscorer evaluate loans.csv --report report.html
  loanscorer evaluate loans.csv --trees 100 --max-features 2 --json
  loanscorer evaluate new-loans.csv --model model.json
  loanscorer evaluate loans.csv --article`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runEvaluate(cmd.Context(), s, args[0], &o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.model, "model", "", "measure this model file instead of a recipe; default is the built-in model")
	f.StringVar(&o.report, "report", "", "write a report with plots to this HTML file")
	f.BoolVar(&o.json, "json", false, "print JSON")
	f.IntVar(&o.folds, "folds", 5, "folds of the cross-validation")
	f.IntVar(&o.repeats, "repeats", 10, "how often the rows are divided anew")
	f.StringVar(&o.split, "split", "shuffled", "shuffled or ordered (stratified), or neighbours (plain runs of rows)")
	f.IntVar(&o.permutations, "permutations", 0, "shuffles of each feature, for importances (default: 5 in each fold, 30 with --model, fewer beyond 100,000 rows)")
	f.BoolVar(&o.article, "article", false, "repeat the article's own protocol")
	f.IntVar(&o.seeds, "seeds", 200, "seeds of --article, counted from --seed")
	o.dataFlags.add(f)
	o.recipeFlags.add(f)
	cmd.MarkFlagsMutuallyExclusive("article", "model")
	cmd.MarkFlagsMutuallyExclusive("article", "report")
	for _, recipe := range []string{
		"features", "missing", "trees", "max-depth", "min-samples-split", "min-samples-leaf", "max-features",
		"criterion", "class-weight", "no-bootstrap", "folds", "repeats", "split",
	} {
		cmd.MarkFlagsMutuallyExclusive("model", recipe)
	}
	return cmd
}

func runEvaluate(ctx context.Context, s streams, path string, o *evaluateFlags) error {
	p, err := o.params()
	if err != nil {
		return err
	}
	var r *evaluate.Report
	if o.model != "" {
		r, err = evaluateModel(path, o)
	} else {
		var more []string
		if history := ingest.CreditHistory.String(); !slices.Contains(o.features, history) {
			more = append(more, history)
		}
		var table *loanTable
		var d *train.Data
		if table, d, err = o.data(path, more...); err != nil {
			return err
		}
		if o.article {
			return runArticle(ctx, s, d, p, o)
		}
		r, err = evaluateRecipe(ctx, s, evaluation{path: path, table: table, d: d, p: p, o: o})
	}
	if err != nil {
		return err
	}
	return s.show(o.report, o.json, r, func(f *os.File) error { return evaluate.WriteReport(f, r) }, func() { printEvaluation(s.out, r) })
}

func newReport(path string, d *train.Data) *evaluate.Report {
	return &evaluate.Report{
		Data: filepath.Base(path), Rows: d.Rows(), Positive: d.Positive, ClassBalance: classBalance(d), Classes: classNames(d),
	}
}

// evaluation is a recipe and the rows to measure it on.
type evaluation struct {
	path  string
	table *loanTable
	d     *train.Data
	p     train.Params
	o     *evaluateFlags
}

func evaluateRecipe(ctx context.Context, s streams, e evaluation) (*evaluate.Report, error) {
	folds, split, err := e.o.divide(e.d)
	if err != nil {
		return nil, err
	}
	forest, err := train.Fit(ctx, e.d, nil, e.p, train.Options{})
	if err != nil {
		return nil, err
	}
	whole, err := evaluate.Score(forest, e.d, nil)
	if err != nil {
		return nil, err
	}
	bar := begin(s.err, int64(len(folds)), "folds")
	defer bar.done()
	cv, err := evaluate.CrossValidate(ctx, e.d, folds, e.p, evaluate.Options{
		Permutations: cmp.Or(e.o.permutations, 5), Progress: func(n int) { bar.set(int64(n)) },
	})
	if err != nil {
		return nil, err
	}
	r, m := newReport(e.path, e.d), whole.Metrics()
	r.SHA256, r.Skipped, r.Baselines = e.table.sha256, e.table.skipped, rules(e.table.history(), e.d)
	r.Subject = fmt.Sprintf("Recipe: %d trees on %s, seed %d", e.o.trees, strings.Join(e.o.features, ", "), e.p.Seed)
	r.Params, r.Split, r.Apparent, r.CrossValidation = e.p.Record(), split, &m, cv
	return r, nil
}

// divide makes the folds and says how.
func (o *evaluateFlags) divide(d *train.Data) ([]evaluate.Fold, string, error) {
	var folds []evaluate.Fold
	var err error
	how := ""
	switch o.split {
	case "shuffled":
		folds, err = evaluate.RepeatedStratified(d.Labels, o.folds, o.repeats, o.seed)
		how = fmt.Sprintf("%d stratified folds, %d times", o.folds, o.repeats)
	case "ordered":
		folds, err = evaluate.Stratified(d.Labels, o.folds)
		how = fmt.Sprintf("%d stratified folds, not shuffled", o.folds)
	case "neighbours":
		folds, err = evaluate.KFold(d.Rows(), o.folds)
		how = fmt.Sprintf("%d folds of neighbouring rows", o.folds)
	default:
		err = usagef("--split %s: must be shuffled, ordered or neighbours", o.split)
	}
	return folds, how, err
}
