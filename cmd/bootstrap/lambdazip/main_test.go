package main

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// The same program gives the same archive, with what Lambda needs in it.
func TestPack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	from := filepath.Join(dir, "program")
	program := bytes.Repeat([]byte("program"), 1000)
	var packed [2][]byte
	for i := range packed {
		if err := os.WriteFile(from, program, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(from, time.Time{}, time.Unix(int64(i)*1e6, 0)); err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, "zip")
		if err := run(from, to); err != nil {
			t.Fatal(err)
		}
		var err error
		if packed[i], err = os.ReadFile(to); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(packed[0], packed[1]) {
		t.Error("two archives of one program differ")
	}
	r, err := zip.NewReader(bytes.NewReader(packed[0]), int64(len(packed[0])))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.File) != 1 || r.File[0].Name != "bootstrap" || r.File[0].Mode() != 0o755 {
		t.Fatalf("%+v", r.File)
	}
	in, err := r.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(in); err != nil || !bytes.Equal(got, program) {
		t.Errorf("%v: %d bytes", err, len(got))
	}
}

func TestPackRefusesWhatIsTooLarge(t *testing.T) {
	t.Parallel()
	if _, err := pack(make([]byte, maxSize+1)); err == nil {
		t.Error("packed")
	}
}
