// Command lambdazip packs a Lambda function: one executable file named
// bootstrap. The same file gives the same bytes, whenever and wherever it is
// packed. It refuses a function that is too large to start fast.
//
//	go run ./cmd/bootstrap/lambdazip dist/bootstrap-arm64/bootstrap dist/bootstrap-arm64.zip
package main

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"os"
	"time"
)

// maxSize is the largest function that is packed, in bytes.
const maxSize = 30_000_000

func main() {
	if len(os.Args) != 3 {
		_, _ = fmt.Fprintln(os.Stderr, "usage: lambdazip BOOTSTRAP ZIP")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "lambdazip:", err)
		os.Exit(1)
	}
}

func run(from, to string) error {
	program, err := os.ReadFile(from) //nolint:gosec // the file that was named
	if err != nil {
		return err
	}
	packed, err := pack(program)
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	if err := os.WriteFile(to, packed, 0o644); err != nil { //nolint:gosec // for everyone to deploy
		return err
	}
	_, err = fmt.Printf("%s: %.1f MB, %s: %.1f MB\n", from, float64(len(program))/1e6, to, float64(len(packed))/1e6)
	return err
}

// pack returns the zip of a program.
func pack(program []byte) ([]byte, error) {
	if len(program) > maxSize {
		return nil, fmt.Errorf("%d bytes, at most %d: see what it links with 'go tool nm -size -sort size'", len(program), maxSize)
	}
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	head := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
	head.SetMode(0o755)
	f, err := w.CreateHeader(head)
	if err != nil {
		return nil, err
	}
	_, err = f.Write(program)
	if err = errors.Join(err, w.Close()); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}
