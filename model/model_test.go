package model_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/model"
)

// stump is a small valid model: one split on income, one on area.
func stump() *model.Spec {
	return &model.Spec{
		Name: "stump", Version: "1",
		Features: []model.Feature{
			{Name: "Income", Kind: model.Number, Missing: &model.Missing{Rule: model.Constant, Value: 10, Fitted: "mean"}},
			{Name: "Area", Kind: model.Category, Categories: []string{"Rural", "Urban"}},
		},
		Classes:   []model.Class{model.StringClass("N"), model.StringClass("Y")},
		Positive:  1,
		Policy:    model.Policy{ApproveAbove: 0.6, DeclineAt: 0.3},
		ValueUnit: model.Count,
		Training:  json.RawMessage(`{"Library":"none","seed":null}`),
		Reference: []model.Distribution{{Feature: "Income", Rows: 10, Missing: 1, Deciles: []float64{1, 2, 3}}},
		Trees: []model.Tree{
			{
				Feature: []int32{0, -1, -1}, Threshold: []float64{5.5, 0, 0},
				Left: []int32{1, -1, -1}, Right: []int32{2, -1, -1},
				Value: [][]float64{{5, 5}, {4, 1}, {1, 4}}, Samples: []float64{10, 5, 5},
			},
			{
				Feature: []int32{1, -1, -1}, Threshold: []float64{0.5, 0, 0},
				Left: []int32{1, -1, -1}, Right: []int32{2, -1, -1},
				Value: [][]float64{{5, 5}, {3, 0}, {2, 5}}, Samples: []float64{10, 3, 7},
			},
		},
	}
}

func mustParse(tb testing.TB, s *model.Spec) *model.Model {
	tb.Helper()
	data, err := model.Encode(s)
	if err != nil {
		tb.Fatal(err)
	}
	m, err := model.Parse(data)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

func TestDefaultIsCanonicalAndItsBytesAreItsIdentity(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("default.json")
	if err != nil {
		t.Fatal(err)
	}
	m := model.Default()
	again, err := model.Encode(m.Spec())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again, file) || !bytes.Equal(m.Bytes(), file) {
		t.Error("default.json is not in canonical form: train it anew as docs/model-card.md says")
	}
	sum := sha256.Sum256(file)
	if got := m.SHA256(); got != hex.EncodeToString(sum[:]) {
		t.Errorf("SHA256 = %s", got)
	}
	var names []string
	for _, f := range m.Features() {
		names = append(names, f.Name)
	}
	want := []string{"TotalIncome", "LoanAmount", "Credit_History", "Property_Area"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	if m.Stats().Trees != 25 || m.Stats().MaxDepth > 7 || m.Positive() != 1 {
		t.Errorf("stats %+v, positive %d", m.Stats(), m.Positive())
	}
}

func TestEncodeParseRoundTripIsBitExact(t *testing.T) {
	t.Parallel()
	s := stump()
	s.Trees[0].Threshold[0] = math.Nextafter(0.1, 1)
	s.Trees[1].Threshold[0] = 5e-324
	s.Trees[0].Value[1] = []float64{1.0 / 3, math.MaxFloat64 / 4}
	s.Features[0].Missing.Value = math.Copysign(0, -1)
	m := mustParse(t, s)
	got := m.Spec()
	if diff := cmp.Diff(s, got, cmp.AllowUnexported(model.Class{})); diff != "" {
		t.Error(diff)
	}
	if !math.Signbit(got.Features[0].Missing.Value) {
		t.Error("-0 lost its sign")
	}
	second, err := model.Encode(got)
	if err != nil || !bytes.Equal(second, m.Bytes()) {
		t.Errorf("not canonical: %v", err)
	}
}

func TestClassLabels(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		class     model.Class
		json, str string
	}{
		{model.StringClass(`a"b<é`), `"a\"b<é"`, `a"b<é`},
		{model.IntClass(-1), `-1`, `-1`},
		{model.FloatClass(1), `1.0`, `1.0`},
		{model.FloatClass(1e-7), `1e-07`, `1e-07`},
		{model.BoolClass(true), `true`, `True`},
	} {
		data, err := tc.class.MarshalJSON()
		if err != nil || string(data) != tc.json || tc.class.String() != tc.str {
			t.Errorf("%s: json %s, string %s, %v", tc.json, data, tc.class, err)
		}
		var back model.Class
		if err := json.Unmarshal(data, &back); err != nil || back != tc.class {
			t.Errorf("%s does not round-trip: %v", tc.json, err)
		}
	}
}

func TestFeatureCode(t *testing.T) {
	t.Parallel()
	f := model.Feature{Kind: model.Category, Categories: []string{"urban", "Urban", "Rural"}}
	for _, tc := range []struct {
		name string
		code float64
		ok   bool
	}{{"Urban", 1, true}, {"urban", 0, true}, {"RURAL", 2, true}, {"2", -1, false}, {"", -1, false}} {
		if code, ok := f.Code(tc.name); code != tc.code || ok != tc.ok {
			t.Errorf("Code(%q) = %g, %t", tc.name, code, ok)
		}
	}
}

func TestPolicyDecide(t *testing.T) {
	t.Parallel()
	band := model.Policy{ApproveAbove: 0.6, DeclineAt: 0.3}
	for _, tc := range []struct {
		policy      model.Policy
		probability float64
		want        model.Decision
	}{
		{band, 0.3, model.Declined},
		{band, math.Nextafter(0.3, 1), model.Referred},
		{band, 0.6, model.Referred},
		{band, math.Nextafter(0.6, 1), model.Approved},
		{model.DefaultPolicy(), 0.5, model.Declined},
		{model.DefaultPolicy(), math.Nextafter(0.5, 1), model.Approved},
	} {
		if got := tc.policy.Decide(tc.probability); got != tc.want {
			t.Errorf("%+v.Decide(%v) = %s, want %s", tc.policy, tc.probability, got, tc.want)
		}
	}
}
