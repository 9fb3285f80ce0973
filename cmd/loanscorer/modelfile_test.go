package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loanscorer/loanscorer/model"
)

// failure 55, 56: a model that is missing, changed, or another one than was
// asked for, is refused by every command that scores, before it does anything.
func TestModelsAreCheckedBeforeTheyScore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	m := model.Default()
	rows := write("rows.csv", []byte("TotalIncome,LoanAmount,Credit_History,Property_Area\n5000,100,1,Urban\n"))
	good := write("good.json", m.Bytes())
	changed := write("changed.json", bytes.Replace(m.Bytes(), []byte(`"threshold":[2386.5`), []byte(`"threshold":[2387.5`), 1))
	swapped := strings.NewReplacer(`"name":"TotalIncome"`, `"name":"Credit_History"`, `"name":"Credit_History"`, `"name":"TotalIncome"`)
	order := write("order.json", []byte(swapped.Replace(string(m.Bytes()))))
	other := strings.Repeat("0", 64)
	for _, tc := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"right", []string{"--model", good, "--model-sha256", m.SHA256()}, exitOK, ""},
		{"capitals", []string{"--model", good, "--model-sha256", strings.ToUpper(m.SHA256())}, exitOK, ""},
		{"built in", []string{"--model-sha256", m.SHA256()}, exitOK, ""},
		{"other built in", []string{"--model-sha256", other}, exitFailed, "the built-in model: this is not the model"},
		{"other", []string{"--model", good, "--model-sha256", other}, exitFailed, m.SHA256()},
		{"short", []string{"--model", good, "--model-sha256", "abc"}, exitUsage, "must be 64 hexadecimal digits"},
		{"changed", []string{"--model", changed, "--model-sha256", m.SHA256()}, exitFailed, "this is not the model"},
		{"changed, not asked", []string{"--model", changed}, exitFailed, "self_test"},
		{"other order", []string{"--model", order}, exitFailed, "self_test: row 0: this program gives"},
		{"missing", []string{"--model", filepath.Join(dir, "none.json")}, exitFailed, "no such file"},
		{"directory", []string{"--model", dir}, exitFailed, "is a directory"},
	} {
		for _, command := range [][]string{
			{"score", rows, "-o", filepath.Join(dir, tc.name+".parquet")},
			{"worker", "--data", filepath.Join(dir, "nowhere")},
			{"api", "--data", filepath.Join(dir, "nowhere"), "--api-addr", "127.0.0.1:0"},
			{"serve", "--data", filepath.Join(dir, "data"), "--api-addr", "127.0.0.1:0", "--s3-addr", "127.0.0.1:0", "--sqs-addr", "127.0.0.1:0"},
		} {
			if tc.code == exitOK && command[0] != "score" {
				continue // it would run until it is stopped
			}
			call(t, "", append(command, tc.args...)...).want(t, tc.code, tc.want)
		}
	}
}
