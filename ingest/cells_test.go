package ingest

import (
	"bytes"
	"math/rand/v2"
	"strconv"
	"strings"
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

// Numbers four at a time are those of one at a time, and what is for another way
// stops them.
func TestFourNumbers(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 9))
	odd := []string{"", "007", "00", "1.5", "-1", "131072", "999999", "12345678", "123456789012345678", "4/", ":1", "1:", "0x1", " 1", "\xb1\xb2"}
	var numbers Numbers
	for n := range smallNumbers {
		if n%3 != 0 {
			numbers.Code(float64(n))
		}
	}
	for round := range 2000 {
		rows, step := 1+r.IntN(20), 1+r.IntN(3)
		oddAt := r.IntN(2 * rows)
		var text strings.Builder
		bounds := []uint32{beforeFirst}
		for i := range rows * step {
			cell := strconv.Itoa(3*r.IntN(smallNumbers/3/[]int{1, 10, 1000, 10_000}[r.IntN(4)]) + 1)
			if i == oddAt*step {
				cell = odd[r.IntN(len(odd))]
			}
			text.WriteString(cell)
			bounds = append(bounds, uint32(text.Len()))
			text.WriteByte(',')
		}
		cells := cellRun{data: append([]byte(text.String()), make([]byte, lookahead)...), bounds: bounds, step: step}
		want, wantValues := make([]uint32, rows), make([]float64, rows)
		codes, values := make([]uint32, rows), make([]float64, rows)
		n := cells.smallNumbers(0, numbers.small, want, wantValues)
		four := cells.fourNumbers(0, numbers.small, codes, values)
		if four > n || vectors && four < n&^3 {
			t.Fatalf("round %d: %d of %d numbers, one at a time %d: %q", round, four, rows, n, text.String())
		}
		if diff := cmp.Diff(want[:four], codes[:four]) + cmp.Diff(wantValues[:four], values[:four]); diff != "" {
			t.Fatalf("round %d: %q (-one +four):\n%s", round, text.String(), diff)
		}
		if n < rows && n != oddAt {
			t.Fatalf("round %d: stopped at cell %d, the odd one is %d: %q", round, n, oddAt, text.String())
		}
	}
}
