package ingest

import (
	"bytes"
	"io"
)

// MaxRecord is the default limit of a record in bytes, its line ending not counted.
const MaxRecord = 64 << 10

// Record is one row of a file as the scanner found it. Its slices are valid until the next Scan.
type Record struct {
	Offset int64     // of its first byte in the file
	Line   int64     // on which it begins, see ScannerOptions.FirstLine
	Raw    []byte    // its bytes without the line ending, at most the record limit
	Fields [][]byte  // its cells without quotes, nil if Err is set; spaces are not cut
	Err    *RowError // what is wrong with the record as such
}

// ScannerOptions configures a Scanner. The zero value scans everything with the default limit.
type ScannerOptions struct {
	End       int64   // records that begin at or after this file offset are left alone; 0 means no end
	FirstLine int64   // number of the line at the start; 0 means 1
	MaxRecord int     // record limit in bytes; 0 means MaxRecord
	Dialect   Dialect // that of the file's head; the zero value is UTF-8 with commas and line feeds
}

// Scanner cuts a byte stream into the records of RFC 4180, by these rules:
//
//   - Cells are separated by the dialect's delimiter. A cell that begins with a quote ends at the next quote that is
//     not doubled; delimiters, line feeds and carriage returns before it are text.
//   - A line feed outside quotes ends the record, carriage returns before it belong to the line ending.
//     The last record may lack it. Blank lines are no records. In a file whose lines end with CR, a carriage return
//     outside quotes ends the record.
//   - A quote inside an unquoted cell is text, and so is what follows a closing quote up to the next delimiter;
//     such a record is a CodeBadQuote.
//   - A record that is longer than the limit, or whose quote is still open at the end of the file, is no record.
//     Only its first line is rejected, as CodeUnclosedQuote or CodeRecordTooLong, and scanning resumes after it.
//
// Where a record ends depends on nothing but the bytes from its start, so any chunking gives the same records.
// A Scanner holds about four times the record limit, does not allocate for records that are in order,
// and takes time linear in the input. It is not safe for concurrent use.
type Scanner struct {
	r     io.Reader
	end   int64
	limit int

	delimiter        byte
	newline, foreign byte // what ends a line, and what then must not stand outside quotes
	latin            bool // the bytes are Windows-1252
	utf16            bool // the file is UTF-16, the bytes are made of it

	buf        []byte // buf[from:to] is read but not consumed
	from, to   int
	eof        bool
	err        error
	next, line int64 // file offset and line number of buf[from]
	firstLine  int64

	rec     Record
	fields  [][]byte
	scratch []byte // unescaped cells, or the kept part of a line that is too long
	decoded []byte // cells and row in UTF-8, of a file in another encoding

	// An earlier record was followed up to this file offset without coming to its end, see recordEnd.
	frontier      int64
	frontierState state
}

// NewScanner returns a Scanner for the records from file offset on, where r begins and a record begins.
// The end of r is taken for the end of the file: r must reach beyond opts.End to the end of the last record,
// so it is best not bounded at all. It is read in pieces of up to four times the record limit.
func NewScanner(r io.Reader, offset int64, opts ScannerOptions) *Scanner {
	s := new(Scanner)
	s.Reset(r, offset, opts)
	return s
}

// Reset makes s what NewScanner returns, and keeps its memory.
func (s *Scanner) Reset(r io.Reader, offset int64, opts ScannerOptions) {
	buf := s.buf
	*s = *newScanner(offset, opts)
	size := 4 * (s.limit + 2)
	if cap(buf) < size+lookahead {
		buf = make([]byte, size, size+lookahead)
	}
	s.r, s.buf = r, buf[:size]
}

// scanText returns a Scanner for the records of a text in memory, from file offset on, where it begins. It is not copied,
// so there is nothing beyond it that a BlockReader could read ahead.
func scanText(text []byte, offset int64, opts ScannerOptions) *Scanner {
	s := newScanner(offset, opts)
	s.buf, s.to, s.eof = text, len(text), true
	return s
}

// newScanner is a Scanner that has nothing to read yet.
func newScanner(offset int64, opts ScannerOptions) *Scanner {
	s := &Scanner{next: offset, end: opts.End, line: opts.FirstLine, limit: opts.MaxRecord}
	if s.line == 0 {
		s.line = 1
	}
	if s.limit <= 0 {
		s.limit = MaxRecord
	}
	s.firstLine = s.line
	s.delimiter = opts.Dialect.delimiter()
	s.newline, s.foreign = opts.Dialect.newline()
	s.latin, s.utf16 = opts.Dialect.Encoding == EncodingWindows1252, opts.Dialect.utf16()
	return s
}

// Scan finds the next record. It returns false at the end of the range or the file, and after a read error.
func (s *Scanner) Scan() bool {
	for s.end <= 0 || s.next < s.end {
		if !s.fill() {
			return false
		}
		data := s.buf[s.from:s.to]
		end := bytes.IndexByte(data[:min(len(data), s.limit+1)], s.newline)
		if blank := s.blankLine(data, end); blank > 0 {
			s.consume(blank)
			continue
		}
		s.rec = Record{Offset: s.next, Line: s.line}
		s.record(data, end)
		if s.latin {
			s.decode()
		}
		return s.err == nil
	}
	return false
}

// Extend moves the end of the range to a later file offset and counts lines from 1 again.
func (s *Scanner) Extend(end int64) { s.end, s.line, s.firstLine = end, 1, 1 }

// Until moves the end of the range to a later file offset.
func (s *Scanner) Until(end int64) { s.end = end }

// Record returns the record that Scan found. It is the same pointer for every record.
func (s *Scanner) Record() *Record { return &s.rec }

// Err returns the read error that ended the scan, never io.EOF.
func (s *Scanner) Err() error { return s.err }

// Next returns the file offset where the next record would begin. After the last Scan of a range that is what
// the next range must begin with; after the last Scan of a file it is the size of the file.
func (s *Scanner) Next() int64 { return s.next }

// Lines returns how many physical lines were consumed, blank ones included.
func (s *Scanner) Lines() int64 { return s.line - s.firstLine }

// fill makes sure that the buffer holds all bytes that decide where the record at s.next ends: limit+1 of them
// and one more, or the rest of the file. It returns false when nothing is left or reading failed.
func (s *Scanner) fill() bool {
	need := s.limit + 2
	if s.to-s.from < need && !s.eof {
		if s.from+need > len(s.buf) {
			s.to = copy(s.buf, s.buf[s.from:s.to])
			s.from = 0
		}
		for s.to-s.from < need && s.read() {
		}
	}
	return s.err == nil && s.from < s.to
}

// read appends to the buffer once and returns whether there is more to come.
func (s *Scanner) read() bool {
	for range 100 {
		n, err := s.r.Read(s.buf[s.to:])
		if n < 0 || n > len(s.buf)-s.to {
			s.err = io.ErrShortBuffer
			return false
		}
		s.to += n
		switch {
		case err == io.EOF: // readers return io.EOF itself; a wrapped one is a failure
			s.eof = true
			return false
		case err != nil:
			s.err = err
			return false
		case n > 0:
			return true
		}
	}
	s.err = io.ErrNoProgress
	return false
}

// consume takes n bytes that end with a line ending or with the file.
func (s *Scanner) consume(n int) {
	taken := s.buf[s.from : s.from+n]
	s.line += int64(bytes.Count(taken, []byte{s.newline}))
	if taken[n-1] != s.newline {
		s.line++
	}
	s.from += n
	s.next += int64(n)
}

// consumeLine takes n bytes that are one line.
func (s *Scanner) consumeLine(n int) {
	s.line++
	s.from += n
	s.next += int64(n)
}

// skipLine takes bytes up to and with the next line ending, however far away it is.
func (s *Scanner) skipLine() {
	for {
		i := bytes.IndexByte(s.buf[s.from:s.to], s.newline)
		if i >= 0 {
			s.from += i + 1
			s.next += int64(i + 1)
			break
		}
		s.next += int64(s.to - s.from)
		s.from, s.to = 0, 0
		if s.eof || s.err != nil {
			break
		}
		s.read()
	}
	s.line++
}

// blankLine returns the length of the blank line at the start of data with its ending, or 0.
// end is the index of the first line ending within the limit or -1.
func (s *Scanner) blankLine(data []byte, end int) int {
	switch {
	case end == 0:
		return 1
	case data[0] != '\r' || s.newline != '\n':
		return 0
	case end > 0:
		data = data[:end+1]
	case len(data) > s.limit:
		return 0
	}
	if len(bytes.Trim(data, "\r\n")) > 0 {
		return 0
	}
	return len(data)
}
