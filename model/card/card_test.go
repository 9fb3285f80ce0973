package card

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/model"
)

var update = flag.Bool("update", false, "write docs/model-card.md anew")

// The page about the built-in model says what its file says.
func TestModelCardOfTheDefaultModel(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "..", "docs", "model-card.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- card: written by make generate -->\n", "<!-- end of card -->\n"
	before, rest, ok := strings.Cut(string(page), begin)
	got, after, ended := strings.Cut(rest, end)
	if !ok || !ended {
		t.Fatalf("%s has no place for the card", path)
	}
	want := markdown(t, model.Default())
	if *update {
		if err := os.WriteFile(path, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/model-card.md is not the model's card; run 'make generate'\n%s", diff)
	}
}

func markdown(t *testing.T, m *model.Model) string {
	t.Helper()
	var b bytes.Buffer
	if err := New(m).WriteMarkdown(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// change returns the default model changed, read again.
func change(t *testing.T, f func(s *model.Spec)) *model.Model {
	t.Helper()
	s := model.Default().Spec()
	f(s)
	return parse(t, s)
}

func parse(t *testing.T, s *model.Spec) *model.Model {
	t.Helper()
	data, err := model.Encode(s)
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// record replaces texts of the training record.
func record(replacements ...string) func(s *model.Spec) {
	return func(s *model.Spec) {
		s.Training = json.RawMessage(strings.NewReplacer(replacements...).Replace(string(s.Training)))
	}
}

// Cards say what they do not know, and repeat how a model was made.
func TestCardsSayWhatIsKnown(t *testing.T) {
	t.Parallel()
	pickle, err := os.ReadFile(filepath.Join("..", "testdata", "golden", "fill_mean.pkl"))
	if err != nil {
		t.Fatal(err)
	}
	imported, err := model.Import(pickle, model.ImportOptions{Policy: &model.Policy{ApproveAbove: 0.7, DeclineAt: 0.3}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name       string
		m          *model.Model
		want, none []string
	}{
		{"default", model.Default(), []string{
			"nobody is referred to a person", "One rule is right as often", "fewer than half of the rows that are N",
			"```\nloanscorer train loan_train.csv -o model.json\n```", "CREDIT_HISTORY_MISSING", "614 rows",
		}, []string{"not known:", "NaN", "%!"}},
		{"imported", parse(t, imported), []string{
			"of scikit-learn 1.2.1, imported from a pickle", "How good it is, is not known", "between referred to a person",
			"does not say what data", "loanscorer model import FILE", "--positive ", "--approve-above 0.7 --decline-at 0.3",
			"is not in the file, so drift",
		}, []string{"## Measured", "Nobody is referred", "NaN", "%!"}},
		{"another program's", change(t, func(s *model.Spec) { s.Training = json.RawMessage(`{"tool":"x|y"}`) }), []string{
			`{"tool":"x|y"}`, "Algorithm | not known", "The file does not say how.",
		}, []string{"## Measured"}},
		{"no record", change(t, func(s *model.Spec) { s.Training, s.Reference = nil, nil }), []string{
			"The file does not say how the model was made.", "How good it is, is not known",
		}, []string{"## Training rows"}},
		{"other parameters", change(t, record(`"max_depth":7`, `"max_depth":null`, `"max_features":1`, `"max_features":"sqrt"`,
			`"bootstrap":true`, `"bootstrap":false`, `"random_state":0`, `"random_state":5`, `"rows_skipped":0`, `"rows_skipped":3`,
			`"data":"loan_train.csv"`, `"data":"my loans.csv"`, `"column":"Loan_Status"`, `"column":"Paid"`)), []string{
			"train 'my loans.csv' -o model.json --label Paid --max-depth unlimited --max-features sqrt --seed 5 --no-bootstrap --skip-bad\n",
			"Rows left out | 3",
		}, nil},
		{"no cross-validation", change(t, func(s *model.Spec) {
			s.Training = json.RawMessage(`{"library":"loanscorer","params":{},"rows":10,"metrics":{"train_accuracy":0.9,"train_auc":0.8,"baselines":[]}}`)
		}), []string{"measured only on the rows", "was fitted without cross-validation", "--folds 0"}, []string{"Beside simple rules"}},
		{"node counts that do not add up", change(t, func(s *model.Spec) {
			s.Trees[0].Samples = append([]float64{1e6}, s.Trees[0].Samples[1:]...) // the default model's own stays
		}), []string{
			"## Reason codes\nThere are none: ",
		}, nil},
		{"hostile names", change(t, func(s *model.Spec) {
			s.Name, s.Features[0].Name, s.Reference = "<img src=x>|`*", "a|b<script>`[x](y)", nil
		}), []string{`&lt;img src=x>\|\` + "`" + `\*`, `a\|b&lt;script>`}, []string{"<img", "<script"}},
	} {
		text := markdown(t, tc.m)
		for _, want := range tc.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in\n%s", tc.name, want, text)
			}
		}
		var page bytes.Buffer
		if err := New(tc.m).WriteHTML(&page); err != nil {
			t.Fatal(err)
		}
		prose := regexp.MustCompile("(?s)```.*?```").ReplaceAllString(text, "")
		for _, none := range append(tc.none, "NaN", "Inf") {
			if strings.Contains(prose, none) || strings.Contains(page.String(), none) {
				t.Errorf("%s: %q appears", tc.name, none)
			}
		}
		if regexp.MustCompile(`<(script|img|link)|https?://`).MatchString(page.String()) {
			t.Errorf("%s: the page loads something", tc.name)
		}
	}
}

// Importances are scikit-learn's feature_importances_; these are of the forest
// in testdata/golden/article.pkl, by scikit-learn 1.2.1.
func TestImportances(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("..", "testdata", "golden", "article.pkl"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := model.Import(data, model.ImportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	m := parse(t, s)
	got := (&writer{m: m, features: m.Features()}).importances()
	if diff := cmp.Diff("[0.481816895 0.353668548 0.070550502 0.093964056]", fmt.Sprintf("%.9f", got)); diff != "" {
		t.Error(diff)
	}
}

// Whatever distributions a file may hold can be drawn.
func TestOddDistributions(t *testing.T) {
	t.Parallel()
	for _, d := range []model.Distribution{
		{Rows: 5, Deciles: []float64{3, 3, 3, 3, 3, 3, 3, 3, 3}},
		{Rows: 5, Deciles: []float64{0, 0, 0, 0, 1, 1, 1, 1e9, 1e9}},
		{Rows: 5, Deciles: []float64{1}},
		{Rows: 0},
		{Rows: 1, Missing: 1},
		{Rows: 0, Counts: []model.ValueCount{{Value: 9, Count: 0}}},
		{Rows: 5, Counts: []model.ValueCount{{Value: -1, Count: 2}, {Value: 0.5, Count: 3}}},
	} {
		m := change(t, func(s *model.Spec) {
			number, category := d, d
			number.Feature, category.Feature = "LoanAmount", "Property_Area"
			s.Reference = []model.Distribution{number, category}
		})
		var page bytes.Buffer
		if err := New(m).WriteHTML(&page); err != nil {
			t.Fatal(err)
		}
		if text := page.String(); strings.Contains(text, "NaN") || strings.Contains(text, "Inf") || strings.Contains(text, `="-`) {
			t.Errorf("%+v: drawn at no place", d)
		}
		if text := markdown(t, m); !strings.Contains(text, "| LoanAmount |") {
			t.Errorf("%+v: %s", d, text)
		}
	}
}
