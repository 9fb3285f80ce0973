package model_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/loanscorer/loanscorer/model"
)

// golden is what testdata/golden.py writes: rows and scikit-learn's answers.
type golden struct {
	Script   string       `json:"script"`
	Sklearn  string       `json:"sklearn"`
	Numpy    string       `json:"numpy"`
	Seed     int          `json:"seed"`
	Protocol int          `json:"protocol"`
	Features []string     `json:"features"`
	Classes  []any        `json:"classes"`
	X        [][]hexFloat `json:"x"`
	Proba    [][]hexFloat `json:"proba"`
	Predict  []string     `json:"predict"`
}

// hexFloat is a float64 written as Python's float.hex does.
type hexFloat float64

func (h *hexFloat) UnmarshalText(text []byte) error {
	v, err := strconv.ParseFloat(string(text), 64)
	*h = hexFloat(v)
	return err
}

// goldens names every golden forest and its positive class.
var goldens = []struct{ name, positive string }{
	{"article", ""},
	{"binary_text", ""},
	{"multi_text", "approve"},
	{"multi_weighted", "7"},
	{"bools", "True"},
	{"floats", "1.0"},
	{"one_class", "Y"},
	{"leaves", "Y"},
	{"best_first", "N"},
	{"fractions", "Y"},
	{"weighted_fractions", "8"},
	{"extra_trees", ""},
	{"one_tree", "c"},
	{"packed_gzip", ""},
	{"packed_bz2", "2"},
	{"packed_xz", "Y"},
	{"packed_lzma", "N"},
	{"mapped", ""},
	{"mapped_pickle", ""},
	{"fill_mean", ""},
	{"fill_mode", ""},
	{"fill_median", ""},
	{"fill_constant", "2"},
	{"routed_forest", ""},
	{"routed_extra", "R"},
	{"routed_tree", "True"},
	{"new_pipeline", ""},
	{"old_forest", ""},
	{"old_tree", ""},
}

func readGolden(tb testing.TB, name string) (pickle []byte, g golden) {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "golden", name+".[pjo][^s]*")) // .pkl, .joblib, .onnx
	if err != nil || len(files) != 1 {
		tb.Fatalf("%s: %d files, %v", name, len(files), err)
	}
	pickle, err = os.ReadFile(files[0])
	if err != nil {
		tb.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join("testdata", "golden", name+".json"))
	if err != nil {
		tb.Fatal(err)
	}
	if err := json.Unmarshal(data, &g); err != nil {
		tb.Fatal(err)
	}
	if g.Script != "model/testdata/golden.py" || g.Sklearn == "" || g.Seed == 0 || len(g.X) < 10 ||
		len(g.Proba) != len(g.X) || len(g.Predict) != len(g.X) {
		tb.Fatalf("%s.json is not whole", name)
	}
	return pickle, g
}

func importGolden(tb testing.TB, pickle []byte, positive string) *model.Model {
	tb.Helper()
	spec, err := model.Import(pickle, model.ImportOptions{Positive: positive})
	if err != nil {
		tb.Fatal(err)
	}
	return mustParse(tb, spec)
}

func floats(row []hexFloat) []float64 {
	out := make([]float64, len(row))
	for i, v := range row {
		out[i] = float64(v)
	}
	return out
}

func TestScoresEqualScikitLearnBitForBit(t *testing.T) {
	t.Parallel()
	for _, tc := range goldens {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			pickle, g := readGolden(t, tc.name)
			m := importGolden(t, pickle, tc.positive)
			proba := make([]float64, len(m.Classes()))
			for i, row := range g.X {
				x := floats(row)
				if err := m.PredictProba(x, proba); err != nil {
					t.Fatalf("row %d: %v", i, err)
				}
				for c, want := range g.Proba[i] {
					if math.Float64bits(proba[c]) != math.Float64bits(float64(want)) {
						t.Errorf("row %d class %d: %x, scikit-learn %x", i, c, proba[c], float64(want))
					}
				}
				if got := m.Classes()[m.Predict(proba)].String(); got != g.Predict[i] {
					t.Errorf("row %d: predict %s, scikit-learn %s", i, got, g.Predict[i])
				}
				p, err := m.Probability(x)
				if err != nil || math.Float64bits(p) != math.Float64bits(proba[m.Positive()]) {
					t.Errorf("row %d: Probability %x, %v; PredictProba %x", i, p, err, proba[m.Positive()])
				}
			}
		})
	}
}

// The CSV's columns are turned around, so that the header is what counts.
func TestPredictCSVEqualsScikitLearn(t *testing.T) {
	t.Parallel()
	for _, tc := range goldens {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			pickle, g := readGolden(t, tc.name)
			m := importGolden(t, pickle, tc.positive)
			var in, want, got bytes.Buffer
			for i := range m.Features() {
				fmt.Fprintf(&in, "%s%q", comma(i), m.Features()[len(m.Features())-1-i].Name)
			}
			for i := range m.Classes() {
				fmt.Fprintf(&want, "proba_%d,", i)
			}
			want.WriteString("predict\n")
			for r, row := range g.X {
				in.WriteByte('\n')
				for i := range row {
					fmt.Fprintf(&in, "%s%s", comma(i), strconv.FormatFloat(float64(row[len(row)-1-i]), 'g', -1, 64))
				}
				for _, p := range g.Proba[r] {
					fmt.Fprintf(&want, "%.17g,", float64(p))
				}
				fmt.Fprintln(&want, quoted(g.Predict[r]))
			}
			if err := model.PredictCSV(t.Context(), m, &in, &got); err != nil {
				t.Fatal(err)
			}
			if got.String() != want.String() {
				t.Errorf("got\n%s\nwant\n%s", got.String(), want.String())
			}
		})
	}
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}

func quoted(s string) string {
	if strings.Contains(s, ",") {
		return strconv.Quote(s)
	}
	return s
}
