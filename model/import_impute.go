package model

import (
	"math"
	"strings"

	"github.com/loanscorer/loanscorer/model/sklearn"
)

// impute folds a SimpleImputer into the model, so that a missing value ends in
// the same leaves, bit for bit. A feature's statistic becomes its constant. It
// goes into the trees instead where a constant cannot say it: where the trees
// also see a column "was missing", and where a category would get a fraction
// for a code. The trees' features are the imputer's columns before, and x after.
func (s *Spec) impute(m *sklearn.Imputer) {
	routed := make([]bool, len(s.Features))
	for _, f := range m.Indicators {
		routed[f] = true
	}
	var replaced []string
	anyRouted := false
	for i := range s.Features {
		f := &s.Features[i]
		value, rule := m.Statistics[i], m.Strategy
		if rule == "most_frequent" {
			rule = "mode"
		}
		if math.IsNaN(value) {
			value, rule = 0, "unused" // the trees never see it
		}
		constant := &Missing{Rule: Constant, Value: value, Fitted: rule}
		switch {
		case f.Missing != nil:
			replaced = append(replaced, f.Name)
		case !routed[i] && (Feature{Kind: f.Kind, Categories: f.Categories, Missing: constant}).check(f.Name) == nil:
			f.Missing = constant
		default:
			routed[i], anyRouted = true, true
		}
	}
	columns, kept := m.Columns()
	for i := range s.Trees {
		s.Trees[i] = s.Trees[i].imputed(m.Statistics, columns, kept)
		if !anyRouted {
			s.Trees[i].MissingLeft = nil
		}
	}
	s.note("missing values are filled as the pipeline's SimpleImputer did (%s)", m.Strategy)
	if len(replaced) > 0 {
		s.note("the given missing values replace the SimpleImputer's for %s", strings.Join(replaced, ", "))
	}
}

// imputed returns the tree over x, with the way that the statistic of each
// feature takes. columns gives each column's feature; those from kept on are 1
// where the feature was missing, else 0.
func (t Tree) imputed(statistics []float64, columns []int, kept int) Tree {
	out := t
	out.Feature = make([]int32, len(t.Feature))
	out.Threshold = make([]float64, len(t.Threshold))
	out.MissingLeft = make([]bool, len(t.Feature))
	for i, column := range t.Feature {
		if t.Left[i] == leaf {
			out.Feature[i] = leaf
			continue
		}
		from, threshold := columns[column], t.Threshold[i]
		out.Feature[i] = int32(from)
		if int(column) < kept {
			out.Threshold[i] = threshold
			out.MissingLeft[i] = float64(float32(statistics[from])) <= threshold
			continue
		}
		out.Threshold[i] = -math.MaxFloat64 // every value goes right
		if 0 <= threshold {
			out.Threshold[i] = math.MaxFloat64
		}
		out.MissingLeft[i] = 1 <= threshold
	}
	return out
}
