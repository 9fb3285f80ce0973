package explain

import (
	"math"
	"slices"
)

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
	from := len(dst)
	for i, c := range contributions {
		if !(c < -noise) || i >= len(x) {
			continue
		}
		at := len(dst)
		for at > from && dst[at-1].Contribution > c {
			at--
		}
		if at-from >= MaxReasons {
			continue
		}
		entry := e.reasons[i].given
		if math.IsNaN(x[i]) {
			entry = e.reasons[i].missing
		}
		r := Reason{Code: entry.Code, Feature: e.features[i].Name, Contribution: c, texts: entry.Text}
		if len(dst)-from == MaxReasons {
			dst = dst[:len(dst)-1]
		}
		dst = slices.Insert(dst, at, r)
	}
	return dst
}
