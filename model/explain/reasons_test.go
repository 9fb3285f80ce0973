package explain_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/explain"
)

// named is a model of one leaf with these features.
func named(tb testing.TB, names ...string) *model.Model {
	tb.Helper()
	s := &model.Spec{
		Name: "named", Version: "1", Classes: []model.Class{model.StringClass("N"), model.StringClass("Y")}, Positive: 1,
		Policy: model.DefaultPolicy(), ValueUnit: model.Count,
		Trees: []model.Tree{{
			Feature: []int32{-1}, Threshold: []float64{0}, Left: []int32{-1}, Right: []int32{-1},
			Value: [][]float64{{1, 1}}, Samples: []float64{2},
		}},
	}
	for _, n := range names {
		s.Features = append(s.Features, model.Feature{Name: n, Kind: model.Number})
	}
	return mustParse(tb, s)
}

func TestReasonsAreAdverseOrderedAndAtMostFour(t *testing.T) {
	t.Parallel()
	e := mustNew(t, named(t, "a", "b", "c", "d", "e", "f"))
	for _, tc := range []struct {
		name string
		phi  []float64
		want []string
	}{
		{"none", []float64{0, 0.1, 0, 0, 0, 0.2}, nil},
		{"one", []float64{0.5, -0.1, 0, 0, 0, 0}, []string{"B"}},
		{"by size", []float64{-0.1, -0.3, 0.2, -0.2, 0, 0}, []string{"B", "D", "A"}},
		{"four of six", []float64{-0.1, -0.2, -0.3, -0.4, -0.5, -0.6}, []string{"F", "E", "D", "C"}},
		{"four of six, falling", []float64{-0.6, -0.5, -0.4, -0.3, -0.2, -0.1}, []string{"A", "B", "C", "D"}},
		{"equals keep the model's order", []float64{-0.1, -0.1, -0.1, -0.1, -0.1, -0.1}, []string{"A", "B", "C", "D"}},
		{"rounding is no reason", []float64{-1e-17, -0.1, 0, 0, 0, 0}, []string{"B"}},
	} {
		before := []explain.Reason{{Code: "KEPT", Contribution: -0.25}}
		var got []string
		for _, r := range e.Reasons(make([]float64, 6), tc.phi, before)[1:] {
			got = append(got, r.Code)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: %s", tc.name, diff)
		}
	}
}

func TestDefaultTexts(t *testing.T) {
	t.Parallel()
	e := mustNew(t, model.Default())
	phi := []float64{-0.1, -0.2, -0.3, -0.4}
	got := e.Reasons([]float64{1, math.NaN(), math.NaN(), 0}, phi, nil)
	want := []explain.Reason{
		{Code: "PROPERTY_AREA", Feature: "Property_Area", Contribution: -0.4},
		{Code: "CREDIT_HISTORY_MISSING", Feature: "Credit_History", Contribution: -0.3},
		{Code: "LOAN_AMOUNT_MISSING", Feature: "LoanAmount", Contribution: -0.2},
		{Code: "TOTAL_INCOME", Feature: "TotalIncome", Contribution: -0.1},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(explain.Reason{})); diff != "" {
		t.Error(diff)
	}
	if en, pt, other := got[0].Text("en"), got[0].Text("pt"), got[0].Text("xx"); en != "Area of the property" ||
		pt != "Localização do imóvel" || other != en {
		t.Errorf("%q, %q, %q", en, pt, other)
	}
	for _, entry := range explain.DefaultTable() {
		if entry.Text[explain.Portuguese] == "" {
			t.Errorf("%s has no Portuguese text", entry.Code)
		}
	}
}

func TestFeaturesWithoutAnEntryGetCodesOfTheirName(t *testing.T) {
	t.Parallel()
	e := mustNew(t, named(t, "debt-to-income", "Debt to Income", "netWorth2", "é", "ü", strings.Repeat("x", 99)))
	got := map[string]string{}
	for i := range 6 {
		phi := make([]float64, 6)
		phi[i] = -1
		r := e.Reasons(make([]float64, 6), phi, nil)[0]
		got[r.Code] = r.Text("pt")
	}
	want := map[string]string{
		"DEBT_TO_INCOME": "Valor de debt-to-income", "DEBT_TO_INCOME_2": "Valor de Debt to Income",
		"NET_WORTH2": "Valor de netWorth2", "FEATURE": "Valor de é", "FEATURE_2": "Valor de ü",
		strings.Repeat("X", 40): "Valor de " + strings.Repeat("x", 99),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOperatorsTable(t *testing.T) {
	t.Parallel()
	table, err := explain.ParseTable([]byte(`{"format":"loanscorer/reasons","v":1,"reasons":[
		{"code":"R01","feature":"Credit_History","text":{"en":"History","de":"Vorgeschichte"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	e, err := explain.NewWith(model.Default(), explain.Options{Table: table})
	if err != nil {
		t.Fatal(err)
	}
	got := e.Reasons([]float64{1, 1, math.NaN(), 0}, []float64{0, -0.1, -0.2, 0}, nil)
	if len(got) != 2 || got[0].Code != "R01" || got[0].Text("de") != "Vorgeschichte" || got[1].Code != "LOAN_AMOUNT" {
		t.Errorf("%v", got)
	}
	if _, err := explain.NewWith(named(t, "a"), explain.Options{Table: table}); !errors.Is(err, explain.ErrTable) ||
		!strings.Contains(err.Error(), `no feature "Credit_History"`) {
		t.Errorf("a feature that the model lacks: %v", err)
	}
}

// The table in force says the same reasons when it is written and read again,
// to a model of the same features, codes made of names included.
func TestTableInForce(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 37) + "-yy"
	for name, m := range map[string]*model.Model{
		"built-in": model.Default(), "names": named(t, "LoanAmount", "b", "B", long, long+"z", "é", "Property_Area"),
	} {
		e := mustNew(t, m)
		file, err := e.Table().Encode()
		if err != nil {
			t.Fatal(err)
		}
		table, err := explain.ParseTable(file)
		if err != nil {
			t.Fatalf("%s: %v in\n%s", name, err, file)
		}
		again, err := explain.NewWith(m, explain.Options{Table: table})
		if err != nil {
			t.Fatal(err)
		}
		for i := range m.Features() {
			for _, v := range []float64{0, math.NaN()} {
				x, phi := make([]float64, len(m.Features())), make([]float64, len(m.Features()))
				x[i], phi[i] = v, -1
				want, got := e.Reasons(x, phi, nil)[0], again.Reasons(x, phi, nil)[0]
				if got.Code != want.Code || got.Text("pt") != want.Text("pt") || got.Text("en") != want.Text("en") {
					t.Errorf("%s: %+v, want %+v", name, got, want)
				}
			}
		}
		if twice, err := again.Table().Encode(); err != nil || string(twice) != string(file) {
			t.Errorf("%s: the table of the table is\n%s, want\n%s", name, twice, file)
		}
	}
	file, err := mustNew(t, model.Default()).Table().Encode()
	if err != nil || strings.Count(string(file), "\n") != 8 {
		t.Errorf("%v: 4 features, 2 of them with codes for missing values:\n%s", err, file)
	}
}

func TestTablesThatAreRefused(t *testing.T) {
	t.Parallel()
	file := func(reasons string) string {
		return `{"format":"loanscorer/reasons","v":1,"reasons":[` + reasons + `]}`
	}
	good := `{"code":"A","feature":"a","text":{"en":"x"}}`
	for name, tc := range map[string]struct{ data, text string }{
		"not JSON":     {"{", "EOF"},
		"empty":        {file(""), "empty"},
		"format":       {`{"format":"x","v":1,"reasons":[]}`, "format"},
		"version":      {`{"format":"loanscorer/reasons","v":2,"reasons":[]}`, "version"},
		"trailing":     {file(good) + "{}", "follows"},
		"unknown":      {file(`{"code":"A","feature":"a","texts":{}}`), "unknown field"},
		"code":         {file(`{"code":"a b","feature":"a","text":{"en":"x"}}`), "code"},
		"no code":      {file(`{"feature":"a","text":{"en":"x"}}`), "code"},
		"no feature":   {file(`{"code":"A","text":{"en":"x"}}`), "feature"},
		"no English":   {file(`{"code":"A","feature":"a","text":{"pt":"x"}}`), "English"},
		"twice":        {file(good + "," + good), "twice"},
		"null":         {"null", "format"},
		"long code":    {file(`{"code":"` + strings.Repeat("A", 41) + `","feature":"a","text":{"en":"x"}}`), "code"},
		"null reasons": {`{"format":"loanscorer/reasons","v":1,"reasons":null}`, "empty"},
	} {
		if _, err := explain.ParseTable([]byte(tc.data)); !errors.Is(err, explain.ErrTable) || !strings.Contains(err.Error(), tc.text) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseTable(f *testing.F) {
	f.Add([]byte(`{"format":"loanscorer/reasons","v":1,"reasons":[{"code":"A","feature":"a","text":{"en":"x"}}]}`))
	m := named(f, "a")
	f.Fuzz(func(t *testing.T, data []byte) {
		table, err := explain.ParseTable(data)
		if err != nil {
			if !errors.Is(err, explain.ErrTable) {
				t.Fatal(err)
			}
			return
		}
		file, err := table.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := explain.ParseTable(file); err != nil || !cmp.Equal(table, again, cmpopts.EquateEmpty()) {
			t.Fatalf("%v: %s", err, cmp.Diff(table, again))
		}
		e, err := explain.NewWith(m, explain.Options{Table: table})
		if err == nil && e.Reasons([]float64{0}, []float64{-1}, nil)[0].Text("en") == "" {
			t.Fatal("a reason without a text")
		}
	})
}
