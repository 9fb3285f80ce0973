package sklearn

import "math"

// Forest is a fitted classifier of trees: a RandomForestClassifier, an
// ExtraTreesClassifier, or one DecisionTreeClassifier.
type Forest struct {
	Class        string   // scikit-learn's class name
	Version      string   // scikit-learn that saved it; empty when the file does not say
	NumFeatures  int      // length of x
	FeatureNames []string // in the order of x; nil when it was fitted without names
	Classes      []any    // labels in the order of the probabilities: string, int64, float64 or bool
	Fractions    bool     // Tree.Value holds fractions, not counts

	// Imputer fills missing values of x before the trees see it, in a Pipeline.
	// The trees' features are then its columns. Nil when there is none.
	Imputer *Imputer

	Params map[string]any // the plain constructor parameters: nil, bool, int64, float64 or string
	Trees  []Tree
}

// Tree is one fitted tree as arrays over its nodes; node 0 is the root. At a
// leaf Left, Right and Feature are -1 and Threshold is 0.
type Tree struct {
	Feature   []int32
	Threshold []float64 // infinite where scikit-learn splits on whether the value is missing
	Left      []int32
	Right     []int32
	Value     [][]float64 // one row a node, one number a class
	Samples   []float64   // weighted training samples

	// MissingLeft says where a missing value goes: left, else right. Nil when
	// scikit-learn itself would refuse a missing value.
	MissingLeft []bool
}

// Imputer is a fitted SimpleImputer.
type Imputer struct {
	Strategy string // mean, median, most_frequent or constant
	// Statistics holds what replaces a missing value, one a feature of x; NaN
	// where the feature is dropped, since it had no value in training.
	Statistics []float64
	// Indicators are the features of x for which a column is added at the end
	// that is 1 where the value was missing, else 0.
	Indicators []int
}

// Columns returns the feature of x that each column comes from: the kept ones
// in order, of which there are kept, then the indicators.
func (m *Imputer) Columns() (from []int, kept int) {
	for i, v := range m.Statistics {
		if !math.IsNaN(v) {
			from = append(from, i)
		}
	}
	return append(from, m.Indicators...), len(from)
}
