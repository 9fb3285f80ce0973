package ingest

import (
	"encoding/binary"
	"math"
	"slices"
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

// ready makes the scanner's buffer hold some of the records to come. It reads on
// late, so that few bytes are left to be moved to the buffer's start.
func (s *Scanner) ready() bool {
	return (s.end <= 0 || s.next < s.end) && (s.to-s.from >= firstWindow || s.fill())
}

// take adds rows in plain form to the block, which began at file offset from.
// It returns false when the next row is for the long way, or there is none.
func (r *BlockReader) take(b *Block, from int64) bool {
	s := r.s
	data := s.buf[s.from : s.to+lookahead]
	// Rows may begin before the end of the range and of the block only.
	last := min(int64(s.to-s.from), from+blockBytes-s.next)
	if s.end > 0 {
		last = min(last, s.end-s.next)
	}
	n, odd := r.find(b, data, from)
	for n > 0 && r.cells.start(n-1) >= last {
		n, odd = n-1, false
	}
	t := rowTaker{data: data, bounds: r.cells.bounds, fields: len(r.fields), row: b.Rows, point: r.point, clean: r.cells.clean, ends: &r.ends}
	good := n
	for c := 0; c < len(r.fields) && good > 0; c++ {
		good = t.column(&r.fields[c], c, good)
	}
	r.undo(b.Rows + good)
	for i := range good {
		b.Offsets[b.Rows+i] = s.next + r.cells.start(i)
	}
	b.Rows += good
	length := r.cells.start(good)
	s.from += int(length)
	s.next += length
	s.line += int64(good)
	if good < n || odd { // look less far ahead where rows for the long way are
		r.window = max(2*int(length), leastWindow)
	} else {
		r.window = min(2*r.window, firstWindow)
	}
	return good > 0 && good == n && !odd
}

// find finds the cells of the next rows.
func (r *BlockReader) find(b *Block, data []byte, from int64) (n int, odd bool) {
	to, most := len(data)-lookahead, BlockRows-b.Rows
	window := r.window
	if b.Rows > 0 { // no more than the block is likely to take
		window = min(window, int(r.s.next-from)/b.Rows*(most+1)+wordsBytes)
	}
	for {
		window = min(window, to)
		n, odd = r.cells.find(data, window, r.s.delimiter, most, r.s.limit)
		if n > 0 || odd || window == to {
			return n, odd
		}
		window *= 4
	}
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
	row    int       // of the block, where the run begins
	point  byte      // decimal
	clean  bool      // see cellIndex
	ends   *[]uint32 // memory for trim
}

// column adds the cells of field c of the first n rows and returns how many rows
// it could add before one that is for the long way.
func (t *rowTaker) column(f *fieldPlan, c, n int) int {
	cells := cellRun{data: t.data, bounds: t.bounds[c:], step: t.fields}
	if c == t.fields-1 && !t.clean { // else there is no carriage return
		*t.ends = cells.trim(n, *t.ends)
	}
	switch f.kind {
	case numberField:
		return t.numbers(&cells, f, f.codes[t.row:t.row+n], f.values[t.row:t.row+n])
	case plainField:
		return t.plain(&cells, f, f.values[t.row:t.row+n])
	case textField:
		return texts(&cells, f, f.codes[t.row:t.row+n])
	default:
		return raw(&cells, f, n, t.clean)
	}
}

// cellRun is the cells of one column: cell r is data[bounds[k]+1:bounds[k+1]]
// with k = r*step. The loops over them take it apart, which keeps it in
// registers.
type cellRun struct {
	data   []byte
	bounds []uint32
	step   int
}

func (c *cellRun) cell(row int) []byte {
	k := row * c.step
	return c.data[c.bounds[k]+1 : c.bounds[k+1]]
}

// trim takes carriage returns off the ends of n cells, the last of their rows. It
// returns the memory for their bounds, to be used again.
func (c *cellRun) trim(n int, trimmed []uint32) []uint32 {
	trimmed = slices.Grow(trimmed[:0], 2*n)
	for k := 0; len(trimmed) < 2*n; k += c.step {
		start, end := c.bounds[k]+1, c.bounds[k+1]
		if end > start && c.data[end-1] == '\r' {
			end--
		}
		trimmed = append(trimmed, start-1, end)
	}
	c.bounds, c.step = trimmed, 2
	return trimmed
}

// numbers adds cells of digits with or without a decimal point, and empty ones
// where the column may be empty.
func (t *rowTaker) numbers(cells *cellRun, f *fieldPlan, codes []uint32, values []float64) int {
	f.numbers.begin()
	for row := 0; ; row++ {
		row += cells.fourNumbers(row, f, codes[row:], values[row:])
		row += cells.smallNumbers(row, f, codes[row:], values[row:])
		if row == len(codes) {
			return row
		}
		k := row * cells.step
		v, ok := t.number(cells.data[cells.bounds[k]+1:cells.bounds[k+1]], f)
		if !ok {
			return row
		}
		codes[row], values[row] = 0, v
		if !math.IsNaN(v) {
			codes[row] = f.numbers.Code(v)
		}
	}
}

// smallNumbers adds cells from a row on, as far as they are small whole numbers
// or empty where the column may be empty.
func (c *cellRun) smallNumbers(row int, f *fieldPlan, codes []uint32, values []float64) int {
	data, bounds, step, k := c.data, c.bounds, c.step, row*c.step
	small, values := f.numbers.small, values[:len(codes)]
	for i := range codes {
		start := int(bounds[k] + 1)
		digits := int(bounds[k+1]) - start
		k += step
		if digits == 0 && !f.required {
			codes[i], values[i] = 0, math.NaN()
			continue
		}
		if uint(digits) >= uint(len(fewDigits)) {
			return i
		}
		v, odd := shortNumber(word(data, start), digits)
		of := &fewDigits[digits]
		if odd != 0 || v-of.least >= of.span {
			return i
		}
		code := small[v%SmallNumbers]
		if code == 0 {
			if !f.rule.allows(float64(int64(v))) {
				return i
			}
			code = f.numbers.smallCode(v)
		}
		codes[i], values[i] = code, float64(int64(v))
	}
	return len(codes)
}

// enter gives codes to the numbers that have 0 instead of one. It returns how many
// cells there are before a number that is not allowed; those have never a code.
func (f *fieldPlan) enter(codes []uint32, values []float64) int {
	for i, code := range codes {
		if v := values[i]; code == 0 && !math.IsNaN(v) {
			if !f.rule.allows(v) {
				return i
			}
			codes[i] = f.numbers.smallCode(uint64(int64(v)))
		}
	}
	return len(codes)
}

// word is the eight bytes from i on.
func word(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i : i+8 : i+8]) }

// fewDigits are the small numbers of so many digits without leading zeros.
var fewDigits = [9]struct{ least, span uint64 }{
	1: {0, 10}, 2: {10, 90}, 3: {100, 900}, 4: {1000, 9000}, 5: {10_000, 90_000}, 6: {100_000, SmallNumbers - 100_000},
}

// shortNumber returns the number that the first n bytes of w make; odd is not 0 if
// one of them is no decimal digit. n is 1 to 8. (D. Lemire, Number Parsing at a
// Gigabyte per Second, 2021, section 4.)
func shortNumber(w uint64, n int) (v, odd uint64) {
	w = (w ^ '0'*ones) << (uint(64-8*n) & 63) // what comes after goes; zeros come before
	odd = (w + (0x80-10)*ones | w) & highs    // sums carry only from bytes that are marked by themselves
	w = (w*10 + w>>8) & 0x00ff00ff00ff00ff
	w = (w*100 + w>>16) & 0x0000ffff0000ffff
	return (w*10_000 + w>>32) & 0xffffffff, odd
}

// plain adds cells like numbers does to a column without codes.
func (t *rowTaker) plain(cells *cellRun, f *fieldPlan, values []float64) int {
	for row := range values {
		start, end := int(cells.bounds[row*cells.step]+1), int(cells.bounds[row*cells.step+1])
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

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// zeroBytes marks with its high bit the lowest byte of w that is zero. Higher
// marks may be wrong. (Warren, Hacker's Delight, section 6-1.)
func zeroBytes(w uint64) uint64 { return (w - ones) & ^w & highs }

func le64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// findTexts adds cells whose text is known, and empty ones where the column may be
// empty.
func findTexts(cells *cellRun, f *fieldPlan, codes []uint32) int {
	data, bounds, step := cells.data, cells.bounds, cells.step
	slots, factor := &f.names.slots, f.names.factor
	for row, k := 0, 0; row < len(codes); row, k = row+1, k+step {
		start, end := int(bounds[k]+1), int(bounds[k+1])
		n := uint(end - start)
		if n >= uint(len(textMasks.first)) {
			return row
		}
		w0, w1 := word(data, start)&textMasks.first[n], word(data, start+8)&textMasks.second[n]
		slot := &slots[nameHash(w0, w1, factor)]
		if slot.word0 != w0 || slot.word1 != w1 || slot.size != uint32(n) {
			return row
		}
		codes[row] = slot.code
	}
	return len(codes)
}

// textMasks keep what texts have of two words, by the text's bytes.
var textMasks = func() (masks struct{ first, second [16]uint64 }) {
	for n := range masks.first {
		masks.first[n] = 1<<min(8*n, 64) - 1
		masks.second[n] = 1<<max(8*(n-8), 0) - 1
	}
	return masks
}()

// raw adds cells of printable ASCII as they are; clean says that all are.
func raw(cells *cellRun, f *fieldPlan, n int, clean bool) int {
	if !clean {
		n = cells.printable(n)
	}
	to := f.raw
	if to == nil {
		return n // it is not carried along
	}
	trimmed := f.column != unknownColumn
	for row := 0; row < n; row++ {
		cell := cells.cell(row)
		if len(cell) <= shortCell {
			if row += to.addShort(cells, row, n, trimmed); row == n {
				break
			}
			cell = cells.cell(row)
		}
		if trimmed && len(cell) > 0 && (cell[0] == ' ' || cell[len(cell)-1] == ' ') {
			return row // trimmed on the long way
		}
		to.add(cell)
	}
	return n
}

// shortCell is how long a cell is at most that is copied as two words.
const shortCell = 16

// addShort adds cells from a row on, as far as they are short and, if they are to
// be trimmed, have no blanks around them; it may give up on empty ones. It
// returns how many.
func (c *RawColumn) addShort(cells *cellRun, row, n int, trimmed bool) int {
	c.Data = slices.Grow(c.Data, shortCell*(n-row+1))
	c.Ends = slices.Grow(c.Ends, n-row)
	to, at := c.Data[:cap(c.Data)], uint32(len(c.Data))
	ends := c.Ends[len(c.Ends):][:n-row]
	data, bounds, step, k := cells.data, cells.bounds, cells.step, row*cells.step
	blank := byte(' ')
	if !trimmed {
		blank = 0 // no cell has it
	}
	for i := range ends {
		start, length := bounds[k]+1, bounds[k+1]-bounds[k]-1
		k += step
		cell := (*[shortCell]byte)(data[start : int(start)+shortCell])
		if length > shortCell || cell[0] == blank || cell[(length-1)%shortCell] == blank {
			c.Data, c.Ends = to[:at], c.Ends[:len(c.Ends)+i]
			return i
		}
		// All that it can be, some of it for nothing, takes less than a call.
		*(*[shortCell]byte)(to[at : int(at)+shortCell]) = *cell
		at += length
		ends[i] = at
	}
	c.Data, c.Ends = to[:at], c.Ends[:len(c.Ends)+len(ends)]
	return len(ends)
}

// printable tells how many cells, of n, are printable ASCII without quotes.
func (c *cellRun) printable(n int) int {
	for row, k := 0, 0; row < n; row, k = row+1, k+c.step {
		if !printable(c.data, int(c.bounds[k]+1), int(c.bounds[k+1])) {
			return row
		}
	}
	return n
}

// printable tells whether data[start:end] is printable ASCII without quotes.
func printable(data []byte, start, end int) bool {
	for at := start; at < end; at += 8 {
		if unprintable(word(data, at))<<uint(64-8*min(end-at, 8)) != 0 { // what comes after goes
			return false
		}
	}
	return true
}

// unprintable marks with its high bit the lowest byte of w that is no printable
// ASCII or a quote. Higher marks may be wrong.
func unprintable(w uint64) uint64 {
	return zeroBytes(w^('"'*ones)) | (w-' '*ones)&^w&highs | w&highs
}
