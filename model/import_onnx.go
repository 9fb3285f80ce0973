package model

import (
	"math"

	"github.com/loanscorer/loanscorer/model/onnx"
)

// importONNX fills s from an ONNX file, whose leaves hold weights: their
// shares are the probabilities.
func (s *Spec) importONNX(data []byte, o ImportOptions, hash string) error {
	f, err := onnx.Decode(data)
	if err != nil {
		return err
	}
	for _, t := range f.Trees {
		s.Trees = append(s.Trees, Tree(t))
	}
	if err := s.importFeatures(nil, f.NumFeatures, o); err != nil {
		return err
	}
	if err := s.importClasses(f.Classes, o.Positive); err != nil {
		return err
	}
	for i, v := range f.Filled {
		if feature := &s.Features[i]; feature.Missing == nil && !math.IsNaN(v) {
			feature.Missing = &Missing{Rule: Constant, Value: v, Fitted: "imputer"}
		}
	}
	if f.Double {
		s.note("an ONNX file holds leaf values divided by the number of trees: scores can differ from the pickle's in the last digits")
	} else {
		s.note("an ONNX file holds thresholds and leaf values as float32, scikit-learn as float64: scores differ from the pickle's from about the seventh digit on, and a value at a threshold that was rounded up goes the other way (skl2onnx rounds down); import the pickle for scikit-learn's very bits")
	}
	s.note("an ONNX file does not say how many training rows reached a node: explanations count every leaf as one")
	if s.Trees[0].MissingLeft != nil {
		s.note("a missing value goes where the trees send it; give --missing FEATURE=VALUE to fill it instead")
	}
	s.Training, err = marshal(struct {
		Library   string `json:"library"`
		Algorithm string `json:"algorithm"`
		Source    string `json:"source"`
		SHA256    string `json:"source_sha256"`
	}{f.Producer, "TreeEnsembleClassifier", "onnx", hash})
	return err
}
