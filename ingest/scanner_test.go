package ingest

import (
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestScannerRecords(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		data  string
		limit int
		want  []row
	}{
		// failure 40
		"no final newline": {data: "a,b\nc,d", want: []row{
			{Offset: 0, Line: 1, Raw: "a,b", Fields: []string{"a", "b"}},
			{Offset: 4, Line: 2, Raw: "c,d", Fields: []string{"c", "d"}},
		}},
		"CRLF and blank lines": {data: "a,b\r\n\r\n\r\nc,\r\n", want: []row{
			{Offset: 0, Line: 1, Raw: "a,b", Fields: []string{"a", "b"}},
			{Offset: 9, Line: 4, Raw: "c,", Fields: []string{"c", ""}},
		}},
		// failure 41
		"quoted line feed, comma, quote": {data: "\"x\n,\"\"y\",2\nc,d\n", want: []row{
			{Offset: 0, Line: 1, Raw: "\"x\n,\"\"y\",2", Fields: []string{"x\n,\"y", "2"}},
			{Offset: 11, Line: 3, Raw: "c,d", Fields: []string{"c", "d"}},
		}},
		// failure 42
		"a quote never closed": {data: "\"a,b\nc,d\n", want: []row{
			{Offset: 0, Line: 1, Raw: "\"a,b", Code: CodeUnclosedQuote},
			{Offset: 5, Line: 2, Raw: "c,d", Fields: []string{"c", "d"}},
		}},
		"a quote closed beyond the limit": {data: "\"a\nb,c\nddddd\"\n", limit: 8, want: []row{
			{Offset: 0, Line: 1, Raw: "\"a", Code: CodeUnclosedQuote},
			{Offset: 3, Line: 2, Raw: "b,c", Fields: []string{"b", "c"}},
			{Offset: 7, Line: 3, Raw: "ddddd\"", Code: CodeBadQuote},
		}},
		"a line beyond the limit": {data: "a,b\n0123456789\nc,d\n", limit: 8, want: []row{
			{Offset: 0, Line: 1, Raw: "a,b", Fields: []string{"a", "b"}},
			{Offset: 4, Line: 2, Raw: "01234567", Code: CodeRecordTooLong},
			{Offset: 15, Line: 3, Raw: "c,d", Fields: []string{"c", "d"}},
		}},
		"a quoted record that ends beyond the limit": {data: "\"a\nb\",567890\nc\n", limit: 8, want: []row{
			{Offset: 0, Line: 1, Raw: "\"a", Code: CodeRecordTooLong},
			{Offset: 3, Line: 2, Raw: "b\",567890"[:8], Code: CodeRecordTooLong},
			{Offset: 13, Line: 3, Raw: "c", Fields: []string{"c"}},
		}},
		"a record of just the limit": {data: "01234567\n01234567", limit: 8, want: []row{
			{Offset: 0, Line: 1, Raw: "01234567", Fields: []string{"01234567"}},
			{Offset: 9, Line: 2, Raw: "01234567", Fields: []string{"01234567"}},
		}},
		// failure 46
		"stray quotes": {data: "a\"b,c\n\"d\"e,\"f\ng\"\nh\n", want: []row{
			{Offset: 0, Line: 1, Raw: "a\"b,c", Code: CodeBadQuote},
			{Offset: 6, Line: 2, Raw: "\"d\"e,\"f\ng\"", Code: CodeBadQuote},
			{Offset: 17, Line: 4, Raw: "h", Fields: []string{"h"}},
		}},
		// failure 47
		"not text": {data: "a\x00\nb\xff\nc\rd\ne\n", want: []row{
			{Offset: 0, Line: 1, Raw: "a\x00", Code: CodeNUL},
			{Offset: 3, Line: 2, Raw: "b\xff", Code: CodeBadUTF8},
			{Offset: 6, Line: 3, Raw: "c\rd", Code: CodeBareCR},
			{Offset: 10, Line: 4, Raw: "e", Fields: []string{"e"}},
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			limit := c.limit
			if limit == 0 {
				limit = MaxRecord
			}
			if diff := cmp.Diff(c.want, checkScan(t, c.data, limit, Dialect{})); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestScannerEqualsReference(t *testing.T) {
	t.Parallel()
	for _, data := range oddities() {
		for _, limit := range limits() {
			for _, d := range dialects() {
				checkScan(t, data, limit, d)
				checkScan(t, in(d, data), limit, d)
			}
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		d := dialects()[random.IntN(len(dialects()))]
		checkScan(t, in(d, mixture(random.IntN, 1+random.IntN(60))), 1+random.IntN(24), d)
	}
}

func TestScannerRange(t *testing.T) {
	t.Parallel()
	const data = "head\nab\n\ncd\nef\n"
	rows, next, lines := scanRange(t, data, 5, ScannerOptions{End: 10, FirstLine: 2})
	want := []row{
		{Offset: 5, Line: 2, Raw: "ab", Fields: []string{"ab"}},
		{Offset: 9, Line: 4, Raw: "cd", Fields: []string{"cd"}},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if next != 12 || lines != 3 {
		t.Errorf("Next %d, Lines %d, want 12 and 3", next, lines)
	}
}

func TestScannerReadError(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	cases := map[string]struct {
		r    io.Reader
		want error
	}{
		"at once":                     {iotest.ErrReader(broken), broken},
		"within a record":             {io.MultiReader(strings.NewReader("a,b\nc,"), iotest.ErrReader(broken)), broken},
		"within a long line":          {io.MultiReader(strings.NewReader(strings.Repeat("x", 99)), iotest.ErrReader(broken)), broken},
		"truncated body":              {io.MultiReader(strings.NewReader("a,b\nc,"), iotest.ErrReader(io.ErrUnexpectedEOF)), io.ErrUnexpectedEOF},
		"a reader that does not read": {readerFunc(func([]byte) (int, error) { return 0, nil }), io.ErrNoProgress},
		"a reader that lies":          {readerFunc(func(p []byte) (int, error) { return len(p) + 1, nil }), io.ErrShortBuffer},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := NewScanner(c.r, 0, ScannerOptions{MaxRecord: 8})
			for s.Scan() {
				if strings.HasPrefix(string(s.Record().Raw), "c") {
					t.Error("a record that may be cut short was returned")
				}
			}
			if !errors.Is(s.Err(), c.want) {
				t.Errorf("Err %v, want %v", s.Err(), c.want)
			}
			if s.Scan() {
				t.Error("Scan went on after an error")
			}
		})
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// failure 42
func TestScannerBounds(t *testing.T) {
	t.Parallel()
	const size = 64 << 20
	cases := map[string]struct {
		pattern string
		limit   int
		records int64
		code    string
	}{
		"one line":                       {"x", 0, 1, CodeRecordTooLong},
		"one line in quotes":             {"\"", 0, 1, CodeRecordTooLong},
		"every line opens another quote": {"x\",\"" + strings.Repeat("y", 1019) + "\n", 0, size / 1024, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &repeat{pattern: c.pattern, left: size}
			s := NewScanner(r, 0, ScannerOptions{MaxRecord: c.limit})
			var records int64
			for s.Scan() {
				records++
				if rec := s.Record(); rec.Err == nil || len(rec.Raw) > MaxRecord || (c.code != "" && rec.Err.Code != c.code) {
					t.Fatalf("record at %d: %d bytes, error %v", rec.Offset, len(rec.Raw), rec.Err)
				}
			}
			if s.Err() != nil || s.Next() != size || records != c.records {
				t.Errorf("%d records, end at %d, error %v", records, s.Next(), s.Err())
			}
			if held := cap(s.buf) + cap(s.scratch); held > 6*MaxRecord {
				t.Errorf("the scanner holds %d bytes", held)
			}
		})
	}
}

// repeat reads a pattern of a length that divides the sizes of reads, over and over.
type repeat struct {
	pattern string
	left    int
	at      int
}

func (r *repeat) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n := 0
	for n < len(p) && n < r.left {
		c := copy(p[n:min(len(p), r.left)], r.pattern[r.at:])
		n, r.at = n+c, (r.at+c)%len(r.pattern)
	}
	r.left -= n
	return n, nil
}

func TestScannerDoesNotAllocate(t *testing.T) {
	data := strings.Repeat("LP001,Male,\"a \"\"quoted\"\" cell\",,5849,0\nLP002,,,,1,2\n", 2000)
	r := strings.NewReader(data)
	s := NewScanner(r, 0, ScannerOptions{})
	for range 100 {
		s.Scan()
	}
	if n := testing.AllocsPerRun(1000, func() { s.Scan() }); n != 0 {
		t.Errorf("%v allocations a record", n)
	}
}

// A scanner that is used again finds what a new one finds.
func TestScannerReset(t *testing.T) {
	t.Parallel()
	var s Scanner
	for i, c := range []struct {
		text string
		opts ScannerOptions
	}{
		{"a,\"b\nc\",d\ne,f", ScannerOptions{}},
		{"1;2\n\"never closed\n3;4\n", ScannerOptions{MaxRecord: 20, Dialect: Dialect{Delimiter: ";"}}},
		{strings.Repeat("x,", 40_000) + "\nshort,row\n", ScannerOptions{}},
		{"last,one\n", ScannerOptions{MaxRecord: 5, FirstLine: 7}},
	} {
		fresh := NewScanner(strings.NewReader(c.text), 100, c.opts)
		s.Reset(strings.NewReader(c.text), 100, c.opts)
		for fresh.Scan() {
			if !s.Scan() {
				t.Fatalf("text %d: ends before byte %d: %v", i, fresh.Record().Offset, s.Err())
			}
			if diff := cmp.Diff(fresh.Record(), s.Record()); diff != "" {
				t.Errorf("text %d: %s", i, diff)
			}
		}
		if s.Scan() || s.Next() != fresh.Next() || s.Lines() != fresh.Lines() {
			t.Errorf("text %d: ends at byte %d, line %d, want %d, %d", i, s.Next(), s.Lines(), fresh.Next(), fresh.Lines())
		}
	}
}
