package sklearn

import (
	"fmt"
	"math"

	"github.com/loanscorer/loanscorer/model/pickle"
)

// pipeline converts a Pipeline of at most one SimpleImputer and a classifier;
// steps that are switched off are left out.
func (c *converter) pipeline(o *pickle.Object) (*Forest, error) {
	state, ok := o.State.(*pickle.Dict)
	if !ok {
		return nil, bad("Pipeline", "has no state")
	}
	steps, err := stepsOf(state)
	if err != nil {
		return nil, err
	}
	last := steps[len(steps)-1]
	if len(steps) > 2 || len(steps) == 2 && !isSimpleImputer(steps[0].Class) {
		for _, s := range steps[:len(steps)-1] {
			if !isSimpleImputer(s.Class) {
				return nil, &UnsupportedError{"a Pipeline with " + s.Class.String(), advise(s.Class)}
			}
		}
		return nil, &UnsupportedError{"a Pipeline with more than one SimpleImputer", adviseForest}
	}
	f, err := c.classifier(last)
	if err != nil || len(steps) == 1 {
		return f, err
	}
	return f, f.impute(steps[0])
}

// stepsOf lists the estimators of a Pipeline: (name, estimator) each.
func stepsOf(state *pickle.Dict) ([]*pickle.Object, error) {
	list, ok := listOf(state, "steps")
	if !ok || len(list) > 100 {
		return nil, bad("Pipeline", "has no list of steps")
	}
	var steps []*pickle.Object
	for i, v := range list {
		pair, ok := v.(pickle.Tuple)
		if l, isList := v.(*pickle.List); isList {
			pair, ok = l.Items, true
		}
		if !ok || len(pair) != 2 {
			return nil, bad("Pipeline", "step %d is not a name and an estimator", i)
		}
		if pair[1] == nil || pair[1] == "passthrough" {
			continue
		}
		o, ok := pair[1].(*pickle.Object)
		if !ok {
			return nil, bad("Pipeline", "step %d is a %s, want an estimator", i, describe(pair[1]))
		}
		steps = append(steps, o)
	}
	if len(steps) == 0 {
		return nil, &UnsupportedError{"a Pipeline without a classifier", adviseForest}
	}
	return steps, nil
}

// impute puts a fitted SimpleImputer before the trees.
func (f *Forest) impute(o *pickle.Object) error {
	state, ok := o.State.(*pickle.Dict)
	if !ok {
		return bad("SimpleImputer", "has no state")
	}
	m := &Imputer{}
	v, _ := state.Get("strategy")
	switch s, _ := v.(string); s {
	case "mean", "median", "most_frequent", "constant":
		m.Strategy = s
	default:
		return &UnsupportedError{"a SimpleImputer with an unknown strategy", "use mean, median, most_frequent or constant"}
	}
	v, _ = state.Get("missing_values")
	missing, _ := scalar(v)
	if number, ok := missing.(float64); !ok || !math.IsNaN(number) {
		return &UnsupportedError{
			fmt.Sprintf("a SimpleImputer with missing_values=%.60s", fmt.Sprint(missing)), "mark missing values as NaN before fitting",
		}
	}
	if err := m.statistics(state); err != nil {
		return err
	}
	if err := m.indicators(state); err != nil {
		return err
	}
	columns, _ := m.Columns()
	if len(columns) != f.NumFeatures {
		return bad("SimpleImputer", "gives %d columns, the %s has %d features", len(columns), f.Class, f.NumFeatures)
	}
	f.Imputer, f.NumFeatures, f.FeatureNames = m, len(m.Statistics), nil
	var err error
	f.FeatureNames, err = namesOf(state, f.NumFeatures)
	return err
}

func (m *Imputer) statistics(state *pickle.Dict) error {
	v, fitted := state.Get("statistics_")
	if !fitted {
		return &UnsupportedError{"a SimpleImputer that was not fitted", "call fit before saving it"}
	}
	a, ok := readArray(v)
	if !ok || len(a.shape) != 1 || a.size == 0 || a.size > 1<<20 {
		return bad("statistics_", "is not an array of numbers")
	}
	for i := range a.size {
		label, _ := a.label(i)
		switch v := label.(type) {
		case float64:
			if math.IsInf(v, 0) {
				return bad("statistics_", "value %d is infinite", i)
			}
			m.Statistics = append(m.Statistics, v)
		case int64:
			m.Statistics = append(m.Statistics, float64(v))
		case bool:
			number := 0.0
			if v {
				number = 1
			}
			m.Statistics = append(m.Statistics, number)
		default:
			return &UnsupportedError{"a SimpleImputer that fills in something else than numbers", "encode text as numbers before fitting"}
		}
	}
	return nil
}

// indicators reads which features have a column that says they were missing.
func (m *Imputer) indicators(state *pickle.Dict) error {
	v, _ := state.Get("indicator_")
	if v == nil { // before 0.21, or add_indicator=False
		return nil
	}
	o, _ := v.(*pickle.Object)
	if o == nil || o.Class.Name != "MissingIndicator" {
		return bad("indicator_", "is not a MissingIndicator")
	}
	fields, _ := o.State.(*pickle.Dict)
	if fields == nil {
		return bad("indicator_", "has no state")
	}
	v, _ = fields.Get("features_")
	a, ok := readArray(v)
	if !ok || a.size > len(m.Statistics) {
		return bad("features_", "is not an array of at most %d features", len(m.Statistics))
	}
	for i := range a.size {
		label, _ := a.label(i)
		n, ok := label.(int64)
		if !ok || n < 0 || n >= int64(len(m.Statistics)) {
			return bad("features_", "entry %d is not a feature", i)
		}
		m.Indicators = append(m.Indicators, int(n))
	}
	return nil
}
