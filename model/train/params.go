package train

import (
	"fmt"
	"math"
)

// Criterion measures how mixed a node's classes are.
type Criterion string

// The criteria.
const (
	Gini    Criterion = "gini"
	Entropy Criterion = "entropy"
)

// ClassWeight says how much a row of each class counts.
type ClassWeight string

// The class weights.
const (
	Equal    ClassWeight = ""         // every row counts the same
	Balanced ClassWeight = "balanced" // every class counts the same: rows / (classes * rows of the class)
)

// Values of [Params.MaxDepth] and [Params.MaxFeatures] that are no counts.
const (
	Unlimited = -1 // MaxDepth: until leaves are pure or too small to split
	Sqrt      = -1 // MaxFeatures: the square root of the number of features
	Log2      = -2 // MaxFeatures: the binary logarithm of the number of features
	All       = -3 // MaxFeatures: every feature
)

// Params are the parameters of a forest, with the meaning of scikit-learn's.
// The zero value is the recipe of the model that the program carries.
type Params struct {
	Trees           int         // n_estimators, 1 to 10,000; 0 means 25
	Criterion       Criterion   // empty means Gini
	MaxDepth        int         // edges from the root to the deepest leaf, or Unlimited; 0 means 7
	MinSamplesSplit int         // a node with fewer distinct rows is a leaf, 2 or more; 0 means 25
	MinSamplesLeaf  int         // distinct rows that a leaf has at least; 0 means 1
	MaxFeatures     int         // features tried at a node, or Sqrt, Log2, All; 0 means 1
	ClassWeight     ClassWeight // empty means Equal
	NoBootstrap     bool        // every tree sees every row
	Seed            uint32      // random_state
}

// WithDefaults returns p with zeros replaced by what they mean, so that equal
// recipes compare equal.
func (p Params) WithDefaults() Params {
	for _, d := range []struct {
		field *int
		value int
	}{{&p.Trees, 25}, {&p.MaxDepth, 7}, {&p.MinSamplesSplit, 25}, {&p.MinSamplesLeaf, 1}, {&p.MaxFeatures, 1}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if p.Criterion == "" {
		p.Criterion = Gini
	}
	return p
}

// Validate names the first parameter that is out of its range.
func (p Params) Validate() error {
	p = p.WithDefaults()
	for _, r := range []struct {
		name        string
		value       int
		low, high   int
		alsoAllowed string
	}{
		{"trees", p.Trees, 1, 10_000, ""},
		{"max depth", p.MaxDepth, Unlimited, 4096, " or unlimited"},
		{"min samples split", p.MinSamplesSplit, 2, math.MaxInt32, ""},
		{"min samples leaf", p.MinSamplesLeaf, 1, math.MaxInt32, ""},
		{"max features", p.MaxFeatures, All, math.MaxInt32, ", sqrt, log2 or all"},
	} {
		if r.value < r.low || r.value > r.high {
			return fmt.Errorf("%s %d: want %d to %d%s", r.name, r.value, max(r.low, 1), r.high, r.alsoAllowed)
		}
	}
	if p.Criterion != Gini && p.Criterion != Entropy {
		return fmt.Errorf("criterion %q: want gini or entropy", p.Criterion)
	}
	if p.ClassWeight != Equal && p.ClassWeight != Balanced {
		return fmt.Errorf("class weight %q: want balanced or none", p.ClassWeight)
	}
	return nil
}

// Record returns the parameters under scikit-learn's names, for a model's
// training record.
func (p Params) Record() map[string]any {
	p = p.WithDefaults()
	r := map[string]any{
		"n_estimators": p.Trees, "criterion": p.Criterion, "max_depth": p.MaxDepth,
		"min_samples_split": p.MinSamplesSplit, "min_samples_leaf": p.MinSamplesLeaf,
		"max_features": p.MaxFeatures, "class_weight": p.ClassWeight,
		"bootstrap": !p.NoBootstrap, "random_state": p.Seed,
	}
	if p.MaxDepth == Unlimited {
		r["max_depth"] = nil
	}
	if p.ClassWeight == Equal {
		r["class_weight"] = nil
	}
	switch p.MaxFeatures {
	case Sqrt:
		r["max_features"] = "sqrt"
	case Log2:
		r["max_features"] = "log2"
	case All:
		r["max_features"] = nil
	}
	return r
}

// featuresTried returns max_features as a count, 1 to features.
func (p Params) featuresTried(features int) int {
	n := p.MaxFeatures
	switch n {
	case Sqrt:
		n = int(math.Sqrt(float64(features)))
	case Log2:
		n = int(math.Log2(float64(features)))
	case All:
		n = features
	}
	return min(max(n, 1), features)
}
