package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/cost"
)

// A file with rows enough is measured, a stream and a small one are not; the
// documented rate is one and the same everywhere.
func TestCheckTellsTheRate(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "many.csv")
	text := "Loan_ID,TotalIncome,LoanAmount,Credit_History,Property_Area\n" + strings.Repeat("A1,5849,128,1,Urban\n", 20_000)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	call(t, "", "check", file).want(t, exitOK, `about \d+\.\d s with one worker, at [\d,]+ rows/s measured here`)
	call(t, "", "check", file, "--json").want(t, exitOK, `"rows_per_second":\d+(\.\d+)?(e\+\d+)?,"rows_per_second_measured_here":true`)
	if ingest.RowsPerSecond != cost.DefaultAssumptions().RowsPerSecond {
		t.Errorf("check assumes %v rows a second, plan and cost %v", ingest.RowsPerSecond, cost.DefaultAssumptions().RowsPerSecond)
	}
}
