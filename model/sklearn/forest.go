package sklearn

// Forest is a fitted RandomForestClassifier.
type Forest struct {
	Version      string   // scikit-learn that saved it; empty when the file does not say
	NumFeatures  int      // length of x
	FeatureNames []string // in the order of x; nil when the forest was fitted without names
	Classes      []any    // labels in the order of the probabilities: string, int64, float64 or bool
	Fractions    bool     // Tree.Value holds fractions, not counts

	// MissingRouting says that the trees route missing values by themselves;
	// where they go is not kept.
	MissingRouting bool

	Params map[string]any // the plain constructor parameters: nil, bool, int64, float64 or string
	Trees  []Tree
}

// Tree is one fitted tree as arrays over its nodes; node 0 is the root. At a
// leaf Left, Right and Feature are -1 and Threshold is 0.
type Tree struct {
	Feature   []int32
	Threshold []float64
	Left      []int32
	Right     []int32
	Value     [][]float64 // one row a node, one number a class
	Samples   []float64   // weighted training samples

	MissingLeft []bool // a missing value goes left; nil when the trees do not route missing values
}
