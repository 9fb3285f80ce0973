package diff

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/interval"
)

// ErrGroups says that a column has too many values to compare by.
var ErrGroups = errors.New("too many different values")

// Limits and resolutions.
const (
	maxGroups   = 100
	fineSteps   = 1000 // of a difference of 1, for quantiles
	coarseSteps = 20   // of a difference of 1, for the histogram
	scoreBins   = 20   // of the probabilities
)

// Outcome is what is known of a row's truth.
type Outcome int

// The outcomes.
const (
	Unknown  Outcome = iota
	Positive         // approval was right
	Negative
)

// Row is one row's probabilities by both models.
type Row struct {
	A, B    float64
	Outcome Outcome
	Groups  []string // of each column that was asked for
}

// Rows is what the models say about the same rows.
type Rows struct {
	Read     int       `json:"read"`     // rows of the file
	Compared int       `json:"compared"` // rows that both models scored
	SHA256   string    `json:"data_sha256"`
	FittedOn []string  `json:"fitted_on,omitempty"` // "a", "b": models that were fitted on these very rows
	Refused  []Refused `json:"refused,omitempty"`

	Agreement interval.Share `json:"agreement"` // rows with the same decision
	Decisions []Cell         `json:"decisions"` // every pair that the two policies can give
	Approval  Shift          `json:"approval"`  // share of approved rows
	Score     ScoreShift     `json:"probability"`
	Columns   []Column       `json:"columns,omitempty"` // in the order asked for
}

// Refused counts rows that were not compared.
type Refused struct {
	By   string `json:"by"` // "file" when the row cannot be read, else "a", "b"
	Code string `json:"code"`
	Rows int    `json:"rows"`
}

// Cell counts the rows with one pair of decisions. Those with two different
// ones are a swap set.
type Cell struct {
	A          model.Decision  `json:"a"`
	B          model.Decision  `json:"b"`
	Rows       interval.Share  `json:"rows"`
	MeanChange float64         `json:"mean_change"`        // of the probability
	Positive   *interval.Share `json:"positive,omitempty"` // of the rows whose outcome is known
}

// Swap tells whether the decisions differ.
func (c *Cell) Swap() bool { return c.A != c.B }

// Shift is a share by both models, of the same rows.
type Shift struct {
	A      interval.Share    `json:"a"`
	B      interval.Share    `json:"b"`
	Change float64           `json:"change"`
	Range  interval.Interval `json:"interval"` // of Change
}

// ScoreShift is how probabilities changed, B - A.
type ScoreShift struct {
	MeanA     float64           `json:"mean_a"`
	MeanB     float64           `json:"mean_b"`
	Change    float64           `json:"mean_change"`
	Range     interval.Interval `json:"interval"` // of Change
	SD        float64           `json:"sd"`
	Absolute  float64           `json:"mean_absolute_change"`
	Lowest    float64           `json:"lowest"`
	Highest   float64           `json:"highest"`
	Quantiles []Quantile        `json:"quantiles"`
	Histogram []Bin             `json:"histogram"` // of the changes
	ScoresA   []int             `json:"scores_a"`  // rows by twentieths of the probability
	ScoresB   []int             `json:"scores_b"`
}

// Quantile is a change that a share of the rows does not exceed, to 0.001.
type Quantile struct {
	Share float64 `json:"share"`
	Value float64 `json:"value"`
}

// Bin counts changes between Low and High; one is around 0.
type Bin struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	Rows int     `json:"rows"`
}

// Column is the shift of approvals by the values of one column, the largest
// change first.
type Column struct {
	Name   string  `json:"name"`
	Groups []Group `json:"groups"`
}

// Group is the rows with one value.
type Group struct {
	Value    string `json:"value"`
	Rows     int    `json:"rows"`
	Gained   int    `json:"gained"` // approved by B alone
	Lost     int    `json:"lost"`   // approved by A alone
	Approval Shift  `json:"approval"`
}

// decisions in the order of tables.
var order = [...]model.Decision{model.Approved, model.Referred, model.Declined}

// Comparison adds rows up. Its memory does not grow with them.
type Comparison struct {
	a, b    model.Policy
	columns []string
	read    int
	refused map[[2]string]int
	cells   [len(order)][len(order)]cell
	change  moments
	a1, b1  float64              // sums of probabilities
	fine    [2*fineSteps + 1]int // changes by thousandths
	coarse  [2*coarseSteps + 1]int
	scores  [2][scoreBins]int
	groups  []map[string]*tally
}

type cell struct {
	rows, known, positive int
	change                float64
}

// tally counts approvals of a group.
type tally struct{ rows, a, b, gained, lost int }

// moments is a running mean and sum of squares (Welford, 1962).
type moments struct {
	n               int
	mean, squares   float64
	absolute        float64
	lowest, highest float64
}

func (m *moments) add(v float64) {
	m.n++
	d := v - m.mean
	m.mean += d / float64(m.n)
	m.squares += d * (v - m.mean)
	m.absolute += math.Abs(v)
	m.lowest, m.highest = math.Min(m.lowest, v), math.Max(m.highest, v)
}

func (m *moments) sd() float64 { return math.Sqrt(m.squares / math.Max(float64(m.n-1), 1)) }

// NewComparison compares two models by their policies, and by the values of
// columns.
func NewComparison(a, b *model.Model, columns ...string) *Comparison {
	c := &Comparison{a: a.Policy(), b: b.Policy(), columns: columns, refused: map[[2]string]int{}}
	for range columns {
		c.groups = append(c.groups, map[string]*tally{})
	}
	return c
}

// Refuse counts a row that is not compared.
func (c *Comparison) Refuse(by, code string) {
	c.read++
	c.refused[[2]string{by, code}]++
}

// Add counts a row that both models scored. r.Groups has one value a column.
// The error wraps [ErrGroups] and names the column.
func (c *Comparison) Add(r Row) error {
	c.read++
	from, to := c.a.Decide(r.A), c.b.Decide(r.B)
	at := &c.cells[slices.Index(order[:], from)][slices.Index(order[:], to)]
	d := r.B - r.A
	at.rows++
	at.change += d
	if r.Outcome != Unknown {
		at.known++
	}
	if r.Outcome == Positive {
		at.positive++
	}
	c.change.add(d)
	c.a1 += r.A
	c.b1 += r.B
	c.fine[int(math.Round((d+1)*fineSteps))]++
	c.coarse[int(math.Round((d+1)*coarseSteps))]++
	for i, p := range [2]float64{r.A, r.B} {
		c.scores[i][min(int(p*scoreBins), scoreBins-1)]++
	}
	for i, value := range r.Groups {
		t := c.groups[i][value]
		if t == nil {
			if len(c.groups[i]) == maxGroups {
				return fmt.Errorf("column %s: %w: more than %d", c.columns[i], ErrGroups, maxGroups)
			}
			t = &tally{}
			c.groups[i][value] = t
		}
		t.count(from == model.Approved, to == model.Approved, 1)
	}
	return nil
}

// count adds n rows that a and b approve, or not.
func (t *tally) count(a, b bool, n int) {
	t.rows += n
	if a {
		t.a += n
	}
	if b {
		t.b += n
	}
	if b && !a {
		t.gained += n
	}
	if a && !b {
		t.lost += n
	}
}

// Rows returns what was counted.
func (c *Comparison) Rows() *Rows {
	r := &Rows{Read: c.read, Compared: c.change.n}
	for by, n := range c.refused {
		r.Refused = append(r.Refused, Refused{By: by[0], Code: by[1], Rows: n})
	}
	slices.SortFunc(r.Refused, func(a, b Refused) int {
		return cmp.Or(cmp.Compare(b.Rows, a.Rows), cmp.Compare(a.By, b.By), cmp.Compare(a.Code, b.Code))
	})
	whole := c.decisions(r)
	r.Approval = whole.shift()
	r.Score = c.score()
	for i, name := range c.columns {
		r.Columns = append(r.Columns, column(name, c.groups[i]))
	}
	return r
}

// decisions fills the table and returns the approvals of all rows.
func (c *Comparison) decisions(r *Rows) *tally {
	possible := func(p model.Policy, d model.Decision) bool {
		return d != model.Referred || p.ApproveAbove > p.DeclineAt
	}
	whole, same := &tally{}, 0
	for i, from := range order {
		for j, to := range order {
			at := &c.cells[i][j]
			if !possible(c.a, from) || !possible(c.b, to) {
				continue
			}
			out := Cell{A: from, B: to, Rows: interval.NewShare(at.rows, r.Compared)}
			out.MeanChange = at.change / math.Max(float64(at.rows), 1)
			if at.known > 0 {
				share := interval.NewShare(at.positive, at.known)
				out.Positive = &share
			}
			r.Decisions = append(r.Decisions, out)
			if i == j {
				same += at.rows
			}
			whole.count(from == model.Approved, to == model.Approved, at.rows)
		}
	}
	r.Agreement = interval.NewShare(same, r.Compared)
	return whole
}

func (t *tally) shift() Shift {
	s := Shift{A: interval.NewShare(t.a, t.rows), B: interval.NewShare(t.b, t.rows)}
	s.Change, s.Range = interval.Change(t.gained, t.lost, t.rows)
	return s
}

func (c *Comparison) score() ScoreShift {
	n := math.Max(float64(c.change.n), 1)
	s := ScoreShift{
		MeanA: c.a1 / n, MeanB: c.b1 / n, Change: c.change.mean, SD: c.change.sd(),
		Absolute: c.change.absolute / n, Lowest: c.change.lowest, Highest: c.change.highest,
		ScoresA: slices.Clone(c.scores[0][:]), ScoresB: slices.Clone(c.scores[1][:]),
	}
	s.Range = interval.Mean(s.Change, s.SD, c.change.n)
	for i, rows := range c.coarse {
		middle := float64(i-coarseSteps) / coarseSteps
		s.Histogram = append(s.Histogram, Bin{Low: middle - 0.5/coarseSteps, High: middle + 0.5/coarseSteps, Rows: rows})
	}
	for _, share := range []float64{0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99} {
		below := 0
		for i, k := range c.fine {
			if below += k; float64(below) >= share*n {
				s.Quantiles = append(s.Quantiles, Quantile{Share: share, Value: float64(i-fineSteps) / fineSteps})
				break
			}
		}
	}
	return s
}

func column(name string, groups map[string]*tally) Column {
	out := Column{Name: name}
	for value, t := range groups {
		out.Groups = append(out.Groups, Group{Value: value, Rows: t.rows, Gained: t.gained, Lost: t.lost, Approval: t.shift()})
	}
	slices.SortFunc(out.Groups, func(a, b Group) int {
		return cmp.Or(cmp.Compare(math.Abs(b.Approval.Change), math.Abs(a.Approval.Change)),
			cmp.Compare(b.Rows, a.Rows), cmp.Compare(a.Value, b.Value))
	})
	return out
}
