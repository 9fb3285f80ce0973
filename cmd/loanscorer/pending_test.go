package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// A pending file has all bytes when it appears, and the system has been told to
// store all but the last of them.
func TestPendingWriteback(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "out")
	p, err := newPending(name)
	if err != nil {
		t.Fatal(err)
	}
	var want []byte
	for i := range 5 {
		piece := bytes.Repeat([]byte{byte('a' + i)}, writebackBytes*2/3+i)
		want = append(want, piece...)
		if _, err := p.Write(piece); err != nil {
			t.Fatal(err)
		}
		if rest := int64(len(want)) - p.storing; rest < 0 || rest >= writebackBytes || p.storing%writebackBytes != 0 {
			t.Errorf("after %d bytes %d are being stored", len(want), p.storing)
		}
	}
	if _, err := os.Stat(name); err == nil {
		t.Error("the file is there before it is published")
	}
	if err := p.publish(); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, want) {
		t.Errorf("published %d bytes, %v; want %d", len(got), err, len(want))
	}
}
