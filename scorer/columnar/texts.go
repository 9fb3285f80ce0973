package columnar

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"github.com/cespare/xxhash/v2"
	"github.com/parquet-go/parquet-go/encoding/delta"
)

// maxBound is how long a text can be that bounds are kept of. A column with a
// longer one has none.
const maxBound = 64

// pageTexts are the texts of the page in the making, each as what it shares with
// the one before it and what comes after that (DELTA_BYTE_ARRAY).
type pageTexts struct {
	prefixes []int32 // lengths
	suffixes []int32 // lengths
	data     []byte  // the suffixes
	size     int     // of the texts as they are

	last        []byte
	least, most []byte // of columns with a bloom filter
	tooLong     bool   // a text is too long for bounds
}

func (t *pageTexts) reset() {
	t.prefixes, t.suffixes, t.data, t.size, t.tooLong = t.prefixes[:0], t.suffixes[:0], t.data[:0], 0, false
	t.last, t.least, t.most = t.last[:0], t.least[:0], t.most[:0]
}

// Bytes adds values to a Text column as they are: row i is
// data[ends[i-1]:ends[i]], an empty one is a null if the column is optional.
func (g *Group) Bytes(column int, data []byte, ends []uint32) {
	c := &g.columns[column]
	start := uint32(0)
	for len(ends) > 0 {
		if c.coded {
			c.flush()
		}
		n := c.room(len(ends))
		start = c.addBytes(data, start, ends[:n])
		ends = ends[n:]
	}
}

func (c *column) addBytes(data []byte, start uint32, ends []uint32) uint32 {
	c.bounds.exact = c.bounds.exact && c.Bloom
	nulls := c.addTexts(data, start, ends)
	if c.Optional {
		var levels []uint8
		if nulls > 0 {
			levels = c.textLevels(start, ends)
		}
		c.addLevels(levels, len(ends))
	}
	c.advance(len(ends), nulls)
	return ends[len(ends)-1]
}

// textLevels are the definition levels of texts, of which the empty ones are
// nulls.
func (c *column) textLevels(start uint32, ends []uint32) []uint8 {
	levels := reserve(c.packed[:0], len(ends))[:0]
	for _, end := range ends {
		level := uint8(1)
		if end == start {
			level = 0
		}
		levels = append(levels, level)
		start = end
	}
	c.packed = levels
	return levels
}

// addTexts adds texts to the page and returns how many are nulls.
func (c *column) addTexts(data []byte, start uint32, ends []uint32) (nulls int) {
	if c.Bloom {
		c.index(data, start, ends)
	}
	t, n := &c.texts, len(c.texts.prefixes)
	t.prefixes, t.suffixes = reserve(t.prefixes, len(ends)), reserve(t.suffixes, len(ends))
	prefixes, suffixes := t.prefixes[:n+len(ends)], t.suffixes[:n+len(ends)]
	last := t.last
	for _, end := range ends {
		v := data[start:end]
		start = end
		if len(v) == 0 && c.Optional {
			nulls++
			continue
		}
		shared := sharedPrefix(last, v)
		prefixes[n], suffixes[n] = int32(shared), int32(len(v)-shared)
		n++
		t.size += len(v)
		t.data = appendFew(t.data, v[shared:])
		last = v
	}
	t.prefixes, t.suffixes, t.last = prefixes[:n], suffixes[:n], append(t.last[:0], last...)
	return nulls
}

// appendFew is append for what is mostly a byte or two: how the next id differs.
func appendFew(dst, src []byte) []byte {
	switch len(src) {
	case 1:
		return append(dst, src[0])
	case 2:
		return append(dst, src[0], src[1])
	}
	return append(dst, src...)
}

// index adds texts to what finds them: the hashes for the bloom filter, and the
// bounds of the page.
func (c *column) index(data []byte, start uint32, ends []uint32) {
	t := &c.texts
	hashes := reserve(c.hashes, len(ends))
	least, most, some := t.least, t.most, len(t.prefixes) > 0
	for _, end := range ends {
		v := data[start:end]
		start = end
		if len(v) == 0 && c.Optional {
			continue
		}
		hashes = append(hashes, xxhash.Sum64(v))
		switch {
		case len(v) > maxBound:
			t.tooLong = true
		case !some:
			least, most, some = v, v, true
		case bytes.Compare(v, most) > 0:
			most = v
		case bytes.Compare(v, least) < 0:
			least = v
		}
	}
	c.hashes = hashes
	t.least, t.most = append(t.least[:0], least...), append(t.most[:0], most...)
}

// sharedPrefix is how many bytes a and b begin with alike.
func sharedPrefix(a, b []byte) int {
	n := min(len(a), len(b))
	if n < 8 {
		at := 0
		for at < n && a[at] == b[at] {
			at++
		}
		return at
	}
	for at := 0; ; at += 8 {
		at = min(at, n-8) // the last word may overlap the one before
		x := binary.LittleEndian.Uint64(a[at:]) ^ binary.LittleEndian.Uint64(b[at:])
		if x != 0 {
			return at + bits.TrailingZeros64(x)/8
		}
		if at == n-8 {
			return n
		}
	}
}

// pageBounds are the bounds of the page, nil without; they widen those of the
// column.
func (c *column) pageBounds() (least, most []byte) {
	t := &c.texts
	if t.tooLong || len(t.prefixes) == 0 {
		c.bounds.exact = false
		return nil, nil
	}
	c.bounds.text(t.least)
	c.bounds.text(t.most)
	return bytes.Clone(t.least), bytes.Clone(t.most)
}

// appendTexts appends the texts of the page.
func (c *column) appendTexts(dst []byte) []byte {
	var lengths delta.BinaryPackedEncoding
	c.packed = must(lengths.EncodeInt32(c.packed[:0], c.texts.prefixes))
	dst = append(dst, c.packed...)
	c.packed = must(lengths.EncodeInt32(c.packed[:0], c.texts.suffixes))
	dst = append(dst, c.packed...)
	return append(dst, c.texts.data...)
}
