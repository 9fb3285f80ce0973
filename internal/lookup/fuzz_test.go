package lookup

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go/bloom"
	"github.com/parquet-go/parquet-go/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
	"github.com/loanscorer/loanscorer/scorer/columnar"
)

// mostMemory is what one look-up in damaged parts may allocate, in bytes, all
// in all.
const mostMemory = 512 << 20

// within fails the test if f allocates more than that.
func within(t *testing.T, f func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > mostMemory {
		t.Errorf("%d bytes were allocated", n)
	}
}

// onePart is a store with a batch of one part.
type onePart struct {
	summary []byte
	part    []byte
}

func (o *onePart) Get(context.Context, string, int64) ([]byte, store.Info, error) {
	return o.summary, store.Info{}, nil
}

func (o *onePart) ReadRange(_ context.Context, _ string, offset, n int64) ([]byte, error) {
	if offset < 0 || n < 0 || offset > int64(len(o.part)) || n > int64(len(o.part))-offset {
		return nil, errors.New("no such range")
	}
	return o.part[offset : offset+n], nil
}

func partOf(tb testing.TB, part []byte, at *status.PartLookup) *onePart {
	tb.Helper()
	sum := &status.Summary{
		V: status.Version, State: status.BatchSucceeded, Lookup: []*status.PartLookup{at},
		Parts: []status.Object{{Key: "part", Size: int64(len(part))}},
	}
	body, err := status.Encode(sum)
	if err != nil {
		tb.Fatal(err)
	}
	return &onePart{summary: body, part: part}
}

// written is a part as the worker writes it, with rows whose Loan_ID is of(i),
// and what its summary says of it.
func written(tb testing.TB, rows int, of func(i int) string) ([]byte, *status.PartLookup) {
	tb.Helper()
	schema, err := columnar.NewSchema("row", []columnar.Column{
		{Name: "Loan_ID", Kind: columnar.Text, Optional: true, Bloom: true},
		{Name: "area", Kind: columnar.Text, Optional: true},
		{Name: "income", Kind: columnar.Double, Optional: true},
		{Name: "amount", Kind: columnar.Double, Optional: true},
		{Name: "offset", Kind: columnar.Int64},
		{Name: "at", Kind: columnar.Timestamp},
	})
	if err != nil {
		tb.Fatal(err)
	}
	g := columnar.NewGroup(schema, &zstd.Codec{Level: zstd.SpeedFastest})
	var ids []byte
	ends, areas := make([]uint32, rows), make([]uint32, rows)
	incomes, offsets := make([]float64, rows), make([]int64, rows)
	for i := range rows {
		ids = append(ids, of(i)...)
		ends[i], areas[i] = uint32(len(ids)), uint32(i%4)
		incomes[i], offsets[i] = float64(i)/3, int64(i)*int64(i%60)
		if i%7 == 0 {
			incomes[i] = math.NaN()
		}
	}
	g.Bytes(0, ids, ends)
	g.Texts(1, areas, []string{"", "Rural", "Semiurban", "Urban"})
	g.Doubles(2, incomes)
	g.Numbers(3, areas, []float64{0, 128, 66.5, 1e6})
	g.Ints(4, offsets)
	g.Ints(5, offsets)
	var out bytes.Buffer
	f := columnar.NewFile(&out, schema, "test")
	f.FilterPages()
	if err := errors.Join(f.Write(g), f.Close()); err != nil {
		tb.Fatal(err)
	}
	at := &status.PartLookup{Tail: f.Tail()}
	for _, filter := range f.Filters() {
		of := status.FilterAt{Offset: filter.Offset, Size: filter.Size}
		if p := filter.Pages; p.Pages > 0 {
			of.Pages = &status.PageFiltersAt{Offset: p.Offset, Pages: p.Pages, Blocks: p.Blocks}
		}
		at.Filters = append(at.Filters, of)
	}
	return out.Bytes(), at
}

func mixedID(i int) string { return fmt.Sprintf("LP%06d", i*7919%60_000) }

// A part that nobody has written gives rows or an error, never a panic, and
// takes little memory.
func FuzzFind(f *testing.F) {
	for _, rows := range []int{1, 40, 300} {
		part, at := written(f, rows, mixedID)
		f.Add(part, at.Tail, at.Filters[0].Offset, at.Filters[0].Size, int64(0), 0, 0, mixedID(rows/2))
	}
	part, at := written(f, 40_000, mixedID) // with filters of pages
	p := at.Filters[0].Pages
	f.Add(part, at.Tail, at.Filters[0].Offset, at.Filters[0].Size, p.Offset, p.Pages, p.Blocks, mixedID(39_999))
	f.Fuzz(func(t *testing.T, part []byte, tail, filter, size, pagesAt int64, pages, blocks int, id string) {
		at := &status.PartLookup{Tail: tail, Filters: []status.FilterAt{{Offset: filter, Size: size}}}
		if pages != 0 {
			at.Filters[0].Pages = &status.PageFiltersAt{Offset: pagesAt, Pages: pages, Blocks: blocks}
		}
		objects := partOf(t, part, at)
		within(t, func() {
			found, err := Find(t.Context(), objects, "batch", id)
			if err == nil && len(found.Matches) > MaxMatches {
				t.Errorf("%d matches", len(found.Matches))
			}
		})
		// The filters let few ids pass: without them more of the part is read.
		m := &meter{objects: objects}
		within(t, func() {
			matches, err := m.searchPart(t.Context(), status.Object{Size: int64(len(part))}, tail, []candidate{{}}, id)
			for _, match := range matches {
				if v := match.Map()[column]; err == nil && v != id {
					t.Errorf("found %v for %q", v, id)
				}
			}
		})
	})
}

// A page that nobody has written gives values for its rows or an error.
func FuzzPage(f *testing.F) {
	for c, e := range []struct {
		kind     int32
		optional bool
	}{
		{int32(format.ByteArray), true},
		{int32(format.ByteArray), true},
		{int32(format.Double), true},
		{int32(format.Double), true},
		{int32(format.Int64), false},
	} {
		part, at := written(f, 50, mixedID)
		t, err := parseTail(part[at.Tail:], at.Tail)
		if err != nil {
			f.Fatal(err)
		}
		chunk := &t.meta.RowGroups[0].Columns[c]
		pages, _, err := t.pages(chunk)
		if err != nil {
			f.Fatal(err)
		}
		var dictionary []byte
		if from := chunk.MetaData.DictionaryPageOffset; from > 0 {
			dictionary = unsummed(f, part[from:chunk.MetaData.DataPageOffset])
		}
		f.Add(e.kind, e.optional, dictionary, unsummed(f, part[pages[0].Offset:pages[0].Offset+int64(pages[0].CompressedPageSize)]))
	}
	f.Fuzz(func(t *testing.T, kind int32, optional bool, dictionary, data []byte) {
		within(t, func() {
			for _, codec := range []format.CompressionCodec{format.Zstd, format.Uncompressed} {
				r := &pageReader{zstd: new(zstdDecoder), codec: codec, kind: format.Type(kind), optional: optional}
				_ = r.dictionary(dictionary) // a page of indexes then fails
				p, err := r.data(data)
				r.zstd.close()
				if err != nil {
					continue
				}
				c := cursor{page: p}
				for row := range p.rows {
					if v := c.value(r.kind, row); p.has(row) == (v == nil) {
						t.Errorf("row %d is %v", row, v)
					}
				}
			}
		})
	})
}

// unsummed is a page without a checksum, so that changed bytes are decoded.
func unsummed(tb testing.TB, page []byte) []byte {
	tb.Helper()
	var h format.PageHeader
	n, err := unmarshal(page, &h)
	if err != nil {
		tb.Fatal(err)
	}
	if h.CRC != int32(crc32.ChecksumIEEE(page[n:])) {
		tb.Error("page without its checksum")
	}
	h.CRC = 0
	header, err := thrift.Marshal(&thrift.CompactProtocol{}, &h)
	if err != nil {
		tb.Fatal(err)
	}
	return append(header, page[n:]...)
}

// What announces more than there is, or makes much of little, is refused.
func TestBombs(t *testing.T) {
	t.Parallel()
	big := binary.AppendUvarint(nil, math.MaxInt32)
	list := func(kind byte) []byte { return append([]byte{0x19, 0xf0 | kind}, big...) }
	deep := append(bytes.Repeat([]byte{0x1c}, 1<<20), make([]byte, 1<<20)...)
	for name, data := range map[string][]byte{
		"a list of structs": list(typeStruct), "a list of flags": list(typeTrue), "a list of lists": list(typeList),
		"real empty structs": append(append([]byte{0x19, 0xf0 | typeStruct}, binary.AppendUvarint(nil, 1<<24)...), make([]byte, 1<<24+1)...),
		"deep":               deep, "a text": append([]byte{0x18}, big...), "a map": {0x1b, 0x01, 0x55, 0, 0, 0},
	} {
		var meta format.FileMetaData
		if _, err := unmarshal(data, &meta); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	block := []byte{0x80, 0x01, 0x04}
	if _, _, err := deltas(append(block, big...), maxRows); !errors.Is(err, ErrDamaged) {
		t.Errorf("differences: %v", err)
	}
	if _, err := hybrid(append(big, 1), 1, math.MaxInt32); !errors.Is(err, ErrDamaged) {
		t.Errorf("runs: %v", err)
	}
	if _, err := plainTexts(nil, 1<<30); !errors.Is(err, ErrDamaged) {
		t.Errorf("texts: %v", err)
	}
	packed, err := (&zstd.Codec{}).Encode(nil, []byte(strings.Repeat("x", maxBytes+1)))
	if err != nil {
		t.Fatal(err)
	}
	z := new(zstdDecoder)
	defer z.close()
	if _, err := z.decode(packed, maxBytes+1); !errors.Is(err, ErrDamaged) {
		t.Errorf("zstd: %v", err)
	}
	if p := bloom.BlockSize; p != 32 {
		t.Errorf("blocks of %d bytes", p)
	}
}
