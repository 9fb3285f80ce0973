package main

import (
	"slices"
	"strings"

	"github.com/loanscorer/loanscorer/ingest"
)

// outcomes reads the outcome of each row, where the file has it.
type outcomes struct {
	rows     *inputRows
	column   *column // nil: the file has no outcomes
	given    bool    // --positive was given
	positive []string
	approved int      // rows whose outcome is one of positive
	others   []string // the first other outcomes, at most maxOutcomes
}

// maxOutcomes is how many outcomes an error names.
const maxOutcomes = 5

// outcomes finds the column of outcomes. The usual one may be missing.
func (r *inputRows) outcomes(label, positive string) (*outcomes, error) {
	o := &outcomes{rows: r, given: positive != "", positive: positiveLabels(positive)}
	if label == ingest.LoanStatus.String() && !r.head.Has(ingest.LoanStatus) {
		return o, nil
	}
	c, err := r.column(label)
	o.column = &c
	return o, err
}

// positiveLabels are the outcomes that mean approval.
func positiveLabels(given string) []string {
	if given != "" {
		return []string{given}
	}
	return []string{"Y", "1"}
}

// next tells whether the current row's outcome means approval; known is false
// where it has none.
func (o *outcomes) next() (positive, known bool) {
	if o.column == nil {
		return false, false
	}
	text, ok := o.rows.text(*o.column)
	switch {
	case !ok:
		return false, false
	case slices.Contains(o.positive, text):
		o.approved++
		return true, true
	case len(o.others) < maxOutcomes && !slices.Contains(o.others, text):
		o.others = append(o.others, text)
	}
	return false, true
}

// check refuses outcomes of which none means approval, unless they are the
// usual ones: they are called otherwise, and would all count as bad.
func (o *outcomes) check() error {
	usual := !o.given && !slices.ContainsFunc(o.others, func(s string) bool { return s != "N" && s != "0" })
	if o.approved > 0 || len(o.others) == 0 || usual {
		return nil
	}
	return usagef("%s: no outcome in column %s is %s; there are %s; name the one that means approval with --positive",
		o.rows.path, o.column.name, strings.Join(o.positive, " or "), strings.Join(o.others, ", "))
}
