package columnar

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go/bloom"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// Values in no order get filters of pages: every value passes that of its page
// and hardly any of the others. Readers see the same rows as without them.
func TestPageFilters(t *testing.T) {
	t.Parallel()
	const n = 5*bloomRows + 77
	r := randomRows(n, 100, 4)
	for i, k := range rand.New(rand.NewPCG(1, 2)).Perm(n) {
		if r.ids[i] != "" {
			r.ids[i] = fmt.Sprintf("LP%09d", k)
		}
	}
	data, f := filtered(t, r, true)
	if len(f.Filters()) != 1 {
		t.Fatalf("filters %+v", f.Filters())
	}
	at := f.Filters()[0].Pages
	if at.Pages != 6 || at.Blocks == 0 {
		t.Fatalf("filters of pages %+v", at)
	}
	others := 0
	for i, id := range r.ids {
		if id == "" {
			continue
		}
		for p, passes := range passing(data, at, id) {
			if p == i/bloomRows && !passes {
				t.Fatalf("%s of page %d does not pass", id, p)
			}
			if p != i/bloomRows && passes {
				others++
			}
		}
	}
	if others > n*5*2/100 {
		t.Errorf("%d of %d pass a filter of another page", others, n*5)
	}
	if diff := cmp.Diff(r.want(), read(t, data)); diff != "" {
		t.Errorf("rows (-want +got): %.2000s", diff)
	}
	plain, _ := filtered(t, r, false)
	if grown, most := len(data)-len(plain), n*bloomBits/8*11/10; grown <= 0 || grown > most {
		t.Errorf("%d bytes more, want at most %d", grown, most)
	}
}

// Pages that bounds tell apart have no filters, nor have those of a
// dictionary; values too long for bounds have.
func TestPageFiltersWhereTheyPay(t *testing.T) {
	t.Parallel()
	const n = 6 * bloomRows
	for name, tc := range map[string]struct {
		id   func(i int) string
		want bool
	}{
		"ascending":     {func(i int) string { return fmt.Sprintf("LP%09d", i) }, false},
		"two sequences": {func(i int) string { return fmt.Sprintf("LP%d%09d", i%2, i) }, true},
		"two files":     {func(i int) string { return fmt.Sprintf("LP%09d", i%(n/2)) }, false},
		"long":          {func(i int) string { return strings.Repeat("x", maxBound) + strconv.Itoa(i) }, true},
		"none":          {func(int) string { return "" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := randomRows(n, 100, 4)
			for i := range r.ids {
				r.ids[i] = tc.id(i)
			}
			_, f := filtered(t, r, true)
			got := len(f.Filters()) > 0 && f.Filters()[0].Pages.Pages > 0
			if got != tc.want {
				t.Errorf("filters of pages: %t, want %t", got, tc.want)
			}
		})
	}
}

// filtered writes the rows as one group.
func filtered(t *testing.T, r *rows, pages bool) ([]byte, *File) {
	t.Helper()
	s := testSchema(t)
	g := NewGroup(s, &zstd.Codec{Level: zstd.SpeedFastest})
	r.add(g, 1000)
	var out bytes.Buffer
	f := NewFile(&out, s, "test")
	if pages {
		f.FilterPages()
	}
	if err := f.Write(g); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), f
}

// passing tells which pages the id can be in, as the layout is documented.
func passing(data []byte, at PageFilters, id string) []bool {
	hash := bloom.XXH64{}.Sum64([]byte(id))
	row := at.Pages * bloom.BlockSize
	from := int(at.Offset) + int((hash>>32)*uint64(at.Blocks)>>32)*row
	out := make([]bool, at.Pages)
	for p := range out {
		block := make(bloom.SplitBlockFilter, 1)
		for w := range block[0] {
			block[0][w] = bloom.Word(binary.LittleEndian.Uint32(data[from+p*bloom.BlockSize+4*w:]))
		}
		out[p] = block.Check(hash)
	}
	return out
}
