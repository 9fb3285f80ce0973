package columnar

import (
	"bytes"
	"encoding/binary"
	"math/bits"

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
	least, most []byte    // of columns with a bloom filter, once there is a text
	kept        [3][]byte // memory for these
	tooLong     bool      // a text is too long for bounds
}

func (t *pageTexts) reset() {
	t.prefixes, t.suffixes, t.data, t.size, t.tooLong = t.prefixes[:0], t.suffixes[:0], t.data[:0], 0, false
	t.last, t.least, t.most = nil, nil, nil
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
		c.addBytes(textRun{data: data, start: start, ends: ends[:n]})
		start, ends = ends[n-1], ends[n:]
	}
}

func (c *column) addBytes(r textRun) {
	rows := len(r.ends)
	c.bounds.exact = c.bounds.exact && c.Bloom
	if c.Optional {
		c.addLevels(c.textLevels(&r), rows)
	}
	if c.Bloom {
		n := len(c.hashes)
		c.hashes = reserve(c.hashes, len(r.ends))[:n+len(r.ends)]
		r.hashes = c.hashes[n:]
	}
	if len(r.ends) > 0 {
		c.texts.add(r)
	}
	c.advance(rows, rows-len(r.ends))
}

// textLevels are the definition levels of texts, of which the empty ones are
// nulls; nil if none is. It takes nulls out of the run.
func (c *column) textLevels(r *textRun) []uint8 {
	if !r.anyEmpty() {
		return nil
	}
	levels, values := reserve(c.packed[:0], len(r.ends))[:0], c.ends[:0]
	start := r.start
	for _, end := range r.ends {
		level := uint8(0)
		if end != start {
			level = 1
			values = append(values, end)
		}
		levels = append(levels, level)
		start = end
	}
	r.ends, c.ends, c.packed = values, values, levels
	return levels
}

// textRun is a run of texts: the first is data[start:ends[0]], the next
// data[ends[0]:ends[1]].
type textRun struct {
	data   []byte
	start  uint32
	ends   []uint32
	hashes []uint64 // places for them, in columns with a bloom filter; else nil
}

func (r *textRun) anyEmpty() bool {
	start := r.start
	for _, end := range r.ends {
		if end == start {
			return true
		}
		start = end
	}
	return false
}

// skip goes past n texts.
func (r *textRun) skip(n int) {
	if n > 0 {
		r.start, r.ends = r.ends[n-1], r.ends[n:]
		if r.hashes != nil {
			r.hashes = r.hashes[n:]
		}
	}
}

// first is the run of the first n texts.
func (r *textRun) first(n int) textRun {
	return textRun{data: r.data, start: r.start, ends: r.ends[:n]}
}

// add adds texts, at least one, to the page: some as any text is, then those
// after them that are short, and so on.
func (t *pageTexts) add(r textRun) {
	t.prefixes, t.suffixes = reserve(t.prefixes, len(r.ends)), reserve(t.suffixes, len(r.ends))
	t.size += int(r.ends[len(r.ends)-1] - r.start)
	for len(r.ends) > 0 {
		if before := t.addLong(&r); len(r.ends) > 0 {
			t.addShort(&r, before)
		}
	}
	for i, v := range []*[]byte{&t.last, &t.least, &t.most} {
		t.kept[i] = append(t.kept[i][:0], *v...)
		*v = t.kept[i]
	}
}

// addLong adds the next text and those after it as far as they are not short. It
// returns where the last one begins.
func (t *pageTexts) addLong(r *textRun) (before uint32) {
	if len(t.prefixes) == 0 {
		t.least = r.data[r.start:r.ends[0]]
		t.most = t.least
	}
	n, rows, data, last, start := len(t.prefixes), len(r.ends), t.data, t.last, r.start
	prefixes, suffixes := t.prefixes[n:n+rows], t.suffixes[n:n+rows]
	for i, end := range r.ends {
		if i > 0 && isShort(r.data, start, end) {
			rows = i
			break
		}
		v := r.data[start:end]
		shared := sharedPrefix(last, v)
		prefixes[i], suffixes[i] = int32(shared), int32(len(v)-shared)
		data = appendFew(data, v[shared:])
		last, before, start = v, start, end
	}
	added := r.first(rows)
	t.prefixes, t.suffixes, t.data = t.prefixes[:n+rows], t.suffixes[:n+rows], data
	t.last = last
	if r.hashes != nil {
		added.hash(r.hashes)
		t.bound(added)
	}
	r.skip(len(added.ends))
	return before
}

// appendFew is append for what is mostly a byte or two: how the next text differs.
func appendFew(dst, src []byte) []byte {
	switch len(src) {
	case 1:
		return append(dst, src[0])
	case 2:
		return append(dst, src[0], src[1])
	}
	return append(dst, src...)
}

// bound widens the bounds of the page, which has some, to texts.
func (t *pageTexts) bound(r textRun) {
	least, most := t.least, t.most
	for _, end := range r.ends {
		v := r.data[r.start:end]
		r.start = end
		switch {
		case len(v) > maxBound:
			t.tooLong = true
		case bytes.Compare(v, most) > 0:
			most = v
		case bytes.Compare(v, least) < 0:
			least = v
		}
	}
	t.least, t.most = least, most
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
		x := le64(a[at:]) ^ le64(b[at:])
		if x != 0 {
			return at + bits.TrailingZeros64(x)/8
		}
		if at == n-8 {
			return n
		}
	}
}

func le64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

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
