package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/loanscorer/loanscorer/model/evaluate"
	"github.com/loanscorer/loanscorer/model/train"
)

// tuneFlags are the flags of tune.
type tuneFlags struct {
	dataFlags
	output, measure string
	space           []string
	grid, json      bool
	candidates      int
	outer, inner    int
	seed            uint32
}

// maxCandidates bounds a search.
const maxCandidates = 10_000

func tuneCommand(s streams) *cobra.Command {
	var o tuneFlags
	cmd := &cobra.Command{
		Use:   "tune LOANS.csv",
		Short: "Search for a forest's parameters",
		Long: `Compare forests with different parameters by cross-validation, and say honestly
what the search is worth: an outer cross-validation repeats the whole search and
tests its choice on rows that took no part in it.

Without --grid, --candidates combinations are drawn at random from the space, the
default recipe first. With --grid all combinations are tried. The space is what
--param gives, or a sensible one.`,
		Example: `  loanscorer tune loans.csv -o model.json
  loanscorer tune loans.csv --grid --param max_depth=3,5,7 --param max_features=1,2
  loanscorer tune loans.csv --candidates 100 --measure log_loss --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runTune(cmd.Context(), s, args[0], &o)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.output, "output", "o", "", "fit the best recipe on all rows and write this model file")
	f.StringVar(&o.measure, "measure", "auc", "what to optimize: auc, accuracy, log_loss or brier")
	f.StringArrayVar(&o.space, "param", nil, "NAME=VALUE,VALUE,...: values to try; names are "+strings.Join(paramNames(), ", "))
	f.BoolVar(&o.grid, "grid", false, "try all combinations instead of random ones")
	f.IntVar(&o.candidates, "candidates", 30, "number of random combinations")
	f.IntVar(&o.outer, "outer", 5, "folds that judge the search")
	f.IntVar(&o.inner, "inner", 5, "folds that compare the candidates")
	f.Uint32Var(&o.seed, "seed", 0, "seed of the search, the folds and the forests")
	f.BoolVar(&o.json, "json", false, "print JSON")
	o.add(f)
	return cmd
}

func runTune(ctx context.Context, s streams, path string, o *tuneFlags) error {
	candidates, err := o.search()
	if err != nil {
		return err
	}
	measures := []evaluate.Measure{evaluate.ByAUC, evaluate.ByAccuracy, evaluate.ByLogLoss, evaluate.ByBrier}
	if !slices.Contains(measures, evaluate.Measure(o.measure)) || o.outer < 2 || o.inner < 2 {
		return usagef("--measure %s --outer %d --inner %d: must be auc, accuracy, log_loss or brier, and 2 folds or more", o.measure, o.outer, o.inner)
	}
	table, d, err := o.data(path)
	if err != nil {
		return err
	}
	search := evaluate.Search{
		Candidates: candidates, Measure: evaluate.Measure(o.measure), Outer: o.outer, Inner: o.inner, Seed: o.seed,
	}
	bar := begin(s.err, int64(search.Fits()), "forests")
	search.Options.Progress = func(n int) { bar.set(int64(n)) }
	tuned, err := evaluate.Tune(ctx, d, search)
	bar.done()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	result := tuneResult(tuned, o, path)
	if o.output != "" {
		if result.SHA256, err = fitBest(ctx, tuned, fitting{table: table, d: d, path: path, o: o}); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	if o.json {
		return json.NewEncoder(s.out).Encode(result)
	}
	return result.print(s.out)
}

// search returns the candidates, the default recipe first unless all
// combinations are wanted.
func (o *tuneFlags) search() ([]train.Params, error) {
	names, values, err := o.values()
	if err != nil {
		return nil, err
	}
	total := 1
	for _, v := range values {
		if total *= len(v); total > maxCandidates {
			total = maxCandidates + 1
		}
	}
	combination := func(pick func(i int) int) (train.Params, error) {
		p := train.Params{Seed: o.seed}
		for i, name := range names {
			if err := setParam(&p, name, values[i][pick(i)]); err != nil {
				return p, usagef("--param %s: %w", name, err)
			}
		}
		return p.WithDefaults(), nil
	}
	if o.grid {
		return allCombinations(values, total, combination)
	}
	if o.candidates < 1 || o.candidates > maxCandidates {
		return nil, usagef("--candidates %d: must be 1 to %d", o.candidates, maxCandidates)
	}
	candidates, r := []train.Params{train.Params{Seed: o.seed}.WithDefaults()}, train.NewRandomState(o.seed)
	for tries := 0; len(candidates) < o.candidates && tries < 20*o.candidates; tries++ {
		p, err := combination(func(i int) int { return int(r.Below(uint32(len(values[i])))) })
		if err != nil {
			return nil, err
		}
		if !slices.Contains(candidates, p) {
			candidates = append(candidates, p)
		}
	}
	return candidates, nil
}

func allCombinations(values [][]string, total int, combination func(func(int) int) (train.Params, error)) ([]train.Params, error) {
	if total > maxCandidates {
		return nil, usagef("--grid: more than %d combinations; name fewer values with --param", maxCandidates)
	}
	candidates := make([]train.Params, 0, total)
	for n := range total {
		rest := n
		p, err := combination(func(i int) int {
			at := rest % len(values[i])
			rest /= len(values[i])
			return at
		})
		if err != nil {
			return nil, err
		}
		candidates = append(candidates, p)
	}
	return candidates, nil
}

// values returns the space to search.
func (o *tuneFlags) values() ([]string, [][]string, error) {
	space := o.space
	if len(space) == 0 {
		space = []string{
			"trees=25,50,100", "max_depth=3,5,7,10", "min_samples_split=2,10,25,50",
			"min_samples_leaf=1,5,15", "max_features=1,2,all", "class_weight=none",
		}
	}
	var names []string
	var values [][]string
	for _, text := range space {
		name, list, _ := strings.Cut(text, "=")
		if slices.Contains(names, name) || !slices.Contains(paramNames(), name) || list == "" {
			return nil, nil, usagef("--param %s: must be NAME=VALUE,VALUE,..., each name once: %s", text, strings.Join(paramNames(), ", "))
		}
		names, values = append(names, name), append(values, strings.Split(list, ","))
	}
	return names, values, nil
}

// tuneOutcome is what tune prints.
type tuneOutcome struct {
	Data    string           `json:"data"`
	Measure string           `json:"measure"`
	Best    map[string]any   `json:"best"`
	Nested  nestedScore      `json:"nested"` // the search's own worth
	Chosen  []map[string]any `json:"chosen_by_outer_folds"`
	Scores  []candidateScore `json:"candidates"` // best first
	Output  string           `json:"output,omitempty"`
	SHA256  string           `json:"sha256,omitempty"`
}

type nestedScore struct {
	Accuracy evaluate.Spread `json:"accuracy"`
	AUC      evaluate.Spread `json:"auc"`
	LogLoss  evaluate.Spread `json:"log_loss"`
	Brier    evaluate.Spread `json:"brier"`
}

type candidateScore struct {
	Params map[string]any `json:"params"`
	nestedScore
}

func tuneResult(t *evaluate.Tuned, o *tuneFlags, path string) *tuneOutcome {
	r := &tuneOutcome{
		Data: filepath.Base(path), Measure: o.measure, Best: t.Best.Record(), Output: o.output,
		Nested: nestedScore{t.Nested.Accuracy, t.Nested.AUC, t.Nested.LogLoss, t.Nested.Brier},
	}
	for _, p := range t.Chosen {
		r.Chosen = append(r.Chosen, p.Record())
	}
	for _, c := range t.Scores {
		r.Scores = append(r.Scores, candidateScore{c.Params.Record(), nestedScore{c.Accuracy, c.AUC, c.LogLoss, c.Brier}})
	}
	return r
}

// shown is how many candidates are printed.
const shown = 10

func (r *tuneOutcome) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(w, "trees\tdepth\tsplit\tleaf\tfeatures\tcriterion\tweight\taccuracy\tAUC\tlog loss\tBrier\n")
	for _, c := range r.Scores[:min(shown, len(r.Scores))] {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%.4f\t%.4f\t%.4f\n", recipe(c.Params), percent(c.Accuracy.Mean), c.AUC.Mean, c.LogLoss.Mean, c.Brier.Mean)
	}
	_ = w.Flush()
	_, err := fmt.Fprintf(out, "best of %d by %s, but chosen for it; on rows that took no part in the choice:\naccuracy %s, AUC %.4f, log loss %.4f, Brier score %.4f\n",
		len(r.Scores), r.Measure, percent(r.Nested.Accuracy.Mean), r.Nested.AUC.Mean, r.Nested.LogLoss.Mean, r.Nested.Brier.Mean)
	if r.Output != "" {
		_, err = fmt.Fprintf(out, "%s  sha256 %s\n", r.Output, r.SHA256)
	}
	return err
}

// recipe is a table row of parameters.
func recipe(params map[string]any) string {
	var cells []string
	for _, name := range []string{"n_estimators", "max_depth", "min_samples_split", "min_samples_leaf", "max_features", "criterion", "class_weight"} {
		cell := fmt.Sprint(params[name])
		if params[name] == nil {
			cell = map[string]string{"max_depth": "unlimited", "max_features": "all", "class_weight": "none"}[name]
		}
		cells = append(cells, cell)
	}
	return strings.Join(cells, "\t")
}

// fitting is what the best recipe is fitted on.
type fitting struct {
	table *loanTable
	d     *train.Data
	path  string
	o     *tuneFlags
}

// fitBest writes the best recipe's model and returns its identity.
func fitBest(ctx context.Context, t *evaluate.Tuned, f fitting) (string, error) {
	forest, err := train.Fit(ctx, f.d, nil, t.Best, train.Options{})
	if err != nil {
		return "", err
	}
	record := newRecord(f.path, f.table, f.d, t.Best)
	record.Label.Column = f.table.column(f.o.label).name
	if err := measure(ctx, fitted{record, f.table, f.d, forest}, measuring{p: t.Best}); err != nil {
		return "", err
	}
	record.Metrics.Fill(t.Nested, "nested: the search of "+strconv.Itoa(len(t.Scores))+" recipes by "+f.o.measure+
		" repeated inside stratified folds", classNames(f.d))
	m, err := writeModel(f.o.output, forest.Spec(f.d), record)
	if err != nil {
		return "", err
	}
	return m.SHA256(), nil
}
