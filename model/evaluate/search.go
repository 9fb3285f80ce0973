package evaluate

import (
	"context"
	"fmt"
	"slices"

	"github.com/loanscorer/loanscorer/model/train"
)

// Measure names what a search optimizes.
type Measure string

// The measures.
const (
	ByAUC      Measure = "auc"
	ByAccuracy Measure = "accuracy"
	ByLogLoss  Measure = "log_loss"
	ByBrier    Measure = "brier"
)

// of returns the measure such that higher is better.
func (m Measure) of(cv *CrossValidation) (float64, error) {
	switch m {
	case ByAUC:
		return cv.AUC.Mean, nil
	case ByAccuracy:
		return cv.Accuracy.Mean, nil
	case ByLogLoss:
		return -cv.LogLoss.Mean, nil
	case ByBrier:
		return -cv.Brier.Mean, nil
	}
	return 0, fmt.Errorf("measure %q: want auc, accuracy, log_loss or brier", m)
}

// Search says which recipes are tried and how.
type Search struct {
	Candidates []train.Params // in order of preference: the first of equals wins
	Measure    Measure
	Outer      int // folds that judge the whole search; 0 means 5
	Inner      int // folds that choose among the candidates; 0 means 5
	Seed       uint32
	Options    Options // Progress counts fits, see Fits
}

// withDefaults replaces zeros.
func (s Search) withDefaults() Search {
	if s.Outer == 0 {
		s.Outer = 5
	}
	if s.Inner == 0 {
		s.Inner = 5
	}
	return s
}

// Fits returns how many forests the search grows.
func (s Search) Fits() int {
	s = s.withDefaults()
	return (s.Outer+1)*s.Inner*len(s.Candidates) + s.Outer
}

// Tuned is the outcome of a search.
type Tuned struct {
	Best   train.Params
	Scores []CandidateScore // of every candidate on all rows, best first
	// Nested is what choosing and fitting gave on rows that took no part in
	// either. The best candidate's own score is too good: it was chosen for it.
	Nested *CrossValidation
	Chosen []train.Params // by each outer fold; much disagreement means that the choice hardly matters
}

// CandidateScore is one candidate's cross-validation.
type CandidateScore struct {
	Params   train.Params
	Accuracy Spread
	AUC      Spread
	LogLoss  Spread
	Brier    Spread
	score    float64
}

// Tune chooses a recipe by nested cross-validation: in each outer fold the
// candidates are compared by inner folds of its training rows, and the best is
// fitted on these and tested on the rest. The final choice uses inner folds of
// all rows.
func Tune(ctx context.Context, d *train.Data, s Search) (*Tuned, error) {
	s = s.withDefaults()
	if len(s.Candidates) == 0 {
		return nil, fmt.Errorf("%d candidates: want 1 or more", len(s.Candidates))
	}
	outer, err := RepeatedStratified(d.Labels, s.Outer, 1, s.Seed)
	if err != nil {
		return nil, err
	}
	t, done := &Tuned{}, 0
	scored, drops := make([]*Scored, len(outer)), make([][]Drop, len(outer))
	for i, fold := range outer {
		scores, err := s.compare(ctx, d, fold.Train, done)
		if err != nil {
			return nil, err
		}
		done += s.Inner*len(s.Candidates) + 1
		best := scores[0].Params
		t.Chosen = append(t.Chosen, best)
		forest, err := train.Fit(ctx, d, fold.Train, best, train.Options{Workers: s.Options.Workers})
		if err != nil {
			return nil, err
		}
		if scored[i], err = Score(forest, d, fold.Test); err != nil {
			return nil, err
		}
	}
	t.Nested = summarize(d, outer, scored, drops)
	if t.Scores, err = s.compare(ctx, d, allRows(d.Rows()), done); err != nil {
		return nil, err
	}
	t.Best = t.Scores[0].Params
	return t, nil
}

// compare scores every candidate on the rows, best first.
func (s Search) compare(ctx context.Context, d *train.Data, rows []int, done int) ([]CandidateScore, error) {
	labels := make([]int, len(rows))
	for i, row := range rows {
		labels[i] = d.Labels[row]
	}
	folds, err := RepeatedStratified(labels, s.Inner, 1, s.Seed)
	if err != nil {
		return nil, err
	}
	for i := range folds {
		folds[i].Train, folds[i].Test = take(rows, folds[i].Train), take(rows, folds[i].Test)
	}
	scores := make([]CandidateScore, len(s.Candidates))
	for i, candidate := range s.Candidates {
		o := Options{Workers: s.Options.Workers}
		if s.Options.Progress != nil {
			before := done + i*s.Inner
			o.Progress = func(n int) { s.Options.Progress(before + n) }
		}
		cv, err := CrossValidate(ctx, d, folds, candidate, o)
		if err != nil {
			return nil, err
		}
		scores[i] = CandidateScore{Params: candidate, Accuracy: cv.Accuracy, AUC: cv.AUC, LogLoss: cv.LogLoss, Brier: cv.Brier}
		if scores[i].score, err = s.Measure.of(cv); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(scores, func(a, b CandidateScore) int {
		switch {
		case a.score > b.score:
			return -1
		case a.score < b.score:
			return 1
		}
		return 0
	})
	return scores, nil
}

func take(rows, at []int) []int {
	out := make([]int, len(at))
	for i, k := range at {
		out[i] = rows[k]
	}
	return out
}
