package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNothingOfApplicantsInLogs sends recognisable values through everything
// that takes them, right and wrong, and looks for them in the log.
//
// failure 69
func TestNothingOfApplicantsInLogs(t *testing.T) {
	t.Parallel()
	s := newServer(t, "--log-level", "debug")
	s.start()
	c := newClient(s.url())
	post := func(path, body string) {
		_, _ = c.do(t.Context(), http.MethodPost, path, []byte(body), http.Header{"Content-Type": {"application/json"}})
	}
	const good = `{"Loan_ID":"CANARY","Gender":"CANARY","ApplicantIncome":7654321,"CoapplicantIncome":7654321,"LoanAmount":7654321,"Credit_History":1,"Property_Area":"Urban"}`
	call(t, good, "submit", "-", "--wait", "--server", s.url()).want(t, exitOK, "decided")
	for _, body := range []string{
		strings.Replace(good, `"Urban"`, `"CANARY"`, 1), strings.Replace(good, "7654321", "-7654321", 1),
		strings.Replace(good, `"Loan_ID"`, `"CANARY"`, 1), good + "CANARY", `{"CANARY":`, "[" + good + `,{"CANARY":1}]`,
	} {
		post("/v1/applications", body)
		post("/predictions", body)
	}
	post("/predictions", `{"TotalIncome":7654321,"LoanAmount":7654321,"Credit_History":1,"Property_Area":2}`)
	path := filepath.Join(t.TempDir(), "rows.csv")
	rows := "Loan_ID,TotalIncome,LoanAmount,Credit_History,Property_Area,CANARY\n" +
		"CANARY,7654321,7654321,1,Urban,CANARY\nCANARY,CANARY,7654321,1,Urban,CANARY\nCANARY,7654321,1,7654321,CANARY,CANARY\n\"CANARY\n"
	if err := os.WriteFile(path, []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	call(t, "", "upload", path, "--wait", "--server", s.url(), "--data", s.data, "--s3-endpoint", "http://"+s.s3).want(t, exitPartly)
	log := s.log
	s.terminate()
	if !strings.Contains(log.String(), "batch closed") || !strings.Contains(log.String(), "/predictions") {
		t.Fatalf("the log does not tell of the work:\n%s", log)
	}
	for _, canary := range []string{"CANARY", "7654321"} {
		for line := range strings.Lines(log.String()) {
			if strings.Contains(line, canary) {
				t.Errorf("%s in the log: %s", canary, line)
			}
		}
	}
}
