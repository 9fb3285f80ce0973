package model_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/loanscorer/loanscorer/model"
)

// failure 56: whatever is wrong with the text of a model file is found before
// the first score.
func TestParseRefusesBadText(t *testing.T) {
	t.Parallel()
	file := string(mustParse(t, stump()).Bytes())
	for _, tc := range []struct{ name, old, new, want string }{
		{"empty", file, " \n", "file: is empty"},
		{"not json", file, "hello", "file: not one JSON document: line 1"},
		{"cut", "]\n}\n", "]\n", "file: not one JSON document"},
		{"trailing", "]\n}\n", "]\n}\n{}", "file: not one JSON document"},
		{"array", file, "[1]", "format: is required"},
		{"number", file, "1", "cannot unmarshal"},
		{"utf-8", "stump", "st\xffmp", "not UTF-8"},
		{"unknown field", `"positive"`, `"colour":1,"positive"`, `unknown field "colour"`},
		{"unknown tree field", `{"feature":[0`, `{"impurity":[0],"feature":[0`, `unknown field "impurity"`},
		{"unknown rule field", `"fitted":"mean"`, `"fit":"mean"`, `unknown field "fit"`},
		{"unknown policy field", `"policy":{`, `"policy":{"x":1,`, `unknown field "x"`},
		{"other case", `"positive"`, `"Positive"`, "Positive: unknown field"},
		{"kelvin sign", `"kind":"number"`, `"\u212aind":"number"`, "unknown field"},
		{"twice", `"positive":1`, `"positive":1,"positive":0`, "positive: appears twice"},
		{"twice by escape", `"positive":1`, `"positive":1,"p\u006fsitive":0`, "positive: appears twice"},
		{"twice deep", `"rows":10`, `"rows":10,"rows":11`, "rows: appears twice"},
		{"twice in training", `"seed":null`, `"seed":1,"seed":2`, "seed: appears twice"},
		{"null", `"positive":1`, `"positive":null`, "null"},
		{"null in array", `[5.5,0,0]`, `[5.5,null,0]`, "null"},
		{"no policy", `"policy":{"approve_above":0.6,"decline_at":0.3},` + "\n", "", "policy: is required"},
		{"no positive", `"positive":1,` + "\n", "", "positive: is required"},
		{"half a policy", `"approve_above":0.6,`, "", "policy: approve_above and decline_at are both required"},
		{"no constant", `"value":10,`, "", "missing.value: is required"},
		{"format", "loanscorer/model", "other", "format: is"},
		{"newer", `"v":1`, `"v":2`, "v: is 2, this program reads 1"},
		{"number in quotes", `"positive":1`, `"positive":"1"`, "positive"},
		{"float index", `"left":[1`, `"left":[1.5`, "left"},
		{"huge index", `"left":[1`, `"left":[4294967297`, "left"},
		{"huge number", `[5.5,0,0]`, `[1e400,0,0]`, "1e400"},
		{"training is text", `"training":{"Library":"none","seed":null}`, `"training":"x"`, "training: is not a JSON object"},
		{"training is null", `"training":{"Library":"none","seed":null}`, `"training":null`, "training: is not a JSON object"},
		{"deep", `"seed":null`, `"seed":` + strings.Repeat("[", 40) + strings.Repeat("]", 40), "nested deeper"},
		{"very deep", file, strings.Repeat("[", 1e6), "file: not one JSON document"},
		{"class object", `["N","Y"]`, `[{},"Y"]`, "class {}"},
	} {
		bad := strings.Replace(file, tc.old, tc.new, 1)
		if bad == file {
			t.Errorf("%s: nothing replaced", tc.name)
		}
		checkRefused(t, tc.name, []byte(bad), tc.want)
	}
}

func checkRefused(t *testing.T, name string, data []byte, want string) {
	t.Helper()
	m, err := model.Parse(data)
	if !errors.Is(err, model.ErrCorrupt) || m != nil {
		t.Errorf("%s: %v, want ErrCorrupt", name, err)
		return
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("%s: %q, want it to say %q", name, err, want)
	}
	if !strings.Contains(err.Error(), "loanscorer model import") {
		t.Errorf("%s: %q does not say what to do", name, err)
	}
}

// failure 56: cycles, bad children, bad numbers and wrong shapes.
func TestEncodeRefusesBadModels(t *testing.T) {
	t.Parallel()
	inf, nan := math.Inf(1), math.NaN()
	for _, tc := range []struct {
		name   string
		change func(s *model.Spec)
		want   string
	}{
		{"cycle", func(s *model.Spec) { s.Trees[0].Left[0] = 0 }, "trees[0].left[0]: is 0, want a later node"},
		{"both children one", func(s *model.Spec) { s.Trees[1].Right[0] = 1 }, "trees[1].right[0]: is 1, which already has a parent"},
		{"child outside", func(s *model.Spec) { s.Trees[0].Right[0] = 3 }, "trees[0].right[0]: is 3, want a later node, 1 to 2"},
		{"child below -1", func(s *model.Spec) { s.Trees[0].Right[0] = -7 }, "trees[0].right[0]: is -7"},
		{"half a leaf", func(s *model.Spec) { s.Trees[0].Left[0] = -1 }, "trees[0].left[0]: is -1 (a leaf)"},
		{"orphan", func(s *model.Spec) { orphan(&s.Trees[0]) }, "node 1 has no parent"},
		{"no nodes", func(s *model.Spec) { s.Trees[0] = model.Tree{} }, "trees[0]: has no nodes"},
		{"no trees", func(s *model.Spec) { s.Trees = nil }, "trees: has 0 entries"},
		{"lengths", func(s *model.Spec) { s.Trees[0].Samples = s.Trees[0].Samples[:2] }, "trees[0]: arrays differ in length"},
		{"feature range", func(s *model.Spec) { s.Trees[0].Feature[0] = 2 }, "trees[0].feature[0]: is 2, want 0 to 1"},
		{"negative feature", func(s *model.Spec) { s.Trees[0].Feature[0] = -2 }, "trees[0].feature[0]: is -2"},
		{"threshold inf", func(s *model.Spec) { s.Trees[0].Threshold[0] = inf }, "trees[0].threshold[0]: is +Inf"},
		{"threshold nan", func(s *model.Spec) { s.Trees[0].Threshold[0] = nan }, "trees[0].threshold[0]: is NaN"},
		{"value nan", func(s *model.Spec) { s.Trees[1].Value[2][0] = nan }, "trees[1].value[2]: NaN"},
		{"value negative", func(s *model.Spec) { s.Trees[1].Value[2][0] = -1 }, "trees[1].value[2]: -1"},
		{"value sum 0", func(s *model.Spec) { s.Trees[1].Value[2] = []float64{0, 0} }, "trees[1].value[2]: sum is 0"},
		{"value sum inf", func(s *model.Spec) { s.Trees[1].Value[2] = []float64{math.MaxFloat64, math.MaxFloat64} }, "sum is +Inf"},
		{"value row", func(s *model.Spec) { s.Trees[1].Value[2] = []float64{1} }, "trees[1].value[2]: has 1 numbers for 2 classes"},
		{"not fractions", func(s *model.Spec) { s.ValueUnit = model.Fraction }, "trees[0].value[0]: fractions add up to 10"},
		{"samples", func(s *model.Spec) { s.Trees[0].Samples[1] = 0 }, "trees[0].samples[1]: 0"},
		{"unit", func(s *model.Spec) { s.ValueUnit = "percent" }, "value_unit: is"},
		{"no name", func(s *model.Spec) { s.Name = "" }, "name: is empty"},
		{"name line", func(s *model.Spec) { s.Version = "1\n2" }, "version:"},
		{"long name", func(s *model.Spec) { s.Name = strings.Repeat("x", 201) }, "name: longer"},
		{"feature twice", func(s *model.Spec) { s.Features[1].Name = "Income" }, `features[1].name: "Income" appears twice`},
		{"kind", func(s *model.Spec) { s.Features[0].Kind = "text" }, "features[0].kind"},
		{"number with names", func(s *model.Spec) { s.Features[0].Categories = []string{"a"} }, "features[0].categories: only a category"},
		{"category without", func(s *model.Spec) { s.Features[1].Categories = nil }, "features[1].categories: is empty"},
		{"category twice", func(s *model.Spec) { s.Features[1].Categories[1] = "Rural" }, `"Rural" appears twice`},
		{"rule", func(s *model.Spec) { s.Features[0].Missing.Rule = "mean" }, "features[0].missing.rule"},
		{"constant nan", func(s *model.Spec) { s.Features[0].Missing.Value = nan }, "features[0].missing.value: is NaN"},
		{"constant huge", func(s *model.Spec) { s.Features[0].Missing.Value = 1e39 }, "features[0].missing.value: is 1e+39"},
		{"constant no code", func(s *model.Spec) { s.Features[1].Missing = &model.Missing{Rule: model.Constant, Value: 2} }, "want a category's code, 0 to 1"},
		{"no features", func(s *model.Spec) { s.Features = nil }, "features: has 0 entries"},
		{"no classes", func(s *model.Spec) { s.Classes = nil }, "classes: has 0 entries"},
		{"class twice", func(s *model.Spec) { s.Classes[0] = s.Classes[1] }, `"Y" appears twice`},
		{"class empty", func(s *model.Spec) { s.Classes[0] = model.Class{} }, "classes: label 0"},
		{"positive", func(s *model.Spec) { s.Positive = 2 }, "positive: is 2"},
		{"policy order", func(s *model.Spec) { s.Policy.DeclineAt = 0.7 }, "policy: decline_at 0.7"},
		{"policy nan", func(s *model.Spec) { s.Policy.ApproveAbove = nan }, "policy:"},
		{"policy above 1", func(s *model.Spec) { s.Policy.ApproveAbove = 1.1 }, "policy:"},
		{"training text", func(s *model.Spec) { s.Training = []byte("x") }, "training:"},
		{"training twice", func(s *model.Spec) { s.Training = []byte(`{"a":1,"a":2}`) }, "a: appears twice"},
		{"reference", func(s *model.Spec) { s.Reference[0].Feature = "x" }, "reference[0].feature"},
		{"deciles", func(s *model.Spec) { s.Reference[0].Deciles = []float64{2, 1} }, "reference[0].deciles"},
		{"missing rows", func(s *model.Spec) { s.Reference[0].Missing = 11 }, "reference[0]: 10 rows, 11 missing"},
		{"counts", func(s *model.Spec) { s.Reference[0].Counts = []model.ValueCount{{Count: -1}} }, "reference[0].counts"},
		{"depth", func(s *model.Spec) { s.Trees[0] = chain(model.MaxDepth + 1) }, "trees[0]: is deeper than 4096"},
		{"trees", func(s *model.Spec) { s.Trees = make([]model.Tree, model.MaxTrees+1) }, "trees: has 10001 entries"},
	} {
		s := stump()
		tc.change(s)
		data, err := model.Encode(s)
		if !errors.Is(err, model.ErrCorrupt) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v (%d bytes), want %q", tc.name, err, len(data), tc.want)
		}
	}
}

// orphan makes a tree of one leaf and two more nodes that nothing leads to.
func orphan(t *model.Tree) {
	t.Left[0], t.Right[0], t.Feature[0], t.Threshold[0] = -1, -1, -1, 0
}

// chain is a tree of the given depth: inner nodes 0 to depth-1, then leaves.
func chain(depth int) model.Tree {
	var t model.Tree
	for i := range 2*depth + 1 {
		left, right, feature := int32(-1), int32(-1), int32(-1)
		if i < depth {
			left, right, feature = int32(i+1), int32(depth+1+i), 0
		}
		t.Left, t.Right, t.Feature = append(t.Left, left), append(t.Right, right), append(t.Feature, feature)
		t.Threshold, t.Samples = append(t.Threshold, 0), append(t.Samples, 2)
		t.Value = append(t.Value, []float64{1, 1})
	}
	return t
}

func TestDeepestTreeIsRead(t *testing.T) {
	t.Parallel()
	s := stump()
	s.Trees = []model.Tree{chain(model.MaxDepth)}
	m := mustParse(t, s)
	if got := m.Stats().MaxDepth; got != model.MaxDepth {
		t.Errorf("depth %d", got)
	}
	if p, err := m.Probability([]float64{0, 0}); err != nil || p != 0.5 {
		t.Errorf("%g, %v", p, err)
	}
}

// failure 56: no byte of a model file can change without being refused or
// changing the SHA-256.
func TestEveryFlippedByteIsSeen(t *testing.T) {
	t.Parallel()
	m := mustParse(t, stump())
	file := m.Bytes()
	for i := range file {
		for _, flip := range []byte{1, 0x20, 0x80} {
			bad := bytes.Clone(file)
			bad[i] ^= flip
			other, err := model.Parse(bad)
			if err == nil && other.SHA256() == m.SHA256() {
				t.Fatalf("byte %d: unseen", i)
			}
			if err != nil && !errors.Is(err, model.ErrCorrupt) {
				t.Fatalf("byte %d: %v", i, err)
			}
		}
	}
	for n := range len(file) - 1 { // the last byte is a newline
		if _, err := model.Parse(file[:n]); !errors.Is(err, model.ErrCorrupt) {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
}

func TestParseKeepsItsOwnCopy(t *testing.T) {
	t.Parallel()
	data := mustParse(t, stump()).Bytes()
	m, err := model.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	clear(data)
	m.Bytes()[0] = 'x'
	if _, err := model.Parse(m.Bytes()); err != nil {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(mustParse(f, stump()).Bytes())
	f.Add([]byte(`{"format":"loanscorer/model","v":1}`))
	f.Add([]byte(`{"training":{"a":[null,{"b":1}]},"trees":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := model.Parse(data)
		if err != nil {
			if !errors.Is(err, model.ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		again, err := model.Encode(m.Spec())
		if err != nil {
			t.Fatalf("accepted but not encodable: %v", err)
		}
		other, err := model.Parse(again)
		if err != nil {
			t.Fatal(err)
		}
		x := make([]float64, len(m.Features()))
		p, err := m.Probability(x)
		q, err2 := other.Probability(x)
		if math.Float64bits(p) != math.Float64bits(q) || fmt.Sprint(err) != fmt.Sprint(err2) || p < 0 || p > 1+1e-6 {
			t.Fatalf("%v %v, %v %v", p, err, q, err2)
		}
	})
}
