package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/train"
)

// loanTable is the wanted columns of a CSV file of loans whose outcome is
// known.
type loanTable struct {
	sha256  string
	rows    int
	skipped int // rows that could not be used
	columns []*loanColumn
}

// loanColumn is one column, as numbers or as codes of texts.
type loanColumn struct {
	column
	values []float64 // NaN is missing
	names  []string  // of the codes in values; nil for numbers
	codes  map[string]int
}

// readLoans reads the named columns. Rows that cannot be read, or that have no
// outcome in the column label, are errors unless skip is set.
func readLoans(path string, names []string, label string, skip bool) (_ *loanTable, err error) {
	rows, err := openRows(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.close()) }()
	t := &loanTable{}
	for _, name := range append(slices.Clone(names), label) {
		if t.column(name) != nil {
			continue
		}
		c, err := rows.column(name)
		if err != nil {
			return nil, &usageError{err}
		}
		t.columns = append(t.columns, &loanColumn{column: c, codes: map[string]int{}})
	}
	if err := t.read(rows, reading{label: t.column(label), skip: skip}); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if t.rows == 0 {
		return nil, fmt.Errorf("%s: no row can be used", path)
	}
	for _, c := range t.columns {
		c.finish()
		if c != t.column(label) && c.identifies(t.rows) {
			return nil, usagef("--features: column %s tells applicants apart, nearly every row has a text of its own: a model file must not name them", c.name)
		}
	}
	t.sha256, err = rows.sha256()
	return t, err
}

// column finds a column that was read by the name it was asked for with: in any
// case and spacing if it is a published one.
func (t *loanTable) column(name string) *loanColumn {
	known, published := ingest.LookupColumn(name)
	for _, c := range t.columns {
		if c.name == name || published && c.known == known {
			return c
		}
	}
	return nil
}

// history is the column Credit_History, nil when it was not read.
func (t *loanTable) history() []float64 {
	if c := t.column(ingest.CreditHistory.String()); c != nil {
		return c.values
	}
	return nil
}

// reading says what makes a row unusable, and what then.
type reading struct {
	label *loanColumn
	skip  bool
}

func (t *loanTable) read(rows *inputRows, how reading) error {
	for ok, rowErr := rows.next(); ok; ok, rowErr = rows.next() {
		if rowErr == nil {
			rowErr = rows.outcome(how.label.column)
		}
		if rowErr != nil {
			if !how.skip {
				return unusable(rowErr)
			}
			t.skipped++
			continue
		}
		for _, c := range t.columns {
			c.add(rows)
		}
		t.rows++
	}
	return rows.err()
}

func unusable(rowErr *ingest.RowError) error {
	return fmt.Errorf("%w; correct the row, or leave such rows out with --skip-bad", rowErr)
}

// outcome refuses the current row if it has no outcome.
func (r *inputRows) outcome(label column) *ingest.RowError {
	if _, ok := r.text(label); !ok {
		return r.fault(label, ingest.CodeMissingValue, "the outcome is not known")
	}
	return nil
}

// add appends the value of the current row.
func (c *loanColumn) add(rows *inputRows) {
	if c.numeric() {
		v, ok := rows.published(c.column)
		if !ok {
			v = math.NaN()
		}
		c.values = append(c.values, v)
		return
	}
	text, ok := rows.text(c.column)
	if !ok {
		c.values = append(c.values, math.NaN())
		return
	}
	key := strings.ToLower(text)
	code, seen := c.codes[key]
	if !seen {
		code = len(c.names)
		c.codes[key], c.names = code, append(c.names, text)
	}
	c.values = append(c.values, float64(code))
}

// finish gives categories their codes in the order of their names, and makes
// a column of numbers of one that is not published and holds nothing else.
func (c *loanColumn) finish() {
	if c.names == nil {
		return
	}
	replace := make([]float64, len(c.names))
	if numbers, ok := parseNumbers(c.names); ok && c.known < 0 {
		replace, c.names = numbers, nil
	} else {
		sorted := slices.Sorted(slices.Values(c.names))
		for code, name := range c.names {
			replace[code] = float64(slices.Index(sorted, name))
		}
		c.names = sorted
	}
	for i, v := range c.values {
		if !math.IsNaN(v) {
			c.values[i] = replace[int(v)]
		}
	}
}

// fewTexts is how many different texts any column of categories may have.
const fewTexts = 50

// identifies reports whether a column of texts tells rows apart rather than
// groups them: Loan_ID, and any that has a text of its own for every other row.
func (c *loanColumn) identifies(rows int) bool {
	known, published := ingest.LookupColumn(c.name)
	return published && known == ingest.LoanID || len(c.names) > max(fewTexts, rows/2)
}

func parseNumbers(texts []string) ([]float64, bool) {
	numbers := make([]float64, len(texts))
	for i, text := range texts {
		v, err := ingest.ParseNumber([]byte(text))
		if err != nil {
			return nil, false
		}
		numbers[i] = v
	}
	return numbers, true
}

// outcomes returns the classes of the label column in ascending order and each
// row's class.
func (c *loanColumn) outcomes() ([]model.Class, []int) {
	names := c.names
	values := c.values
	if names == nil { // numbers
		distinct := slices.Compact(slices.Sorted(slices.Values(values)))
		values = slices.Clone(values)
		for i, v := range values {
			at, _ := slices.BinarySearch(distinct, v)
			values[i] = float64(at)
		}
		for _, v := range distinct {
			names = append(names, strconv.FormatFloat(v, 'g', -1, 64))
		}
	}
	classes := make([]model.Class, len(names))
	for i, name := range names {
		classes[i] = model.StringClass(name)
		if n, err := strconv.ParseInt(name, 10, 64); err == nil {
			classes[i] = model.IntClass(n)
		}
	}
	labels := make([]int, len(values))
	for i, v := range values {
		labels[i] = int(v)
	}
	return classes, labels
}

// fill chooses how missing values of a column are filled: not at all if there
// are none, else by the mode for categories and yes-or-no numbers, else by the
// mean.
func (c *loanColumn) fill() train.Fill {
	distinct := map[float64]bool{}
	missing := false
	for _, v := range c.values {
		if math.IsNaN(v) {
			missing = true
		} else if len(distinct) < 3 {
			distinct[v] = true
		}
	}
	switch {
	case !missing:
		return train.Refuse
	case c.names != nil || len(distinct) < 3:
		return train.Mode
	}
	return train.Mean
}
