package model_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/model"
)

// probeModel is a forest with everything that a self-test can hold: numbers,
// categories, constants, three classes.
func probeModel() *model.Spec {
	s := &model.Spec{
		Name: "probe", Version: "1", Policy: model.DefaultPolicy(), ValueUnit: model.Count, Positive: 2,
		Classes: []model.Class{model.StringClass("no"), model.StringClass("maybe"), model.StringClass("yes")},
		Features: []model.Feature{
			{Name: "income", Kind: model.Number, Missing: &model.Missing{Rule: model.Constant, Value: 25}},
			{Name: "amount", Kind: model.Number},
			{Name: "area", Kind: model.Category, Categories: []string{"a", "b", "c"}, Missing: &model.Missing{Rule: model.Constant, Value: 1}},
		},
	}
	for i := range 3 {
		v := float64(i)
		s.Trees = append(s.Trees, model.Tree{
			Feature:   []int32{0, 1, -1, -1, 2, -1, -1},
			Threshold: []float64{20.5 + 7*v, 100.25 - 9*v, 0, 0, 0.5 + float64(i%2), 0, 0},
			Left:      []int32{1, 2, -1, -1, 5, -1, -1},
			Right:     []int32{4, 3, -1, -1, 6, -1, -1},
			Value:     [][]float64{{9, 9, 9}, {4, 4, 4}, {1, 2 + v, 3}, {3, 1, 2}, {5, 5, 5}, {4, 1, 1 + v}, {1, 2, 7}},
			Samples:   []float64{27, 12, 6, 6, 15, 7, 8},
		})
	}
	return s
}

// failure 56: what was changed in a file after it was made is found at load,
// without its SHA-256 being known.
func TestSelfTestFindsChangedModels(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		change func(s *model.Spec)
		want   string
	}{
		{"features swapped", func(s *model.Spec) { s.Features[0], s.Features[1] = s.Features[1], s.Features[0] }, "self_test: row"},
		{"feature renamed", func(s *model.Spec) { s.Features[1].Name = "Amount" }, `self_test.features: "amount"`},
		{"categories swapped", func(s *model.Spec) { c := s.Features[2].Categories; c[0], c[1] = c[1], c[0] }, "self_test: row"},
		{"category renamed", func(s *model.Spec) { s.Features[2].Categories[2] = "C" }, `"c" is not a value of area`},
		{"constant", func(s *model.Spec) { s.Features[0].Missing.Value = 35 }, "self_test: row"},
		{"constant of a category", func(s *model.Spec) { s.Features[2].Missing.Value = 0 }, "self_test: row"},
		{"constant gone", func(s *model.Spec) { s.Features[0].Missing = nil }, "income is missing"},
		{"positive", func(s *model.Spec) { s.Positive = 0 }, "self_test.class: is yes, the positive class is no"},
		{"classes swapped", func(s *model.Spec) { s.Classes[0], s.Classes[2] = s.Classes[2], s.Classes[0] }, "self_test.class"},
		{"threshold up a float32 step", func(s *model.Spec) { step(&s.Trees[1].Threshold[0], 1) }, "self_test: row"},
		{"threshold down a float32 step", func(s *model.Spec) { step(&s.Trees[1].Threshold[0], -1) }, "self_test: row"},
		{"leaf", func(s *model.Spec) { s.Trees[2].Value[5][2]++ }, "self_test: row"},
		{"children swapped", func(s *model.Spec) { s.Trees[0].Left[0], s.Trees[0].Right[0] = 4, 1 }, "self_test: row"},
		{"tree lost", func(s *model.Spec) { s.Trees = s.Trees[:2] }, "self_test: row"},
		{"feature of a node", func(s *model.Spec) { s.Trees[0].Feature[0] = 1 }, "self_test: row"},
		{"expected", func(s *model.Spec) { s.SelfTest.Probability[0] = math.Nextafter(s.SelfTest.Probability[0], 1) }, "the file says"},
		{"rows lost", func(s *model.Spec) { s.SelfTest.Rows = s.SelfTest.Rows[1:] }, "self_test.probability: has"},
		{"no rows", func(s *model.Spec) { s.SelfTest.Rows, s.SelfTest.Probability = [][]model.Cell{}, []float64{} }, "self_test.rows: has 0 rows"},
		{"features lost", func(s *model.Spec) { s.SelfTest.Features = s.SelfTest.Features[1:] }, "self_test.features: has 2 entries"},
		{"feature twice", func(s *model.Spec) { s.SelfTest.Features[0] = "amount" }, "is named twice"},
		{"cell lost", func(s *model.Spec) { s.SelfTest.Rows[0] = s.SelfTest.Rows[0][1:] }, "row 0 has 2 cells"},
		{"code instead of a name", func(s *model.Spec) { s.SelfTest.Rows[0][2] = model.Cell{Number: 1} }, "is not a value of area"},
		{"too many rows", func(s *model.Spec) { s.SelfTest.Rows = slices.Repeat(s.SelfTest.Rows, 60) }, "want 1 to 128"},
	} {
		s := probeModel()
		s.SelfTest = mustParse(t, s).SelfTest()
		tc.change(s)
		_, err := model.Parse(rawEncode(t, s))
		if !errors.Is(err, model.ErrCorrupt) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
	}
}

func step(threshold *float64, way int) {
	*threshold = float64(math.Nextafter32(float32(*threshold), float32(math.Inf(way))))
}

// rawEncode writes s as it is, right or wrong.
func rawEncode(t *testing.T, s *model.Spec) []byte {
	t.Helper()
	data, err := json.Marshal(struct {
		Format string `json:"format"`
		V      int    `json:"v"`
		*model.Spec
	}{model.Format, model.FormatVersion, s})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Files of programs that knew no self-test are read as before; encoding them
// again adds it.
func TestFilesWithoutSelfTestAreRead(t *testing.T) {
	t.Parallel()
	m, err := model.Parse(rawEncode(t, probeModel()))
	if err != nil || m.SelfTest() != nil {
		t.Fatalf("%v, %v", m.SelfTest(), err)
	}
	if err := m.Compile(); err != nil {
		t.Fatal(err)
	}
	again := mustParse(t, m.Spec())
	if again.SelfTest() == nil {
		t.Error("encoding added no self-test")
	}
}

func TestSelfTestDependsOnTheModelAlone(t *testing.T) {
	t.Parallel()
	a, b := mustParse(t, probeModel()), mustParse(t, probeModel())
	if diff := cmp.Diff(a.SHA256(), b.SHA256()); diff != "" {
		t.Error(diff)
	}
	test := a.SelfTest()
	null, names := false, map[string]bool{}
	for _, row := range test.Rows {
		null = null || row[0].Category == "" && math.IsNaN(row[0].Number)
		names[row[2].Category] = true
		if math.IsNaN(row[1].Number) {
			t.Errorf("row %v: amount has no rule for missing values", row)
		}
	}
	if !null || !names["a"] || !names["b"] || !names["c"] {
		t.Errorf("no missing income, or not every area: %v", test.Rows)
	}
}

// Bytes of the text of a self-test that mean nothing are refused.
func TestParseRefusesBadSelfTests(t *testing.T) {
	t.Parallel()
	file := string(mustParse(t, probeModel()).Bytes())
	for _, tc := range []struct{ name, old, new, want string }{
		{"null test", file[strings.Index(file, `"self_test":{`):strings.Index(file, `"trees"`)], `"self_test":null,`, "null at byte"},
		{"null rows", file[strings.Index(file, `"rows":[`):strings.Index(file, `,"probability"`)], `"rows":null`, "null at byte"},
		{"null row", `"rows":[[`, `"rows":[null,[`, "null at byte"},
		{"null probability", `"probability":[`, `"probability":[null,`, "null at byte"},
		{"null feature", `"self_test":{"features":[`, `"self_test":{"features":[null,`, "null at byte"},
		{"bool", `"rows":[[`, `"rows":[[true,`, "want a number"},
		{"object", `"rows":[[`, `"rows":[[{},`, "want a number"},
		{"empty name", `"rows":[[`, `"rows":[["",`, "is empty"},
		{"overflow", `"rows":[[`, `"rows":[[1e999,`, "1e999"},
		{"unknown member", `"self_test":{`, `"self_test":{"v":1,`, `unknown field "v"`},
	} {
		bad := strings.Replace(file, tc.old, tc.new, 1)
		if bad == file {
			t.Errorf("%s: nothing replaced", tc.name)
		}
		checkRefused(t, tc.name, []byte(bad), tc.want)
	}
}

// failure 56: one changed digit of the default model's file. Every change of
// what scores is found; docs/models.md says what is not. Comparing the SHA-256
// finds all.
func TestChangedCharactersOfTheDefaultModel(t *testing.T) {
	t.Parallel()
	file := mustParse(t, model.Default().Spec()).Bytes()
	members := []string{"features", "classes", "policy", "training", "reference", "self_test", "trees"}
	tried, found := map[string]int{}, map[string]int{}
	for i := 0; i < len(file); i += 41 {
		if file[i] < '0' || file[i] > '9' {
			continue
		}
		in := "head"
		for _, m := range members {
			if at := bytes.Index(file, fmt.Appendf(nil, "\n%q:", m)); at >= 0 && at < i {
				in = m
			}
		}
		changed := slices.Clone(file)
		changed[i] = '0' + (changed[i]-'0'+1)%10
		tried[in]++
		if _, err := model.Parse(changed); err != nil {
			found[in]++
		}
	}
	if tried["trees"] == 0 || found["trees"] != tried["trees"] || found["features"] != tried["features"] {
		t.Errorf("tried %v, found %v", tried, found)
	}
}
