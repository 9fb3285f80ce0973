package ingest

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
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
	odd := []string{"007", "00", "1.5", "-1", "131072", "999999", "12345678", "123456789", "000000001", "12345678901234567", "123456789012345678", "4/", ":1", "1:", "0x1", " 1", "\xb1\xb2"}
	var one, four [3]Numbers // by rule
	for rule := range one {
		one[rule].begin()
		four[rule].begin()
	}
	for round := range 3000 {
		rows, step := 1+r.IntN(20), 1+r.IntN(3)
		plan := fieldPlan{required: r.IntN(2) == 0, rule: numberRule(r.IntN(3))}
		plan.numbers = &one[plan.rule]
		oddAt := r.IntN(2 * rows)
		var text strings.Builder
		bounds := []uint32{beforeFirst}
		for i := range rows * step {
			cell := strconv.Itoa(r.IntN(SmallNumbers / []int{1, 10, 1000, 10_000}[r.IntN(4)]))
			switch {
			case i == oddAt*step:
				cell = odd[r.IntN(len(odd))]
			case plan.rule == zeroOrOne && r.IntN(20) > 0:
				cell = strconv.Itoa(r.IntN(2))
			case r.IntN(20) == 0:
				cell = ""
			}
			text.WriteString(cell)
			bounds = append(bounds, uint32(text.Len()))
			text.WriteByte(',')
		}
		cells := cellRun{data: append([]byte(text.String()), make([]byte, lookahead)...), bounds: bounds, step: step}
		codes, values := make([]uint32, rows), make([]float64, rows)
		n := cells.smallNumbers(0, &plan, codes, values)
		plan.numbers = &four[plan.rule]
		gotCodes, gotValues := make([]uint32, rows), make([]float64, rows)
		got := cells.fourNumbers(0, &plan, gotCodes, gotValues)
		if got > n || vectors && got < n&^3 {
			t.Fatalf("round %d: %d of %d numbers, one at a time %d: %q", round, got, rows, n, text.String())
		}
		got += cells.smallNumbers(got, &plan, gotCodes[got:], gotValues[got:]) // both know the same numbers again
		if diff := cmp.Diff(codes[:n], gotCodes[:got]) + cmp.Diff(values[:n], gotValues[:got], cmpopts.EquateNaNs()); diff != "" {
			t.Fatalf("round %d: %q (-one +four):\n%s", round, text.String(), diff)
		}
		for i := range n {
			cell := string(cells.data[cells.bounds[i*step]+1 : cells.bounds[i*step+1]])
			v, err := strconv.ParseFloat(cell, 64)
			switch {
			case cell == "":
				if plan.required || codes[i] != 0 || !math.IsNaN(values[i]) {
					t.Fatalf("empty cell: required %v, code %d, value %v", plan.required, codes[i], values[i])
				}
			case err != nil || v != values[i] || one[plan.rule].Values()[codes[i]] != v || !plan.rule.allows(v):
				t.Fatalf("cell %q, rule %d: value %v, by code %v", cell, plan.rule, values[i], one[plan.rule].Values()[codes[i]])
			}
		}
		if n < rows && n != oddAt {
			cell := string(cells.data[cells.bounds[n*step]+1 : cells.bounds[n*step+1]])
			if v, _ := strconv.ParseFloat(cell, 64); cell == "" && !plan.required || cell != "" && plan.rule.allows(v) {
				t.Fatalf("round %d: stopped at cell %d, %q, the odd one is %d: %q", round, n, cell, oddAt, text.String())
			}
		}
	}
}

// Texts found by assembly are those found by Go, and both are those of the table.
func TestTexts(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 11))
	choices := []string{
		"", "Yes", "No", "0", "1", "2", "3+", "Graduate", "Not Graduate", "Semiurban", "fifteen letters",
		"sixteen letters.", "Yes\x00", "\x00", "Ye", "Yes ", "Ja", "Nein", "é", "Graduates", "NotGraduate", "\x00Yes",
	}
	for round := range 3000 {
		plan := fieldPlan{required: r.IntN(2) == 0, names: nil}
		plan.names = newNameTable(plan.required)
		known := map[string]uint32{}
		for range r.IntN(12) {
			text := choices[r.IntN(len(choices))]
			if code := plan.names.code([]byte(text), &Scanner{delimiter: ','}); text != "" {
				known[text] = code
			}
		}
		rows, step := 1+r.IntN(20), 1+r.IntN(3)
		var text strings.Builder
		bounds := []uint32{beforeFirst}
		cell := func(i int) string { return text.String()[bounds[i*step]+1 : bounds[i*step+1]] }
		for range rows * step {
			one := choices[r.IntN(len(choices))]
			for range 3 { // mostly known ones
				if _, ok := known[one]; !ok {
					one = choices[r.IntN(len(choices))]
				}
			}
			text.WriteString(one)
			bounds = append(bounds, uint32(text.Len()))
			text.WriteByte(',')
		}
		cells := cellRun{data: append([]byte(text.String()), bytes.Repeat([]byte{'x'}, lookahead)...), bounds: bounds, step: step}
		want, codes := make([]uint32, rows), make([]uint32, rows)
		n := findTexts(&cells, &plan, want)
		if got := texts(&cells, &plan, codes); got != n {
			t.Fatalf("round %d: %d texts, by Go %d: %q, %v", round, got, n, text.String(), known)
		}
		if diff := cmp.Diff(want[:n], codes[:n]); diff != "" {
			t.Fatalf("round %d: %q (-Go +assembly):\n%s", round, text.String(), diff)
		}
		for i := range n {
			if code, ok := known[cell(i)]; code != codes[i] || !ok && (cell(i) != "" || plan.required) {
				t.Fatalf("round %d: %q has code %d, want %d", round, cell(i), codes[i], code)
			}
		}
		if n < rows && cell(n) == "" && !plan.required {
			t.Fatalf("round %d: an empty cell is for the long way", round)
		}
		if code, ok := known[cell(min(n, rows-1))]; n < rows && ok && plan.names.holds(code) {
			t.Fatalf("round %d: %q, code %d, is for the long way", round, cell(n), code)
		}
	}
}

// holds tells whether the short way knows a code.
func (t *nameTable) holds(code uint32) bool {
	return slices.ContainsFunc(t.slots[:], func(s nameSlot) bool { return s.code == code })
}
