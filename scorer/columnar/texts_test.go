package columnar

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// pageOf is what a page in the making has of texts.
type pageOf struct {
	Prefixes, Suffixes []int32
	Data               string
	Size               int
	Nulls              int
	Least, Most        string // if Bounded
	Bounded            bool
	Hashes             []uint64
}

// wantPage adds texts byte by byte.
func wantPage(texts []string, nullable bool) pageOf {
	want := pageOf{Bounded: true}
	last, values := "", []string{}
	for _, v := range texts {
		if v == "" && nullable {
			want.Nulls++
			continue
		}
		shared := 0
		for shared < min(len(last), len(v)) && last[shared] == v[shared] {
			shared++
		}
		want.Prefixes = append(want.Prefixes, int32(shared))
		want.Suffixes = append(want.Suffixes, int32(len(v)-shared))
		want.Data += v[shared:]
		want.Size += len(v)
		want.Bounded = want.Bounded && len(v) <= maxBound
		want.Hashes = append(want.Hashes, xxhash.Sum64String(v))
		last, values = v, append(values, v)
	}
	if want.Bounded = want.Bounded && len(values) > 0; want.Bounded {
		want.Least, want.Most = slices.Min(values), slices.Max(values)
	}
	return want
}

// gotPage adds texts to a group in calls of at most block rows.
func gotPage(tb testing.TB, texts []string, block int, nullable bool) pageOf {
	tb.Helper()
	s, err := NewSchema("row", []Column{{Name: "id", Kind: Text, Optional: nullable, Bloom: true}})
	if err != nil {
		tb.Fatal(err)
	}
	g := NewGroup(s, &zstd.Codec{})
	for part := range slices.Chunk(texts, block) {
		var data []byte
		var ends []uint32
		for _, v := range part {
			data = append(data, v...)
			ends = append(ends, uint32(len(data)))
		}
		g.Bytes(0, data[:len(data):len(data)], ends)
		clear(data) // it is the caller's again
	}
	c := &g.columns[0]
	t := &c.texts
	got := pageOf{Prefixes: t.prefixes, Suffixes: t.suffixes, Data: string(t.data), Size: t.size, Nulls: c.pageNulls, Hashes: g.Hashes()}
	if least, most := c.pageBounds(); least != nil || most != nil {
		got.Least, got.Most, got.Bounded = string(least), string(most), true
	}
	return got
}

func comparePages(tb testing.TB, texts []string, nullable bool, blocks ...int) {
	tb.Helper()
	want := wantPage(texts, nullable)
	for _, block := range blocks {
		got := gotPage(tb, texts, block, nullable)
		if !nullable && want.Bounded && want.Most == "" { // nothing but empty texts
			got.Bounded = true
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			tb.Fatalf("%d texts in blocks of %d, nullable %t (-want +got): %.2000s", len(texts), block, nullable, diff)
		}
	}
}

// Texts of all kinds give the pages that they give byte by byte, in blocks of any
// size.
func TestBytes(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]func(i int, random *rand.Rand) string{
		"ascending":   func(i int, _ *rand.Rand) string { return fmt.Sprintf("LP%09d", i) },
		"a beginning": func(i int, _ *rand.Rand) string { return fmt.Sprintf("%c%02d", 'a'+i/20%20, i%20)[:3-i%20/19*2] },
		"only zeros":  func(i int, _ *rand.Rand) string { return strings.Repeat("\x00", i*7%17) },
		"descending":  func(i int, _ *rand.Rand) string { return fmt.Sprintf("LP%09d", 5000-i) },
		"falling end": func(i int, _ *rand.Rand) string { return fmt.Sprintf("%c%08d", "LA"[i%17/14], 5000-i/17*20+i%17) },
		"random":      func(_ int, random *rand.Rand) string { return fmt.Sprintf("LP%09d", random.IntN(1e9)) },
		"growing":     func(i int, _ *rand.Rand) string { return strconv.Itoa(i * i) },
		"duplicates":  func(i int, _ *rand.Rand) string { return strconv.Itoa(i / 3) },
		"16 bytes":    func(i int, _ *rand.Rand) string { return fmt.Sprintf("%016d", i/2*7919%1000) },
		"8 bytes":     func(i int, _ *rand.Rand) string { return fmt.Sprintf("%08d", i/2*7919%1000) },
		"any length":  func(_ int, random *rand.Rand) string { return strings.Repeat("ab", 20)[:random.IntN(40)] },
		"few letters": func(_ int, random *rand.Rand) string { return letters(random, "ab", 18) },
		"zeros":       func(_ int, random *rand.Rand) string { return letters(random, "\x00\x00\x00\xff", 18) },
		"not ASCII":   func(i int, _ *rand.Rand) string { return "Änderungsantrag"[:i%17] + "é" },
		"long":        func(i int, _ *rand.Rand) string { return fmt.Sprintf("%032x", i*7919) },
		"too long":    func(i int, _ *rand.Rand) string { return strings.Repeat("x", i%70) },
		"empty":       func(int, *rand.Rand) string { return "" },
		"some empty":  func(i int, random *rand.Rand) string { return fmt.Sprintf("LP%09d", i)[:11*random.IntN(2)] },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var texts []string
			random := rand.New(rand.NewPCG(3, 4))
			for i := range 2000 {
				texts = append(texts, text(i, random))
			}
			for _, n := range []int{1, 2, 40, 2000} {
				comparePages(t, texts[:n], true, 1, 2, 3, 17, 100, 1024)
				comparePages(t, texts[:n], false, 1, 2, 3, 17, 100, 1024)
			}
		})
	}
}

// letters is a random text of at most so many letters.
func letters(random *rand.Rand, of string, most int) string {
	text := make([]byte, random.IntN(most+1))
	for i := range text {
		text[i] = of[random.IntN(len(of))]
	}
	return string(text)
}

func FuzzBytes(f *testing.F) {
	f.Add([]byte("LP1 LP2 LP3 LP4 LP4 LP5  LP6 LP7 a b c LP100 LP101 LP102 LP103 LP104 LP105"), uint8(9), true)
	f.Add(bytes.Repeat([]byte("0123456789abcdef 0123456789abcde 0123456789abcdefg "), 9), uint8(255), false)
	f.Add(bytes.Repeat([]byte("a\x00 a a\x00\x00 12345678\x00 12345678 "), 9), uint8(255), true)
	f.Fuzz(func(t *testing.T, data []byte, block uint8, nullable bool) {
		if texts := strings.Split(string(data), " "); len(texts) <= bloomRows {
			comparePages(t, texts, nullable, 1+int(block))
		}
	})
}
