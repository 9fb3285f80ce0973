package model

import (
	"encoding/json"
	"slices"
	"strings"
)

// Kind says how a feature's values are written by people.
type Kind string

// The kinds of feature.
const (
	Number   Kind = "number"
	Category Kind = "category" // by name; x holds the index in Categories
)

// Feature is one input of the model.
type Feature struct {
	Name       string   `json:"name"`
	Kind       Kind     `json:"kind"`
	Categories []string `json:"categories,omitempty"` // names in the order of their codes 0, 1, ...
	Missing    *Missing `json:"missing,omitempty"`    // nil: a missing value cannot be scored
}

// Code returns the code of a category's name: its index in f.Categories. An
// exact match wins over one that differs in case. It is false for an unknown
// name and for a feature that is not a category.
func (f Feature) Code(name string) (float64, bool) {
	i := slices.Index(f.Categories, name)
	if i < 0 {
		i = slices.IndexFunc(f.Categories, func(c string) bool { return strings.EqualFold(c, name) })
	}
	return float64(i), i >= 0
}

// Missing is the rule for a missing value.
type Missing struct {
	Rule   string  `json:"rule"`             // always [Constant]
	Value  float64 `json:"value"`            // what replaces the missing value (a category's code)
	Fitted string  `json:"fitted,omitempty"` // how Value was found ("mean", "mode"), for people
}

// Constant is the only rule for missing values.
const Constant = "constant"

// UnmarshalJSON refuses a rule without its value.
func (m *Missing) UnmarshalJSON(data []byte) error {
	var w struct {
		Rule   string   `json:"rule"`
		Value  *float64 `json:"value"`
		Fitted string   `json:"fitted"`
	}
	if err := unmarshalStrict(data, &w); err != nil {
		return err
	}
	if w.Value == nil {
		return corrupt("missing.value", "is required")
	}
	*m = Missing{Rule: w.Rule, Value: *w.Value, Fitted: w.Fitted}
	return nil
}

var _ json.Unmarshaler = (*Missing)(nil)
