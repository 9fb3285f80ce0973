package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/model/evaluate"
	"github.com/loanscorer/loanscorer/model/train"
)

// dataFlags say what a file with known outcomes means.
type dataFlags struct {
	features        []string
	label, positive string
	missing         []string
	skipBad         bool
}

func (o *dataFlags) add(f *pflag.FlagSet) {
	f.StringSliceVar(&o.features, "features",
		[]string{"TotalIncome", "LoanAmount", "Credit_History", "Property_Area"}, "columns to learn from")
	f.StringVar(&o.label, "label", ingest.LoanStatus.String(), "column with the outcome")
	f.StringVar(&o.positive, "positive", "", "outcome that means approval (default: Y, or 1)")
	f.StringArrayVar(&o.missing, "missing", nil,
		"COLUMN=mean, median, mode or refuse: what replaces missing values (default: the mode of categories and of numbers with two values, else the mean)")
	f.BoolVar(&o.skipBad, "skip-bad", false, "leave out rows that cannot be used instead of stopping")
}

// data reads the file. More columns may be named that are no features.
func (o *dataFlags) data(path string, more ...string) (*loanTable, *train.Data, error) {
	table, err := readLoans(path, append(slices.Clone(o.features), more...), o.label, o.skipBad)
	if err != nil {
		return nil, nil, err
	}
	d := &train.Data{}
	label := table.column(o.label)
	d.Classes, d.Labels = label.outcomes()
	names := classNames(d)
	want := positiveLabels(o.positive)
	d.Positive = slices.IndexFunc(names, func(n string) bool { return slices.Contains(want, n) })
	if d.Positive < 0 || len(names) < 2 {
		return nil, nil, usagef("%s: column %s has the outcomes %s; name the one that means approval with --positive, there must be another",
			path, label.name, strings.Join(names, ", "))
	}
	for _, name := range o.features {
		c := table.column(name)
		if c == label {
			return nil, nil, usagef("--features %s: is the outcome", name)
		}
		if slices.ContainsFunc(d.Columns, func(other train.Column) bool { return other.Name == c.name }) {
			return nil, nil, usagef("--features %s: is named twice", name)
		}
		d.Columns = append(d.Columns, train.Column{Name: c.name, Categories: c.names, Fill: c.fill(), Values: c.values})
	}
	return table, d, o.setFills(d)
}

// setFills applies --missing.
func (o *dataFlags) setFills(d *train.Data) error {
	for _, m := range o.missing {
		name, rule, _ := strings.Cut(m, "=")
		i := slices.IndexFunc(d.Columns, func(c train.Column) bool { return strings.EqualFold(c.Name, name) })
		fill := train.Fill(rule)
		if i < 0 || !slices.Contains([]train.Fill{train.Mean, train.Median, train.Mode, train.Refuse}, fill) {
			return usagef("--missing %s: must be FEATURE=mean, median, mode or refuse", m)
		}
		if d.Columns[i].Categories != nil && fill != train.Mode && fill != train.Refuse {
			return usagef("--missing %s: a category can be filled by its mode", m)
		}
		d.Columns[i].Fill = fill
	}
	return nil
}

// rules are the simple rules that a model should beat. history is
// Credit_History of each row, NaN where missing; nil if it is not in the file.
func rules(history []float64, d *train.Data) []evaluate.Baseline {
	always := func(class int) evaluate.Baseline {
		of := *d
		of.Positive = class
		return evaluate.Rule("always "+d.Classes[class].String(), &of, 0, func(int) bool { return true })
	}
	out := []evaluate.Baseline{always(d.Positive)}
	balance := classBalance(d)
	if most := slices.Index(balance, slices.Max(balance)); len(d.Classes) > 2 && most != d.Positive {
		out = append(out, always(most))
	}
	if history != nil && len(d.Classes) == 2 {
		out = append(out, evaluate.Rule(d.Classes[d.Positive].String()+" unless Credit_History is 0", d, 1-d.Positive,
			func(row int) bool { return history[row] != 0 }))
	}
	return out
}

// recipeFlags are the parameters of a forest.
type recipeFlags struct {
	trees, minSplit, minLeaf         int
	maxDepth, maxFeatures, criterion string
	classWeight                      string
	noBootstrap                      bool
	seed                             uint32
}

func (o *recipeFlags) add(f *pflag.FlagSet) {
	f.IntVar(&o.trees, "trees", 25, "number of trees")
	f.StringVar(&o.maxDepth, "max-depth", "7", "edges from the root to the deepest leaf, or unlimited")
	f.IntVar(&o.minSplit, "min-samples-split", 25, "rows that a node needs to be split")
	f.IntVar(&o.minLeaf, "min-samples-leaf", 1, "rows that a leaf has at least")
	f.StringVar(&o.maxFeatures, "max-features", "1", "features tried at a node: a number, sqrt, log2 or all")
	f.StringVar(&o.criterion, "criterion", "gini", "gini or entropy")
	f.StringVar(&o.classWeight, "class-weight", "none", "none or balanced")
	f.BoolVar(&o.noBootstrap, "no-bootstrap", false, "show every row to every tree")
	f.Uint32Var(&o.seed, "seed", 0, "seed: the same file, parameters and seed give the same model")
}

func (o *recipeFlags) params() (train.Params, error) {
	p := train.Params{Seed: o.seed, NoBootstrap: o.noBootstrap}
	for _, s := range []struct{ name, value string }{
		{"trees", strconv.Itoa(o.trees)},
		{"max_depth", o.maxDepth},
		{"min_samples_split", strconv.Itoa(o.minSplit)},
		{"min_samples_leaf", strconv.Itoa(o.minLeaf)},
		{"max_features", o.maxFeatures},
		{"criterion", o.criterion},
		{"class_weight", o.classWeight},
	} {
		if err := setParam(&p, s.name, s.value); err != nil {
			return p, usagef("--%s: %w", strings.ReplaceAll(s.name, "_", "-"), err)
		}
	}
	return p, nil
}

// setParam sets one parameter by its name.
func setParam(p *train.Params, name, value string) error {
	words := map[string]int{}
	var field *int
	switch name {
	case "trees":
		field = &p.Trees
	case "max_depth":
		field, words = &p.MaxDepth, map[string]int{"unlimited": train.Unlimited}
	case "min_samples_split":
		field = &p.MinSamplesSplit
	case "min_samples_leaf":
		field = &p.MinSamplesLeaf
	case "max_features":
		field, words = &p.MaxFeatures, map[string]int{"sqrt": train.Sqrt, "log2": train.Log2, "all": train.All}
	case "criterion":
		p.Criterion = train.Criterion(value)
		return p.Validate()
	case "class_weight":
		if p.ClassWeight = train.ClassWeight(value); value == "none" {
			p.ClassWeight = train.Equal
		}
		return p.Validate()
	default:
		return fmt.Errorf("%q is no parameter; there are %s", name, strings.Join(paramNames(), ", "))
	}
	n, ok := words[value]
	if !ok {
		var err error
		if n, err = strconv.Atoi(value); err != nil || n < 1 {
			return fmt.Errorf("%q must be a whole number, 1 or more%s", value, orWords(words))
		}
	}
	*field = n
	return p.Validate()
}

func orWords(words map[string]int) string {
	if len(words) == 0 {
		return ""
	}
	return ", or " + strings.Join(slices.Sorted(maps.Keys(words)), ", ")
}

func paramNames() []string {
	return []string{"trees", "max_depth", "min_samples_split", "min_samples_leaf", "max_features", "criterion", "class_weight"}
}
