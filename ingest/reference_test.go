package ingest

import (
	"bytes"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// row is a record with copies of everything.
type row struct {
	Offset, Line int64
	Raw          string
	Fields       []string
	Code         string
}

func copyOf(rec *Record) row {
	r := row{Offset: rec.Offset, Line: rec.Line, Raw: string(rec.Raw)}
	for _, f := range rec.Fields {
		r.Fields = append(r.Fields, string(f))
	}
	if rec.Err != nil {
		r.Code = rec.Err.Code
	}
	return r
}

// scanRange scans one range and returns its records, Next and Lines.
func scanRange(tb testing.TB, data string, start int64, opts ScannerOptions) ([]row, int64, int64) {
	tb.Helper()
	s := NewScanner(strings.NewReader(data[start:]), start, opts)
	var rows []row
	for s.Scan() {
		rows = append(rows, copyOf(s.Record()))
	}
	if s.Err() != nil {
		tb.Fatal(s.Err())
	}
	return rows, s.Next(), s.Lines()
}

// refScan is the scanner's documentation as the plainest code: quadratic, the whole file in memory, one byte at a time.
func refScan(data string, limit int, d Dialect) []row {
	newline, foreign := d.newline()
	from := 0
	var rows []row
	line := int64(1)
	for from < len(data) {
		rest := data[from:]
		physical, _, hasLF := strings.Cut(rest, string(newline))
		taken := len(physical)
		if hasLF {
			taken++
		}
		r := row{Offset: int64(from), Line: line, Raw: refTrim(physical, d)}
		end, complete, open := refEnd(rest, d)
		switch {
		case r.Raw == "" && len(physical) <= limit: // blank
			r.Code = "blank"
		case len(physical) > limit:
			r.Raw, r.Code = physical[:limit], CodeRecordTooLong
		case end > limit || !complete && open:
			r.Code = CodeUnclosedQuote
			if end > limit && !refOpen(rest[:limit+1], d) {
				r.Code = CodeRecordTooLong
			}
		default:
			r.Raw = refTrim(rest[:end], d)
			r.Fields, r.Code = refSplit(r.Raw, d.delimiter(), foreign)
			taken = end
			if complete {
				taken++
			}
		}
		if r.Code != "blank" {
			rows = append(rows, r)
		}
		line += int64(strings.Count(rest[:taken], string(newline)))
		from += taken
	}
	return rows
}

// refTrim cuts what belongs to a line ending before its last byte.
func refTrim(s string, d Dialect) string {
	if d.Newline == NewlineCR {
		return s
	}
	return strings.TrimRight(s, "\r")
}

// refOpen reports whether a quote is open after s.
func refOpen(s string, d Dialect) bool {
	_, _, open := refEnd(s+"\x01", d)
	return open
}

// refEnd finds the line ending outside quotes.
func refEnd(s string, d Dialect) (end int, complete, open bool) {
	newline, _ := d.newline()
	start, inCell := true, false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case open && c == '"' && i+1 < len(s) && s[i+1] == '"':
			i++
		case open && c == '"':
			open = false
		case open:
		case c == newline:
			return i, true, false
		case c == d.delimiter():
			start, inCell = true, false
			continue
		case c == '"' && start && !inCell:
			open = true
		default:
			inCell = true
		}
		start = false
	}
	return len(s), false, open
}

// refSplit cuts a record whose end is known.
func refSplit(raw string, delimiter, foreign byte) (fields []string, code string) {
	switch {
	case strings.Contains(raw, "\x00"):
		return nil, CodeNUL
	case strings.ToValidUTF8(raw, "") != raw:
		return nil, CodeBadUTF8
	}
	for {
		var field string
		if strings.HasPrefix(raw, `"`) {
			i := 1
			for ; raw[i] != '"' || strings.HasPrefix(raw[i:], `""`); i++ {
				if raw[i] == '"' {
					i++
				}
			}
			field = strings.ReplaceAll(raw[1:i], `""`, `"`)
			if raw = raw[i+1:]; raw != "" && raw[0] != delimiter {
				return nil, CodeBadQuote
			}
		} else {
			field = raw
			if i := strings.IndexByte(raw, delimiter); i >= 0 {
				field = raw[:i]
			}
			raw = raw[len(field):]
			if strings.Contains(field, `"`) {
				return nil, CodeBadQuote
			}
			if strings.IndexByte(field, foreign) >= 0 {
				return nil, map[byte]string{'\r': CodeBareCR, '\n': CodeBareLF}[foreign]
			}
		}
		fields = append(fields, field)
		if raw == "" {
			return fields, ""
		}
		raw = raw[1:]
	}
}

// checkScan compares the scanner with the reference, whatever the size of the reads.
func checkScan(tb testing.TB, data string, limit int, d Dialect) []row {
	tb.Helper()
	want := refScan(data, limit, d)
	got, next, lines := scanRange(tb, data, 0, ScannerOptions{MaxRecord: limit, Dialect: d})
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Fatalf("limit %d, %v, %q: records (-reference +scanner)\n%s", limit, d, data, diff)
	}
	if next != int64(len(data)) {
		tb.Errorf("limit %d, %v, %q: Next %d, want the size %d", limit, d, data, next, len(data))
	}
	if want := physicalLines(data, d); lines != want {
		tb.Errorf("limit %d, %v, %q: Lines %d, want %d", limit, d, data, lines, want)
	}
	s := NewScanner(iotest.OneByteReader(strings.NewReader(data)), 0, ScannerOptions{MaxRecord: limit, Dialect: d})
	for i := 0; s.Scan(); i++ {
		if diff := cmp.Diff(want[i], copyOf(s.Record())); diff != "" {
			tb.Fatalf("limit %d, %v, %q, read one byte at a time: (-reference +scanner)\n%s", limit, d, data, diff)
		}
	}
	return got
}

func physicalLines(data string, d Dialect) int64 {
	newline, _ := d.newline()
	n := int64(strings.Count(data, string(newline)))
	if data != "" && data[len(data)-1] != newline {
		n++
	}
	return n
}

// checkChunks scans data in ranges of every given size, as workers do, and compares with one scan of everything.
func checkChunks(tb testing.TB, data string, limit int, d Dialect, sizes ...int64) {
	tb.Helper()
	want, _, _ := scanRange(tb, data, 0, ScannerOptions{MaxRecord: limit, Dialect: d})
	for i := range want {
		want[i].Line = 0 // relative to the range
	}
	size := int64(len(data))
	for _, chunkSize := range sizes {
		var got []row
		next, lines := int64(0), int64(0)
		for n := range Chunks(0, size, chunkSize) {
			rows, after, count := scanChunk(tb, data, next, Chunk(0, size, chunkSize, n), ScannerOptions{MaxRecord: limit, Dialect: d})
			for i := range rows {
				rows[i].Line = 0
			}
			got, next, lines = append(got, rows...), after, lines+count
		}
		if diff := cmp.Diff(want, got); diff != "" {
			tb.Fatalf("limit %d, %v, chunk size %d, %q: (-whole +chunks)\n%s", limit, d, chunkSize, data, diff)
		}
		if next != size || lines != physicalLines(data, d) {
			tb.Fatalf("limit %d, %v, chunk size %d, %q: ends at %d after %d lines", limit, d, chunkSize, data, next, lines)
		}
	}
}

// scanChunk scans a range from its guess; if the chain says that the guess was wrong, it scans again from the truth.
func scanChunk(tb testing.TB, data string, truth int64, r Range, opts ScannerOptions) ([]row, int64, int64) {
	tb.Helper()
	first := r.Start
	if r.Start > 0 {
		var err error
		first, err = opts.Dialect.FirstRecord(strings.NewReader(data[r.Start-1:]), r.Start, r.End)
		if err != nil {
			tb.Fatal(err)
		}
	}
	opts.End = r.End
	rows, next, lines := scanRange(tb, data, first, opts)
	if first != truth {
		rows, next, lines = scanRange(tb, data, truth, opts)
	}
	return rows, next, lines
}

// oddities are small files that scanners get wrong.
func oddities() []string {
	return []string{
		"", "\n", "\r\n", "\r", "a", "a\r", "a,b\n", "a,b", "a,b\r\n1,2\r\n", "a,b\r\n1,2",
		"a\n\n\nb\n", "\n\na\n", "a\r\n\r\nb", "a,\"x\ny\",b\nc,d,e\n", "\"a\n\nb\"\n\nc\n", "\"a\r\nb\",c\r\nd,e\r\n",
		"\"\"\n", "\"\"\"\"\n", "\"a\"\"b\"\"\",\"\"\n", ",,\n,", "a\"b,c\n\"d\"e,\"f\ng\"\nh\n", " \"a\",b\nc,d\n",
		"\"open\nb,c\nd,e\n", "\"open", "a,\"open\n", "x,\"y\n\"z\n\"\n\"", "a\rb,c\nd\n", "a\r\r\nb\n",
		"ok,1\n" + strings.Repeat("long", 8) + "\nok,2\n", "ok,1\n" + strings.Repeat("long", 8),
		"\"" + strings.Repeat("x\n", 12) + "\",tail\nok\n", "ok\n\"" + strings.Repeat("long,", 7) + "\n\"\nok\n",
		strings.Repeat("x\",\"\n", 9) + "a,b\n", "\"a\nb\"" + strings.Repeat("c", 20) + "\nd\n",
		"a\x00,b\nc,d\n", "\xff,b\nc,\"\xc3\xa9\"\n", "\"a\",\"b\"\n\"c\",\"d\"\n\n\"e\nf\",\"g\"", "\"\r\n", "\"a\"\r", "a,\"\"\r\n\r", "a,b\r\r\n\r\r\n\"c\"\r\r\n\r\r",
		"\ra\r\rb,c\rd\n\r", "a,\"b\rc\"\rd\r", "a,\"b\nc\"\rd\r", strings.Repeat("\r", 30) + "\na",
	}
}

// dialects are the ways in which every odd file is read: each delimiter, each line ending.
func dialects() []Dialect {
	return []Dialect{
		{}, {Delimiter: ";"}, {Delimiter: "\t", Newline: NewlineCR}, {Delimiter: "|"}, {Newline: NewlineCR}, {Delimiter: "\x1f"},
	}
}

// in writes a file of commas and line feeds in another dialect.
func in(d Dialect, data string) string {
	data = strings.ReplaceAll(data, ",", string(d.delimiter()))
	if d.Newline == NewlineCR {
		data = strings.NewReplacer("\r\n", "\r", "\n", "\r", "\r", "\n").Replace(data)
	}
	return data
}

// limits are record limits around the length of the oddities' records.
func limits() []int { return []int{1, 2, 3, 5, 8, 13, 21, MaxRecord} }

// mixture returns a seeded file of the bytes that matter, cut from random.
func mixture(random func(int) int, n int) string {
	parts := []string{"\"", "\"", "\n", "\n", ",", ",", "a", "bc", "\r\n", "\r", "\"\"", "\",\"", "é", "\n\n"}
	var b bytes.Buffer
	for range n {
		b.WriteString(parts[random(len(parts))])
	}
	return b.String()
}
