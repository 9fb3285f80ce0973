package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loanscorer/loanscorer/model"
)

// A model that cannot be explained decides without reasons, and says so.
func TestModelsWithoutReasons(t *testing.T) {
	t.Parallel()
	spec := model.Default().Spec()
	for i := range spec.Trees {
		spec.Trees[i].Samples = slices.Repeat([]float64{1}, len(spec.Trees[i].Samples))
	}
	data, err := model.Encode(spec)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file, rows := filepath.Join(dir, "m.json"), filepath.Join(dir, "rows.csv")
	text := "TotalIncome,LoanAmount,Credit_History,Property_Area\n5000,100,0,Urban\n"
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(rows, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	const why = "model cannot be explained: samples of its nodes do not add up"
	call(t, "", "model", "show", file).want(t, exitOK, "reasons   none: "+why)
	call(t, "", "model", "show", file, "--json").want(t, exitOK, `"reasons":"none: `+why)
	call(t, "", "score", rows, "--model", file).want(t, exitOK, "decisions carry no reasons: "+why, "1 rows: 0 approved, 1 declined")

	s := newServer(t, "--model", file)
	s.start()
	call(t, `{"TotalIncome":5000,"LoanAmount":100,"Credit_History":0,"Property_Area":"Urban"}`, "submit", "-", "--wait", "--json", "--server", s.url()).
		want(t, exitOK, `"decision":"declined".*"reasons":\[\]`)
	s.terminate()
	if want := `"level":"WARN","msg":"decisions carry no reasons"`; strings.Count(s.log.String(), want) != 1 {
		t.Errorf("want %s once in\n%s", want, s.log)
	}
}

// The reasons of a service are those of its table.
func TestServiceWithOwnReasons(t *testing.T) {
	t.Parallel()
	table := filepath.Join(t.TempDir(), "reasons.json")
	text := `{"format":"loanscorer/reasons","v":1,"reasons":[{"code":"R01","feature":"Credit_History","text":{"en":"Bad history"}}]}`
	if err := os.WriteFile(table, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newServer(t, "--reasons", table)
	s.start()
	call(t, `{"TotalIncome":5000,"LoanAmount":100,"Credit_History":0,"Property_Area":"Urban"}`, "submit", "-", "--wait", "--server", s.url()).
		want(t, exitOK, `declined .*\n  R01 +Bad history\n`)
	s.terminate()
}
