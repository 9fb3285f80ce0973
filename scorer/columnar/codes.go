package columnar

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/cespare/xxhash/v2"
	"github.com/parquet-go/parquet-go/encoding/rle"
)

// Texts adds values to a Text column by their codes: a row's text is
// names[code], and code 0 is a null. A code must mean the same text in all
// calls until Reset.
func (g *Group) Texts(column int, codes []uint32, names []string) {
	c := &g.columns[column]
	g.coded(c, codes, len(names), func(code uint32) { c.enterText(names[code]) })
}

// Numbers adds values to a Double column by their codes: a row's value is
// values[code], and code 0 is a null. A code must mean the same value in all
// calls until Reset.
func (g *Group) Numbers(column int, codes []uint32, values []float64) {
	c := &g.columns[column]
	g.coded(c, codes, len(values), func(code uint32) { c.enterDouble(values[code]) })
}

// Dense is Numbers for codes that are numbered from 1 on by their first
// appearance, as far as they appear at all: they become the dictionary as they
// are. All calls of a column until Reset must be of this kind, or Doubles.
func (g *Group) Dense(column int, codes []uint32, values []float64) {
	c := &g.columns[column]
	if more := len(values) - len(c.seen); more > 0 {
		c.seen = append(c.seen, make([]bool, more)...)
	}
	for at := c.entries + 1; at < len(values); at++ {
		c.dictionary = binary.LittleEndian.AppendUint64(c.dictionary, math.Float64bits(values[at]))
		c.entries++
	}
	for len(codes) > 0 {
		if len(c.plain) > 0 {
			c.flush()
		}
		n := c.room(len(codes))
		c.addDense(codes[:n])
		codes = codes[n:]
	}
}

func (c *column) addDense(codes []uint32) {
	indexes, seen, nulls := c.more(len(codes)), c.seen, 0
	for i, code := range codes {
		at := int32(code) - 1 // 0 becomes null
		indexes[i] = at
		nulls += int(uint32(at) >> 31)
		seen[code] = true
	}
	c.pack(len(codes), nulls)
}

// more is room for n indexes after those that wait to be packed.
func (c *column) more(n int) []int32 {
	c.indexes = reserve(c.indexes, n)
	return c.indexes[len(c.indexes):][:n]
}

// boundDense widens the bounds by the values of a dictionary that are there.
func (c *column) boundDense() {
	for code, seen := range c.seen {
		if seen && code > 0 {
			c.bounds.double(math.Float64frombits(binary.LittleEndian.Uint64(c.dictionary[8*(code-1):])))
		}
	}
}

// coded adds codes below limit.
func (g *Group) coded(c *column, codes []uint32, limit int, enter func(code uint32)) {
	c.know(limit)
	for len(codes) > 0 {
		if len(c.texts.prefixes) > 0 || len(c.plain) > 0 {
			c.flush()
		}
		n := c.room(len(codes))
		c.addCodes(codes[:n], enter)
		codes = codes[n:]
	}
}

// Indexes into the dictionary by the caller's codes; those below zero are none.
const (
	null    = -1
	unknown = -2
)

// know makes known as long as there are codes.
func (c *column) know(codes int) {
	if len(c.known) == 0 {
		c.known = append(c.known, null)
	}
	for n := len(c.known); n < codes; n++ {
		c.known = append(c.known, unknown)
	}
}

// addCodes adds codes to the page. Values enter the dictionary in the order of
// their first appearance.
func (c *column) addCodes(codes []uint32, enter func(code uint32)) {
	indexes, known, nulls := c.more(len(codes)), c.known, 0
	for i, code := range codes {
		at := known[code]
		if at == unknown {
			at = int32(c.entries)
			known[code] = at
			enter(code)
			c.entries++
		}
		indexes[i] = at
		nulls += int(uint32(at) >> 31)
	}
	c.pack(len(codes), nulls)
}

// pack adds the n indexes that more made room for to the page, packed eight at a
// time: what waits for the page to fill is small.
func (c *column) pack(n, nulls int) {
	waiting := len(c.indexes)
	indexes := c.indexes[waiting:][:n]
	if width := bitWidth(c.entries); width != c.width {
		if c.pageRows > 0 {
			c.flush() // indexes of a page have one width
			c.indexes = append(c.indexes[:0], indexes...)
			waiting = 0
		}
		c.width = width
	}
	c.coded = true
	c.indexes = c.indexes[:waiting+n]
	if c.Optional {
		c.present(waiting, nulls)
	}
	c.advance(n, nulls)
	c.packEights()
}

// packEights packs all indexes but the last seven or fewer.
func (c *column) packEights() {
	whole := len(c.indexes) &^ 7
	if whole == 0 {
		return
	}
	c.packed = must((&rle.Encoding{BitWidth: c.width}).EncodeInt32(c.packed[:0], c.indexes[:whole]))
	c.runs = append(reserve(c.runs, len(c.packed)), c.packed...)
	c.indexes = c.indexes[:copy(c.indexes, c.indexes[whole:])]
}

// appendIndexes appends the dictionary indexes of the page: their width in bits,
// then runs.
func (c *column) appendIndexes(dst []byte) []byte {
	c.packed = must((&rle.Encoding{BitWidth: c.width}).EncodeInt32(c.packed[:0], c.indexes))
	return append(append(append(dst, byte(c.width)), c.runs...), c.packed...)
}

func (c *column) enterText(text string) {
	c.dictionary = binary.LittleEndian.AppendUint32(c.dictionary, uint32(len(text)))
	c.dictionary = append(c.dictionary, text...)
	c.bounds.text([]byte(text))
	if c.Bloom {
		c.hashes = append(c.hashes, xxhash.Sum64String(text))
	}
}

func (c *column) enterDouble(v float64) {
	c.dictionary = binary.LittleEndian.AppendUint64(c.dictionary, math.Float64bits(v))
	c.bounds.double(v)
}

// Doubles adds values to a Double column as they are: one a row. NaN is a null
// if the column is optional.
func (g *Group) Doubles(column int, values []float64) {
	c := &g.columns[column]
	for len(values) > 0 {
		if c.coded {
			c.flush()
		}
		n := c.room(len(values))
		c.addDoubles(values[:n])
		values = values[n:]
	}
}

func (c *column) addDoubles(values []float64) {
	c.packed = reserve(c.packed[:0], len(values))[:len(values)]
	levels, nulls := c.packed, 0
	for i, v := range values {
		if c.Optional && math.IsNaN(v) {
			nulls++
			levels[i] = 0
			continue
		}
		levels[i] = 1
		c.plain = binary.LittleEndian.AppendUint64(c.plain, math.Float64bits(v))
		c.bounds.double(v)
	}
	if nulls == 0 {
		levels = nil
	}
	if c.Optional {
		c.addLevels(levels, len(values))
	}
	c.advance(len(values), nulls)
}

// present takes the nulls out of the indexes from one on, and notes them as
// definition levels.
func (c *column) present(from, nulls int) {
	l, indexes := &c.levels, c.indexes[from:]
	if nulls == 0 {
		if l.rows > 0 {
			l.ones(len(indexes))
		}
		return
	}
	if l.rows == 0 {
		l.ones(c.pageRows) // there was no null before
	}
	n, at := 0, 0
	for ; l.rows%8 == 0 && at+8 <= len(indexes); at += 8 {
		l.bits = append(l.bits, squeeze((*[8]int32)(indexes[at:]), indexes, &n))
		l.rows += 8
	}
	for _, index := range indexes[at:] {
		there := ^uint32(index) >> 31
		indexes[n] = index
		n += int(there)
		l.add(uint8(there))
	}
	c.indexes = c.indexes[:from+n]
}

// squeeze moves the indexes among eight that are not null to to[*n:], and returns
// a bit each for those. It is written out because it has no branches that way:
// which cells are empty is hard to guess.
func squeeze(eight *[8]int32, to []int32, n *int) byte {
	at := *n
	room := to[at : at+8]
	i0, i1, i2, i3, i4, i5, i6, i7 := eight[0], eight[1], eight[2], eight[3], eight[4], eight[5], eight[6], eight[7]
	b0, b1, b2, b3 := ^uint32(i0)>>31, ^uint32(i1)>>31, ^uint32(i2)>>31, ^uint32(i3)>>31
	b4, b5, b6, b7 := ^uint32(i4)>>31, ^uint32(i5)>>31, ^uint32(i6)>>31, ^uint32(i7)>>31
	room[0] = i0
	k := b0
	room[k&7] = i1
	k += b1
	room[k&7] = i2
	k += b2
	room[k&7] = i3
	k += b3
	room[k&7] = i4
	k += b4
	room[k&7] = i5
	k += b5
	room[k&7] = i6
	k += b6
	room[k&7] = i7
	k += b7
	*n = at + int(k)
	return byte(b0 | b1<<1 | b2<<2 | b3<<3 | b4<<4 | b5<<5 | b6<<6 | b7<<7)
}

// reserve makes room for n more, and for twice as many soon.
func reserve[T any](s []T, n int) []T {
	if len(s)+n <= cap(s) {
		return s
	}
	return slices.Grow(s, max(n, cap(s)))
}
