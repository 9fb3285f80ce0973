package columnar

import (
	"encoding/binary"
	"math/bits"
)

// Ints adds values to an Int64 or Timestamp column: one a row.
func (g *Group) Ints(column int, values []int64) {
	c := &g.columns[column]
	for len(values) > 0 {
		n := c.room(len(values))
		c.usedInts = true
		c.ints = append(reserve(c.ints, n), values[:n]...)
		c.advance(n, 0)
		values = values[n:]
	}
}

// appendInts appends the whole numbers of the page, and widens the bounds by them.
func (c *column) appendInts(dst []byte) []byte {
	dst, ascending := appendDifferences(dst, c.ints)
	if ascending {
		c.bounds.int(c.ints[0])
		c.bounds.int(c.ints[len(c.ints)-1])
		return dst
	}
	for _, v := range c.ints {
		c.bounds.int(v)
	}
	return dst
}

// Differences are packed in blocks of four miniblocks.
const (
	blockDifferences = 128
	miniDifferences  = 32
)

// appendDifferences appends values, at least one, as DELTA_BINARY_PACKED, and
// reports whether none is below the one before it.
// (https://parquet.apache.org/docs/file-format/data-pages/encodings/#DELTAENC)
func appendDifferences(dst []byte, values []int64) (_ []byte, ascending bool) {
	dst = binary.AppendUvarint(dst, blockDifferences)
	dst = binary.AppendUvarint(dst, blockDifferences/miniDifferences)
	dst = binary.AppendUvarint(dst, uint64(len(values)))
	dst = binary.AppendVarint(dst, values[0])
	ascending = true
	for len(values) > 1 {
		n := min(len(values)-1, blockDifferences)
		var block [blockDifferences]uint64
		least := values[1] - values[0]
		for i, v := range values[1 : n+1] {
			d := v - values[i]
			ascending = ascending && v >= values[i]
			least = min(least, d)
			block[i] = uint64(d)
		}
		dst = appendDifferencesBlock(binary.AppendVarint(dst, least), block[:n], uint64(least))
		values = values[n:]
	}
	return dst, ascending
}

// appendDifferencesBlock appends the miniblocks of differences, from which least
// is to be taken away.
func appendDifferencesBlock(dst []byte, block []uint64, least uint64) []byte {
	widths := len(dst)
	dst = append(reserve(dst, 8*blockDifferences+16), 0, 0, 0, 0)
	for mini := 0; mini*miniDifferences < len(block); mini++ {
		var values [miniDifferences]uint64 // the rest of the last one is 0
		all := uint64(0)
		for i, d := range block[mini*miniDifferences : min((mini+1)*miniDifferences, len(block))] {
			values[i] = d - least
			all |= values[i]
		}
		width := bits.Len64(all)
		dst[widths+mini] = byte(width)
		dst = appendMini(dst, &values, width)
	}
	return dst
}

// appendMini appends values of width bits. There is room for a word more.
func appendMini(dst []byte, values *[miniDifferences]uint64, width int) []byte {
	at, end := len(dst), len(dst)+miniDifferences*width/8
	dst = dst[:end+8]
	if width <= 8 { // eight fit a word
		for i := 0; i < miniDifferences; i += 8 {
			v := values[i : i+8 : i+8]
			word := v[0] | v[1]<<width | v[2]<<(2*width) | v[3]<<(3*width) |
				v[4]<<(4*width) | v[5]<<(5*width) | v[6]<<(6*width) | v[7]<<(7*width)
			binary.LittleEndian.PutUint64(dst[at:], word)
			at += width
		}
		return dst[:end]
	}
	word, n := uint64(0), 0
	for _, v := range values {
		word |= v << n
		if n += width; n >= 64 {
			binary.LittleEndian.PutUint64(dst[at:], word)
			at += 8
			n -= 64
			word = v >> (width - n)
		}
	}
	binary.LittleEndian.PutUint64(dst[at:], word) // of odd widths four bytes are left
	return dst[:end]
}

// RepeatText adds rows of one text to a Text column, which must be the same in
// all calls until Reset.
func (g *Group) RepeatText(column int, text string, rows int) {
	c := &g.columns[column]
	if c.entries == 0 {
		c.enterText(text)
	}
	c.repeat(rows)
}

// RepeatInt adds rows of one value to an Int64 or Timestamp column, which must be
// the same in all calls until Reset.
func (g *Group) RepeatInt(column int, v int64, rows int) {
	c := &g.columns[column]
	if c.entries == 0 {
		c.dictionary = binary.LittleEndian.AppendUint64(c.dictionary, uint64(v))
		c.bounds.int(v)
	}
	c.repeat(rows)
}

// repeat adds rows of the only value in the dictionary: runs of indexes without
// a bit.
func (c *column) repeat(rows int) {
	c.entries = 1
	for rows > 0 {
		n := c.room(rows)
		c.coded = true
		c.runs = binary.AppendUvarint(c.runs, uint64(n)<<1)
		c.advance(n, 0)
		rows -= n
	}
}
