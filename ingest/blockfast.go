package ingest

import (
	"encoding/binary"
	"math"
)

// This file is the short way of BlockReader: it takes rows in plain form
// straight from the scanner's buffer, without a Record, a run of rows at a time
// and column by column. It never refuses a row. Whatever is not plainly in order
// it leaves where it is, for the scanner and the decoder to accept or refuse:
// quotes, blanks around numbers, signs, exponents, texts not seen before,
// missing and impossible values.

// lookahead is how many bytes beyond its end a buffer must have room for, so
// that the last cells can be read a few words at a time.
const lookahead = wordsBytes

// ready makes the scanner's buffer hold bytes beyond the next record.
func (s *Scanner) ready() bool {
	return (s.end <= 0 || s.next < s.end) && s.fill()
}

// take adds rows in plain form to the block, which began at file offset from.
// It returns false when the next row is for the long way, or there is none.
func (r *BlockReader) take(b *Block, from int64) bool {
	s := r.s
	to := s.to - s.from
	data := s.buf[s.from : s.to+lookahead]
	// Rows may begin before the end of the range and of the block only.
	last := min(int64(to), from+blockBytes-s.next)
	if s.end > 0 {
		last = min(last, s.end-s.next)
	}
	n, odd := r.cells.find(data, to, s.delimiter, min(r.run, BlockRows-b.Rows), s.limit)
	for n > 0 && int64(r.cells.bounds[(n-1)*len(r.fields)]+1) >= last { // wraps to 0 for the first
		n, odd = n-1, false
	}
	t := rowTaker{data: data, bounds: r.cells.bounds, fields: len(r.fields), row: b.Rows, point: r.point}
	good := n
	for c := range r.fields {
		good = t.column(&r.fields[c], c, good)
	}
	r.undo(b.Rows + good)
	r.run = 2*good + 1
	if good == 0 {
		return false
	}
	for i := range good {
		b.Offsets[b.Rows+i] = s.next + int64(r.cells.bounds[i*len(r.fields)]+1)
	}
	b.Rows += good
	length := int(r.cells.bounds[good*len(r.fields)] + 1)
	s.from += length
	s.next += int64(length)
	s.line += int64(good)
	return good == n && !odd
}

// undo takes back the bytes of rows from this one on.
func (r *BlockReader) undo(rows int) {
	for i := range r.fields {
		if c := r.fields[i].raw; c != nil && len(c.Ends) > rows {
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

// rowTaker adds the cells of a run of rows.
type rowTaker struct {
	data   []byte // and lookahead bytes
	bounds []uint32
	fields int
	row    int  // of the block, where the run begins
	point  byte // decimal
}

// column adds the cells of field c of the first n rows and returns how many rows
// it could add before one that is for the long way.
func (t *rowTaker) column(f *fieldPlan, c, n int) int {
	cells := cellRun{data: t.data, bounds: t.bounds[c:], step: t.fields, last: c == t.fields-1}
	switch f.kind {
	case numberField:
		return t.numbers(cells, f, f.codes[t.row:t.row+n])
	case plainField:
		return t.plain(cells, f, f.plain[t.row:t.row+n])
	case textField:
		return texts(cells, f, f.codes[t.row:t.row+n])
	default:
		return t.raw(cells, f, n)
	}
}

// cellRun goes over the cells of one column.
type cellRun struct {
	data   []byte
	bounds []uint32
	step   int
	last   bool // of the row
}

// next returns where the next cell begins and ends.
func (c *cellRun) next() (start, end int) {
	start, end = int(c.bounds[0]+1), int(c.bounds[1])
	if c.last && end > start && c.data[end-1] == '\r' {
		end--
	}
	c.bounds = c.bounds[c.step:]
	return start, end
}

// numbers adds cells of digits with or without a decimal point, and empty ones
// where the column may be empty.
func (t *rowTaker) numbers(cells cellRun, f *fieldPlan, codes []uint32) int {
	f.numbers.begin()
	small := f.numbers.small
	for row := range codes {
		start, end := cells.next()
		digits := end - start
		v, ok := fewDigits(le64(cells.data[start:]), digits)
		if ok {
			if code := small[v%smallNumbers]; code > 0 && v < smallNumbers {
				codes[row] = code
				continue
			}
		}
		code, ok := t.newNumber(cells.data[start:end], f)
		if !ok {
			return row
		}
		codes[row] = code
	}
	return len(codes)
}

// newNumber is the code of a cell of any length.
func (t *rowTaker) newNumber(cell []byte, f *fieldPlan) (uint32, bool) {
	v, ok := t.number(cell, f)
	if !ok || v != v {
		return 0, ok
	}
	return f.numbers.Code(v), true
}

// plain adds cells like numbers does to a column without codes.
func (t *rowTaker) plain(cells cellRun, f *fieldPlan, values []float64) int {
	for row := range values {
		start, end := cells.next()
		v, ok := t.number(cells.data[start:end], f)
		if !ok {
			return row
		}
		values[row] = v
	}
	return len(values)
}

// number reads a cell of at most 15 digits, perhaps with a decimal point, which
// is exact; NaN if it is empty and may be.
func (t *rowTaker) number(cell []byte, f *fieldPlan) (v float64, ok bool) {
	if len(cell) == 0 {
		return math.NaN(), !f.required
	}
	mantissa, whole := digits(cell, 0)
	fraction := 0
	if whole < len(cell) && cell[whole] == t.point {
		mantissa, fraction = digits(cell[whole+1:], mantissa)
		if fraction == 0 {
			return 0, false
		}
		fraction++ // with the point
	}
	switch {
	case whole == 0, whole > 1 && cell[0] == '0', whole+fraction != len(cell), whole+fraction > maxExactDigits:
		return 0, false
	}
	v = float64(mantissa) / pow10[max(fraction-1, 0)]
	return v, f.rule.allows(v)
}

// fewDigits returns the number that the n bytes at the start of w make, if they
// are one to eight decimal digits without a leading zero. (D. Lemire, Number
// Parsing at a Gigabyte per Second, 2021, section 4.)
func fewDigits(w uint64, n int) (v uint64, ok bool) {
	w = (w ^ '0'*ones) << (uint(64-8*n) & 63) // what comes after goes; zeros come before
	other := (w + (0x80-10)*ones | w) & highs // sums carry only from bytes that are marked by themselves
	w = (w*10 + w>>8) & 0x00ff00ff00ff00ff
	w = (w*100 + w>>16) & 0x0000ffff0000ffff
	v = (w*10_000 + w>>32) & 0xffffffff
	return v, other == 0 && uint(n-1) < 8 && v >= leastOf[n&15]
}

// leastOf is the least number of so many digits.
var leastOf = [16]uint64{2: 10, 3: 100, 4: 1000, 5: 10_000, 6: 100_000, 7: 1_000_000, 8: 10_000_000}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// zeroBytes marks with its high bit the lowest byte of w that is zero. Higher
// marks may be wrong. (Warren, Hacker's Delight, section 6-1.)
func zeroBytes(w uint64) uint64 { return (w - ones) & ^w & highs }

func le64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// texts adds cells whose text is known, and empty ones where the column may be
// empty.
func texts(cells cellRun, f *fieldPlan, codes []uint32) int {
	names, required := f.names, f.required
	for row := range codes {
		start, end := cells.next()
		n := end - start
		if n >= 16 {
			return row
		}
		words := cells.data[start : start+16]
		w0, w1 := le64(words)&textMasks[n].low, le64(words[8:])&textMasks[n].high
		slot := &names.slots[nameHash(w0, w1, names.factor)]
		if slot.word0 != w0 || slot.word1 != w1 || slot.code == 0 && required {
			return row
		}
		codes[row] = slot.code
	}
	return len(codes)
}

// textMasks keep the first bytes of two words.
var textMasks = func() (masks [16]struct{ low, high uint64 }) {
	for n := range masks {
		masks[n].low = 1<<min(8*n, 64) - 1
		masks[n].high = 1<<max(8*(n-8), 0) - 1
	}
	return masks
}()

// raw adds cells of printable ASCII as they are.
func (t *rowTaker) raw(cells cellRun, f *fieldPlan, n int) int {
	for row := range n {
		start, end := cells.next()
		if !printable(cells.data[start:], end-start) {
			return row
		}
		if f.kind == skipField {
			continue
		}
		cell := cells.data[start:end]
		if f.column != unknownColumn && len(cell) > 0 && (cell[0] == ' ' || cell[len(cell)-1] == ' ') {
			return row // trimmed on the long way
		}
		f.raw.add(cell)
	}
	return n
}

// printable tells whether the first n bytes are printable ASCII other than
// quotes. There are lookahead bytes more.
func printable(data []byte, n int) bool {
	for ; n > 0; n -= 8 {
		w := le64(data)
		odd := zeroBytes(w^('"'*ones)) | (w-' '*ones)&^w&highs | w&highs
		if odd<<uint(64-8*min(n, 8)) != 0 { // what comes after goes
			return false
		}
		data = data[8:]
	}
	return true
}
