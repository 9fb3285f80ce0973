// Package fairness screens decisions for differences between groups of
// applicants.
//
//	rows with a group and a decision ──▶ Screening ──▶ Report: rates, ratios, intervals
//
// It compares what was decided, by the values of one column that is no input of
// the model. It is a screening: it tells where to look. [Caution] says what it
// is not; every report carries it.
//
// Rates have Wilson intervals, ratios of rates log-normal ones; both are 95 %
// intervals for independent rows, and are not corrected for looking at many
// groups. A group is judged by its rows alone: nothing is adjusted for income
// or anything else.
package fairness

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/interval"
)

// Caution says what a screening is not.
const Caution = "This is a screening, not a test of law and not proof of fair or unfair treatment. " +
	"It compares approval rates of groups as they are in this file and does not ask why they differ: " +
	"applicants may differ in what the lender may rightly consider, and equal rates may hide unequal treatment. " +
	"Four fifths is a rule of thumb of United States employment guidelines (29 CFR 1607.4 D), no limit for lending. " +
	"Outcomes in the file are past decisions or repayments of those who got a loan, with whatever was wrong with them. " +
	"Small groups differ by chance, and among many groups some always do."

// Errors of a screening.
var (
	ErrGroups    = errors.New("too many different values")
	ErrReference = errors.New("reference group is not in the file")
)

const (
	maxGroups = 100
	// small is how many rows a group needs to be judged.
	small = 30
	// FourFifths is the ratio of approval rates that the rule of thumb names.
	FourFifths = 0.8
)

// Outcome is what is known of a row's truth.
type Outcome int

// The outcomes.
const (
	Unknown  Outcome = iota
	Positive         // approval was right
	Negative
)

// Screening counts the decisions of each group in one column.
type Screening struct {
	column  string
	missing string // name of the group without a value
	groups  map[string]*tally
}

type tally struct {
	rows, approved, referred int
	good, goodApproved       int // rows whose outcome is positive
	bad, badApproved         int
	probability              float64
}

// New starts a screening of a column. missing is the name that rows without a
// value are given.
func New(column, missing string) *Screening {
	return &Screening{column: column, missing: missing, groups: map[string]*tally{}}
}

// Add counts a row. The error wraps [ErrGroups] and names the column.
func (s *Screening) Add(group string, probability float64, d model.Decision, o Outcome) error {
	t := s.groups[group]
	if t == nil {
		if len(s.groups) == maxGroups {
			return fmt.Errorf("column %s: %w: more than %d", s.column, ErrGroups, maxGroups)
		}
		t = &tally{}
		s.groups[group] = t
	}
	approved := 0
	if d == model.Approved {
		approved = 1
	}
	t.rows++
	t.approved += approved
	t.probability += probability
	if d == model.Referred {
		t.referred++
	}
	switch o {
	case Positive:
		t.good++
		t.goodApproved += approved
	case Negative:
		t.bad++
		t.badApproved += approved
	case Unknown:
	}
	return nil
}

// Column is what was found about one column.
type Column struct {
	Name      string  `json:"column"`
	Input     bool    `json:"is_input"`  // of the model, itself or in a sum
	Reference string  `json:"reference"` // the group that ratios are against
	Groups    []Group `json:"groups"`    // the reference first, then by rows; the missing last
	// Lowest and Highest are the groups with the lowest and the highest rate of
	// approval among those that can be judged; empty with fewer than two.
	Lowest  string  `json:"lowest,omitempty"`
	Highest string  `json:"highest,omitempty"`
	Ratio   float64 `json:"lowest_to_highest,omitempty"`
}

// Group is one value of the column.
type Group struct {
	Name        string         `json:"group"`
	Rows        int            `json:"rows"`
	Missing     bool           `json:"missing,omitempty"` // rows without a value
	Small       bool           `json:"small,omitempty"`   // too few rows to be judged
	Approved    interval.Share `json:"approved"`
	Referred    interval.Share `json:"referred"`
	Probability float64        `json:"mean_probability"`
	Ratio       *Ratio         `json:"ratio,omitempty"`    // to the reference; absent for it
	Outcomes    *Outcomes      `json:"outcomes,omitempty"` // where they are known
}

// Ratio is a group's approval rate over the reference's.
type Ratio struct {
	Value    float64            `json:"value"`
	Interval *interval.Interval `json:"interval,omitempty"` // absent where a rate is 0
	Verdict  Verdict            `json:"verdict"`
}

// Verdict compares a ratio with four fifths.
type Verdict string

// The verdicts.
const (
	Above   Verdict = "four fifths or more"
	Unsure  Verdict = "four fifths or more, but its interval reaches below"
	Below   Verdict = "below four fifths"                    // and so is its whole interval
	Perhaps Verdict = "below four fifths, perhaps by chance" // its interval reaches beyond
	TooFew  Verdict = "too few rows to say"
)

// Outcomes are rates among rows whose outcome is known.
type Outcomes struct {
	Positive      interval.Share `json:"positive"`            // rows whose outcome is good
	Recall        interval.Share `json:"recall"`              // approved, of those with a good outcome
	FalsePositive interval.Share `json:"false_positive_rate"` // approved, of those with a bad outcome
}

// Column returns what was counted, with ratios to the group called reference,
// in any case, or to the largest when it is empty. The error wraps [ErrReference].
func (s *Screening) Column(reference string) (*Column, error) {
	c := &Column{Name: s.column}
	for name, t := range s.groups {
		c.Groups = append(c.Groups, t.group(name, name == s.missing))
	}
	slices.SortFunc(c.Groups, func(a, b Group) int {
		return cmp.Or(boolOrder(a.Missing, b.Missing), cmp.Compare(b.Rows, a.Rows), cmp.Compare(a.Name, b.Name))
	})
	at := 0
	if reference != "" {
		at = slices.IndexFunc(c.Groups, func(g Group) bool { return strings.EqualFold(g.Name, reference) })
	}
	if at < 0 || len(c.Groups) == 0 {
		return nil, fmt.Errorf("column %s: %w: %q", s.column, ErrReference, reference)
	}
	first := c.Groups[at]
	c.Groups = slices.Insert(slices.Delete(c.Groups, at, at+1), 0, first)
	c.Reference = first.Name
	for i := range c.Groups[1:] {
		c.Groups[1+i].compare(&first)
	}
	c.extremes()
	return c, nil
}

// boolOrder puts false before true.
func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func (t *tally) group(name string, missing bool) Group {
	g := Group{
		Name: name, Rows: t.rows, Missing: missing, Small: t.rows < small, Probability: t.probability / float64(max(t.rows, 1)),
		Approved: interval.NewShare(t.approved, t.rows), Referred: interval.NewShare(t.referred, t.rows),
	}
	if t.good+t.bad > 0 {
		g.Outcomes = &Outcomes{
			Positive: interval.NewShare(t.good, t.good+t.bad),
			Recall:   interval.NewShare(t.goodApproved, t.good), FalsePositive: interval.NewShare(t.badApproved, t.bad),
		}
	}
	return g
}

// compare sets the group's ratio to the reference.
func (g *Group) compare(reference *Group) {
	if reference.Approved.Count == 0 {
		return // there is nothing to compare with
	}
	r := &Ratio{Value: g.Approved.Share / reference.Approved.Share, Verdict: Above}
	a, b := &g.Approved, &reference.Approved
	if in, ok := interval.Ratio(a.Count, a.Of, b.Count, b.Of); ok {
		r.Interval = &in
	}
	switch {
	case g.Small || reference.Small:
		r.Verdict = TooFew
	case r.Value < FourFifths && r.Interval != nil && r.Interval.High >= FourFifths:
		r.Verdict = Perhaps
	case r.Value < FourFifths:
		r.Verdict = Below
	case r.Interval != nil && r.Interval.Low < FourFifths:
		r.Verdict = Unsure
	}
	g.Ratio = r
}

// extremes finds the groups with the lowest and the highest rate.
func (c *Column) extremes() {
	var low, high *Group
	for i := range c.Groups {
		g := &c.Groups[i]
		if g.Small || g.Missing {
			continue
		}
		if low == nil || g.Approved.Share < low.Approved.Share {
			low = g
		}
		if high == nil || g.Approved.Share > high.Approved.Share {
			high = g
		}
	}
	if low == nil || low == high || high.Approved.Count == 0 {
		return
	}
	c.Lowest, c.Highest, c.Ratio = low.Name, high.Name, low.Approved.Share/high.Approved.Share
}
