package ingest

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// state is where in a record a byte stands.
type state uint8

const (
	cellStart state = iota
	unquoted
	quoted
	quoteInQuoted // after a quote that closes the cell unless another one follows
)

// record takes the record at the start of data, which begins with no blank line.
// end is the index of the first line ending within the limit, or -1.
func (s *Scanner) record(data []byte, end int) {
	line, last := data, true
	if end >= 0 {
		line, last = data[:end], false
	} else if len(data) > s.limit {
		s.longLine(data)
		return
	}
	if bytes.IndexByte(line, '"') < 0 {
		s.rec.Raw = s.dropCR(line)
		s.splitPlain(s.rec.Raw)
		s.finish()
		s.consumeLine(lengthOf(line, last))
		return
	}
	window := data[:min(len(data), s.limit+1)]
	end, st := s.recordEnd(window)
	switch {
	case end < len(window): // a line ending
		s.rec.Raw = s.dropCR(window[:end])
		s.splitQuoted(s.rec.Raw)
		s.finish()
		s.consume(end + 1)
	case len(window) <= s.limit && st != quoted: // the file ended it
		s.rec.Raw = s.dropCR(window)
		s.splitQuoted(s.rec.Raw)
		s.finish()
		s.consume(len(window))
	default:
		s.frontier, s.frontierState = s.next+int64(len(window)), st
		s.rec.Raw = s.dropCR(line)
		if st == quoted {
			s.fail(CodeUnclosedQuote, "a quote opens a cell and is not closed; only this line is rejected")
		} else {
			s.fail(CodeRecordTooLong, fmt.Sprintf("the row is longer than %d bytes; only its first line is rejected", s.limit))
		}
		s.consume(lengthOf(line, last))
	}
}

// longLine rejects a physical line beyond the limit, of which it keeps as much as the limit allows.
func (s *Scanner) longLine(data []byte) {
	s.scratch = append(s.scratch[:0], data[:s.limit]...)
	s.rec.Raw = s.scratch
	s.fail(CodeRecordTooLong, fmt.Sprintf("the line is longer than %d bytes; a line break may be missing", s.limit))
	s.skipLine()
}

// recordEnd returns the index of the line feed that ends the record at the start of window, or len(window),
// and the state at that place.
//
// If every line of a file opened a quote, each would be followed for a whole window and only one line of it consumed.
// But a scan that went from an earlier record to s.frontier without end was inside quotes at every line ending on its
// way. Where this record is inside quotes at one of them, the two go on alike: it jumps to the frontier. So the time
// stays linear.
func (s *Scanner) recordEnd(window []byte) (int, state) {
	known := int(s.frontier - s.next)
	st := cellStart
	for i := 0; i < len(window); i++ {
		c := window[i]
		if c == s.newline {
			if st != quoted {
				return i, st
			}
			if i < known {
				i, st = known-1, s.frontierState
			}
			continue
		}
		st = st.after(c, s.delimiter)
	}
	return len(window), st
}

// after returns the state after a byte that does not end a line.
func (st state) after(c, delimiter byte) state {
	switch {
	case st == quoted && c == '"':
		return quoteInQuoted
	case st == quoted, st == quoteInQuoted && c == '"', st == cellStart && c == '"':
		return quoted
	case c == delimiter:
		return cellStart
	}
	return unquoted
}

// splitPlain cuts a record without quotes.
func (s *Scanner) splitPlain(raw []byte) {
	s.fields = s.fields[:0]
	from, delimiter := 0, s.delimiter
	for i, c := range raw {
		if c == delimiter {
			s.fields = append(s.fields, raw[from:i:i])
			from = i + 1
		}
	}
	s.fields = append(s.fields, raw[from:len(raw):len(raw)])
	if bytes.IndexByte(raw, s.foreign) >= 0 {
		s.failForeign()
	}
}

// splitQuoted cuts a record with quotes.
func (s *Scanner) splitQuoted(raw []byte) {
	s.fields = s.fields[:0]
	s.scratch = s.scratch[:0]
	for rest := raw; ; {
		var cell []byte
		if len(rest) > 0 && rest[0] == '"' {
			cell, rest = s.quotedCell(rest[1:])
			if len(rest) > 0 && rest[0] != s.delimiter {
				s.fail(CodeBadQuote, "text follows a closing quote; double a quote that is part of a cell")
				return
			}
		} else {
			cell, rest = s.plainCell(rest)
			if bytes.IndexByte(cell, '"') >= 0 {
				s.fail(CodeBadQuote, "a quote stands inside a cell that does not begin with one; "+
					"quote the whole cell, without spaces before it, and double the quotes in it")
				return
			}
			if bytes.IndexByte(cell, s.foreign) >= 0 {
				s.failForeign()
				return
			}
		}
		s.fields = append(s.fields, cell)
		if len(rest) == 0 {
			return
		}
		rest = rest[1:]
	}
}

// quotedCell returns the text of a cell after its opening quote, and what follows the closing one.
// A doubled quote is undone in the scratch buffer, which never grows beyond the record.
func (s *Scanner) quotedCell(b []byte) (cell, rest []byte) {
	start := len(s.scratch)
	for {
		i := bytes.IndexByte(b, '"')
		if i < 0 { // not reached: the record's end was found outside quotes
			i = len(b)
			return b[:i:i], nil
		}
		if i+1 == len(b) || b[i+1] != '"' {
			if len(s.scratch) == start {
				return b[:i:i], b[i+1:]
			}
			s.scratch = append(s.scratch, b[:i]...)
			return s.scratch[start:len(s.scratch):len(s.scratch)], b[i+1:]
		}
		s.scratch = append(s.scratch, b[:i+1]...)
		b = b[i+2:]
	}
}

// plainCell returns the bytes up to the next delimiter, and what follows from there on.
func (s *Scanner) plainCell(b []byte) (cell, rest []byte) {
	i := bytes.IndexByte(b, s.delimiter)
	if i < 0 {
		i = len(b)
	}
	return b[:i:i], b[i:]
}

// finish checks the bytes of the record.
func (s *Scanner) finish() {
	switch raw := s.rec.Raw; {
	case bytes.IndexByte(raw, 0) >= 0:
		s.fail(CodeNUL, "the row holds a NUL byte; the file may be damaged or not be text")
	case s.utf16 && !utf8.Valid(raw):
		s.fail(CodeBadUTF8, "the row is not UTF-16: it holds half of a character; export the file again")
	case !s.latin && !utf8.Valid(raw):
		s.fail(CodeBadUTF8, "the row is not UTF-8; save the file as CSV UTF-8, or say that all of it is windows-1252")
	}
	if s.rec.Err == nil {
		s.rec.Fields = s.fields
	}
}

func (s *Scanner) failForeign() {
	if s.foreign == '\n' {
		s.fail(CodeBareLF, "a line feed stands outside quotes in a file whose lines end with a carriage return")
		return
	}
	s.fail(CodeBareCR, "a carriage return stands alone outside quotes; end lines with a line feed")
}

func (s *Scanner) fail(code, reason string) {
	s.rec.Err = &RowError{Line: s.rec.Line, Offset: s.rec.Offset, Code: code, Reason: reason}
}

// dropCR cuts the carriage returns of a line ending; more than one is what text mode makes of CRLF.
func (s *Scanner) dropCR(b []byte) []byte {
	if s.newline != '\n' {
		return b
	}
	for len(b) > 0 && b[len(b)-1] == '\r' {
		b = b[:len(b)-1]
	}
	return b
}

// lengthOf returns the length of a line with its line feed, which the last one of a file does not have.
func lengthOf(line []byte, last bool) int {
	if last {
		return len(line)
	}
	return len(line) + 1
}
