package ingest

import (
	"bytes"
	"strings"
)

// MaxHead is how many bytes of a file's start ParseHead needs to see at most, and so the limit of a header.
const MaxHead = 64 << 10

// MaxColumns is how many columns a file can have.
const MaxColumns = 512

// Head is what the header of a file says. It is written to JSON and used again for every range of the file.
type Head struct {
	Columns   []HeadColumn `json:"columns"`
	DataStart int64        `json:"data_start"` // offset of the first byte after the header
	DataLine  int64        `json:"data_line"`  // number of the line at DataStart, counted from 1
	BOM       bool         `json:"bom"`        // the file begins with a UTF-8 byte order mark
}

// HeadColumn is one column of a file.
type HeadColumn struct {
	Name  string `json:"name"`  // as in the file, without surrounding spaces; empty columns have no name
	Known string `json:"known"` // the published name, or empty for a column that is only carried along
}

// ParseHead reads the header of a CSV file from its first bytes: MaxHead of them, or with whole set all there are.
// It returns a *FileError for every file that is not read: by name, never by a guess.
func ParseHead(head []byte, whole bool) (*Head, error) {
	if len(head) > MaxHead {
		head, whole = head[:MaxHead], false
	}
	if err := refuseMagic(head); err != nil {
		return nil, err
	}
	rest, bom := bytes.CutPrefix(head, []byte("\xEF\xBB\xBF"))
	start := int64(len(head) - len(rest))
	if len(bytes.Trim(rest, " \t\r\n")) == 0 && (whole || len(head) < MaxHead) {
		return nil, refuse(CodeEmpty, "the file is empty", "upload a CSV file with a header line")
	}
	s := NewScanner(bytes.NewReader(rest), start, ScannerOptions{MaxRecord: max(len(head), 1)})
	if !s.Scan() {
		return nil, headerTooLong()
	}
	ended := s.Next() < int64(len(head)) || head[len(head)-1] == '\n'
	if err := refuseLine(s.Record(), rest, ended || whole); err != nil {
		return nil, err
	}
	h := &Head{DataStart: s.Next(), DataLine: 1 + s.Lines(), BOM: bom}
	for _, cell := range s.Record().Fields {
		col := HeadColumn{Name: strings.TrimSpace(string(cell))}
		if c, ok := LookupColumn(col.Name); ok {
			col.Known = c.String()
		}
		h.Columns = append(h.Columns, col)
	}
	if err := h.check(s.Record()); err != nil {
		return nil, err
	}
	return h, nil
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
func (h *Head) check(rec *Record) error {
	if err := h.refuseDelimiter(rec.Raw); err != nil {
		return err
	}
	if rec.Err != nil {
		return refuse(CodeBadQuote, "the quotes in the header are wrong: "+rec.Err.Reason, "correct the first line")
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
		if _, err := ParseNumber([]byte(col.Name)); err == nil {
			number = true
		}
	}
	return number
}
