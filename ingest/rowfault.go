package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// This file finds the words for what is wrong with a row. They say what to do, and hold no values.

const emptyRow = "every cell of the row is empty: remove the line"

// isBlank reports whether no cell holds anything but blanks.
func isBlank(rec *Record) bool {
	return !slices.ContainsFunc(rec.Fields, func(cell []byte) bool { return len(trim(cell)) > 0 })
}

// wrongFieldCount explains why a row has another number of cells than the header.
func (d *RowDecoder) wrongFieldCount(rec *Record) *RowError {
	have, want := len(rec.Fields), len(d.columns)
	reason := fmt.Sprintf("the row has %s, the header has %d", cells(have), want)
	delimiter := d.dialect.delimiter()
	switch {
	case isBlank(rec):
		reason = emptyRow
	case have == 1 && string(rec.Raw) == "\x1a":
		reason += "; it is the control character (Ctrl-Z) that ended files in DOS: remove it"
	case have == 1 && rec.Raw[0] == '"' && bytes.IndexByte(rec.Fields[0], delimiter) >= 0:
		reason += "; remove the quotes around the row"
	case have > want && isBlank(&Record{Fields: rec.Fields[want:]}):
		reason += "; remove the empty cells at its end, or give them a column in the header"
	case have > want && d.dialect.Packing == PackingXLSX:
		reason += "; give every column a name, or empty the cells beyond the last one"
	case have > want:
		reason += "; put quotes around a cell that contains " + d.aDelimiter()
	}
	return &RowError{Line: rec.Line, Offset: rec.Offset, Code: CodeWrongFieldCount, Reason: reason}
}

func cells(n int) string {
	if n == 1 {
		return "1 cell"
	}
	return fmt.Sprintf("%d cells", n)
}

// aDelimiter names the file's delimiter with its article.
func (d *RowDecoder) aDelimiter() string {
	switch name := delimiterName(d.dialect.delimiter()); name {
	case "commas", "semicolons", "tabs":
		return "a " + strings.TrimSuffix(name, "s")
	default:
		return "the delimiter"
	}
}

// numberFault explains the mistake that a cell of column c most likely holds.
func (d *RowDecoder) numberFault(c Column, cell []byte, err error) fault {
	if errors.Is(err, ErrOverflow) {
		return fault{CodeOverflow, "is too large for a 64-bit number"}
	}
	letter := 'A' <= cell[0]&^0x20 && cell[0]&^0x20 <= 'Z'
	named, known := LookupColumn(string(cell))
	why := "write digits with or without a decimal " + d.example()
	switch {
	case known && named == c:
		why = "the row repeats the header: remove it"
	case hasWideBlank(cell):
		why = "it holds a space that is not an ordinary one, such as a no-break space: remove it"
	case c == CreditHistory && letter:
		why = "write 1 or 0, or leave the cell empty when it is not known"
	case letter, isNothing(cell):
		why = "leave the cell empty when the value is not known"
	case d.comma && isComma(cell, true):
		return fault{CodeBadNumber, "could be a decimal or a thousands point: write it with a comma and decimals, or without the point"}
	case d.comma && isPoint(cell):
		why = "the file has decimal commas; write 4583,5"
	case d.comma && bytes.ContainsAny(cell, ",."):
		why = "write 4583,5 or 4.583,5, with nothing else"
	case bytes.IndexByte(cell, ',') >= 0 && isComma(cell, true) && cell[max(len(cell)-4, 0)] != ',':
		why = "write 4583.5, with a decimal point and no thousands separators, or read the file with decimal commas"
	case bytes.IndexByte(cell, ',') >= 0:
		why = "write 4583.5, with a decimal point and no thousands separators"
	}
	return fault{CodeBadNumber, "is not a number: " + why}
}

// example is how a number with decimals looks in the file, with the name of the sign before it.
func (d *RowDecoder) example() string {
	if d.comma {
		return "comma, such as 4583,5"
	}
	return "point, such as 4583.5"
}

// isNothing reports whether a cell looks like what programs write for a value that is not known, other than a word.
func isNothing(cell []byte) bool {
	return cell[0] == '#' || cell[0] == '<' || len(bytes.Trim(cell, "-.?*_/")) == 0 || string(cell) == "–" || string(cell) == "—"
}
