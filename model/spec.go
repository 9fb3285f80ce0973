package model

import "encoding/json"

// Format is the value of "format" in every model file.
const Format = "loanscorer/model"

// FormatVersion is the value of "v": the version of the file's layout.
const FormatVersion = 1

// Limits on a model file. They are far above what lenders use and keep a
// broken or hostile file from taking the machine.
const (
	MaxFileBytes = 128 << 20 // size of a model file
	MaxFeatures  = 1000
	MaxClasses   = 1000
	MaxTrees     = 10_000
	MaxNodes     = 2 << 20  // nodes of all trees together
	MaxDepth     = 4096     // edges from the root to the deepest leaf
	maxName      = 200      // bytes of a name
	maxElements  = 16 << 20 // commas of a file: one number each
)

// Spec is the plain data of a model file, in the file's order. Make one by
// hand, by [Import] or by [Model.Spec], and turn it into bytes with [Encode].
type Spec struct {
	Name      string          `json:"name"`
	Version   string          `json:"version"`
	Features  []Feature       `json:"features"` // in the order of x
	Classes   []Class         `json:"classes"`  // in the order of the probabilities
	Positive  int             `json:"positive"` // index of the class that means approval
	Policy    Policy          `json:"policy"`
	ValueUnit ValueUnit       `json:"value_unit"`
	Training  json.RawMessage `json:"training,omitempty"`  // a free JSON object: how the model was made
	Reference []Distribution  `json:"reference,omitempty"` // aggregated training data, for drift
	SelfTest  *SelfTest       `json:"self_test,omitempty"` // nil: Encode makes it
	Trees     []Tree          `json:"trees"`

	// Notes says in plain sentences what Import assumed. It is not in the file.
	Notes []string `json:"-"`
}

// ValueUnit says what the numbers in [Tree.Value] are.
type ValueUnit string

// The two units of scikit-learn's tree_.value.
const (
	Count    ValueUnit = "count"    // weighted counts; probability = value / sum
	Fraction ValueUnit = "fraction" // probability = value, as scikit-learn >= 1.4 stores it
)

// Tree is one decision tree as arrays over its n nodes; node 0 is the root.
// A child's index is greater than its parent's. At a leaf Left, Right and
// Feature are -1 and Threshold is 0.
type Tree struct {
	Feature   []int32     `json:"feature"`   // index of the feature that is compared
	Threshold []float64   `json:"threshold"` // finite; x <= threshold goes left
	Left      []int32     `json:"left"`
	Right     []int32     `json:"right"`
	Value     [][]float64 `json:"value"`   // n rows, one number a class, >= 0, sum > 0
	Samples   []float64   `json:"samples"` // weighted training samples that reached the node, > 0

	// MissingLeft says for each node whether a missing value goes left, else it
	// goes right; false at a leaf. All trees of a model have it, or none: then a
	// missing value is refused. A feature's own rule for missing values goes
	// first.
	MissingLeft []bool `json:"missing_left,omitempty"`
}

// Distribution is what the training data looked like in one feature, before
// missing values were filled. It holds aggregates only.
type Distribution struct {
	Feature string       `json:"feature"`
	Rows    int          `json:"rows"`    // training rows
	Missing int          `json:"missing"` // rows without a value
	Deciles []float64    `json:"deciles,omitempty"`
	Counts  []ValueCount `json:"counts,omitempty"` // of a category or of a number with few values
}

// ValueCount is how many training rows had one value; a category is its code.
type ValueCount struct {
	Value float64 `json:"value"`
	Count int     `json:"count"`
}
