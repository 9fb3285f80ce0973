package model_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/loanscorer/loanscorer/model"
)

func TestPredictCSVCells(t *testing.T) {
	t.Parallel()
	m := mustParse(t, stump())
	const left, right = "0.90000000000000002,0.10000000000000001,N\n", "0.24285714285714285,0.75714285714285712,Y\n"
	for _, tc := range []struct{ name, in, want string }{
		{"names and codes", "Income,Area\n5,Rural\n5,0\n6,Urban\n6,1\n", left + left + right + right},
		{"column order, CRLF, BOM, blank line", "\ufeffArea, Income \r\nRural, 5\r\n\r\n urban ,6", left + right},
		{"python numbers", "Income,Area\n1e-310,-0.0\n1e+30,1.0\n+5,.5\n3.4028234663852886e+38,7\n", left + right + left + right},
		{"missing income is 10", "Income,Area\n,Urban\nnan,1\nNaN,1\n", right + right + right},
		{"quotes", "\"Income\",\"Area\"\n\"5\",\"Rural\"\n", left},
		{"header only", "Income,Area\n", ""},
	} {
		var out strings.Builder
		if err := model.PredictCSV(t.Context(), m, strings.NewReader(tc.in), &out); err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		if got, want := out.String(), "proba_0,proba_1,predict\n"+tc.want; got != want {
			t.Errorf("%s: got\n%swant\n%s", tc.name, got, want)
		}
	}
}

func TestPredictCSVErrorsNameLineAndColumn(t *testing.T) {
	t.Parallel()
	m := mustParse(t, stump())
	for _, tc := range []struct{ name, in, want string }{
		{"empty", "", "line 1: no header"},
		{"blank", "\n\n", "line 1: no header"},
		{"unknown column", "Income,Area,Age\n", `line 1: column "Age" is not a feature of the model (Income, Area)`},
		{"other case", "income,Area\n", `line 1: column "income"`},
		{"twice", "Income,Area,Area\n", `line 1: column "Area" appears twice`},
		{"missing column", "Area\n", `line 1: column "Income" is missing`},
		{"short row", "Income,Area\n1,1\n1\n", "line 3: 1 cells, the header has 2"},
		{"text", "Area,Income\n1,many\n", `line 2, column Income: "many" is not a number`},
		{"hexadecimal", "Income,Area\n0x10,1\n", `line 2, column Income: "0x10" is not a number`},
		{"underscore", "Income,Area\n1_000,1\n", `"1_000" is not a number`},
		{"infinity", "Income,Area\ninf,1\n", `"inf" is not a number`},
		{"too large", "Income,Area\n1e400,1\n", "line 2, column Income: 1e400 is too large"},
		{"beyond float32", "Income,Area\n1e300,1\n", "line 2, column Income: Income 1e+300 is too large"},
		{"category", "Income,Area\n1,Moon\n", `line 2, column Area: "Moon" is neither a category (Rural, Urban) nor a number`},
		{"missing", "Income,Area\n1,\n", "line 2, column Area: Area is missing"},
		{"open quote", "Income,Area\n\"1,1\n", "line 2: a quoted cell does not end on its line"},
		{"text after quote", "Income,Area\n\"1\"x,1\n", "line 2: text after a closing quote"},
		{"quote inside", "Income,Area\n1\"2,1\n", "line 2: a quote inside a cell"},
		{"long line", "Income,Area\n1," + strings.Repeat(" ", 1<<20) + "1\n", "line 2: longer than 1048576 bytes"},
	} {
		var out strings.Builder
		err := model.PredictCSV(t.Context(), m, strings.NewReader(tc.in), &out)
		var where *model.MatrixError
		if !errors.As(err, &where) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
	}
}

func TestPredictCSVStopsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := model.PredictCSV(ctx, model.Default(), strings.NewReader("a\n"), &strings.Builder{})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func FuzzPredictCSV(f *testing.F) {
	f.Add("Income,Area\n5,Rural\n,1\n")
	f.Add("\ufeff\"Area\",Income\r\n\"Ur\"\"ban\",1e-310\r\n")
	f.Add("Income,Area\n1_0,0x1p-2\n\"")
	m := mustParse(f, stump())
	f.Fuzz(func(t *testing.T, in string) {
		var out strings.Builder
		err := model.PredictCSV(t.Context(), m, strings.NewReader(in), &out)
		var where *model.MatrixError
		if err != nil && !errors.As(err, &where) {
			t.Fatal(err)
		}
		if strings.Contains(out.String(), "NaN") {
			t.Fatalf("scored NaN: %s", out.String())
		}
	})
}
