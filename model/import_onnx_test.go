package model_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/onnx"
)

// The rows lie on thresholds and beside them. skl2onnx rounds thresholds down
// to float32, so that every float32 takes scikit-learn's side.
func TestONNXScoresAreScikitLearnsToSevenDigits(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, positive string }{
		{"onnx_two", ""},
		{"onnx_three", "b"},
		{"onnx_pipeline", "Y"},
		{"onnx_tree", ""},
	} {
		file, g := readGolden(t, tc.name)
		s, err := model.Import(file, model.ImportOptions{Positive: tc.positive})
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		notes := strings.Join(s.Notes, "\n")
		if !strings.Contains(notes, "as float32") || !strings.Contains(notes, "every leaf as one") {
			t.Errorf("%s: %s", tc.name, notes)
		}
		m := mustParse(t, s)
		proba := make([]float64, len(m.Classes()))
		for i, row := range g.X {
			if err := m.PredictProba(floats(row), proba); err != nil {
				t.Fatalf("%s row %d: %v", tc.name, i, err)
			}
			for c, want := range g.Proba[i] {
				if math.Abs(proba[c]-float64(want)) > 2e-7 {
					t.Errorf("%s row %d class %d: %g, scikit-learn %g", tc.name, i, c, proba[c], float64(want))
				}
			}
		}
	}
}

func TestONNXErrorsAreNamed(t *testing.T) {
	t.Parallel()
	if _, err := model.Import([]byte("\x08\x09\x3a\xff"), model.ImportOptions{}); !errors.Is(err, onnx.ErrMalformed) {
		t.Error(err)
	}
	var unsupported *onnx.UnsupportedError
	if _, err := model.Import([]byte("\x08\x09"), model.ImportOptions{}); !errors.As(err, &unsupported) {
		t.Error(err)
	}
}
