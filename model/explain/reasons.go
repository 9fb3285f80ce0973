package explain

import "math"

// MaxReasons is how many reasons are given at most: what US regulators
// suggest for a notice of adverse action (12 CFR 1002.9, comment 9(b)(2)-1).
const MaxReasons = 4

// noise is what rounding can leave of a contribution that is exactly 0.
const noise = 1e-9

// Reason is one adverse contribution.
type Reason struct {
	Code         string  `json:"code"`
	Feature      string  `json:"feature"`
	Contribution float64 `json:"contribution"` // negative: what it took from the probability
	texts        map[string]string
}

// Text returns the reason in a language ("en", "pt"); in English if the table
// does not have it.
func (r Reason) Text(language string) string {
	if t, ok := r.texts[language]; ok {
		return t
	}
	return r.texts[English]
}

// Reasons appends to dst at most [MaxReasons] reasons: the features that made
// the probability lower, most first, features of equal contributions in the
// order of the model. x and contributions are those of [Explainer.Explain]. It
// allocates nothing if dst has room.
//
// There is none when nothing made it lower. For a declined application that
// happens only if the policy declines above the base value.
func (e *Explainer) Reasons(x, contributions []float64, dst []Reason) []Reason {
	order, n := adverse(contributions[:min(len(contributions), len(x))])
	for _, i := range order[:n] {
		entry := e.entry(i, x)
		dst = append(dst, Reason{Code: entry.Code, Feature: e.features[i].Name, Contribution: contributions[i], texts: entry.Text})
	}
	return dst
}

// Adverse finds the reasons for x without contributions and texts: order[:n]
// are the places in x of the features that made the probability lower, most
// first. [Explainer.Code] has their codes. For a small forest it finds the
// order once for each cell of its grid and remembers it, 4 bytes a cell; after
// that a row costs little more than its score. x and the errors are those of
// [Explainer.Explain]. It allocates nothing once it is warm.
func (e *Explainer) Adverse(x []float64) (order [MaxReasons]int, n int, err error) {
	if t := e.tables(); t != nil && len(x) == len(e.features) {
		var cell cells
		if t.find(x, &cell) {
			order, n = t.order(&cell)
			return order, n, nil
		}
	}
	s := e.scratch.Get().(*scratch)
	defer e.scratch.Put(s)
	if s.x, err = e.model.Rounded(s.x[:0], x); err != nil {
		return order, 0, err
	}
	s.explain(s.own)
	order, n = adverse(s.own)
	return order, n, nil
}

// Code is the reason code of a feature, given or missing, by its place in x.
func (e *Explainer) Code(feature int, missing bool) string {
	if missing {
		return e.reasons[feature].missing.Code
	}
	return e.reasons[feature].given.Code
}

// entry is what the table of reasons says of feature i of x.
func (e *Explainer) entry(i int, x []float64) *Entry {
	if math.IsNaN(x[i]) {
		return e.reasons[i].missing
	}
	return e.reasons[i].given
}

// adverse are the places of the most negative contributions, the first of
// equals first.
func adverse(contributions []float64) (order [MaxReasons]int, n int) {
	for i, c := range contributions {
		if !(c < -noise) {
			continue
		}
		at := n
		for at > 0 && contributions[order[at-1]] > c {
			at--
		}
		if at == MaxReasons {
			continue
		}
		n = min(n+1, MaxReasons)
		copy(order[at+1:n], order[at:n-1])
		order[at] = i
	}
	return order, n
}
