package scorer

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/explain"
)

// A file is scored block by block as [Scorer.Score] scores its rows, wherever
// rows are refused, by the reader or by the model.
func TestBlocksAreRows(t *testing.T) {
	t.Parallel()
	strict := changed(t, func(s *model.Spec) { s.Features[1].Missing = nil }) // LoanAmount
	for _, m := range []*model.Model{model.Default(), strict} {
		for _, rows := range []int{0, 1, ingest.BlockRows - 1, 2*ingest.BlockRows + 100} {
			s := mustScorer(t, m, Options{})
			text := reasonsText(rows)
			var out, refused []string
			scanRows(t, text, func(rec *ingest.Record, app *ingest.Application, err error) {
				var v Verdict
				if err == nil {
					v, err = s.Score(app)
				}
				var row *ingest.RowError
				if errors.As(err, &row) {
					refused = append(refused, fmt.Sprintf("%d %d %s %s", rec.Line, rec.Offset, row.Column, row.Code))
					return
				}
				id, _ := app.Text(ingest.LoanID)
				out = append(out, fmt.Sprintf("%s %d %v %v %s %s %s", id, rec.Offset, v.TotalIncome, v.Probability, v.Decision, v.Codes, v.Imputed))
			})
			got := scoreWith(t, s, text)
			var gotOut, gotRefused []string
			for _, r := range got.Rows[1:] {
				codes := [explain.MaxReasons]string(r[10:14])
				gotOut = append(gotOut, fmt.Sprintf("%s %s %s %s %s %s %s", r[0], r[6], r[7], r[8], r[9], codes, r[14]))
			}
			for _, r := range got.Rejects[1:] {
				gotRefused = append(gotRefused, strings.Join(r[:4], " "))
			}
			if diff := cmp.Diff(out, gotOut); diff != "" {
				t.Fatalf("%d rows (-row by row +blocks): %s", rows, diff)
			}
			if diff := cmp.Diff(refused, gotRefused); diff != "" {
				t.Fatalf("%d rows, rejects (-row by row +blocks): %s", rows, diff)
			}
		}
	}
}

// scanRows calls f with every record of a file.
func scanRows(t *testing.T, text string, f func(*ingest.Record, *ingest.Application, error)) {
	t.Helper()
	head, err := ingest.ParseHead([]byte(text), true, ingest.Given{})
	if err != nil {
		t.Fatal(err)
	}
	records := ingest.NewScanner(strings.NewReader(text[head.DataStart:]), head.DataStart, ingest.ScannerOptions{FirstLine: head.DataLine})
	decoder := head.Decoder()
	var app ingest.Application
	for records.Scan() {
		if err := decoder.Decode(records.Record(), &app); err != nil {
			f(records.Record(), &app, err)
			continue
		}
		f(records.Record(), &app, nil)
	}
}

// A column can be crowded by spellings of few categories, and is then read as
// bytes. Its texts are looked at all the same.
func TestCrowdedCategoriesAreLookedAt(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("Loan_ID,ApplicantIncome,CoapplicantIncome,LoanAmount,Credit_History,Property_Area\n")
	for i := range 6 { // more bytes of texts than a column of codes has
		fmt.Fprintf(&text, "a%d,5000,0,100,1,U%srban\n", i, strings.Repeat("-", 60_000+i))
	}
	for i := range 2 * ingest.BlockRows {
		fmt.Fprintf(&text, "b%d,5000,0,100,1,Urban\n", i)
	}
	text.WriteString("c,5000,0,100,1,Mars\nd,5000,0,100,1,\ne,5000,0,100,1,urban\n")
	got := scoreWith(t, mustScorer(t, model.Default(), Options{}), text.String())
	if n := len(got.Rows) - 1; n != 6+2*ingest.BlockRows+1 {
		t.Errorf("%d rows are scored", n)
	}
	var refused []string
	for _, r := range got.Rejects[1:] {
		refused = append(refused, r[2]+" "+r[3])
	}
	if diff := cmp.Diff([]string{"Property_Area unknown_category", "Property_Area missing_value"}, refused); diff != "" {
		t.Error(diff)
	}
}
