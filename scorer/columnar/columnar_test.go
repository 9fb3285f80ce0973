package columnar

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// rows is what a test writes: the columns of testSchema.
type rows struct {
	ids     []string // "" is null
	areas   []uint32
	incomes []float64
	present []uint8
	scores  []float64
	offsets []int64
}

var areas = []string{"", "Rural", "Semiurban", "Urban"}

func testSchema(tb testing.TB) *Schema {
	tb.Helper()
	s, err := NewSchema("row", []Column{
		{Name: "id", Kind: Text, Optional: true, Bloom: true},
		{Name: "area", Kind: Text, Optional: true},
		{Name: "income", Kind: Double, Optional: true},
		{Name: "score", Kind: Double},
		{Name: "offset", Kind: Int64},
		{Name: "at", Kind: Timestamp},
		{Name: "by", Kind: Text},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func randomRows(n int, distinct float64, seed uint64) *rows {
	r := rand.New(rand.NewPCG(seed, 1))
	out := &rows{}
	offset := int64(0)
	for range n {
		id := ""
		if r.IntN(10) > 0 {
			id = fmt.Sprintf("LP%0*d", 1+r.IntN(12), r.IntN(1_000_000))
		}
		out.ids = append(out.ids, id)
		out.areas = append(out.areas, uint32(r.IntN(len(areas))))
		out.incomes = append(out.incomes, float64(r.IntN(20_000))+float64(r.IntN(2))/2)
		out.present = append(out.present, uint8(r.IntN(2)))
		out.scores = append(out.scores, math.Floor(r.Float64()*distinct)/distinct)
		offset += int64(r.IntN(200))
		out.offsets = append(out.offsets, offset)
	}
	return out
}

// addIncomes gives incomes as they are.
func (r *rows) addIncomes(g *Group, from, to int) {
	values := slices.Clone(r.incomes[from:to])
	for i := range values {
		if r.present[from+i] == 0 {
			values[i] = math.NaN()
		}
	}
	g.Doubles(2, values)
}

// coder gives scores by codes as far as there are few, then as they are.
type coder struct {
	dense  bool
	codes  map[uint64]uint32
	values []float64
}

func (c *coder) add(g *Group, scores []float64) {
	if len(c.values) > testDictionary {
		g.Doubles(3, scores)
		return
	}
	if len(c.values) == 0 {
		c.codes, c.values = map[uint64]uint32{}, []float64{0, 17} // a code that is never used
	}
	var codes []uint32
	for _, v := range scores {
		code, ok := c.codes[math.Float64bits(v)]
		if !ok {
			code = uint32(len(c.values))
			c.codes[math.Float64bits(v)] = code
			c.values = append(c.values, v)
		}
		codes = append(codes, code)
	}
	if c.dense {
		g.Dense(3, codes, c.values)
	} else {
		g.Numbers(3, codes, c.values)
	}
}

const testDictionary = 1 << 16

// add gives the rows to g in calls of at most block rows.
func (r *rows) add(g *Group, block int) {
	scores := coder{dense: len(r.ids)%2 == 0}
	for from := 0; from < len(r.ids); from += block {
		to := min(from+block, len(r.ids))
		var data []byte
		var ends []uint32
		for _, id := range r.ids[from:to] {
			data = append(data, id...)
			ends = append(ends, uint32(len(data)))
		}
		g.Bytes(0, data, ends)
		g.Texts(1, r.areas[from:to], areas)
		r.addIncomes(g, from, to)
		scores.add(g, r.scores[from:to])
		g.Ints(4, r.offsets[from:to])
		g.RepeatInt(5, 1_700_000_000_000_000, to-from)
		g.RepeatText(6, "the model", to-from)
	}
}

// want is the rows as text.
func (r *rows) want() []string {
	var lines []string
	for i, id := range r.ids {
		income := "null"
		if r.present[i] != 0 {
			income = fmt.Sprint(r.incomes[i])
		}
		lines = append(lines, strings.Join([]string{
			orNull(id), orNull(areas[r.areas[i]]), income, fmt.Sprint(r.scores[i]), strconv.FormatInt(r.offsets[i], 10), "1700000000000000", "the model",
		}, " "))
	}
	return lines
}

func orNull(s string) string {
	if s == "" {
		return "null"
	}
	return s
}

// read returns a file's rows as text.
func read(tb testing.TB, data []byte) []string {
	tb.Helper()
	f, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		tb.Fatal(err)
	}
	var lines []string
	for _, rg := range f.RowGroups() {
		rows := rg.Rows()
		buf := make([]parquet.Row, 100)
		for {
			n, err := rows.ReadRows(buf)
			for _, row := range buf[:n] {
				var cells []string
				for _, v := range row {
					if v.IsNull() {
						cells = append(cells, "null")
					} else {
						cells = append(cells, v.String())
					}
				}
				lines = append(lines, strings.Join(cells, " "))
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				tb.Fatal(err)
			}
		}
		if err := rows.Close(); err != nil {
			tb.Fatal(err)
		}
	}
	return lines
}

func write(tb testing.TB, s *Schema, block int, groups ...*rows) []byte {
	tb.Helper()
	var buf bytes.Buffer
	f := NewFile(&buf, s, "test")
	g := NewGroup(s, &zstd.Codec{})
	for _, r := range groups {
		g.Reset()
		r.add(g, block)
		if err := f.Write(g); err != nil {
			tb.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		tb.Fatal(err)
	}
	return buf.Bytes()
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		rows     []int
		distinct float64
	}{
		{"nothing", nil, 10},
		{"an empty group", []int{0}, 10},
		{"one row", []int{1}, 10},
		{"one page", []int{1000}, 100},
		{"a full page", []int{pageRows}, 100},
		{"pages", []int{3*pageRows + 17}, 1 << 40},
		{"more values than a dictionary holds", []int{testDictionary + 3*pageRows}, 1 << 40},
		{"groups", []int{5000, 1, 70_000}, 1000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var groups []*rows
			var want []string
			for i, n := range tt.rows {
				groups = append(groups, randomRows(n, tt.distinct, uint64(i)))
				want = append(want, groups[i].want()...)
			}
			for _, block := range []int{4096, 1021} {
				got := read(t, write(t, testSchema(t), block, groups...))
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("rows in blocks of %d (-want +got):\n%.2000s", block, diff)
				}
			}
		})
	}
}

func TestSameBytesAfterReset(t *testing.T) {
	t.Parallel()
	s := testSchema(t)
	r := randomRows(50_000, 1<<40, 7)
	g := NewGroup(s, &zstd.Codec{})
	randomRows(200_000, 1<<40, 8).add(g, 4096)
	g.Reset()
	r.add(g, 4096)
	var used bytes.Buffer
	f := NewFile(&used, s, "test")
	if err := f.Write(g); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(used.Bytes(), write(t, s, 4096, r)) {
		t.Error("a group that was used before gives other bytes")
	}
}

func TestBloomAndPageBounds(t *testing.T) {
	t.Parallel()
	r := randomRows(2*bloomRows+5, 100, 3)
	data := write(t, testSchema(t), 1000, r)
	f, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	chunk := f.RowGroups()[0].ColumnChunks()[0]
	for _, id := range r.ids {
		if id == "" {
			continue
		}
		if ok, err := chunk.BloomFilter().Check(parquet.ValueOf(id)); err != nil || !ok {
			t.Fatalf("bloom filter lost %q: %v", id, err)
		}
	}
	passed := 0
	for i := range 1000 {
		if ok, _ := chunk.BloomFilter().Check(parquet.ValueOf(fmt.Sprintf("other-%d", i))); ok {
			passed++
		}
	}
	if passed > 50 {
		t.Errorf("%d of 1000 other ids pass the bloom filter", passed)
	}
	checkPageBounds(t, chunk, r)
}

func checkPageBounds(t *testing.T, chunk parquet.ColumnChunk, r *rows) {
	t.Helper()
	columns, err := chunk.ColumnIndex()
	if err != nil {
		t.Fatal(err)
	}
	offsets, err := chunk.OffsetIndex()
	if err != nil {
		t.Fatal(err)
	}
	if columns.NumPages() != 3 || offsets.NumPages() != 3 {
		t.Fatalf("%d and %d pages in the indexes, want 3", columns.NumPages(), offsets.NumPages())
	}
	for p := range 3 {
		from := offsets.FirstRowIndex(p)
		to := int64(len(r.ids))
		if p < 2 {
			to = offsets.FirstRowIndex(p + 1)
		}
		least, most, nulls := "", "", int64(0)
		for _, id := range r.ids[from:to] {
			switch {
			case id == "":
				nulls++
			case least == "" || id < least:
				least = id
			}
			most = max(most, id)
		}
		if got := columns.MinValue(p).String(); got != least {
			t.Errorf("page %d: least id %q, want %q", p, got, least)
		}
		if got := columns.MaxValue(p).String(); got != most {
			t.Errorf("page %d: greatest id %q, want %q", p, got, most)
		}
		if got := columns.NullCount(p); got != nulls {
			t.Errorf("page %d: %d nulls, want %d", p, got, nulls)
		}
	}
}

func TestStatistics(t *testing.T) {
	t.Parallel()
	r := randomRows(1000, 100, 3)
	r.scores[5], r.scores[6] = 0, math.Copysign(0, -1)
	other := randomRows(10, 2, 1)
	for i := range other.ids {
		other.ids[i], other.areas[i] = "zzz", 2
	}
	data := write(t, testSchema(t), 1000, r, other) // in the memory of the first group
	f, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	columns := f.Metadata().RowGroups[0].Columns
	area := columns[1].MetaData.Statistics
	if string(area.MinValue) != "Rural" || string(area.MaxValue) != "Urban" {
		t.Errorf("area is from %q to %q", area.MinValue, area.MaxValue)
	}
	if got, want := area.NullCount, int64(1000-countIDs(r.areas)); got != want {
		t.Errorf("area has %d nulls, want %d", got, want)
	}
	if score := columns[3].MetaData.Statistics.MinValue; score[7] != 0x80 {
		t.Errorf("least score is % x; a zero must be given as minus zero", score)
	}
	got := read(t, data)
	if !strings.Contains(got[6], " -0 ") || strings.Contains(got[5], " -0 ") {
		t.Errorf("zeros lost their signs: %q, %q", got[5], got[6])
	}
}

func countIDs(codes []uint32) int {
	n := 0
	for _, c := range codes {
		if c != 0 {
			n++
		}
	}
	return n
}

func TestTextsThenBytes(t *testing.T) {
	t.Parallel()
	s, err := NewSchema("row", []Column{{Name: "x", Kind: Text, Optional: true}})
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("y", 3<<20)
	g := NewGroup(s, &zstd.Codec{})
	g.Texts(0, []uint32{1, 0, 2}, []string{"", "a", "b"})
	g.Bytes(0, []byte("c"+long), []uint32{1, 1, uint32(1 + len(long))})
	g.Texts(0, []uint32{2}, []string{"", "a", "b"})
	var buf bytes.Buffer
	f := NewFile(&buf, s, "test")
	if err := f.Write(g); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "null", "b", "c", "null", long, "b"}, read(t, buf.Bytes())); diff != "" {
		t.Errorf("rows (-want +got):\n%.500s", diff)
	}
}

func TestSchemaErrors(t *testing.T) {
	t.Parallel()
	for want, columns := range map[string][]Column{
		"has no name":               {{}},
		`column "a" is there twice`: {{Name: "a"}, {Name: "a"}},
		"only text has a bloom":     {{Name: "a", Bloom: true}},
		"are never null":            {{Name: "a", Kind: Int64, Optional: true}},
	} {
		if _, err := NewSchema("row", columns); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
}

func TestUnequalColumns(t *testing.T) {
	t.Parallel()
	s := testSchema(t)
	g := NewGroup(s, &zstd.Codec{})
	g.Bytes(0, []byte("a"), []uint32{1})
	if err := NewFile(io.Discard, s, "test").Write(g); err == nil || !strings.Contains(err.Error(), `"area"`) {
		t.Errorf("error is %v, want one that names area", err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// Bytes without the footer are no file: a reader refuses every prefix.
//
// failure 17
func TestUnfinishedFile(t *testing.T) {
	t.Parallel()
	data := write(t, testSchema(t), 100, randomRows(1000, 10, 1))
	for n := 0; n < len(data); n += 97 {
		if _, err := parquet.OpenFile(bytes.NewReader(data[:n]), int64(n)); err == nil {
			t.Errorf("%d of %d bytes are read as a file", n, len(data))
		}
	}
}

func TestWriteError(t *testing.T) {
	t.Parallel()
	s := testSchema(t)
	f := NewFile(full{}, s, "test")
	g := NewGroup(s, &zstd.Codec{})
	randomRows(10, 2, 1).add(g, 10)
	if err := f.Write(g); err == nil {
		t.Error("Write says nothing of a full disk")
	}
	if err := f.Close(); err == nil {
		t.Error("Close says nothing of a full disk")
	}
}

func BenchmarkGroup(b *testing.B) {
	s := testSchema(b)
	r := randomRows(1<<17, 50_000, 1)
	g := NewGroup(s, &zstd.Codec{Level: zstd.SpeedFastest})
	b.ReportAllocs()
	n := int64(0)
	for b.Loop() {
		g.Reset()
		r.add(g, 4096)
		f := NewFile(io.Discard, s, "test")
		if err := f.Write(g); err != nil {
			b.Fatal(err)
		}
		n = f.offset
	}
	b.ReportMetric(float64(b.N)*float64(len(r.ids))/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(n)/float64(len(r.ids)), "bytes/row")
}
