package pickle

import (
	"errors"
	"fmt"
)

// ErrMalformed is wrapped by the errors about bytes that are not one whole
// pickle. The text gives the offset.
var ErrMalformed = errors.New("not a readable pickle")

// ErrLimit is wrapped by the errors about pickles that would take too much
// memory.
var ErrLimit = errors.New("pickle is too large to read safely")

// ForbiddenError says that the pickle refers to a Python name that the caller
// does not allow. Nothing was executed.
type ForbiddenError struct {
	Global Global // the refused name
	First  Global // the first name in the pickle: nearly always the class of what was saved
}

// Error gives the full name.
func (e *ForbiddenError) Error() string {
	return fmt.Sprintf("pickle refers to %s; it was not run", e.Global)
}

// Global is a reference to a Python class or function by its name.
type Global struct{ Module, Name string }

// String returns module.name, shortened and quoted where it is odd.
func (g Global) String() string {
	s := g.Module + "." + g.Name
	if len(s) > 120 {
		s = s[:120] + "..."
	}
	if q := fmt.Sprintf("%q", s); len(q) != len(s)+2 {
		return q
	}
	return s
}

// Object stands for what Python would have made by calling Class with Args,
// then restoring State.
type Object struct {
	Class Global
	Args  Tuple
	State any
	Built bool // State was given (it may be nil, Python's None)

	// Data is what followed the state outside of the opcodes: bytes, or the
	// value of a pickle inside the pickle. See Options.Follow.
	Data any
}

// Follow says what the file holds right after an object's state, outside of
// the pickle's opcodes: how joblib stores arrays.
type Follow struct {
	Padded bool // one byte that holds a number, then so many bytes that mean nothing
	Bytes  int  // how many raw bytes; must not be negative
	Pickle bool // one whole pickle, instead of raw bytes
}

// Tuple is a Python tuple.
type Tuple []any

// List is a Python list, or a set.
type List struct{ Items []any }

// Dict is a Python dict. Only items whose key is a string can be looked up.
type Dict struct{ items map[string]any }

// Set puts a value under a string key, replacing what was there.
func (d *Dict) Set(key string, v any) {
	if d.items == nil {
		d.items = map[string]any{}
	}
	d.items[key] = v
}

// Get returns the value of a string key.
func (d *Dict) Get(key string) (any, bool) {
	v, ok := d.items[key]
	return v, ok
}

// Unread stands for a value whose content is not kept, such as an integer
// beyond int64. Its text says what it is.
type Unread string
