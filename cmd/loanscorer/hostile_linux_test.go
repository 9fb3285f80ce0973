//go:build !race

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/klauspost/compress/gzip"
)

// mostMemory is what a run may take, in KiB: 256 MiB. (The race detector takes
// several times as much, so these tests are built without it.)
const mostMemory = 256 << 10

const hostileHeader = "Loan_ID,ApplicantIncome,CoapplicantIncome,LoanAmount,Credit_History,Property_Area\n"

// endless writes a row again and again into size bytes.
func endless(w io.Writer, row string, size int) error {
	piece := []byte(strings.Repeat(row, max(1, (1<<20)/len(row))))
	for n := 0; n < size; n += len(piece) {
		if _, err := w.Write(piece); err != nil {
			return err
		}
	}
	return nil
}

// hostile makes files that others read with all of their memory.
func hostile(t *testing.T, dir string) map[string]string {
	t.Helper()
	const good = "LP1,5849,0,128,1,Urban\n"
	make1 := func(name string, fill func(f *os.File) error) string {
		path := filepath.Join(dir, name)
		f, err := os.Create(path)
		if err == nil {
			err = fill(f)
		}
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	packed := func(row string) func(f *os.File) error {
		return func(f *os.File) error {
			z, err := gzip.NewWriterLevel(f, gzip.BestCompression)
			if err != nil {
				return err
			}
			if _, err := io.WriteString(z, hostileHeader); err != nil {
				return err
			}
			if err := endless(z, row, 300<<20); err != nil {
				return err
			}
			return z.Close()
		}
	}
	return map[string]string{
		"line": make1("line.csv", func(f *os.File) error {
			_, err := f.WriteString(hostileHeader + good)
			if err == nil {
				_, err = f.WriteAt([]byte("\n"+good), 1<<30) // NULs until there
			}
			return err
		}),
		"quotes": make1("quotes.csv", func(f *os.File) error {
			if _, err := f.WriteString(hostileHeader); err != nil {
				return err
			}
			return endless(f, "LP1,1,2,3,1,\"Urban\n"+strings.Repeat("x", 1000)+"\n", 64<<20)
		}),
		"bomb": make1("bomb.csv.gz", packed(strings.Repeat("x", 1<<20))),
		"rows": make1("rows.csv.gz", packed(good)),
	}
}

// child runs the program as a process of its own and returns what it printed,
// its exit code, and how much memory it took at most, in KiB.
func child(t *testing.T, in io.Reader, args ...string) (result, int64) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Args[0] = "loanscorer"
	cmd.Stdin = in
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // the exit code is checked by the caller
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		t.Fatal("the system does not tell the memory of a process")
	}
	return result{out: out.String(), err: errs.String(), code: cmd.ProcessState.ExitCode()}, usage.Maxrss
}

// Whatever a file holds, it is read in 256 MiB, and what is wrong is told.
//
// failure 42, failure 50
func TestMemoryOfHostileFiles(t *testing.T) {
	dir := t.TempDir()
	files := hostile(t, dir)
	for _, c := range []struct {
		file string
		code int
		says string
	}{
		{"line", exitPartly, "3 rows: 2 .*(1 record_too_long|1 rejected)"},
		{"quotes", exitPartly, "rows: 0 "},
		{"bomb", exitFailed, `unpacks to more than 200 times its size: \d+ bytes of text from \d+.*unpacks_too_large`},
		{"rows", exitFailed, `unpacks to more than 200 times its size: \d+ bytes of text from \d+.*unpacks_too_large`},
	} {
		output := filepath.Join(dir, c.file+".parquet")
		for name, args := range map[string][]string{
			"check": {"check", files[c.file]},
			"score": {"score", files[c.file], "-o", output, "--rejects", filepath.Join(dir, c.file+".rejects")},
		} {
			got, kib := child(t, nil, args...)
			if text := strings.ReplaceAll(got.out+got.err, "\n", " "); got.code != c.code || !regexp.MustCompile(c.says).MatchString(text) {
				t.Errorf("%s %s: exit code %d, %.300s", name, c.file, got.code, text)
			}
			if kib > mostMemory {
				t.Errorf("%s %s took %d KiB", name, c.file, kib)
			}
		}
		if _, err := os.Stat(output); (err == nil) != (c.code == exitPartly) {
			t.Errorf("%s: exit code %d and output: %v", c.file, c.code, err)
		}
	}
}

// A stream of more bytes than there is memory for, made while it is read.
//
// failure 51
func TestMemoryOfLongStream(t *testing.T) {
	dir := t.TempDir()
	r, w := io.Pipe()
	go func() {
		_, err := io.WriteString(w, hostileHeader)
		for i := 0; err == nil && i < 400; i++ {
			err = endless(w, fmt.Sprintf("LP%06d,%d,0,128,1,Urban\n", i, 1000+i), 1<<20)
		}
		_ = w.CloseWithError(err)
	}()
	defer func() { _ = r.Close() }()
	got, kib := child(t, r, "score", "/dev/stdin", "-o", filepath.Join(dir, "o.parquet"), "--rejects", filepath.Join(dir, "r.csv"))
	if got.code != exitOK || !strings.Contains(got.out, ", 0 rejected") {
		t.Errorf("exit code %d, %s%s", got.code, got.out, got.err)
	}
	if kib > mostMemory {
		t.Errorf("it took %d KiB", kib)
	}
}
