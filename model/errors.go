package model

import (
	"errors"
	"fmt"
)

// ErrCorrupt is wrapped by every error of [Parse] and [Encode] and by
// [Import] for a forest whose content breaks the model's rules. The text names
// the field, and the tree and node where there is one.
var ErrCorrupt = errors.New("model is not valid")

// Codes of a [ValueError].
const (
	MissingValue = "missing_value" // NaN where the feature has no constant
	Overflow     = "overflow"      // infinite once rounded to float32
)

// ValueError says that a value of one feature cannot be scored.
type ValueError struct {
	Feature string  // name of the feature
	Code    string  // [MissingValue] or [Overflow]
	Value   float64 // the value as given
}

// Error names the feature, and the value when there is one.
func (e *ValueError) Error() string {
	if e.Code == MissingValue {
		return e.Feature + " is missing and the model has no rule to fill it"
	}
	return fmt.Sprintf("%s %g is too large (beyond float32, which the model computes in)", e.Feature, e.Value)
}

// corrupt makes an error about one field of a model.
func corrupt(field, format string, args ...any) error {
	return fmt.Errorf("%w: %s: %s", ErrCorrupt, field, fmt.Sprintf(format, args...))
}
