package columnar

import (
	"bytes"
	"slices"

	"github.com/parquet-go/parquet-go/bloom"
)

// maxBound is how long a text can be that bounds are kept of. A column with a
// longer one has none.
const maxBound = 64

// Bytes adds values to a Text column as they are: row i is
// data[ends[i-1]:ends[i]], an empty one is a null if the column is optional.
func (g *Group) Bytes(column int, data []byte, ends []uint32) {
	c := &g.columns[column]
	start := uint32(0)
	for len(ends) > 0 {
		if len(c.indexes) > 0 {
			c.flush()
		}
		n := c.room(len(ends))
		start = c.addBytes(data, start, ends[:n])
		ends = ends[n:]
	}
}

func (c *column) addBytes(data []byte, start uint32, ends []uint32) uint32 {
	c.bounds.exact = c.bounds.exact && c.Bloom
	levels := slices.Grow(c.packed[:0], len(ends))[:len(ends)]
	c.ends, c.hashes = slices.Grow(c.ends, len(ends)), slices.Grow(c.hashes, len(ends))
	nulls := 0
	for i, end := range ends {
		v := data[start:end]
		start = end
		if len(v) == 0 && c.Optional {
			nulls++
			levels[i] = 0
			continue
		}
		levels[i] = 1
		from := len(c.plain)
		c.plain = append(c.plain, v...)
		c.ends = append(c.ends, uint32(len(c.plain)))
		if c.Bloom {
			c.hashes = append(c.hashes, bloom.XXH64{}.Sum64(v))
			c.bound(span{from, len(c.plain)})
		}
	}
	c.packed = levels
	if nulls == 0 {
		levels = nil
	}
	if c.Optional {
		c.addLevels(levels, len(ends))
	}
	c.advance(len(ends), nulls)
	return start
}

// pageValues is how many values the page has as bytes.
func (c *column) pageValues() int { return len(c.ends) - 1 }

// span is a value in the plain bytes of the page in the making.
type span struct{ from, to int }

// bound widens the bounds of the page.
func (c *column) bound(v span) {
	text := c.plain[v.from:v.to]
	switch {
	case len(text) > maxBound:
		c.tooLong = true
	case c.pageValues() == 1:
		c.least, c.most = v, v
	case bytes.Compare(text, c.plain[c.most.from:c.most.to]) > 0:
		c.most = v
	case bytes.Compare(text, c.plain[c.least.from:c.least.to]) < 0:
		c.least = v
	}
}

// pageBounds are the bounds of the page, nil without; they widen those of the
// column.
func (c *column) pageBounds() (least, most []byte) {
	if c.tooLong || c.pageValues() == 0 {
		c.bounds.exact = false
		return nil, nil
	}
	least, most = bytes.Clone(c.plain[c.least.from:c.least.to]), bytes.Clone(c.plain[c.most.from:c.most.to])
	c.bounds.text(least)
	c.bounds.text(most)
	return least, most
}
