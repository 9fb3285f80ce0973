package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// result is what a command printed and how it ended.
type result struct {
	out, err string
	code     int
}

// call runs a command as a person would, against a running server.
func call(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(t.Context(), args, streams{in: strings.NewReader(stdin), out: &out, err: &errs})
	return result{out: out.String(), err: errs.String(), code: code}
}

// want fails the test if the command did not end with code or did not print
// what the patterns say.
func (r result) want(t *testing.T, code int, patterns ...string) result {
	t.Helper()
	if r.code != code {
		t.Fatalf("exit code %d, want %d\n%s%s", r.code, code, r.out, r.err)
	}
	for _, p := range patterns {
		if !regexp.MustCompile(p).MatchString(r.out + r.err) {
			t.Errorf("no %q in\n%s%s", p, r.out, r.err)
		}
	}
	return r
}

// TestService uses every command that talks to a running service.
func TestService(t *testing.T) {
	s := newServer(t, "--visibility", "5s")
	s.start()
	remote := []string{"--server", s.url()}
	stored := []string{"--data", s.data, "--s3-endpoint", "http://" + s.s3}
	with := func(args []string, more ...[]string) []string {
		for _, m := range more {
			args = append(args, m...)
		}
		return args
	}

	t.Run("submit", func(t *testing.T) {
		body := `{"Loan_ID":"E-1","ApplicantIncome":5849,"CoapplicantIncome":0,"LoanAmount":128,"Credit_History":1,"Property_Area":"Urban"}`
		call(t, body, with([]string{"submit", "-", "--wait"}, remote)...).want(t, exitOK, `decided  (approved|declined)  0\.\d{4}  E-1`)
		declined := strings.Replace(body, `"Credit_History":1`, `"Credit_History":0`, 1)
		call(t, declined, with([]string{"submit", "-", "--wait"}, remote)...).
			want(t, exitOK, `decided  declined .*\n  CREDIT_HISTORY +Credit history does not meet the guidelines\n`)
		call(t, declined, with([]string{"submit", "-", "--wait", "--json"}, remote)...).
			want(t, exitOK, `"reasons":\[\{"code":"CREDIT_HISTORY","feature":"Credit_History","contribution":-0\.\d+,"text":"Credit`)
		id := strings.Fields(call(t, body, with([]string{"submit", "-"}, remote)...).want(t, exitOK, "queued").out)[0]
		call(t, "", with([]string{"status", id, "--wait"}, remote)...).want(t, exitOK, id+"  decided")
		last := "0"
		if strings.HasSuffix(id, last) {
			last = "1"
		}
		call(t, "", with([]string{"status", id[:len(id)-1] + last, "--wait"}, remote)...).want(t, exitFailed, "no application or batch has this id")
		bad := strings.Replace(body, "128", "-3", 1)
		call(t, bad, with([]string{"submit", "-"}, remote)...).want(t, exitFailed, "LoanAmount: must be greater than 0")
		call(t, body+"\n"+bad+"\n"+body, with([]string{"submit", "-", "--wait"}, remote)...).
			want(t, exitPartly, "application 2: ", `(?s)decided.*decided`)
	})

	t.Run("upload", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "mixed.csv")
		if err := os.WriteFile(path, sampleCSV, 0o600); err != nil {
			t.Fatal(err)
		}
		r := call(t, "", with([]string{"upload", path, "--wait", "--json"}, remote, stored)...).want(t, exitPartly)
		var b batch
		if err := json.Unmarshal([]byte(r.out), &b); err != nil {
			t.Fatal(err)
		}
		if b.Counts.Rows != 500 || b.Counts.Rejected != 8 || b.Counts.Decided != 492 {
			t.Errorf("counts %+v, want 500 = 492 + 8", b.Counts)
		}
		call(t, "", with([]string{"status", b.ID}, remote)...).
			want(t, exitPartly, "500 rows = 492 decided", ` CREDIT_HISTORY +Credit history does not meet the guidelines\n`)
		call(t, "", with([]string{"batches"}, remote)...).want(t, exitOK, b.ID+" +succeeded_with_rejects +500")
		call(t, "", with([]string{"verify", b.ID}, stored)...).want(t, exitOK, "ok    ledger   500 rows = 492 decided \\+ 8 rejected")
		csv := call(t, "", with([]string{"results", b.ID}, stored)...).want(t, exitOK, "^Loan_ID,Gender").out
		if n := strings.Count(csv, "\n"); n != 493 {
			t.Errorf("%d lines of results, want a header and 492", n)
		}
		first := strings.SplitAfterN(csv, "\n", 3)
		loanID, _, _ := strings.Cut(first[1], ",")
		if one := call(t, "", with([]string{"results", b.ID, "--loan-id", loanID}, stored)...).want(t, exitOK); one.out != first[0]+first[1] {
			t.Errorf("looked up %q, want %q", one.out, first[1])
		}
		call(t, "", with([]string{"results", b.ID, "--loan-id", "none"}, stored)...).want(t, exitFailed, "no decided row has that Loan_ID")
		call(t, "", with([]string{"batches", "show", b.ID}, remote)...).
			want(t, exitOK, "by Property_Area:", `TotalIncome +\d\.\d{3} `, "rows/s", `on AWS about 0\.0000\d+ USD on Lambda, SQS and S3, and 0\.0*\d\d? a month`,
				`ledger closed 20.*: 500 rows = 492 decided \+ 8 rejected, in 1 of 1 chunks`)
		page := filepath.Join(t.TempDir(), "page.html")
		call(t, "", with([]string{"report", b.ID, "-o", page}, stored)...).want(t, exitOK, "page.html")
		call(t, "", with([]string{"results", b.ID, "--texts", "pt"}, stored)...).
			want(t, exitOK, ",reason_1,reason_1_text,reason_2,", ",declined,CREDIT_HISTORY,Histórico de crédito não atende às diretrizes,", ",approved,,,,,,,,,,")
		rejects := call(t, "", with([]string{"results", b.ID, "--rejects"}, stored)...).want(t, exitOK, "^line,byte_offset").out
		if n := strings.Count(rejects, "\n"); n != 9 {
			t.Errorf("%d lines of rejects, want a header and 8", n)
		}
		dir := t.TempDir()
		call(t, "", with([]string{"results", b.ID, "--parquet", "-o", dir}, stored)...).want(t, exitOK, "parts in .*: 1")
		call(t, "", with([]string{"results", b.ID, "-o", filepath.Join(dir, "r.csv")}, stored)...).want(t, exitOK)
		if _, err := os.Stat(filepath.Join(dir, "r.csv")); err != nil {
			t.Error(err)
		}
	})

	// failure 52: many small files, and an applicant who does not wait for them.
	t.Run("many small files", func(t *testing.T) {
		const files = 60
		dir := t.TempDir()
		paths := make([]string, files)
		rows := bytes.SplitN(sampleCSV, []byte("\n"), 12)
		for i := range paths {
			paths[i] = filepath.Join(dir, fmt.Sprintf("small-%02d.csv", i))
			text := bytes.Join([][]byte{rows[0], rows[1+i%10], nil}, []byte("\n"))
			if err := os.WriteFile(paths[i], text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var wg sync.WaitGroup
		for worker := range 4 {
			wg.Go(func() {
				for i := worker; i < files; i += 4 {
					call(t, "", with([]string{"upload", paths[i], "--wait"}, remote, stored)...).want(t, exitOK, "1 rows? = 1 decided")
				}
			})
		}
		body := `{"Loan_ID":"E-2","TotalIncome":5849,"LoanAmount":128,"Credit_History":1,"Property_Area":"Urban"}`
		for range 5 {
			call(t, body, with([]string{"submit", "-", "--wait"}, remote)...).want(t, exitOK, "decided")
		}
		wg.Wait()
	})

	t.Run("refused file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "columns.csv")
		if err := os.WriteFile(path, bytes.Replace(sampleCSV, []byte("LoanAmount"), []byte("Amount"), 1), 0o600); err != nil {
			t.Fatal(err)
		}
		call(t, "", with([]string{"upload", path, "--wait"}, remote, stored)...).want(t, exitFailed, "LoanAmount", "failed")
	})

	t.Run("second server", func(t *testing.T) {
		free := []string{"--api-addr", freeAddr(t), "--s3-addr", freeAddr(t), "--sqs-addr", freeAddr(t)}
		call(t, "", with([]string{"serve", "--data", s.data}, free)...).want(t, exitFailed, "in use by another server")
		call(t, "", "serve", "--data", t.TempDir(), "--api-addr", s.api).want(t, exitFailed, "--api-addr")
		free[3] = s.s3
		call(t, "", with([]string{"serve", "--data", t.TempDir()}, free)...).want(t, exitFailed, s.s3)
	})

	if took := s.terminate(); took > 10*time.Second {
		t.Errorf("the stop took %s", took)
	}
}

// TestUnwritableData names the directory that cannot be used.
func TestUnwritableData(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	call(t, "", "serve", "--data", file, "--api-addr", freeAddr(t)).want(t, exitFailed, regexp.QuoteMeta(file))
}
