package ingest

import (
	"bytes"
	"strings"
)

// Limits of a file's start.
const (
	MaxHead   = 64 << 10 // bytes of a header, with what stands before it
	MaxSample = 1 << 20  // bytes of text that the dialect is decided on
)

// MaxColumns is how many columns a file can have.
const MaxColumns = 512

// Head is what the header of a file says. It is written to JSON and used again for every range of the file.
type Head struct {
	Columns   []HeadColumn `json:"columns"`
	DataStart int64        `json:"data_start"` // offset of the first byte after the header
	DataLine  int64        `json:"data_line"`  // number of the line at DataStart, counted from 1
	BOM       bool         `json:"bom"`        // the file begins with a byte order mark
	Dialect   Dialect      `json:"dialect,omitzero"`
}

// HeadColumn is one column of a file.
type HeadColumn struct {
	Name  string `json:"name"`  // as in the file, without surrounding spaces; empty columns have no name
	Known string `json:"known"` // the published name, or empty for a column that is only carried along
}

// ParseHead reads the header of a text file and decides on its dialect by the file's first bytes: MaxSample of them, or
// with whole set all there are. given goes before what would be detected. It returns a *FileError for every file that is
// not read: by name, never by a guess. Open does the same for files that are packed or in UTF-16.
func ParseHead(text []byte, whole bool, given Given) (*Head, error) {
	d, err := given.dialect()
	if err != nil {
		return nil, err
	}
	if kind := packing(text); kind != "" {
		return nil, refuse(CodePacked, "the file is packed ("+kind+")", "unpack it")
	}
	if err := refuseKind(text); err != nil {
		return nil, err
	}
	return parseHead(text, whole, d)
}

// parseHead is ParseHead for text whose dialect is known in part.
func parseHead(text []byte, whole bool, d Dialect) (*Head, error) {
	if len(text) > MaxSample {
		text, whole = text[:MaxSample], false
	}
	rest, bom := cutBOM(text)
	if len(bytes.Trim(rest, " \t\r\n\x1e")) == 0 {
		return nil, refuseBlank(len(text), whole)
	}
	if d.Encoding == "" {
		d.Encoding = detectEncoding(rest, whole)
	}
	if d.Newline == "" {
		var err error
		if d.Newline, err = detectNewline(rest); err != nil {
			return nil, notText(text, err)
		}
	}
	at := start{text: text, offset: len(text) - len(rest), line: 1, whole: whole}
	if err := at.separatorLine(&d); err != nil {
		return nil, err
	}
	if d.Delimiter == "" {
		d.Delimiter = at.detectDelimiter(d)
	}
	h := &Head{BOM: bom, Dialect: d}
	if err := at.header(h); err != nil {
		return nil, notText(text, err)
	}
	if d.Decimal == "" {
		h.detectDecimal(text[h.DataStart:])
	}
	return h, nil
}

// start is a place in the first bytes of a text.
type start struct {
	text   []byte // from the beginning of the file
	offset int    // of the place
	line   int64  // of the place
	whole  bool   // the file ends with text
}

// first returns the first record from the place on in a dialect, and the scanner that stands behind it.
func (at start) first(d Dialect) (*Record, *Scanner) {
	s := scanText(at.text[at.offset:], int64(at.offset), ScannerOptions{
		MaxRecord: min(max(len(at.text), 1), MaxHead), FirstLine: at.line, Dialect: d,
	})
	if !s.Scan() {
		return nil, s
	}
	return s.Record(), s
}

// header reads the line with the column names.
func (at start) header(h *Head) error {
	rec, s := at.first(h.Dialect)
	if rec == nil {
		return headerTooLong()
	}
	if e := rec.Err; e != nil && (e.Code == CodeRecordTooLong || e.Code == CodeUnclosedQuote && len(at.text)-at.offset > MaxHead) {
		return headerTooLong()
	}
	newline, _ := h.Dialect.newline()
	ended := s.Next() < int64(len(at.text)) || at.text[len(at.text)-1] == newline
	if err := refuseLine(rec, at.text[at.offset:], ended || at.whole); err != nil {
		return err
	}
	h.DataStart, h.DataLine = s.Next(), at.line+s.Lines()
	for _, cell := range rec.Fields {
		col := HeadColumn{Name: strings.TrimSpace(string(cell))}
		if c, ok := LookupColumn(col.Name); ok {
			col.Known = c.String()
		}
		h.Columns = append(h.Columns, col)
	}
	return h.check(rec, at)
}

// Has reports whether the file has the published column.
func (h *Head) Has(c Column) bool {
	for _, col := range h.Columns {
		if col.Known == c.String() {
			return true
		}
	}
	return false
}

// check refuses a header by its columns.
func (h *Head) check(rec *Record, at start) error {
	if rec.Err != nil {
		return refuseQuotes(rec.Err)
	}
	if len(h.Columns) > MaxColumns {
		return refuseCount(len(h.Columns))
	}
	if err := h.refuseDuplicates(); err != nil {
		return err
	}
	missing := h.missing()
	if len(missing) == 0 {
		return nil
	}
	if err := h.refuseDelimiter(); err != nil {
		return err
	}
	if line := at.laterHeader(h.Dialect); line > 0 {
		return refuseLater(line)
	}
	if h.looksLikeData() {
		return refuse(CodeNoHeader, "the first line is data, not column names",
			"put a line with the column names first: "+strings.Join(columnNames[:LoanStatus], ","))
	}
	return h.refuseMissing(missing)
}

// missing returns the required columns that are not there.
func (h *Head) missing() []Column {
	var missing []Column
	if !h.Has(TotalIncome) {
		for _, c := range []Column{ApplicantIncome, CoapplicantIncome} {
			if !h.Has(c) {
				missing = append(missing, c)
			}
		}
	}
	for _, c := range []Column{LoanAmount, CreditHistory, PropertyArea} {
		if !h.Has(c) {
			missing = append(missing, c)
		}
	}
	return missing
}

// looksLikeData reports whether no column is known and a cell is a number: columns are not named so.
func (h *Head) looksLikeData() bool {
	number := false
	for _, col := range h.Columns {
		if col.Known != "" {
			return false
		}
		_, err1 := ParseNumber([]byte(col.Name))
		_, err2 := parseComma([]byte(col.Name), true)
		number = number || err1 == nil || err2 == nil
	}
	return number
}
