package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/model"
)

// strictModel is the built-in model, which approves above 0.8 only and cannot
// do without LoanAmount.
func strictModel(t *testing.T) *model.Model {
	t.Helper()
	spec := model.Default().Spec()
	spec.Features[1].Missing = nil
	spec.Policy = model.Policy{ApproveAbove: 0.8, DeclineAt: 0.4}
	data, err := model.Encode(spec)
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// shadowRows are 60 applications, 20 of them without a LoanAmount.
func shadowRows() string {
	var rows strings.Builder
	rows.WriteString("Loan_ID,ApplicantIncome,CoapplicantIncome,LoanAmount,Credit_History,Property_Area\n")
	for i := range 60 {
		amount := []string{"120", "90", ""}[i%3]
		fmt.Fprintf(&rows, "S%d,%d,0,%s,%d,%s\n", i, 1500+i*100, amount, min(1, i%5), []string{"Rural", "Semiurban", "Urban"}[i%3])
	}
	return rows.String()
}

// A service with a shadow scores files beside it: a file, a model of the bucket,
// or the built-in one.
func TestServiceWithShadow(t *testing.T) {
	t.Parallel()
	dir, m, own := t.TempDir(), strictModel(t), model.Default().SHA256()
	challenger := filepath.Join(dir, "challenger.json")
	if err := os.WriteFile(challenger, m.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newServer(t)
	args := slices.Clip(s.args)
	for n, tc := range []struct {
		flags  []string
		shadow string // SHA-256
		code   int
		not    int // rows that the shadow cannot score
	}{
		{[]string{"--shadow", challenger}, m.SHA256(), exitOK, 20},
		{[]string{"--shadow", m.SHA256()}, m.SHA256(), exitOK, 20}, // the first kept it in the bucket
		{[]string{"--model", challenger, "--shadow", "default"}, own, exitPartly, 0},
		{nil, "", exitOK, 0},
	} {
		rows := filepath.Join(dir, fmt.Sprintf("rows%d.csv", n))
		if err := os.WriteFile(rows, []byte(shadowRows()), 0o600); err != nil {
			t.Fatal(err)
		}
		s.args = append(args, tc.flags...)
		s.start()
		stored := []string{"--data", s.data, "--s3-endpoint", "http://" + s.s3}
		out := call(t, "", append([]string{"upload", rows, "--wait", "--json", "--server", s.url()}, stored...)...).want(t, tc.code).out
		var b struct {
			ID     string         `json:"id"`
			Shadow *status.Shadow `json:"shadow"`
		}
		if err := json.Unmarshal([]byte(out), &b); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		page := filepath.Join(dir, b.ID+".html")
		verified := call(t, "", append([]string{"verify", b.ID}, stored...)...).want(t, exitOK).out
		text := call(t, "", "batches", "show", b.ID, "--server", s.url()).want(t, exitOK).out +
			call(t, "", append([]string{"results", b.ID}, stored...)...).want(t, exitOK).out +
			call(t, "", append([]string{"report", b.ID, "-o", page}, stored...)...).want(t, exitOK).out + verified
		html, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		s.terminate()
		wantShadow(t, text+string(html), tc.shadow, tc.not)
		if (b.Shadow != nil) != (tc.shadow != "") || b.Shadow != nil && b.Shadow.Model.SHA256 != tc.shadow {
			t.Errorf("%v: shadow %+v", tc.flags, b.Shadow)
		}
	}
	s.args = append(args, "--shadow", strings.Repeat("0", 64))
	call(t, "", s.args...).want(t, exitFailed, "--shadow: no model 0000", "loanscorer model publish")
}

// wantShadow looks for a shadow model in what the commands tell of a batch, or
// for none.
func wantShadow(t *testing.T, text, sha string, not int) {
	t.Helper()
	if sha == "" {
		if regexp.MustCompile(`(?i)shadow[ _:]`).MatchString(text) {
			t.Errorf("a batch without a shadow:\n%s", text)
		}
		return
	}
	for _, want := range []string{
		"shadow model: the same decision for [0-9.]+ % of 40 rows", "shadow: approved  declined  referred  not scored",
		"loan-approval-forest 1, SHA-256 " + sha, "decided_at,shadow_probability,shadow_decision,shadow_model_sha256\n", "," + sha + "\n",
		fmt.Sprintf("ok +shadow +40 rows scored by model %.12s, too, %d not", sha, not), "<h2>Shadow model</h2>", "Probability of approval by both models",
	} {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if got := strings.Count(text, ",,,\n"); got != not {
		t.Errorf("%d rows without a score of the shadow, want %d", got, not)
	}
}

// A shadow that cannot be used is refused by every command that scores, before
// it does anything.
func TestShadowsAreCheckedFirst(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rows, broken, odd := filepath.Join(dir, "rows.csv"), filepath.Join(dir, "broken.json"), filepath.Join(dir, "odd.json")
	spec := model.Default().Spec()
	spec.Features[0].Name, spec.Reference = "ShoeSize", nil
	data, err := model.Encode(spec)
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{rows: "TotalIncome,LoanAmount,Credit_History,Property_Area\n1,1,1,Urban\n", broken: "{}", odd: string(data)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		broken: "--shadow: model .*broken.json: model is not valid", odd: `--shadow .*odd.json: model does not fit loan applications: feature "ShoeSize"`,
		filepath.Join(dir, "none.json"): "--shadow: model: open .*none.json",
	} {
		for _, command := range [][]string{
			{"score", rows, "-o", filepath.Join(dir, "out.parquet")},
			{"worker", "--data", filepath.Join(dir, "nowhere")},
			{"serve", "--data", filepath.Join(dir, "data"), "--api-addr", "127.0.0.1:0", "--s3-addr", "127.0.0.1:0", "--sqs-addr", "127.0.0.1:0"},
		} {
			call(t, "", append(command, "--shadow", path)...).want(t, exitFailed, want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "out.parquet")); err == nil {
		t.Error("something was scored")
	}
}
