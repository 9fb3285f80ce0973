package sklearn

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/loanscorer/loanscorer/model/pickle"
)

// Limits on a forest, the same as package model's.
const (
	maxTrees   = 10_000
	maxClasses = 1000
	maxNodes   = 2 << 20
)

// converter turns pickled objects into a Forest.
type converter struct {
	bytesLeft int // of tree arrays: more than the file holds means one array used twice
	nodesLeft int
	features  int
	classes   int
}

// bad is an error about a field of a forest whose class is right.
func bad(field, format string, args ...any) error {
	return fmt.Errorf("%w: %s: %s", pickle.ErrMalformed, field, fmt.Sprintf(format, args...))
}

func (c *converter) forest(o *pickle.Object) (*Forest, error) {
	state, ok := o.State.(*pickle.Dict)
	if !ok {
		return nil, bad("RandomForestClassifier", "has no state")
	}
	trees, ok := listOf(state, "estimators_")
	if !ok {
		return nil, &UnsupportedError{"a RandomForestClassifier that was not fitted", "call fit before saving it"}
	}
	f := &Forest{Params: params(state)}
	if v, _ := state.Get("_sklearn_version"); v != nil {
		f.Version, _ = v.(string)
		f.Version = f.Version[:min(len(f.Version), 40)]
	}
	if n, ok := intOf(state, "n_outputs_"); ok && n != 1 {
		return nil, &UnsupportedError{
			fmt.Sprintf("a RandomForestClassifier with %d outputs", n), "fit one forest for the one label",
		}
	}
	if err := c.labels(state, f); err != nil {
		return nil, err
	}
	if err := c.names(state, f); err != nil {
		return nil, err
	}
	if len(trees) == 0 || len(trees) > maxTrees {
		return nil, bad("estimators_", "has %d trees, want 1 to %d", len(trees), maxTrees)
	}
	return f, c.trees(trees, f)
}

func (c *converter) trees(list []any, f *Forest) error {
	c.nodesLeft = maxNodes
	var unit units
	for i, v := range list {
		tree, err := c.estimator(v, f)
		if err != nil {
			return fmt.Errorf("tree %d: %w", i, err)
		}
		if err := unit.see(tree); err != nil {
			return fmt.Errorf("tree %d: %w", i, err)
		}
		f.Trees = append(f.Trees, *tree)
	}
	f.Fractions = unit.fractions(f.Version)
	return nil
}

func (c *converter) labels(state *pickle.Dict, f *Forest) error {
	v, _ := state.Get("classes_")
	a, ok := readArray(v)
	if !ok || len(a.shape) != 1 || a.size == 0 || a.size > maxClasses {
		return bad("classes_", "is not an array of 1 to %d labels", maxClasses)
	}
	for i := range a.size {
		label, ok := a.label(i)
		if number, isFloat := label.(float64); !ok || label == nil || (isFloat && notFinite(number)) {
			return bad("classes_", "label %d is not text, a number or a bool", i)
		}
		f.Classes = append(f.Classes, label)
	}
	c.classes = a.size
	if n, ok := intOf(state, "n_classes_"); ok && n != int64(a.size) {
		return bad("n_classes_", "is %d, classes_ has %d", n, a.size)
	}
	return nil
}

func (c *converter) names(state *pickle.Dict, f *Forest) error {
	n, ok := intOf(state, "n_features_in_")
	if !ok {
		n, ok = intOf(state, "n_features_") // before 0.24
	}
	if !ok || n < 1 || n > 1<<20 {
		return bad("n_features_in_", "is missing or not positive")
	}
	c.features, f.NumFeatures = int(n), int(n)
	v, ok := state.Get("feature_names_in_")
	if !ok {
		return nil
	}
	a, ok := readArray(v)
	if !ok || a.size != c.features {
		return bad("feature_names_in_", "is not an array of %d names", n)
	}
	for i := range a.size {
		label, _ := a.label(i)
		name, ok := label.(string)
		if !ok {
			return bad("feature_names_in_", "name %d is not text", i)
		}
		f.FeatureNames = append(f.FeatureNames, name)
	}
	return nil
}

// params keeps the constructor's parameters that are plain values.
func params(state *pickle.Dict) map[string]any {
	out := map[string]any{}
	for _, name := range []string{
		"n_estimators", "criterion", "max_depth", "min_samples_split", "min_samples_leaf",
		"min_weight_fraction_leaf", "max_features", "max_leaf_nodes", "min_impurity_decrease",
		"bootstrap", "max_samples", "class_weight", "ccp_alpha", "random_state",
	} {
		v, ok := state.Get(name)
		if !ok {
			continue
		}
		plain, ok := scalar(v)
		number, isFloat := plain.(float64)
		text, _ := plain.(string)
		if ok && !(isFloat && notFinite(number)) && len(text) <= 100 {
			out[name] = plain
		}
	}
	return out
}

func listOf(d *pickle.Dict, key string) ([]any, bool) {
	v, _ := d.Get(key)
	list, ok := v.(*pickle.List)
	if !ok {
		return nil, false
	}
	return list.Items, true
}

func intOf(d *pickle.Dict, key string) (int64, bool) {
	v, _ := d.Get(key)
	plain, _ := scalar(v)
	n, ok := plain.(int64)
	return n, ok
}

func notFinite(f float64) bool { return math.IsNaN(f) || math.IsInf(f, 0) }

// units finds out from the roots whether values are counts, which add up to
// the root's samples, or fractions, which add up to 1.
type units struct{ counts, shares int }

func (u *units) see(t *Tree) error {
	sum := 0.0
	for _, v := range t.Value[0] {
		sum += v
	}
	n := t.Samples[0]
	count, share := math.Abs(sum-n) <= 1e-6*n, math.Abs(sum-1) <= 1e-6
	switch {
	case count && share: // the root's samples weigh 1: no telling
	case count:
		u.counts++
	case share:
		u.shares++
	default:
		return bad("values", "add up to %g in the root, which is neither 1 nor its %g samples", sum, n)
	}
	if u.counts > 0 && u.shares > 0 {
		return bad("values", "are counts in some trees and fractions in others")
	}
	return nil
}

// fractions decides; only when no root could tell, by the version.
func (u *units) fractions(version string) bool {
	if u.counts > 0 || u.shares > 0 {
		return u.shares > 0
	}
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, err := strconv.Atoi(major)
	b, err2 := strconv.Atoi(minor)
	return err == nil && err2 == nil && (a > 1 || a == 1 && b >= 4)
}
