package main

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/evaluate"
	"github.com/loanscorer/loanscorer/model/train"
)

// modelLoans are loans with known outcomes as a model's inputs and classes.
type modelLoans struct {
	d       *train.Data
	history []float64 // Credit_History, NaN where missing; nil when the file has none
	sha256  string
	skipped int
}

// evaluateModel measures a finished model on a file.
func evaluateModel(path string, o *evaluateFlags) (*evaluate.Report, error) {
	name := o.model
	if name == builtIn {
		name = ""
	}
	m, err := loadModel(name)
	if err != nil {
		return nil, err
	}
	loans, err := readModelLoans(path, m, &o.dataFlags)
	if err != nil {
		return nil, err
	}
	s, err := evaluate.Score(m, loans.d, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	importances, err := evaluate.Permute(m, loans.d, cmp.Or(o.permutations, usualPermutations(loans.d.Rows())), o.seed)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	r, metrics := newReport(path, loans.d), s.Metrics()
	r.SHA256, r.Skipped, r.Baselines = loans.sha256, loans.skipped, rules(loans.history, loans.d)
	r.Subject = fmt.Sprintf("Model %s %s, %d trees", m.Name(), m.Version(), m.Stats().Trees)
	r.ModelSHA256 = m.SHA256()
	if fittedOn(m, loans.sha256) {
		r.Warning = "The model was fitted on these very rows: every figure is better than on others."
	}
	r.Model = &evaluate.ModelResult{
		Metrics: metrics, Ranges: s.Ranges(&metrics), Decisions: s.Decisions(m.Policy()), Curves: s.Curves(), Importances: importances,
	}
	return r, nil
}

// usualPermutations is 30, or fewer where rows are many: then each shuffle says
// more, and costs more.
func usualPermutations(rows int) int { return max(3, min(30, 3_000_000/rows)) }

// readModelLoans reads what the model takes, and the outcome.
func readModelLoans(path string, m *model.Model, o *dataFlags) (_ *modelLoans, err error) {
	rows, err := openRows(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.close()) }()
	in, err := rows.bind(m)
	if err != nil {
		return nil, err
	}
	label, err := rows.column(o.label)
	if err != nil {
		return nil, &usageError{err}
	}
	r := &modelReader{rows: rows, in: in, label: label, loans: &modelLoans{d: emptyData(m)}}
	if rows.head.Has(ingest.CreditHistory) {
		r.loans.history = []float64{}
	}
	if err := r.read(o.skipBad); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(r.outcomes) == 0 {
		return nil, fmt.Errorf("%s: no row can be used", path)
	}
	if err := r.classify(o.positive); err != nil {
		return nil, &usageError{fmt.Errorf("%s: column %s: %w", path, label.name, err)}
	}
	r.loans.sha256, err = rows.sha256()
	return r.loans, err
}

// emptyData is a table of the model's inputs without rows.
func emptyData(m *model.Model) *train.Data {
	d := &train.Data{Classes: m.Classes(), Positive: m.Positive()}
	for _, f := range m.Features() {
		d.Columns = append(d.Columns, train.Column{Name: f.Name, Categories: f.Categories})
	}
	return d
}

// modelReader reads rows for a model.
type modelReader struct {
	rows     *inputRows
	in       *inputs
	label    column
	loans    *modelLoans
	outcomes []string // of each row
}

func (r *modelReader) read(skip bool) error {
	for ok, rowErr := r.rows.next(); ok; ok, rowErr = r.rows.next() {
		if rowErr == nil {
			rowErr = r.rows.outcome(r.label)
		}
		if rowErr == nil {
			_, rowErr = r.in.probability() // fills x
		}
		if rowErr != nil {
			if !skip {
				return unusable(rowErr)
			}
			r.loans.skipped++
			continue
		}
		for i, v := range r.in.x {
			c := &r.loans.d.Columns[i]
			c.Values = append(c.Values, v)
		}
		text, _ := r.rows.text(r.label)
		r.outcomes = append(r.outcomes, text)
		if r.loans.history != nil {
			v, ok := r.rows.app.Number(ingest.CreditHistory)
			if !ok {
				v = math.NaN()
			}
			r.loans.history = append(r.loans.history, v)
		}
	}
	return r.rows.err()
}

// classify finds each row's class: by the classes' labels, or where they are
// called otherwise and there are two of each, approval is approval.
func (r *modelReader) classify(positive string) error {
	d := r.loans.d
	labels := classNames(d)
	seen := slices.Compact(slices.Sorted(slices.Values(r.outcomes)))
	unknown := slices.DeleteFunc(slices.Clone(seen), func(s string) bool { return slices.Contains(labels, s) })
	if len(unknown) == 0 && (positive == "" || positive == labels[d.Positive]) {
		for _, text := range r.outcomes {
			d.Labels = append(d.Labels, slices.Index(labels, text))
		}
		return nil
	}
	yes := positiveLabels(positive)
	known := slices.ContainsFunc(seen, func(s string) bool { return slices.Contains(yes, s) })
	if len(labels) != 2 || len(seen) > 2 || !known {
		return fmt.Errorf("the outcomes are %s, the model's classes %s; they must be called the same, or there must be two of each "+
			"and --positive name the one that means approval", strings.Join(seen, ", "), strings.Join(labels, ", "))
	}
	for _, text := range r.outcomes {
		class := 1 - d.Positive
		if slices.Contains(yes, text) {
			class = d.Positive
		}
		d.Labels = append(d.Labels, class)
	}
	return nil
}
