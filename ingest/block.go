package ingest

import (
	"math"
	"slices"
)

// What a block holds at most.
const (
	BlockRows  = 1024
	blockBytes = 1 << 20 // of input, so that a block of huge rows stays small
)

// Block is a run of rows, column by column. Every slice has one place a row,
// and is valid until the block is filled again.
type Block struct {
	Rows    int
	Offsets []int64 // of the rows' first bytes in the file

	// Of the published columns that the file has.
	Numbers [NumColumns]NumberColumn
	Texts   [NumColumns]TextColumn

	// The other named columns, in the order of RowDecoder.Extras: cells as they
	// are, without quotes.
	Extras []RawColumn
}

// NumberColumn is a column of numbers: as they are, and by code where the column
// repeats some. It has no places if the file has no such column.
type NumberColumn struct {
	Rows    []float64 // NaN for no value
	Codes   []uint32  // of Values; 0: no value
	Values  []float64 // by code, NaN first; grows over the blocks of one reader
	IsPlain bool      // there are no codes: the column has too many values
}

// Has tells whether the file has the column.
func (c *NumberColumn) Has() bool { return len(c.Rows) > 0 }

// TextColumn is a column of texts: by code where the column repeats a few,
// else as bytes.
type TextColumn struct {
	Codes []uint32 // of Names; 0: no value
	Names []string // by code; grows over the blocks of one reader
	Raw   RawColumn
	IsRaw bool // Raw holds the column, not Codes
}

// RawColumn is a column of bytes: row i is Data[Ends[i-1]:Ends[i]].
type RawColumn struct {
	Data []byte
	Ends []uint32
}

// Row returns the bytes of row i.
func (c *RawColumn) Row(i int) []byte {
	start := uint32(0)
	if i > 0 {
		start = c.Ends[i-1]
	}
	return c.Data[start:c.Ends[i]]
}

func (c *RawColumn) add(cell []byte) {
	c.Data = append(c.Data, cell...)
	c.Ends = append(c.Ends, uint32(len(c.Data)))
}

func (c *RawColumn) reset() { c.Data, c.Ends = c.Data[:0], c.Ends[:0] }

// room makes the columns that fields fill as long as a block can be, the others
// empty, and shows the fields their places.
func (b *Block) room(r *BlockReader) {
	b.Rows, b.Offsets = 0, full(b.Offsets)
	for c := range b.Numbers {
		n, t := &b.Numbers[c], &b.Texts[c]
		n.Rows, n.Codes, n.IsPlain = n.Rows[:0], n.Codes[:0], false
		t.Codes, t.IsRaw = t.Codes[:0], false
		t.Raw.reset()
	}
	b.Extras = append(b.Extras, make([]RawColumn, max(0, len(r.d.extras)-len(b.Extras)))...)
	for i := range b.Extras {
		b.Extras[i].reset()
	}
	for i := range r.fields {
		switch f := &r.fields[i]; {
		case f.kind == numberField:
			n := &b.Numbers[f.column]
			n.Rows, n.Codes = full(n.Rows), full(n.Codes)
			f.values, f.codes = n.Rows, n.Codes
		case f.kind == plainField:
			n := &b.Numbers[f.column]
			n.Rows, n.IsPlain = full(n.Rows), true
			f.values = n.Rows
		case f.kind == textField:
			t := &b.Texts[f.column]
			t.Codes = full(t.Codes)
			f.codes = t.Codes
		case f.kind == rawField && f.column == unknownColumn:
			f.raw = &b.Extras[f.extra]
		case f.kind == rawField:
			b.Texts[f.column].IsRaw = true
			f.raw = &b.Texts[f.column].Raw
		}
	}
}

// cut makes the columns as long as there are rows.
func (b *Block) cut() {
	b.Offsets = b.Offsets[:b.Rows]
	for c := range b.Numbers {
		n, t := &b.Numbers[c], &b.Texts[c]
		n.Rows = n.Rows[:min(len(n.Rows), b.Rows)]
		n.Codes = n.Codes[:min(len(n.Codes), b.Rows)]
		t.Codes = t.Codes[:min(len(t.Codes), b.Rows)]
	}
}

// full returns s with a place for every row of a block.
func full[T any](s []T) []T {
	if cap(s) < BlockRows {
		return make([]T, BlockRows)
	}
	return s[:BlockRows]
}

// maxNames is how many texts a column of codes may have, and maxNameBytes how
// long they may be together; a column beyond either goes on as bytes.
const (
	maxNames     = 4096
	maxNameBytes = 256 << 10
)

// BlockReader reads the records of a file in blocks. It accepts and refuses
// the same rows as Scanner and RowDecoder do one at a time, by which it is
// defined; rows in plain form, as nearly all are, take a shorter way. It is
// not safe for concurrent use.
type BlockReader struct {
	s      *Scanner
	d      *RowDecoder
	app    Application
	fields []fieldPlan
	plain  bool // the short way is open to this file
	closed bool // a column of Judged has too many texts: from here on it is not
	point  byte // decimal
	o      BlockOptions
	cells  cellIndex
	ends   []uint32 // see cellRun.trim
	window int      // how many bytes the short way tries to take at a time
}

// BlockOptions say what becomes of rows.
type BlockOptions struct {
	// Reject is told of every row that is refused, in the order of the file;
	// its error ends the reading. The record is valid during the call only.
	// Required.
	Reject func(*Record, error) error

	// Accept can refuse a row for reasons of its own. It must depend on nothing
	// but the texts of the row, each by itself, and on whether the columns of
	// Required are there: rows like one that was accepted are not shown to it.
	Accept   func(*Application) error
	Required []Column
	Judged   []Column // of texts, which Accept looks at
}

// fieldKind is how a field of a row is read on the short way.
type fieldKind uint8

const (
	skipField fieldKind = iota // no name, not carried
	numberField
	plainField // a number of a column with many
	textField
	rawField
)

// fieldPlan is one field of the file's rows, and where its cells go.
type fieldPlan struct {
	kind     fieldKind
	column   Column // a published one, or unknownColumn
	extra    int    // else its place in Extras
	required bool   // a row without it takes the long way
	judged   bool   // only texts of accepted rows are known to be allowed
	rule     numberRule

	numbers *Numbers
	names   *nameTable

	// Of the block that is being filled.
	values []float64
	codes  []uint32
	raw    *RawColumn
}

// numberRule is what a number without a sign must be.
type numberRule uint8

const (
	anyNumber numberRule = iota
	positiveNumber
	zeroOrOne
)

// ruleOf are the rules of Application.fault.
func ruleOf(c Column) numberRule {
	switch c {
	case LoanAmount, LoanAmountTerm:
		return positiveNumber
	case CreditHistory:
		return zeroOrOne
	}
	return anyNumber
}

func (r numberRule) allows(v float64) bool {
	return r == anyNumber || r == positiveNumber && v > 0 || r == zeroOrOne && (v == 0 || v == 1)
}

// NewBlockReader returns a reader of the records that s yields.
func NewBlockReader(s *Scanner, d *RowDecoder, o BlockOptions) *BlockReader {
	r := &BlockReader{s: s, d: d, o: o, window: firstWindow}
	required := append([]Column{ApplicantIncome, CoapplicantIncome, TotalIncome, PropertyArea}, o.Required...)
	extra := 0
	if r.point = '.'; d.comma {
		r.point = ','
	}
	for i, c := range d.columns {
		f := fieldPlan{column: c, rule: ruleOf(c), required: slices.Contains(required, c)}
		f.judged = c == PropertyArea || slices.Contains(o.Judged, c)
		switch {
		case c != unknownColumn && c.Numeric():
			f.kind, f.numbers = numberField, new(Numbers)
		case c == LoanID:
			f.kind = rawField
		case c != unknownColumn:
			f.kind, f.names = textField, newNameTable(f.required)
		case extra < len(d.extras) && d.extras[extra] == i:
			f.kind, f.extra = rawField, extra
			extra++
		}
		r.fields = append(r.fields, f)
	}
	r.cells.fields = len(r.fields)
	both := d.has(TotalIncome) && (d.has(ApplicantIncome) || d.has(CoapplicantIncome))
	r.plain = !both && s.newline == '\n' && r.point != s.delimiter && len(r.fields) > 1
	return r
}

// Reset goes on with the records of another range of the file, as a new reader
// would: codes begin anew. It keeps the memory.
func (r *BlockReader) Reset(s *Scanner, reject func(*Record, error) error) {
	r.s, r.o.Reject, r.window, r.closed = s, reject, firstWindow, false
	for i := range r.fields {
		switch f := &r.fields[i]; {
		case f.numbers != nil:
			f.kind = numberField
			f.numbers.Reset()
		case f.names != nil:
			f.kind, f.names = textField, newNameTable(f.required)
		}
	}
}

func (d *RowDecoder) has(c Column) bool {
	return slices.Contains(d.columns, c)
}

// Read fills b with the next rows: as many as a block holds, fewer only at the
// end, where it returns false. Where blocks begin and end depends on the bytes
// of the records alone. The error is the scanner's or that of Reject.
func (r *BlockReader) Read(b *Block) (more bool, err error) {
	r.chooseRaw()
	b.room(r)
	from := r.s.Next()
	for b.Rows < BlockRows && r.s.Next()-from < blockBytes {
		if r.plain && !r.closed && r.s.ready() && r.take(b, from) {
			continue
		}
		if !r.s.Scan() {
			r.export(b)
			return false, r.s.Err()
		}
		if err := r.slow(b); err != nil {
			return false, err
		}
	}
	r.export(b)
	return true, nil
}

// chooseRaw gives up the codes of columns with too many values, between blocks.
// Without codes nothing tells that a text is allowed, so a judged column closes
// the short way.
func (r *BlockReader) chooseRaw() {
	for i := range r.fields {
		switch f := &r.fields[i]; {
		case f.kind == textField && f.names.crowded():
			f.kind, r.closed = rawField, r.closed || f.judged
		case f.kind == numberField && f.numbers.Crowded():
			f.kind = plainField
		}
	}
}

// export ends the block and gives it what the codes mean.
func (r *BlockReader) export(b *Block) {
	b.cut()
	for i := range r.fields {
		switch f := &r.fields[i]; f.kind {
		case textField:
			b.Texts[f.column].Names = f.names.names
		case numberField:
			b.Numbers[f.column].Values = f.numbers.Values()
		}
	}
}

// slow adds the scanner's record or refuses it.
func (r *BlockReader) slow(b *Block) error {
	rec := r.s.Record()
	if err := r.d.Decode(rec, &r.app); err != nil {
		return r.o.Reject(rec, err)
	}
	if r.o.Accept != nil {
		if err := r.o.Accept(&r.app); err != nil {
			return r.o.Reject(rec, err)
		}
	}
	for i := range r.fields {
		switch f := &r.fields[i]; {
		case f.kind == numberField:
			f.values[b.Rows], f.codes[b.Rows] = math.NaN(), 0
			if v, ok := r.app.Number(f.column); ok {
				f.values[b.Rows], f.codes[b.Rows] = v, f.numbers.Code(v)
			}
		case f.kind == plainField:
			f.values[b.Rows] = math.NaN()
			if v, ok := r.app.Number(f.column); ok {
				f.values[b.Rows] = v
			}
		case f.kind == textField:
			text, _ := r.app.TextBytes(f.column)
			f.codes[b.Rows] = f.names.code(text, r.s)
		case f.kind == rawField && f.column == unknownColumn:
			f.raw.add(rec.Fields[i])
		case f.kind == rawField:
			text, _ := r.app.TextBytes(f.column)
			f.raw.add(text)
		}
	}
	b.Offsets[b.Rows] = rec.Offset
	b.Rows++
	return nil
}
