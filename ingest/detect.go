package ingest

import (
	"bytes"
	"strings"
)

// detectNewline finds out how lines end. Carriage returns end them if the first line ends with one alone and no line
// ends with a line feed; a file that mixes both is refused.
func detectNewline(text []byte) (string, error) {
	inQuotes, first := false, true
	for i, c := range text {
		switch {
		case c == '"':
			inQuotes = !inQuotes
		case inQuotes:
		case c == '\n' && first:
			return NewlineLF, nil
		case c == '\n':
			return "", refuse(CodeBareCR, "the first line ends with a carriage return alone, others with a line feed",
				"end all lines the same way")
		case c == '\r' && first:
			after := bytes.TrimLeft(text[i:], "\r")
			if len(after) == 0 || after[0] == '\n' {
				return NewlineLF, nil
			}
			first = false
		}
	}
	if first {
		return NewlineLF, nil
	}
	return NewlineCR, nil
}

// separatorLine takes Excel's line that names the delimiter, such as "sep=;", if there is one.
func (at *start) separatorLine(d *Dialect) error {
	newline, _ := d.newline()
	text := at.text[at.offset:]
	line, _, ended := bytes.Cut(text, []byte{newline})
	cut := bytes.TrimLeft(line, " \"")
	if len(cut) < len("sep=") || !equalFold(cut[:len("sep=")], "sep=") {
		return nil
	}
	name := bytes.TrimRight(cut[len("sep="):], "\r")
	if len(name) == 0 || !canDelimit(name[0]) || len(bytes.Trim(name[1:], "\" ,;\t|")) > 0 {
		return refuse(CodeDelimiter, "the first line is Excel's sep= line and names no delimiter", "remove that line, or correct it")
	}
	if d.Delimiter == "" {
		d.Delimiter = string(name[:1])
	}
	at.offset += len(line)
	if ended {
		at.offset++
		at.line++
	}
	if len(bytes.Trim(at.text[at.offset:], " \t\r\n")) == 0 {
		return refuse(CodeEmpty, "the file holds nothing but Excel's sep= line", "upload a CSV file with a header line")
	}
	return nil
}

// detectDelimiter chooses the delimiter that finds most published columns in the header, then the one that finds most
// cells, then the first of this list.
func (at start) detectDelimiter(d Dialect) string {
	best, mostKnown, mostCells := "", -1, 0
	for _, delimiter := range [...]string{",", ";", "\t", "|"} {
		d.Delimiter = delimiter
		rec, _ := at.first(d)
		if rec == nil {
			continue
		}
		known, cells := countKnown(rec.Fields)
		if rec.Err != nil {
			known, cells = countKnown(bytes.SplitN(rec.Raw, []byte(delimiter), MaxColumns+1))
		}
		if known > mostKnown || known == mostKnown && cells > mostCells {
			best, mostKnown, mostCells = delimiter, known, cells
		}
	}
	if best == "" {
		return ","
	}
	return best
}

// countKnown returns how many of the cells are published columns, and how many there are.
func countKnown(fields [][]byte) (known, cells int) {
	if len(fields) > MaxColumns {
		return 0, len(fields)
	}
	for _, cell := range fields {
		if _, ok := LookupColumn(strings.Trim(string(cell), "\" \t")); ok {
			known++
		}
	}
	return known, len(fields)
}

// minHeader is how many published columns make a line look like a header.
const minHeader = 3

// refuseDelimiter refuses a header of one column that names several when it is cut at a character that is not tried.
func (h *Head) refuseDelimiter() error {
	if len(h.Columns) != 1 {
		return nil
	}
	name := h.Columns[0].Name
	for _, c := range []byte(",;\t|:^~#!/ \x01\x1f") {
		cells := strings.FieldsFunc(name, func(r rune) bool { return r == rune(c) })
		known := 0
		for _, cell := range cells {
			if _, ok := LookupColumn(cell); ok {
				known++
			}
		}
		switch {
		case known < minHeader:
		case strings.IndexByte(",;\t|", c) >= 0 && c == h.Dialect.delimiter():
			return refuse(CodeBadQuote, "the first line is in quotes as a whole", "remove the quotes around each line")
		case c == ' ':
			return refuse(CodeDelimiter, "the cells are separated by spaces", "export the file with commas, semicolons or tabs")
		default:
			return refuse(CodeDelimiter, "the cells are separated by "+delimiterName(c),
				"say so with the delimiter option, or export the file with commas, semicolons or tabs")
		}
	}
	return nil
}

// laterHeader returns the number of a line that looks like the header, if one of the next lines does.
func (at start) laterHeader(d Dialect) int64 {
	newline, _ := d.newline()
	const most = 30
	line := at.line
	for text := range bytes.SplitSeq(at.text[at.offset:min(len(at.text), at.offset+MaxHead)], []byte{newline}) {
		for _, delimiter := range [...]string{",", ";", "\t", "|"} {
			known, _ := countKnown(bytes.SplitN(bytes.TrimRight(text, "\r"), []byte(delimiter), MaxColumns+1))
			if known >= minHeader && line > at.line {
				return line
			}
		}
		if line++; line > at.line+most {
			break
		}
	}
	return 0
}

// detectDecimal decides what sign stands before decimals. It is the comma if the delimiter is not, and if more cells of
// the number columns are written with a decimal comma than with a decimal point. Points then group thousands if a cell
// shows it and none has a decimal point; a point alone before three digits shows nothing.
func (h *Head) detectDecimal(text []byte) {
	d := &h.Dialect
	d.Decimal = "."
	if d.delimiter() == ',' {
		return
	}
	decoder := h.Decoder()
	s := scanText(text, 0, ScannerOptions{Dialect: *d})
	points, commas, groups := 0, 0, 0
	for s.Scan() {
		fields := s.Record().Fields
		if len(fields) != len(decoder.columns) {
			continue
		}
		for i, c := range decoder.columns {
			if !c.Numeric() {
				continue
			}
			switch cell := trim(fields[i]); {
			case bytes.IndexByte(cell, ',') >= 0 && isComma(cell, false):
				commas++
				groups += min(bytes.Count(cell, []byte{'.'}), 1)
			case bytes.Count(cell, []byte{'.'}) > 1 && isComma(cell, true):
				groups++
			case bytes.IndexByte(cell, '.') >= 0 && isPoint(cell) && !isComma(cell, true):
				points++
			}
		}
	}
	if commas > points {
		d.Decimal = ","
		if groups > 0 && points == 0 {
			d.Grouping = "."
		}
	}
}

func isComma(cell []byte, grouped bool) bool {
	_, err := parseComma(cell, grouped)
	return err == nil
}

func isPoint(cell []byte) bool {
	_, err := ParseNumber(cell)
	return err == nil
}
