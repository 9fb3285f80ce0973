package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Class is the label of one class: a string, a whole number, a float or a
// bool, as the training data had it. Classes compare with ==.
type Class struct {
	literal string // JSON: "Y" in quotes, 1, 1.0, true
}

// StringClass returns the class labelled s.
func StringClass(s string) Class {
	data, err := marshal(s)
	if err != nil { // a string always encodes
		return Class{literal: `""`}
	}
	return Class{literal: string(data)}
}

// IntClass returns the class labelled i.
func IntClass(i int64) Class { return Class{literal: strconv.FormatInt(i, 10)} }

// BoolClass returns the class labelled b.
func BoolClass(b bool) Class { return Class{literal: strconv.FormatBool(b)} }

// FloatClass returns the class labelled f, which must be finite. It is written
// with a decimal point or an exponent, as Python's repr does: 1.0.
func FloatClass(f float64) Class {
	mode := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		mode = 'e'
	}
	s := strconv.FormatFloat(f, mode, -1, 64)
	if mode == 'f' && !strings.Contains(s, ".") {
		s += ".0"
	}
	return Class{literal: s}
}

// String returns the label as Python's str prints it: Y, 1, 1.0, True.
func (c Class) String() string {
	switch {
	case c.literal == "true":
		return "True"
	case c.literal == "false":
		return "False"
	case strings.HasPrefix(c.literal, `"`):
		var s string
		if json.Unmarshal([]byte(c.literal), &s) == nil {
			return s
		}
	}
	return c.literal
}

// MarshalJSON returns the label as JSON.
func (c Class) MarshalJSON() ([]byte, error) {
	if c.literal == "" {
		return nil, corrupt("classes", "a class has no label")
	}
	return []byte(c.literal), nil
}

// UnmarshalJSON accepts a JSON string, number or bool.
func (c *Class) UnmarshalJSON(data []byte) error {
	data = bytes.TrimSpace(data)
	switch {
	case len(data) == 0 || data[0] == '{' || data[0] == '[' || data[0] == 'n':
		return fmt.Errorf("class %.20s: want a string, a number or a bool", data)
	case data[0] == '"':
		var s string
		if err := json.Unmarshal(data, &s); err != nil {
			return err
		}
		*c = StringClass(s)
	default:
		*c = Class{literal: string(data)}
	}
	return nil
}
