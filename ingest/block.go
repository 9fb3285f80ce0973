package ingest

import (
	"bytes"
	"slices"
	"unicode/utf8"
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

// NumberColumn is a column of numbers; it has no places if the file has no such
// column.
type NumberColumn struct {
	Values  []float64 // of a row without a value: any
	Present []uint8   // 1: there is a value; 0: there is none
	Missing int       // rows without one
}

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
		n.Values, n.Present, n.Missing = n.Values[:0], n.Present[:0], 0
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
			n.Values, n.Present = full(n.Values), full(n.Present)
			f.values, f.present = n.Values, n.Present
		case f.kind == textField:
			t := &b.Texts[f.column]
			t.Codes = full(t.Codes)
			f.codes, f.slots = t.Codes, &r.names[f.column].slots
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
		if len(n.Values) > 0 {
			n.Values, n.Present = n.Values[:b.Rows], n.Present[:b.Rows]
			n.Missing = bytes.Count(n.Present, []byte{0})
		}
		if len(t.Codes) > 0 {
			t.Codes = t.Codes[:b.Rows]
		}
	}
}

// full returns s with a place for every row of a block.
func full[T any](s []T) []T {
	if cap(s) < BlockRows {
		return make([]T, BlockRows)
	}
	return s[:BlockRows]
}

// TotalIncome returns the monthly income of row i: TotalIncome where it is
// given, else the sum of the two incomes; false when one of them is missing.
func (b *Block) TotalIncome(i int) (float64, bool) {
	if t := &b.Numbers[TotalIncome]; len(t.Present) > i && t.Present[i] != 0 {
		return t.Values[i], true
	}
	a, c := &b.Numbers[ApplicantIncome], &b.Numbers[CoapplicantIncome]
	if len(a.Present) <= i || len(c.Present) <= i || a.Present[i]&c.Present[i] == 0 {
		return 0, false
	}
	return a.Values[i] + c.Values[i], true
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
	names  [NumColumns]nameTable
	plain  bool // the short way is open to this file
	point  byte // decimal
	o      BlockOptions
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
}

// fieldKind is how a field of a row is read on the short way.
type fieldKind uint8

const (
	skipField fieldKind = iota // no name, not carried
	numberField
	textField
	rawField
)

// fieldPlan is one field of the file's rows, and where its cells go.
type fieldPlan struct {
	kind     fieldKind
	column   Column // a published one, or unknownColumn
	extra    int    // else its place in Extras
	required bool   // a row without it takes the long way
	rule     numberRule

	// Of the block that is being filled.
	values  []float64
	present []uint8
	codes   []uint32
	slots   *[nameSlots]nameSlot
	raw     *RawColumn
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
	r := &BlockReader{s: s, d: d, o: o}
	required := append([]Column{ApplicantIncome, CoapplicantIncome, TotalIncome, PropertyArea}, o.Required...)
	extra := 0
	if r.point = '.'; d.comma {
		r.point = ','
	}
	for i, c := range d.columns {
		f := fieldPlan{column: c, rule: ruleOf(c), required: slices.Contains(required, c)}
		switch {
		case c != unknownColumn && c.Numeric():
			f.kind = numberField
		case c == LoanID:
			f.kind = rawField
		case c != unknownColumn:
			f.kind = textField
		case extra < len(d.extras) && d.extras[extra] == i:
			f.kind, f.extra = rawField, extra
			extra++
		}
		r.fields = append(r.fields, f)
	}
	both := d.has(TotalIncome) && (d.has(ApplicantIncome) || d.has(CoapplicantIncome))
	r.plain = !both && s.newline == '\n' && r.point != s.delimiter
	return r
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
		if r.plain && r.s.ready() {
			r.take(b, from)
			if b.Rows == BlockRows || r.s.Next()-from >= blockBytes {
				break
			}
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

// chooseRaw turns columns of too many texts into bytes, between blocks.
func (r *BlockReader) chooseRaw() {
	for i := range r.fields {
		if f := &r.fields[i]; f.kind == textField && r.names[f.column].crowded() {
			f.kind = rawField
		}
	}
}

// export ends the block and gives it what the codes mean.
func (r *BlockReader) export(b *Block) {
	b.cut()
	for c := range b.Texts {
		if !b.Texts[c].IsRaw {
			b.Texts[c].Names = r.names[c].names
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
			v, ok := r.app.Number(f.column)
			f.values[b.Rows], f.present[b.Rows] = v, 0
			if ok {
				f.present[b.Rows] = 1
			}
		case f.kind == textField:
			text, _ := r.app.TextBytes(f.column)
			f.codes[b.Rows] = r.names[f.column].code(text, r.s)
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

// nameTable numbers the texts of a column from 1 on, in the order of their
// first appearance.
type nameTable struct {
	codes map[string]uint32
	names []string
	bytes int
	slots [nameSlots]nameSlot // some of them, for the short way
}

// nameSlot is a text of 1 to 15 bytes, zero-filled to two words.
type nameSlot struct {
	word0, word1 uint64
	code         uint32
}

const nameSlots = 32

func (t *nameTable) crowded() bool { return len(t.names) > maxNames || t.bytes > maxNameBytes }

// code returns the text's code, a new one for a new text.
func (t *nameTable) code(text []byte, s *Scanner) uint32 {
	if len(text) == 0 {
		return 0
	}
	if code, ok := t.codes[string(text)]; ok {
		t.remember(text, code, s)
		return code
	}
	if t.codes == nil {
		t.codes, t.names = make(map[string]uint32), append(t.names, "")
	}
	code := uint32(len(t.names))
	name := string(text)
	t.names = append(t.names, name)
	t.bytes += len(name)
	t.codes[name] = code
	t.remember(text, code, s)
	return code
}

// remember puts a text where the short way finds it, if a cell with these very
// bytes is this text.
func (t *nameTable) remember(text []byte, code uint32, s *Scanner) {
	if len(text) >= 16 || !utf8.Valid(text) {
		return
	}
	var words [16]byte
	for i, c := range text {
		if c < ' ' || c == '"' || c == s.delimiter || c >= utf8.RuneSelf && s.latin {
			return
		}
		words[i] = c
	}
	w0, w1 := le64(words[:8]), le64(words[8:])
	slot := nameHash(w0, w1)
	if t.slots[slot].code != 0 && t.slots[slot^1].code == 0 {
		slot ^= 1
	}
	t.slots[slot] = nameSlot{word0: w0, word1: w1, code: code}
}

// nameHash returns a slot.
func nameHash(w0, w1 uint64) uint64 {
	return ((w0 ^ w1*0x9E3779B97F4A7C15) * 0xD6E8FEB86659FD93) >> 59
}
