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
		Name: "mine", Version: "7", FeatureNames: []string{"a", " b", "c ", "Property_Area"},
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
	for _, tc := range []struct {
		golden, positive string
		notes            []string
		routes           bool
	}{
		{"weighted_fractions", "8", []string{"goes where the trees send it", "x0 to x3"}, true},
		{"routed_tree", "True", []string{"goes where the trees send it"}, true},
		{"fill_mean", "", []string{"the pipeline's SimpleImputer did (mean)"}, true}, // Property_Area's mean is no code
		{"fill_mode", "", []string{"the pipeline's SimpleImputer did (most_frequent)"}, false},
		{"old_forest", "", []string{"the pipeline's SimpleImputer did (mean)"}, false},
		{"fill_constant", "2", []string{"the pipeline's SimpleImputer did (constant)"}, true},
		{"article", "", nil, false},
	} {
		file, _ := readGolden(t, tc.golden)
		s, err := model.Import(file, model.ImportOptions{Positive: tc.positive})
		if err != nil {
			t.Fatal(err)
		}
		notes := strings.Join(s.Notes, "\n")
		for _, want := range tc.notes {
			if !strings.Contains(notes, want) {
				t.Errorf("%s: %s", tc.golden, notes)
			}
		}
		if (s.Trees[0].MissingLeft != nil) != tc.routes {
			t.Errorf("%s: routes %t", tc.golden, !tc.routes)
		}
	}
}

func TestImputedConstantsAndGivenOnes(t *testing.T) {
	t.Parallel()
	file, _ := readGolden(t, "fill_mode")
	s, err := model.Import(file, model.ImportOptions{Missing: map[string]float64{"LoanAmount": 12.5}})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range s.Features {
		got[f.Name] = f.Missing.Fitted
	}
	want := map[string]string{"TotalIncome": "mode", "LoanAmount": "given", "Credit_History": "mode", "Property_Area": "mode"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if notes := strings.Join(s.Notes, "\n"); !strings.Contains(notes, "replace the SimpleImputer's for LoanAmount") {
		t.Error(notes)
	}
	if training := string(s.Training); !strings.Contains(training, `"imputer":{"strategy":"most_frequent","indicators":0}`) ||
		!strings.Contains(training, `"algorithm":"DecisionTreeClassifier"`) {
		t.Error(training)
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
