package model_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/sklearn"
)

func TestImportAssumptionsAreNoted(t *testing.T) {
	t.Parallel()
	pickle, _ := readGolden(t, "article")
	s, err := model.Import(pickle, model.ImportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"Property_Area is taken as a category with scikit-learn's alphabetical codes: Rural 0, Semiurban 1, Urban 2",
		"class 1 is taken as approval, the second of 0, 1",
	}
	if diff := cmp.Diff(want, s.Notes); diff != "" {
		t.Error(diff)
	}
	wantFeatures := []model.Feature{
		{Name: "TotalIncome", Kind: model.Number},
		{Name: "LoanAmount", Kind: model.Number},
		{Name: "Credit_History", Kind: model.Number},
		{Name: "Property_Area", Kind: model.Category, Categories: []string{"Rural", "Semiurban", "Urban"}},
	}
	if diff := cmp.Diff(wantFeatures, s.Features); diff != "" {
		t.Error(diff)
	}
	if s.Name != "imported" || len(s.Version) != 12 || s.ValueUnit != model.Count || s.Policy != model.DefaultPolicy() {
		t.Errorf("%s %s %s %+v", s.Name, s.Version, s.ValueUnit, s.Policy)
	}
	for _, part := range []string{`"library_version":"1.2.1"`, `"max_depth":7`, `"n_estimators":25`, `"source_sha256":"`} {
		if !strings.Contains(string(s.Training), part) {
			t.Errorf("training record %s lacks %s", s.Training, part)
		}
	}
}

func TestImportOptions(t *testing.T) {
	t.Parallel()
	pickle, _ := readGolden(t, "article")
	policy := model.Policy{ApproveAbove: 0.7, DeclineAt: 0.4}
	s, err := model.Import(pickle, model.ImportOptions{
		Name: "mine", Version: "7", FeatureNames: []string{"a", "b", "c", "Property_Area"},
		Categories: map[string][]string{"Property_Area": {}, "c": {"bad", "good"}},
		Missing:    map[string]float64{"b": 146.5, "c": 1}, Positive: "0", Policy: &policy,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []model.Feature{
		{Name: "a", Kind: model.Number},
		{Name: "b", Kind: model.Number, Missing: &model.Missing{Rule: model.Constant, Value: 146.5, Fitted: "given"}},
		{
			Name: "c", Kind: model.Category, Categories: []string{"bad", "good"},
			Missing: &model.Missing{Rule: model.Constant, Value: 1, Fitted: "given"},
		},
		{Name: "Property_Area", Kind: model.Number},
	}
	if diff := cmp.Diff(want, s.Features); diff != "" {
		t.Error(diff)
	}
	if s.Name != "mine" || s.Version != "7" || s.Positive != 0 || s.Policy != policy {
		t.Errorf("%s %s %d %+v", s.Name, s.Version, s.Positive, s.Policy)
	}
}

func TestImportNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, golden string
		options      model.ImportOptions
		want         string
	}{
		{"three classes", "multi_text", model.ImportOptions{}, "3 classes (approve, decline, refer, please): name the one"},
		{"no such class", "article", model.ImportOptions{Positive: "yes"}, `positive class "yes" is not one of 0, 1`},
		{"too few names", "article", model.ImportOptions{FeatureNames: []string{"a"}}, "1 feature names given, the forest has 4"},
		{"categories", "article", model.ImportOptions{Categories: map[string][]string{"x": {"a"}}}, `categories given for "x"`},
		{"constant", "article", model.ImportOptions{Missing: map[string]float64{"x": 1}}, `missing values given for "x"`},
		{"bad constant", "article", model.ImportOptions{Missing: map[string]float64{"Property_Area": 3}}, "want a category's code"},
	} {
		pickle, _ := readGolden(t, tc.golden)
		if _, err := model.Import(pickle, tc.options); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
	}
}

func TestImportNotesMissingRoutingAndNames(t *testing.T) {
	t.Parallel()
	pickle, _ := readGolden(t, "weighted_fractions")
	s, err := model.Import(pickle, model.ImportOptions{Positive: "8"})
	if err != nil {
		t.Fatal(err)
	}
	notes := strings.Join(s.Notes, "\n")
	if s.ValueUnit != model.Fraction || !strings.Contains(notes, "routing of missing values") || !strings.Contains(notes, "x0 to x3") {
		t.Errorf("%s: %s", s.ValueUnit, notes)
	}
}

func TestImportRefusesOtherFiles(t *testing.T) {
	t.Parallel()
	_, err := model.Import([]byte("\x80\x04cposix\nsystem\n"), model.ImportOptions{})
	var unsupported *sklearn.UnsupportedError
	if !errors.As(err, &unsupported) || unsupported.Found != "posix.system" {
		t.Error(err)
	}
	if _, err := model.Import(model.Default().Bytes(), model.ImportOptions{}); err == nil ||
		!strings.Contains(err.Error(), "needs no import") {
		t.Error(err)
	}
}
