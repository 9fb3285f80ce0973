package explain

import (
	"math"
	"slices"

	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/axis"
)

// Relation says what a changed value must be.
type Relation string

// The relations.
const (
	MoreThan Relation = ">"
	AtMost   Relation = "<="
	Equal    Relation = "="
)

// Change is the smallest change of one feature that changes the decision.
type Change struct {
	Feature     string         `json:"feature"`
	From        float64        `json:"from"`     // as the trees see it; a category's code
	Relation    Relation       `json:"relation"` // of the new value to Bound
	Bound       float64        `json:"bound"`
	To          float64        `json:"to"` // the value nearest to From that is so; float32
	Probability float64        `json:"probability"`
	Decision    model.Decision `json:"decision"`
}

// rank orders decisions.
func rank(d model.Decision) int {
	switch d {
	case model.Approved:
		return 2
	case model.Referred:
		return 1
	default:
		return 0
	}
}

// Changes returns, in the order of the features, the smallest change of each
// one alone that gives a better decision; for an approved x, a worse one. A
// feature that cannot do it alone is left out. It is exact: every place where
// the probability can change is a threshold, and all are tried. A category, or
// a number of which the model's reference distribution counts the values, is
// tried with these values only; among equally far ones the most probable wins,
// and categories are equally far. The errors are those of Explain.
func (e *Explainer) Changes(x []float64, policy model.Policy) ([]Change, error) {
	p, err := e.model.Probability(x)
	if err != nil {
		return nil, err
	}
	seen, err := e.model.Rounded(nil, x)
	if err != nil {
		return nil, err
	}
	s := search{e: e, x: seen, policy: policy, now: rank(policy.Decide(p))}
	var found []Change
	for i := range e.features {
		c, ok := s.feature(i)
		if ok {
			found = append(found, c)
		}
	}
	return found, nil
}

// search is one call of Changes.
type search struct {
	e      *Explainer
	x      []float64 // restored after every try
	policy model.Policy
	now    int
}

func (s *search) feature(i int) (best Change, ok bool) {
	from := s.x[i]
	defer func() { s.x[i] = from }()
	for _, c := range s.e.candidates(i, from) {
		s.x[i] = c.To
		p, err := s.e.model.Probability(s.x)
		if err != nil { // a value beyond float32 that no row can have
			continue
		}
		c.Feature, c.From, c.Probability, c.Decision = s.e.features[i].Name, from, p, s.policy.Decide(p)
		after := rank(c.Decision)
		if after > s.now || s.now == rank(model.Approved) && after < s.now {
			if !ok || s.nearer(i, c, best) {
				best, ok = c, true
			}
		}
	}
	return best, ok
}

// nearer tells whether a is a smaller change than b.
func (s *search) nearer(i int, a, b Change) bool {
	da, db := math.Abs(a.To-a.From), math.Abs(b.To-b.From)
	if s.e.features[i].Kind == model.Category || da == db {
		better := a.Probability > b.Probability
		return better == (s.now != rank(model.Approved)) && a.Probability != b.Probability
	}
	return da < db
}

// candidates are the values to try, with Relation, Bound and To.
func (e *Explainer) candidates(i int, from float64) []Change {
	var list []Change
	equal := func(v float64) {
		if v != from {
			list = append(list, Change{Relation: Equal, Bound: v, To: v})
		}
	}
	f := e.features[i]
	if f.Kind == model.Category {
		for code := range f.Categories {
			equal(float64(code))
		}
		return list
	}
	distributions := e.model.Reference()
	at := slices.IndexFunc(distributions, func(d model.Distribution) bool { return d.Feature == f.Name })
	if at >= 0 && len(distributions[at].Counts) > 0 {
		for _, c := range distributions[at].Counts {
			equal(c.Value)
		}
		return list
	}
	if math.IsNaN(from) { // routed by the trees: no distance to any value
		return nil
	}
	a := e.axis(i)
	here := a.Cell(axis.Key(float32(from)))
	for n := range a.Cells() - 1 {
		t := a.Threshold(n)
		c := Change{Relation: AtMost, Bound: float64(t), To: float64(t)}
		if n >= here {
			c.Relation, c.To = MoreThan, float64(math.Nextafter32(t, float32(math.Inf(1))))
		}
		list = append(list, c)
	}
	return list
}

// axis returns the thresholds of a feature.
func (e *Explainer) axis(i int) *axis.Axis {
	var thresholds []float64
	for n := range e.trees {
		t := &e.trees[n]
		for at, f := range t.Feature {
			if int(f) == i {
				thresholds = append(thresholds, t.Threshold[at])
			}
		}
	}
	return axis.New(thresholds)
}
