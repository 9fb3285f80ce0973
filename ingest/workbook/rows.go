package workbook

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// EndOfRow ends every row of the text: a control character, which no cell can hold (XML 1.0, section 2.2).
const EndOfRow = 0x1E

// Limits of a sheet, which are Excel's.
const (
	maxRows    = 1 << 20
	maxColumns = 1 << 14
)

// Rows is the text of a sheet.
type Rows struct {
	book *book
	in   io.ReadCloser
	x    *tokens

	row   int    // the last one that was begun, from 1
	width int    // cells of the first row that is not empty
	text  []byte // of the cells of this row, one after the other
	cells []span // of this row: where their text is
	inRow bool
	out   []byte // text that is not delivered
	at    int    // of out
	err   error

	// Of the cell that is read.
	inCell bool
	column int
	kind   string
	date   bool
	value  []byte
}

// span is a piece of Rows.text.
type span struct{ from, to int }

// Close closes the part of the sheet.
func (r *Rows) Close() error { return r.in.Close() }

// Read implements io.Reader.
func (r *Rows) Read(p []byte) (int, error) {
	for r.at == len(r.out) {
		if r.err != nil {
			return 0, r.err
		}
		r.out, r.at = r.out[:0], 0
		for len(r.out) < 32<<10 && r.err == nil {
			r.err = r.tag()
		}
	}
	n := copy(p, r.out[r.at:])
	r.at += n
	return n, nil
}

// tag reads one tag of the sheet. The error after the last row is io.EOF.
func (r *Rows) tag() error {
	x := r.x
	if err := x.next(); err != nil {
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("the sheet does not end: %w", ErrFormat)
		}
		return err
	}
	switch {
	case x.starts("row"):
		if err := r.beginRow(); err != nil || !x.empty {
			return err
		}
		r.endRow()
	case x.ends("row") && r.inRow:
		r.endRow()
	case x.starts("c") && r.inRow:
		r.inCell = !x.empty
		return r.beginCell()
	case x.ends("c") && r.inCell:
		r.inCell = false
		return r.endCell()
	case r.inCell && (x.starts("v") || x.starts("t") && r.kind == "inlineStr") && !x.empty:
		x.begin()
	case (x.ends("v") || x.ends("t")) && x.keep:
		r.value = append(r.value, x.take()...)
	case x.ends("sheetData"):
		return io.EOF
	}
	return nil
}

func (r *Rows) beginRow() error {
	if r.inRow {
		return fmt.Errorf("a row within row %d: %w", r.row, ErrFormat)
	}
	n := r.row + 1
	if number := r.x.attr("r"); number != nil {
		var err error
		if n, err = strconv.Atoi(string(number)); err != nil {
			return fmt.Errorf("row %q: %w", number, ErrFormat)
		}
	}
	if n <= r.row || n > maxRows {
		return fmt.Errorf("row %d after row %d: %w", n, r.row, ErrFormat)
	}
	for r.row++; r.row < n; r.row++ {
		r.out = append(r.out, EndOfRow)
	}
	r.cells, r.text, r.column, r.inRow = r.cells[:0], r.text[:0], -1, true
	return nil
}

func (r *Rows) endRow() {
	last := len(r.cells)
	for last > 0 && r.cells[last-1].to == r.cells[last-1].from {
		last--
	}
	if r.width == 0 {
		r.width = last
	}
	if last > 0 {
		for i := range max(last, r.width) {
			if i > 0 {
				r.out = append(r.out, ',')
			}
			if i < last {
				r.out = appendCell(r.out, r.text[r.cells[i].from:r.cells[i].to])
			}
		}
	}
	r.out = append(r.out, EndOfRow)
	r.cells, r.inRow, r.inCell = r.cells[:0], false, false
}

// appendCell appends a cell as CSV.
func appendCell(out, cell []byte) []byte {
	if !bytes.ContainsAny(cell, "\",\r\n\x1e") {
		return append(out, cell...)
	}
	out = append(out, '"')
	for _, c := range cell {
		if c == '"' {
			out = append(out, '"')
		}
		out = append(out, c)
	}
	return append(out, '"')
}

func (r *Rows) beginCell() error {
	r.column++
	if ref := r.x.attr("r"); ref != nil {
		column := 0
		for _, c := range ref {
			c &^= 0x20
			if c < 'A' || c > 'Z' || column > maxColumns {
				break
			}
			column = 26*column + int(c-'A') + 1
		}
		r.column = column - 1
	}
	if r.column < 0 || r.column >= maxColumns {
		return fmt.Errorf("a cell in row %d beyond column XFD: %w", r.row, ErrFormat)
	}
	r.kind, r.date, r.value = string(r.x.attr("t")), false, r.value[:0]
	if style := r.x.attr("s"); style != nil {
		n, err := strconv.Atoi(string(style))
		r.date = err == nil && n >= 0 && n < len(r.book.dates) && r.book.dates[n]
	}
	return nil
}

func (r *Rows) endCell() error {
	value := r.value
	switch {
	case r.kind == "s":
		n, err := strconv.Atoi(string(bytes.TrimSpace(value)))
		text, ok := r.book.strings.at(n)
		if len(value) > 0 && (err != nil || !ok) {
			return fmt.Errorf("row %d: no shared string %q: %w", r.row, value, ErrFormat)
		}
		value = characters(text)
	case r.kind == "inlineStr", r.kind == "str":
		value = characters(value)
	case r.kind == "b" && isTrue(value):
		value = []byte("TRUE")
	case r.kind == "b":
		value = []byte("FALSE")
	case r.kind == "" || r.kind == "n":
		value = r.number(bytes.TrimSpace(value))
	}
	if len(r.text)+len(value) > maxToken {
		return fmt.Errorf("row %d of more than %d bytes: %w", r.row, maxToken, ErrTooLarge)
	}
	for len(r.cells) <= r.column {
		r.cells = append(r.cells, span{})
	}
	from := len(r.text)
	r.text = append(r.text, value...)
	r.cells[r.column] = span{from, len(r.text)}
	return nil
}

// number is a number cell as text: as it is stored, in the shortest form if that is the same number; or a date.
func (r *Rows) number(stored []byte) []byte {
	const short = 15 // digits that are always as they were entered
	if !r.date && len(stored) <= short {
		return stored
	}
	v, err := strconv.ParseFloat(string(stored), 64)
	switch {
	case err != nil:
		return stored
	case r.date && v >= 0 && v < 2958466: // the year 10000
		return []byte(dateText(v, r.book.date1904))
	}
	return strconv.AppendFloat(nil, v, 'g', -1, 64)
}

// dateText is the day and time that a number stands for: days since 1899-12-30, or 1904-01-01.
// (ECMA-376 part 1, section 18.17.4.1; the day that Excel has and 1900 had not is left as it is.)
func dateText(v float64, date1904 bool) string {
	begin := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	if date1904 {
		begin = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	days, part := math.Modf(v)
	seconds := math.Round(part * 86400)
	at := begin.AddDate(0, 0, int(days)).Add(time.Duration(seconds) * time.Second)
	switch {
	case days == 0 && !date1904:
		return at.Format("15:04:05")
	case seconds == 0:
		return at.Format(time.DateOnly)
	}
	return at.Format("2006-01-02T15:04:05")
}

// isDateFormat reports whether a number format shows a date or time: a letter of one stands outside quotes, brackets
// and escapes. (ECMA-376 part 1, section 18.8.31.)
func isDateFormat(format string) bool {
	format, _, _ = strings.Cut(format, ";")
	for i := 0; i < len(format); i++ {
		switch c := format[i]; c {
		case '"':
			n := strings.IndexByte(format[i+1:], '"')
			if n < 0 {
				return false
			}
			i += n + 1
		case '[':
			n := strings.IndexByte(format[i:], ']')
			if n < 0 {
				return false
			}
			if inside := strings.ToLower(format[i+1 : i+n]); strings.Trim(inside, "hms") == "" && inside != "" {
				return true // elapsed time
			}
			i += n
		case '\\', '_', '*':
			i++
		case 'y', 'Y', 'd', 'D', 'm', 'M', 'h', 'H', 's', 'S':
			return true
		case '0', '#', '?', 'G', 'g', 'E', 'e', '@':
			return false
		}
	}
	return false
}

// characters undoes _xHHHH_, which stands for a character that XML cannot hold (ECMA-376 part 1, section 22.9.2.19).
func characters(text []byte) []byte {
	if !bytes.Contains(text, []byte("_x")) {
		return text
	}
	var out []byte
	for i := 0; i < len(text); i++ {
		if i+7 <= len(text) && text[i] == '_' && text[i+1] == 'x' && text[i+6] == '_' {
			if n, err := strconv.ParseUint(string(text[i+2:i+6]), 16, 16); err == nil {
				out = append(out, string(rune(n))...)
				i += 6
				continue
			}
		}
		out = append(out, text[i])
	}
	return out
}
