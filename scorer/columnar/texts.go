package columnar

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/parquet-go/parquet-go/bloom"
)

// maxBound is how long a text can be that bounds are kept of. A column with a
// longer one has none.
const maxBound = 64

// Texts adds values to a Text column by their codes: a row's text is
// names[code], and code 0 is a null. A code must mean the same text in all
// calls until Reset.
func (g *Group) Texts(column int, codes []uint32, names []string) {
	c := &g.columns[column]
	for len(codes) > 0 {
		if len(c.ends) > 1 {
			c.flush()
		}
		n := c.room(len(codes))
		c.addCodes(codes[:n], names)
		codes = codes[n:]
	}
}

func (c *column) addCodes(codes []uint32, names []string) {
	d := &c.texts
	d.reserve(len(names))
	known := d.known
	from, n := len(c.indexes), 0
	c.indexes = slices.Grow(c.indexes, len(codes))[:from+len(codes)]
	indexes := c.indexes[from:]
	for _, code := range codes {
		if code == 0 {
			continue
		}
		if known[code] == 0 {
			d.add(code, names[code])
			c.bounds.text([]byte(names[code]))
			if c.Bloom {
				c.hashes = append(c.hashes, bloom.XXH64{}.Sum64([]byte(names[code])))
			}
		}
		indexes[n] = known[code] - 1
		n++
	}
	c.indexes = c.indexes[:from+n]
	if c.Optional {
		c.addLevels(c.levelsOf(codes, n), len(codes))
	}
	c.advance(len(codes), len(codes)-n)
}

// levelsOf are the definition levels of codes, of which n are not null.
func (c *column) levelsOf(codes []uint32, n int) []uint8 {
	if n == len(codes) {
		return nil
	}
	levels := slices.Grow(c.packed[:0], len(codes))[:len(codes)]
	for i, code := range codes {
		levels[i] = uint8(min(code, 1))
	}
	c.packed = levels
	return levels
}

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

// textDictionary numbers the texts of a column in the order of their first
// appearance.
type textDictionary struct {
	known []int32 // by the caller's code: number + 1
	plain []byte  // the texts, PLAIN
	n     int
}

func (d *textDictionary) reset() {
	clear(d.known)
	d.plain, d.n = d.plain[:0], 0
}

func (d *textDictionary) reserve(n int) {
	if n > len(d.known) {
		d.known = append(d.known, make([]int32, n-len(d.known))...)
	}
}

func (d *textDictionary) add(code uint32, text string) {
	d.plain = binary.LittleEndian.AppendUint32(d.plain, uint32(len(text)))
	d.plain = append(d.plain, text...)
	d.n++
	d.known[code] = int32(d.n)
}
