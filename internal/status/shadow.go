package status

import (
	"maps"
	"math"
	"reflect"
)

// Shadow pins the second model of a batch, whose probability and decision
// stand beside those of the model that decides. It changes no decision.
type Shadow struct {
	Model  ModelRef `json:"model"`
	Policy Policy   `json:"policy"`
}

// ShadowTally counts the decided rows by what the shadow model makes of them.
// All of it are whole numbers, so that sums are the same in any order. The zero
// value counts.
type ShadowTally struct {
	// Decisions counts the rows that both models scored, by decision and by the
	// shadow's decision.
	Decisions map[string]map[string]int64 `json:"decisions"`
	// Unscored counts the rows that the shadow cannot score, by the code that
	// they would be rejected with if it decided, and by the feature at fault.
	Unscored map[string]map[string]int64 `json:"unscored,omitempty"`
	// Difference is the sum of the shadow's probabilities less the others, each
	// difference rounded to billionths; Absolute that of their sizes.
	Difference int64            `json:"difference_billionths"`
	Absolute   int64            `json:"absolute_difference_billionths"`
	Histogram  [ScoreBins]int64 `json:"score_histogram"` // of the shadow's probabilities
}

// billion is the units of a sum of differences in 1: those of 9 billion rows fit
// an int64, and a mean is off by half a unit at most.
const billion = 1e9

// Billionths is the difference of two probabilities in billionths, to the
// nearest, ties to even: the same on every machine.
func Billionths(shadow, probability float64) int64 {
	return int64(math.RoundToEven((shadow - probability) * billion))
}

// Decide counts rows that both models scored.
func (t *ShadowTally) Decide(decision, shadow string, rows int64) {
	count(&t.Decisions, decision, shadow, rows)
}

// Unscore counts rows that the shadow cannot score.
func (t *ShadowTally) Unscore(code, feature string, rows int64) {
	count(&t.Unscored, code, feature, rows)
}

// Compare counts the probabilities of one row that both models scored.
func (t *ShadowTally) Compare(shadow, probability float64) {
	d := Billionths(shadow, probability)
	t.Difference += d
	t.Absolute += max(d, -d)
	t.Histogram[ScoreBin(shadow)]++
}

func count(to *map[string]map[string]int64, a, b string, rows int64) {
	if *to == nil {
		*to = map[string]map[string]int64{}
	}
	if (*to)[a] == nil {
		(*to)[a] = map[string]int64{}
	}
	(*to)[a][b] += rows
}

// Add adds o to t.
func (t *ShadowTally) Add(o *ShadowTally) {
	for decision, by := range o.Decisions {
		for shadow, rows := range by {
			t.Decide(decision, shadow, rows)
		}
	}
	for code, by := range o.Unscored {
		for feature, rows := range by {
			t.Unscore(code, feature, rows)
		}
	}
	t.Difference += o.Difference
	t.Absolute += o.Absolute
	for i, n := range o.Histogram {
		t.Histogram[i] += n
	}
}

// Equal reports whether both count the same; nil counts nothing.
func (t *ShadowTally) Equal(o *ShadowTally) bool {
	t, o = orNothing(t), orNothing(o)
	return t.Difference == o.Difference && t.Absolute == o.Absolute && t.Histogram == o.Histogram &&
		maps.EqualFunc(t.Decisions, o.Decisions, maps.Equal[map[string]int64, map[string]int64]) &&
		maps.EqualFunc(t.Unscored, o.Unscored, maps.Equal[map[string]int64, map[string]int64])
}

func orNothing(t *ShadowTally) *ShadowTally {
	if t == nil {
		return &ShadowTally{}
	}
	return t
}

// Compared is the number of rows that both models scored.
func (t *ShadowTally) Compared() int64 { return totals(t.Decisions) }

// UnscoredRows is the number of decided rows that the shadow cannot score.
func (t *ShadowTally) UnscoredRows() int64 { return totals(t.Unscored) }

func totals(m map[string]map[string]int64) int64 {
	var n int64
	for _, by := range m {
		n += total(by)
	}
	return n
}

// ShadowStatistics compare the model that decided a batch, the champion, with
// its shadow, the challenger. All of it follows from the tally.
type ShadowStatistics struct {
	Rows               int64            `json:"rows" doc:"Decided rows that the shadow model scored, too: all of what follows is about them"`
	Unscored           int64            `json:"unscored" doc:"Decided rows that the shadow model cannot score"`
	UnscoredBy         []ShadowUnscored `json:"unscored_by" nullable:"false" doc:"Those by what the shadow model misses"`
	Agreement          *float64         `json:"agreement" doc:"Share of the rows with the same decision; null when there are no rows"`
	ApprovalRate       *float64         `json:"approval_rate" doc:"The share that the deciding model approved"`
	ShadowApprovalRate *float64         `json:"shadow_approval_rate" doc:"The share that the shadow model would approve"`
	ApprovedByBoth     int64            `json:"approved_by_both"`
	SwapIn             int64            `json:"swap_in" doc:"Rows that only the shadow model would approve"`
	SwapOut            int64            `json:"swap_out" doc:"Rows that only the deciding model approved"`
	MeanDifference     *float64         `json:"mean_difference" doc:"Mean of the shadow's probability less the other, to a billionth"`
	MeanAbsDifference  *float64         `json:"mean_absolute_difference" doc:"Mean size of that difference"`
	Decisions          []ShadowDecision `json:"decisions" nullable:"false" doc:"The cross table: one entry for each decision"`
	Histogram          []int64          `json:"score_histogram" nullable:"false" doc:"Rows by the shadow's probability in 20 equal bins of 0 to 1"`
}

// ShadowDecision is what the shadow makes of the rows with one decision.
type ShadowDecision struct {
	Decision string `json:"decision" enum:"approved,declined,referred"`
	Approved int64  `json:"shadow_approved"`
	Declined int64  `json:"shadow_declined"`
	Referred int64  `json:"shadow_referred"`
	Unscored int64  `json:"unscored"`
}

// ShadowUnscored are rows that the shadow cannot score for one reason.
type ShadowUnscored struct {
	Code    string `json:"code" example:"missing_value"`
	Feature string `json:"feature" example:"LoanAmount"`
	Rows    int64  `json:"rows"`
}

// decisions are the decisions in the order of tables.
func decisions() []string { return []string{"approved", "declined", "referred"} }

// shadowStatistics are those of the tally; nil without a shadow.
func (t *Tally) shadowStatistics() *ShadowStatistics {
	if t.Shadow == nil {
		return nil
	}
	s := &ShadowStatistics{
		Rows: t.Shadow.Compared(), Unscored: t.Shadow.UnscoredRows(), UnscoredBy: []ShadowUnscored{}, Histogram: t.Shadow.Histogram[:],
	}
	var same, shadowApproved int64
	for _, decision := range decisions() {
		by := t.Shadow.Decisions[decision]
		s.Decisions = append(s.Decisions, ShadowDecision{
			Decision: decision, Approved: by["approved"], Declined: by["declined"], Referred: by["referred"],
			Unscored: t.Decided[decision] - total(by),
		})
		same += by[decision]
		shadowApproved += by["approved"]
	}
	approved := total(t.Shadow.Decisions["approved"])
	s.ApprovedByBoth = t.Shadow.Decisions["approved"]["approved"]
	s.SwapIn, s.SwapOut = shadowApproved-s.ApprovedByBoth, approved-s.ApprovedByBoth
	if s.Rows > 0 {
		of := func(n float64) *float64 { n /= float64(s.Rows); return &n }
		s.Agreement, s.ApprovalRate, s.ShadowApprovalRate = of(float64(same)), of(float64(approved)), of(float64(shadowApproved))
		s.MeanDifference, s.MeanAbsDifference = of(float64(t.Shadow.Difference)/billion), of(float64(t.Shadow.Absolute)/billion)
	}
	for _, code := range sortedKeys(t.Shadow.Unscored) {
		for _, feature := range sortedKeys(t.Shadow.Unscored[code]) {
			s.UnscoredBy = append(s.UnscoredBy, ShadowUnscored{Code: code, Feature: feature, Rows: t.Shadow.Unscored[code][feature]})
		}
	}
	return s
}

// Equal reports whether both say the same; nil says nothing.
func (s *ShadowStatistics) Equal(o *ShadowStatistics) bool { return reflect.DeepEqual(s, o) }
