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
	routes    bool // scikit-learn scores missing values with this model
}

// bad is an error about a field of a forest whose class is right.
func bad(field, format string, args ...any) error {
	return fmt.Errorf("%w: %s: %s", pickle.ErrMalformed, field, fmt.Sprintf(format, args...))
}

// model converts what the file holds: a Pipeline or a classifier.
func (c *converter) model(o *pickle.Object) (*Forest, error) {
	if isPipeline(o.Class) {
		return c.pipeline(o)
	}
	return c.classifier(o)
}

// classifier converts one of the three supported classes.
func (c *converter) classifier(o *pickle.Object) (*Forest, error) {
	single := isDecisionTree(o.Class)
	if !single && !isRandomForest(o.Class) && !isExtraTrees(o.Class) {
		return nil, &UnsupportedError{o.Class.String(), advise(o.Class)}
	}
	name := o.Class.Name
	state, ok := o.State.(*pickle.Dict)
	if !ok {
		return nil, bad(name, "has no state")
	}
	trees, fitted := listOf(state, "estimators_")
	if single {
		_, fitted = state.Get("tree_")
		trees = []any{o}
	}
	if !fitted {
		return nil, &UnsupportedError{"a " + name + " that was not fitted", "call fit before saving it"}
	}
	f := &Forest{Class: name, Version: version(state), Params: params(state)}
	if n, ok := intOf(state, "n_outputs_"); ok && n != 1 {
		return nil, &UnsupportedError{fmt.Sprintf("a %s with %d outputs", name, n), "fit one for the one label"}
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
	c.routes = routesMissing(f)
	return f, c.trees(trees, f)
}

// version returns the scikit-learn that saved the object, if it says.
func version(state *pickle.Dict) string {
	v, _ := state.Get("_sklearn_version")
	s, _ := v.(string)
	return s[:min(len(s), 40)]
}

// routesMissing tells whether scikit-learn scores a missing value with such a
// model, where its trees say how (tree/_classes.py, allow_nan): one tree from
// 1.3 on, random forests from 1.4, random splits from 1.6.
func routesMissing(f *Forest) bool {
	switch {
	case f.Version == "":
		return true
	case f.Class == "ExtraTreesClassifier" || f.Params["splitter"] == "random":
		return since(f.Version, 6)
	case f.Class == "RandomForestClassifier":
		return since(f.Version, 4)
	}
	return since(f.Version, 3)
}

// since tells whether a version such as 1.4.2 or 1.6.dev0 is scikit-learn
// 1.minor or later; it is false for text that is no version.
func since(version string, minor int) bool {
	first, rest, _ := strings.Cut(version, ".")
	second, _, _ := strings.Cut(rest, ".")
	a, err := strconv.Atoi(first)
	b, err2 := strconv.Atoi(second)
	return err == nil && err2 == nil && (a > 1 || a == 1 && b >= minor)
}

func (c *converter) trees(list []any, f *Forest) error {
	c.nodesLeft = maxNodes
	var unit units
	for i, v := range list {
		tree, err := c.estimator(v, f.Class)
		if err != nil {
			return fmt.Errorf("tree %d: %w", i, err)
		}
		if err := unit.see(tree); err != nil {
			return fmt.Errorf("tree %d: %w", i, err)
		}
		if i > 0 && (tree.MissingLeft == nil) != (f.Trees[0].MissingLeft == nil) {
			return bad("nodes", "tree %d: routes missing values, unlike others", i)
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
	var err error
	f.FeatureNames, err = namesOf(state, c.features)
	return err
}

// namesOf reads n feature names, or nil when the estimator has none.
func namesOf(state *pickle.Dict, n int) ([]string, error) {
	v, ok := state.Get("feature_names_in_")
	if !ok {
		return nil, nil
	}
	a, ok := readArray(v)
	if !ok || a.size != n {
		return nil, bad("feature_names_in_", "is not an array of %d names", n)
	}
	names := make([]string, n)
	for i := range names {
		label, _ := a.label(i)
		if names[i], ok = label.(string); !ok {
			return nil, bad("feature_names_in_", "name %d is not text", i)
		}
	}
	return names, nil
}

// params keeps the constructor's parameters that are plain values.
func params(state *pickle.Dict) map[string]any {
	out := map[string]any{}
	for _, name := range []string{
		"n_estimators", "criterion", "max_depth", "min_samples_split", "min_samples_leaf",
		"min_weight_fraction_leaf", "max_features", "max_leaf_nodes", "min_impurity_decrease",
		"bootstrap", "max_samples", "class_weight", "ccp_alpha", "random_state", "splitter",
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
	return since(version, 4)
}
