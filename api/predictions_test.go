package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/loanscorer/loanscorer/model"
)

func articleBody(income, amount, history, area any) string {
	return fmt.Sprintf(`{"TotalIncome":%v,"LoanAmount":%v,"Credit_History":%v,"Property_Area":%v}`, income, amount, history, area)
}

// The answers are the article's, byte for byte.
func TestPredict(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for body, want := range map[string]string{
		articleBody(5849, 128, 1, 2):              "{\"O Estado do Emp\xc3\xa9stimo \xc3\xa9 \":\"Aprovado!\"}",
		articleBody(5849, 128, 0, 2):              "{\"O Estado do Emp\xc3\xa9stimo \xc3\xa9 \":\"N\xc3\xa3o aprovado!\"}",
		" " + articleBody(5849, 128, 1, 2) + "\n": "{\"O Estado do Emp\xc3\xa9stimo \xc3\xa9 \":\"Aprovado!\"}",
	} {
		out := w.post(t, "/predictions", body)
		if out.Code != http.StatusOK || out.Body.String() != want || out.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %q %v", body, out.Code, out.Body, out.Header())
		}
	}
}

// The class that means approval decides, whatever its label and its place.
func TestPredictApprovesByThePositiveClass(t *testing.T) {
	t.Parallel()
	for name, positive := range map[string]int{"second class": 1, "first class": 0} {
		spec := model.Default().Spec()
		spec.Positive = positive
		text, err := model.Encode(spec)
		if err != nil {
			t.Fatal(err)
		}
		m, err := model.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t, func(o *Options) { o.Model = m })
		out := w.post(t, "/predictions", articleBody(5849, 128, 1, 2)) // the second class by far
		if approved := out.Body.String() == articleApproved; out.Code != http.StatusOK || approved != (positive == 1) {
			t.Errorf("%s: %d %s", name, out.Code, out.Body)
		}
	}
}

// What the article's service bent silently is refused.
func TestPredictRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tests := []struct {
		body    string
		code    Code
		pointer string
		field   string
	}{
		{articleBody(5849, 128, 0.9, 2), CodeInvalid, "/Credit_History", "wrong_type"},
		{articleBody(5849, 128, 5, 2), CodeInvalid, "/Credit_History", "out_of_range"},
		{articleBody(5849, 128, -1, 2), CodeInvalid, "/Credit_History", "out_of_range"},
		{articleBody(5849, 128, 1, 7), CodeInvalid, "/Property_Area", "out_of_range"}, // failure 49
		{articleBody(5849, 128, 1, `"Urban"`), CodeInvalid, "/Property_Area", "wrong_type"},
		{articleBody("true", 128, 1, 2), CodeInvalid, "/TotalIncome", "wrong_type"},
		{articleBody(`"5849"`, 128, 1, 2), CodeInvalid, "/TotalIncome", "wrong_type"},
		{articleBody("5849.0", 128, 1, 2), CodeInvalid, "/TotalIncome", "wrong_type"},
		{articleBody("5e3", 128, 1, 2), CodeInvalid, "/TotalIncome", "wrong_type"},
		{articleBody("null", 128, 1, 2), CodeInvalid, "/TotalIncome", "wrong_type"},
		{articleBody("{}", 128, 1, 2), CodeInvalid, "/TotalIncome", "wrong_type"},
		{articleBody(-1, 128, 1, 2), CodeInvalid, "/TotalIncome", "out_of_range"},
		{articleBody("9007199254740993", 128, 1, 2), CodeInvalid, "/TotalIncome", "out_of_range"},
		{articleBody(strings.Repeat("9", 400), 128, 1, 2), CodeInvalid, "/TotalIncome", "out_of_range"},
		{articleBody(5849, 0, 1, 2), CodeInvalid, "/LoanAmount", "out_of_range"},
		{`{"TotalIncome":1,"LoanAmount":1,"Credit_History":1}`, CodeInvalid, "/Property_Area", "missing_value"},
		{strings.Replace(articleBody(1, 1, 1, 1), "{", `{"Gender":"x",`, 1), CodeInvalid, "", "unknown_field"}, // failure 64
		{articleBody(1, 1, 1, 1) + "{}", CodeMalformed, "", ""},
		{strings.Replace(articleBody(1, 1, 1, 1), "{", `{"LoanAmount":2,`, 1), CodeMalformed, "", ""},
		{"[" + articleBody(1, 1, 1, 1) + "]", CodeMalformed, "", ""},
		{articleBody("NaN", 1, 1, 1), CodeMalformed, "", ""},
		{articleBody("01", 1, 1, 1), CodeMalformed, "", ""},
		{articleBody("-", 1, 1, 1), CodeMalformed, "", ""},
		{"{", CodeMalformed, "", ""},
		{`{"a"`, CodeMalformed, "", ""},
		{"{\"\xff\":1}", CodeMalformed, "", ""},
		{"", CodeMalformed, "", ""},
		{strings.Repeat(" ", 64<<10) + "{}", CodeTooLarge, "", ""},
	}
	for _, tt := range tests {
		p := wantProblem(t, w.post(t, "/predictions", tt.body), tt.code)
		if tt.field == "" {
			continue
		}
		if len(p.Errors) != 1 || p.Errors[0].Pointer != tt.pointer || p.Errors[0].Code != tt.field {
			t.Errorf("%.80s: %+v", tt.body, p.Errors)
		}
	}
	wantProblem(t, w.do(t, http.MethodPost, "/predictions", articleBody(1, 1, 1, 1)), CodeMediaType)
}

// stump approves Urban with a low income, whatever the order of its features
// and categories.
func stump(t *testing.T, change func(*model.Spec)) *model.Model {
	t.Helper()
	s := &model.Spec{
		Name: "stump", Version: "1", Classes: []model.Class{model.StringClass("N"), model.StringClass("Y")}, Positive: 1,
		Policy: model.DefaultPolicy(), ValueUnit: model.Count,
		Features: []model.Feature{
			{Name: "Property_Area", Kind: model.Category, Categories: []string{"Urban", "Rural", "Semiurban"}},
			{Name: "Credit_History", Kind: model.Number},
			{Name: "LoanAmount", Kind: model.Number},
			{Name: "TotalIncome", Kind: model.Number},
		},
		Trees: []model.Tree{{
			Feature: []int32{0, 3, -1, -1, -1}, Threshold: []float64{0.5, 1000, 0, 0, 0},
			Left: []int32{1, 2, -1, -1, -1}, Right: []int32{4, 3, -1, -1, -1},
			Value: [][]float64{{1, 1}, {1, 1}, {0, 2}, {2, 0}, {2, 0}}, Samples: []float64{6, 4, 2, 2, 2},
		}},
	}
	change(s)
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

func TestPredictOtherModels(t *testing.T) {
	t.Parallel()
	with := func(m *model.Model) *world { return newWorld(t, func(o *Options) { o.Model = m }) }
	w := with(stump(t, func(*model.Spec) {}))
	for _, tt := range []struct {
		body     string
		approved bool
	}{
		{articleBody(900, 1, 1, 2), true},
		{articleBody(900, 1, 1, 0), false},
		{articleBody(900, 1, 1, 1), false},
		{articleBody(1001, 1, 1, 2), false},
	} {
		out := w.post(t, "/predictions", tt.body)
		if out.Code != http.StatusOK || strings.Contains(out.Body.String(), "Não") == tt.approved {
			t.Errorf("%s: %d %s", tt.body, out.Code, out.Body)
		}
	}
	for name, change := range map[string]func(*model.Spec){
		"it has no Credit_History":         func(s *model.Spec) { s.Features[1].Name = "Age" },
		"its Property_Area knows no Rural": func(s *model.Spec) { s.Features[0].Categories[1] = "Village" },
		"its LoanAmount is a category": func(s *model.Spec) {
			s.Features[2].Kind, s.Features[2].Categories = model.Category, []string{"low", "high"}
		},
		"it has 5": func(s *model.Spec) {
			s.Features = append(s.Features, model.Feature{Name: "Age", Kind: model.Number})
		},
	} {
		p := wantProblem(t, with(stump(t, change)).post(t, "/predictions", articleBody(1, 1, 1, 1)), CodeOtherFeatures)
		if !strings.Contains(p.Detail, name) {
			t.Errorf("detail %q, want %q", p.Detail, name)
		}
	}
}
