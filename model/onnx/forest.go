// Package onnx reads a forest from an ONNX file as skl2onnx writes it: one
// TreeEnsembleClassifier (domain ai.onnx.ml), before it at most one Imputer,
// after it only what turns labels and probabilities into other types.
//
//	protocol buffer --Decode--> *Forest
//
// Fields are read by number with protowire (onnx/onnx.proto); nothing is
// executed. Input is at most [MaxBytes], memory a small multiple of it. Every
// other operator is refused by its name with an [*UnsupportedError].
//
// What an ONNX file does not hold: thresholds and leaf values beyond float32
// (unless it was exported with doubles), and how many training rows reached a
// node; every leaf counts as one.
package onnx

import (
	"errors"
	"fmt"
)

// MaxBytes is the size of the largest file that is read.
const MaxBytes = 32 << 20

// ErrMalformed is wrapped by the errors about files that are damaged.
var ErrMalformed = errors.New("not a readable ONNX file")

// UnsupportedError says that the file holds something else than one forest.
type UnsupportedError struct {
	Found  string // what it is, by the operator's name
	Advice string // what to do, a sentence without a full stop
}

// Error gives both.
func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("%s is not supported: %s", e.Found, e.Advice)
}

// Forest is a TreeEnsembleClassifier.
type Forest struct {
	Producer    string    // the program that wrote the file, with its version
	NumFeatures int       // length of x
	Classes     []any     // labels in the order of the probabilities: string or int64
	Filled      []float64 // what the Imputer puts in place of a missing value; nil when there is none
	Double      bool      // thresholds are float64
	Trees       []Tree
}

// Tree is one tree as arrays over its nodes; node 0 is the root, children come
// after their parent. At a leaf Left, Right and Feature are -1 and Threshold
// is 0.
type Tree struct {
	Feature     []int32
	Threshold   []float64
	Left        []int32
	Right       []int32
	Value       [][]float64 // weights of the classes; only their shares mean something
	Samples     []float64   // leaves below the node
	MissingLeft []bool      // nil when the file routes no missing value
}

// Is tells whether data begins as an ONNX file does: with the field
// ir_version. No pickle begins so.
func Is(data []byte) bool {
	return len(data) > 1 && data[0] == 0x08 && data[1] > 0 && data[1] < 0x80
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}
