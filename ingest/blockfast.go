package ingest

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// This file is the short way of BlockReader: it takes rows in plain form
// straight from the scanner's buffer, without a Record. It never refuses a row.
// Whatever is not plainly in order it leaves where it is, for the scanner and
// the decoder to accept or refuse: quotes, blanks around numbers, signs,
// exponents, texts not seen before, missing and impossible values.

// ready makes the scanner's buffer hold bytes beyond the next record.
func (s *Scanner) ready() bool {
	return (s.end <= 0 || s.next < s.end) && s.fill()
}

// take adds as many rows in plain form as the buffer, the scanner's range and
// the block, which began at file offset from, allow.
func (r *BlockReader) take(b *Block, from int64) {
	s := r.s
	data := s.buf[s.from:s.to]
	last := bytes.LastIndexByte(data, '\n')
	if s.end > 0 {
		last = min(last, int(min(s.end-s.next, int64(len(data))))-1)
	}
	last = min(last, int(from+blockBytes-s.next)-1)
	row := rowTaker{reader: r, block: b, data: data, comma: s.delimiter, commas: uint64(s.delimiter) * ones, point: r.point}
	at, rows := 0, 0
	for at <= last && b.Rows < BlockRows {
		next := row.take(at)
		if next < 0 || next-at > s.limit {
			if next >= 0 {
				row.undo()
			}
			break
		}
		b.Offsets[b.Rows] = s.next + int64(at)
		b.Rows++
		rows++
		at = next
	}
	s.from += at
	s.next += int64(at)
	s.line += int64(rows)
}

// rowTaker adds the cells of one row at a time.
type rowTaker struct {
	reader *BlockReader
	block  *Block
	data   []byte
	comma  byte
	commas uint64 // comma in every byte
	point  byte   // decimal
}

// take adds the row at data[at:], and returns where the next one begins, or -1
// and no change. There is a line feed at or after at.
func (t *rowTaker) take(at int) int {
	fields := t.reader.fields
	last := len(fields) - 1
	for i := range fields {
		f := &fields[i]
		switch f.kind {
		case numberField:
			at = t.number(at, f)
		case textField:
			at = t.text(at, f, i == last)
		default:
			at = t.raw(at, f)
		}
		if at >= 0 {
			at = t.pass(at, i == last)
		}
		if at < 0 {
			t.undo()
			return -1
		}
	}
	return at
}

// pass goes over what must follow a cell.
func (t *rowTaker) pass(at int, last bool) int {
	switch c := t.data[at]; {
	case !last && c == t.comma, last && c == '\n':
		return at + 1
	case last && c == '\r' && at+1 < len(t.data) && t.data[at+1] == '\n':
		return at + 2
	}
	return -1
}

// undo takes back the bytes of a row that was not finished; the other columns
// have places for them anyway.
func (t *rowTaker) undo() {
	rows := t.block.Rows
	for i := range t.reader.fields {
		if c := t.reader.fields[i].raw; c != nil && len(c.Ends) > rows {
			c.Ends = c.Ends[:rows]
			c.Data = c.Data[:end(c.Ends)]
		}
	}
}

func end(ends []uint32) uint32 {
	if len(ends) == 0 {
		return 0
	}
	return ends[len(ends)-1]
}

// number adds a cell of digits with or without a decimal point, or an empty
// one where the column may be empty, and returns where it ends; -1 for any
// other.
func (t *rowTaker) number(at int, f *fieldPlan) int {
	data, row := t.data, t.block.Rows
	if at+8 > len(data) {
		return -1
	}
	mantissa, whole := eightDigits(le64(data[at:]))
	v := float64(mantissa)
	end := at + whole
	switch c := data[min(end, len(data)-1)]; {
	case whole == 0:
		if f.required || c != t.comma && c != '\n' && c != '\r' {
			return -1
		}
		f.values[row], f.present[row] = 0, 0
		return at
	case whole > 1 && data[at] == '0':
		return -1
	case whole == 8 || c == t.point:
		var ok bool
		if v, end, ok = t.longNumber(at); !ok {
			return -1
		}
	}
	if !f.rule.allows(v) {
		return -1
	}
	f.values[row], f.present[row] = v, 1
	return end
}

// longNumber reads a number with a decimal point or of eight digits and more.
func (t *rowTaker) longNumber(at int) (v float64, end int, ok bool) {
	mantissa, whole := digits(t.data[at:], 0)
	end = at + whole
	fraction := 0
	if end < len(t.data) && t.data[end] == t.point {
		mantissa, fraction = digits(t.data[end+1:], mantissa)
		end += 1 + fraction
		if fraction == 0 {
			return 0, 0, false
		}
	}
	if whole+fraction > maxExactDigits || end >= len(t.data) {
		return 0, 0, false
	}
	return float64(mantissa) / pow10[fraction], end, true
}

// eightDigits returns the number that the decimal digits at the start of the
// eight bytes of w make, and how many they are. (D. Lemire, Number Parsing at a
// Gigabyte per Second, 2021, section 4.)
func eightDigits(w uint64) (uint64, int) {
	w ^= '0' * ones
	other := (w + (0x80-10)*ones | w) & highs // sums carry only from bytes that are marked by themselves
	n := bits.TrailingZeros64(other) / 8
	w <<= 64 - 8*n // what is no digit goes; zeros come before
	w = (w*10 + w>>8) & 0x00ff00ff00ff00ff
	w = (w*100 + w>>16) & 0x0000ffff0000ffff
	return (w*10_000 + w>>32) & 0xffffffff, n
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// zeroBytes marks with its high bit the lowest byte of w that is zero. Higher
// marks may be wrong. (Warren, Hacker's Delight, section 6-1.)
func zeroBytes(w uint64) uint64 { return (w - ones) & ^w & highs }

func le64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// text adds a cell whose text is known, or an empty one where the column may
// be empty.
func (t *rowTaker) text(at int, f *fieldPlan, last bool) int {
	if at+16 > len(t.data) {
		return -1
	}
	ends := t.commas
	if last {
		ends = '\n' * ones
	}
	w0, w1 := le64(t.data[at:]), uint64(0)
	n := 8
	if m := zeroBytes(w0 ^ ends); m != 0 {
		n = bits.TrailingZeros64(m) / 8
	} else {
		w1 = le64(t.data[at+8:])
		m := zeroBytes(w1 ^ ends)
		if m == 0 {
			return -1
		}
		n += bits.TrailingZeros64(m) / 8
	}
	if last && n > 0 && t.data[at+n-1] == '\r' {
		n--
	}
	if n < 8 {
		w0 &= 1<<(8*n) - 1
		w1 = 0
	} else {
		w1 &= 1<<(8*(n-8)) - 1
	}
	if n == 0 {
		if f.required {
			return -1
		}
		f.codes[t.block.Rows] = 0
		return at
	}
	slot := nameHash(w0, w1)
	found := &f.slots[slot%nameSlots]
	if found.word0 != w0 || found.word1 != w1 {
		found = &f.slots[(slot^1)%nameSlots]
	}
	if found.word0 != w0 || found.word1 != w1 || found.code == 0 {
		return -1
	}
	f.codes[t.block.Rows] = found.code
	return at + n
}

// raw adds a cell of printable ASCII as it is.
func (t *rowTaker) raw(at int, f *fieldPlan) int {
	data, start := t.data, at
	for at+8 <= len(data) {
		w := le64(data[at:])
		m := zeroBytes(w^t.commas) | zeroBytes(w^('"'*ones)) | (w-' '*ones)&^w&highs | w&highs
		if m != 0 {
			at += bits.TrailingZeros64(m) / 8
			break
		}
		at += 8
	}
	if at+8 > len(data) {
		return -1
	}
	cell := data[start:at]
	if f.kind == skipField {
		return at
	}
	if f.column != unknownColumn && len(cell) > 0 && (cell[0] == ' ' || cell[len(cell)-1] == ' ') {
		return -1 // trimmed on the long way
	}
	f.raw.add(cell)
	return at
}
