package ingest

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// cellsOf are the bounds, lines and odd bytes of 64-byte blocks, a byte at a
// time.
func cellsOf(data []byte, delimiter byte) (bounds []uint32, lines []uint64, odd bool) {
	lines = make([]uint64, len(data)/wordsBytes)
	for i, c := range data[:len(lines)*wordsBytes] {
		switch {
		case c == '\n':
			lines[i/wordsBytes] |= 1 << (i % wordsBytes)
			bounds = append(bounds, uint32(i))
		case c == delimiter:
			bounds = append(bounds, uint32(i))
		case c < ' ', c == '"', c >= 0x80:
			odd = true
		}
	}
	return bounds, lines, odd
}

// FuzzSeparators compares both ways to find separators with a third one. The
// way without vectors may call text odd that is not.
func FuzzSeparators(f *testing.F) {
	f.Add(bytes.Repeat([]byte("LP001,Male,,3+,Graduate,No,5849,0,,360,1,Urban\n"), 20), byte(','))
	f.Add(bytes.Repeat([]byte("\"a\"\t\r\n\n\t\t\xff \x00;|,"), 9), byte('\t'))
	f.Add(bytes.Repeat([]byte{'\n'}, 1000), byte(';'))
	f.Add(bytes.Repeat([]byte{';'}, 1000), byte(';'))
	f.Add([]byte("no block"), byte(','))
	f.Fuzz(func(t *testing.T, data []byte, delimiter byte) {
		want, wantLines, wantOdd := cellsOf(data, delimiter)
		find := func(name string, find func([]uint32, []uint64, []byte, byte) (int, bool)) bool {
			bounds, lines := make([]uint32, (len(wantLines)+1)*wordsBytes), make([]uint64, len(wantLines))
			n, odd := find(bounds, lines, data, delimiter)
			if diff := cmp.Diff(want, append([]uint32(nil), bounds[:n]...)); diff != "" {
				t.Errorf("%s: bounds (-want +got):\n%s", name, diff)
			}
			if diff := cmp.Diff(wantLines, lines); diff != "" {
				t.Errorf("%s: lines (-want +got):\n%s", name, diff)
			}
			return odd
		}
		if odd := find("separators", separators); wantOdd && !odd {
			t.Error("separators: not odd")
		}
		if odd := find("findSeparators", findSeparators); wantOdd && !odd {
			t.Error("findSeparators: not odd")
		}
	})
}
