package ingest

import (
	"strconv"
)

// RowError says why a row of a file cannot be scored. Code is one of RowCodes; Reason is for people and holds no values.
type RowError struct {
	Line   int64  `json:"line"`             // on which the row begins
	Offset int64  `json:"offset"`           // of the row's first byte in the file
	Column string `json:"column,omitempty"` // as the file spells it; empty if the whole row is wrong
	Code   string `json:"code"`
	Reason string `json:"reason"`
}

// Error returns all that is known about the row but its contents.
func (e *RowError) Error() string {
	where := "line " + strconv.FormatInt(e.Line, 10) + ", byte " + strconv.FormatInt(e.Offset, 10)
	if e.Column != "" {
		where += ", column " + e.Column
	}
	return where + ": " + e.Reason + " (" + e.Code + ")"
}

// RowDecoder turns records into applications by the header of their file.
// It does not change and is safe for concurrent use.
type RowDecoder struct {
	columns []Column           // of each field
	names   [NumColumns]string // as the file spells them, or as published
	extras  []int
	dialect Dialect
	comma   bool // decimal comma
	grouped bool // thousands are grouped by points
}

// Decoder returns the decoder for the file's records. Head is not kept.
func (h *Head) Decoder() *RowDecoder {
	d := &RowDecoder{columns: make([]Column, len(h.Columns)), names: columnNames, dialect: h.Dialect}
	d.comma, d.grouped = h.Dialect.Decimal == ",", h.Dialect.Grouping == "."
	for i, col := range h.Columns {
		c, ok := exactColumn(col.Known)
		d.columns[i] = c
		switch {
		case ok:
			d.names[c] = col.Name
		case col.Name != "":
			d.extras = append(d.extras, i)
		}
	}
	return d
}

// Extras returns the indexes of the fields that are no published columns but have a name, in file order.
// The caller must not change them.
func (d *RowDecoder) Extras() []int { return d.extras }

// Decode empties a and fills it from rec. It does not allocate when the row is in order. The first error is returned:
// the record's own; then a wrong number of cells; then the first cell from the left that is no number;
// then the first published column whose value is missing or not allowed. After an error a is not to be used.
func (d *RowDecoder) Decode(rec *Record, a *Application) *RowError {
	a.Reset()
	if rec.Err != nil {
		return rec.Err
	}
	if len(rec.Fields) != len(d.columns) {
		return d.wrongFieldCount(rec)
	}
	for i, c := range d.columns {
		if c == unknownColumn {
			continue
		}
		cell := trim(rec.Fields[i])
		if len(cell) == 0 {
			continue
		}
		if !c.Numeric() {
			a.putText(c, cell)
			continue
		}
		number, err := d.number(cell)
		if err != nil {
			return d.fail(rec, c, d.numberFault(c, cell, err))
		}
		a.putNumber(c, number)
	}
	for c := ApplicantIncome; c <= TotalIncome; c++ {
		if f := a.fault(c); f.code != "" {
			if a.present == 0 && isBlank(rec) {
				f.detail = emptyRow
			}
			return d.fail(rec, c, f)
		}
	}
	return nil
}

func (d *RowDecoder) fail(rec *Record, c Column, f fault) *RowError {
	return &RowError{Line: rec.Line, Offset: rec.Offset, Column: d.names[c], Code: f.code, Reason: f.detail}
}

// number reads a number cell in the file's dialect.
func (d *RowDecoder) number(cell []byte) (float64, error) {
	if d.comma {
		return parseComma(cell, d.grouped)
	}
	return ParseNumber(cell)
}
