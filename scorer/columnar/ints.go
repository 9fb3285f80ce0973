package columnar

import (
	"encoding/binary"
	"slices"
)

// Ints adds values to an Int64 or Timestamp column: one a row.
func (g *Group) Ints(column int, values []int64) {
	c := &g.columns[column]
	for len(values) > 0 {
		n := c.room(len(values))
		c.bounds.int(slices.Min(values[:n]))
		c.bounds.int(slices.Max(values[:n]))
		c.usedInts = true
		c.ints = append(reserve(c.ints, n), values[:n]...)
		c.advance(n, 0)
		values = values[n:]
	}
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
