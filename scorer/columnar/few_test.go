package columnar

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// codedColumn is an empty column that texts can be added to by code.
func codedColumn() *column {
	c := &column{}
	c.init(&Column{Name: "area", Kind: Text, Optional: true}, &zstd.Codec{})
	c.places = newPlaces()
	return c
}

// state is what packing leaves in a column.
func state(c *column) string {
	return fmt.Sprint(c.width, c.entries, c.bits, c.levels, c.pageRows, c.pageNulls, c.nulls, len(c.pages), string(c.body))
}

// addBySteps is addFew without vectors: its own rows one by one.
func addBySteps(c *column, codes []uint32, enter func(uint32)) {
	for _, code := range codes {
		if c.known[code] == unknown {
			c.enter(code, enter)
		}
	}
	if width := bitWidth(c.entries); width != c.width {
		c.flush()
		c.width = width
	}
	c.coded, c.few = true, true
	before := c.bits.values
	c.fewIndexes.update(c.known, c.entries)
	c.packRows(codes, &c.fewIndexes)
	c.advance(len(codes), len(codes)-(c.bits.values-before))
}

// sameTexts are texts of all codes: below 16 as many as codes less one, 14 else.
func sameTexts() []uint32 {
	of := make([]uint32, fewCodes)
	for code := range of {
		of[code] = uint32(code)
		if code >= fewValues {
			of[code] = uint32(code % (fewValues - 1))
		}
	}
	return of
}

func compareFew(tb testing.TB, blocks [][]uint32) {
	tb.Helper()
	of := sameTexts()
	fast, slow := codedColumn(), codedColumn()
	enter := func(c *column) func(uint32) {
		c.knowOf(of)
		return func(code uint32) {
			c.enterText(strconv.Itoa(int(of[code])))
			for other, text := range of {
				if text == of[code] {
					c.known[other] = c.known[code]
				}
			}
		}
	}
	enterFast, enterSlow := enter(fast), enter(slow)
	for i, codes := range blocks {
		if !fast.addFew(codes, enterFast) {
			tb.Fatalf("block %d: %d values", i, fast.entries)
		}
		addBySteps(slow, codes, enterSlow)
		if diff := cmp.Diff(state(slow), state(fast)); diff != "" {
			tb.Fatalf("block %d of %d codes (-row by row +by vectors):\n%.1500s", i, len(codes), diff)
		}
	}
	fast.finish()
	slow.finish()
	if !bytes.Equal(slow.body, fast.body) || !bytes.Equal(slow.dictionary, fast.dictionary) {
		tb.Error("vectors give other pages")
	}
}

func TestVectorsPackAsRowsDo(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		codes int // of which so many are used
		nulls int // out of 100
	}{
		{"only nulls", 1, 100},
		{"one value", 2, 0},
		{"one value and nulls", 2, 50},
		{"two values", 3, 2},
		{"four values", 5, 0},
		{"five values", 6, 30},
		{"one table", fewValues, 10},
		{"two tables", fewValues + 1, 10},
		{"two tables and a code", 2*fewValues + 1, 10},
		{"all codes", fewCodes, 10},
		{"hardly a value", fewCodes, 99},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(5, uint64(tt.codes)))
			var blocks [][]uint32
			for range 40 {
				codes := make([]uint32, 1+r.IntN(200))
				for i := range codes {
					if r.IntN(100) >= tt.nulls {
						// the later ones come later
						codes[i] = uint32(r.IntN(min(tt.codes, 1+len(blocks)*len(blocks)/2)))
					}
				}
				blocks = append(blocks, codes)
			}
			compareFew(t, blocks)
		})
	}
}

func FuzzFewCodes(f *testing.F) {
	f.Add([]byte{1, 2, 0, 3, 15}, uint8(3))
	f.Add(bytes.Repeat([]byte{0, 1, 1, 2, 1, 1, 1}, 40), uint8(64))
	f.Add(bytes.Repeat([]byte{4}, 200), uint8(100))
	f.Fuzz(func(t *testing.T, data []byte, size uint8) {
		var blocks [][]uint32
		for len(data) > 0 {
			n := min(len(data), 1+int(size))
			codes := make([]uint32, n)
			for i, b := range data[:n] {
				codes[i] = uint32(b)
			}
			blocks, data = append(blocks, codes), data[n:]
		}
		compareFew(t, blocks)
	})
}

func TestCodeThatIsNoneOfFewPanics(t *testing.T) {
	t.Parallel()
	for _, known := range []int{3, 16, 17, 100, fewCodes} {
		for _, code := range []uint32{uint32(known), fewCodes, 1 << 16, 1<<16 + 1, 1 << 31, 1<<32 - 1} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("code %d of %d: no panic", code, known)
					}
				}()
				c := codedColumn()
				c.know(known)
				for i := range c.known {
					c.known[i] = 0
				}
				c.entries = 1
				codes := make([]uint32, 64)
				codes[40] = code
				c.addFew(codes, func(uint32) {})
			}()
		}
	}
}

func TestBoundsAreOfValuesThatRowsHave(t *testing.T) {
	t.Parallel()
	// By the calls of Dense: codes and how many values there are by then.
	type call struct {
		codes  []uint32
		values int
	}
	values := []float64{0, 5, -100, 900, 7, 3, 1e6}
	for _, tt := range []struct {
		name     string
		calls    []call
		min, max float64
	}{
		{"all", []call{{[]uint32{1, 2, 0, 3}, 4}}, -100, 900},
		{"some", []call{{[]uint32{1, 0, 4}, 5}}, 5, 7},
		{"one later", []call{{[]uint32{1}, 4}, {[]uint32{4, 3}, 6}}, 5, 900},
		{"one without a new value", []call{{[]uint32{1}, 4}, {[]uint32{2}, 4}}, -100, 5},
		{"none at first", []call{{[]uint32{0, 0}, 3}, {[]uint32{0, 5, 1}, 7}}, 3, 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, err := NewSchema("row", []Column{{Name: "income", Kind: Double, Optional: true}})
			if err != nil {
				t.Fatal(err)
			}
			g := NewGroup(s, &zstd.Codec{})
			for range 2 { // the second time after Reset
				g.Reset()
				for _, c := range tt.calls {
					g.Dense(0, c.codes, values[:c.values])
				}
				g.Finish()
				if b := &g.columns[0].bounds; b.minDouble != tt.min || b.maxDouble != tt.max {
					t.Errorf("bounds %v and %v, want %v and %v", b.minDouble, b.maxDouble, tt.min, tt.max)
				}
			}
		})
	}
}

// How many codes the caller knows must not change a byte.
func TestCodesThatNoRowHasChangeNothing(t *testing.T) {
	t.Parallel()
	names := make([]string, 3*fewCodes)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	for _, used := range []int{1, 2, 3, 9, fewValues - 1, fewValues, fewValues + 1, 40, fewCodes} {
		few, many := codedGroup(t), codedGroup(t)
		r := rand.New(rand.NewPCG(9, uint64(used)))
		for block := range 60 {
			codes := make([]uint32, 500+r.IntN(1000))
			for i := range codes {
				codes[i] = uint32(r.IntN(min(used, 1+block*block/10)))
			}
			few.Texts(0, codes, names[:used])
			many.Texts(0, codes, names)
		}
		few.Finish()
		many.Finish()
		if a, b := &few.columns[0], &many.columns[0]; !bytes.Equal(a.body, b.body) || !bytes.Equal(a.dictionaryPage, b.dictionaryPage) {
			t.Errorf("%d codes of %d or of %d: other pages", used, used, len(names))
		}
	}
}

// codedGroup is an empty group of a text column.
func codedGroup(tb testing.TB) *Group {
	tb.Helper()
	s, err := NewSchema("row", []Column{{Name: "area", Kind: Text, Optional: true}})
	if err != nil {
		tb.Fatal(err)
	}
	return NewGroup(s, &zstd.Codec{})
}
