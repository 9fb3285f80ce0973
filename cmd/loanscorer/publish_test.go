package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loanscorer/loanscorer/model"
)

// A model is published, a service is told to use it, and what is not in the
// bucket is refused.
func TestPublishModel(t *testing.T) {
	dir := t.TempDir()
	rows := filepath.Join(dir, "loans.csv")
	if err := os.WriteFile(rows, sampleWithOutcome(), 0o600); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "other.json")
	call(t, "", "train", rows, "-o", other, "--trees", "3").want(t, exitOK)

	s := newServer(t)
	s.start()
	stored := []string{"--data", s.data, "--s3-endpoint", "http://" + s.s3}
	sha := strings.TrimSpace(call(t, "", append([]string{"model", "publish", other}, stored...)...).want(t, exitOK, "LOANSCORER_MODEL=").out)
	again := call(t, "", append([]string{"model", "publish", other}, stored...)...).want(t, exitOK)
	if strings.TrimSpace(again.out) != sha || len(sha) != 64 || sha == model.Default().SHA256() {
		t.Fatalf("published as %q, then as %q", sha, again.out)
	}
	s.terminate()

	s.args = append(s.args, "--model", sha)
	s.start()
	body := `{"TotalIncome":5849,"LoanAmount":128,"Credit_History":1,"Property_Area":"Urban"}`
	out := call(t, body, "submit", "-", "--wait", "--json", "--server", s.url()).want(t, exitOK).out
	var decided struct {
		Model struct {
			SHA256 string `json:"sha256"`
		} `json:"model"`
	}
	if err := json.Unmarshal([]byte(out), &decided); err != nil || decided.Model.SHA256 != sha {
		t.Errorf("decided by %q, want %q: %v\n%s", decided.Model.SHA256, sha, err, out)
	}
	s.terminate()

	args := append([]string{}, s.args[:len(s.args)-1]...)
	call(t, "", append(args, strings.Repeat("0", 64))...).want(t, exitFailed, "loanscorer model publish")
}

// sampleWithOutcome is training data: the sample's rows with a made-up outcome.
func sampleWithOutcome() []byte {
	var out strings.Builder
	out.WriteString("TotalIncome,LoanAmount,Credit_History,Property_Area,Loan_Status\n")
	areas := []string{"Rural", "Semiurban", "Urban"}
	for i := range 60 {
		line, err := json.Marshal([]int{1000 + 97*i, 50 + 3*i%90, i % 2})
		if err != nil {
			panic(err)
		}
		out.WriteString(strings.Trim(string(line), "[]") + "," + areas[i%3] + "," + []string{"N", "Y"}[(i+i/3)%2] + "\n")
	}
	return []byte(out.String())
}
