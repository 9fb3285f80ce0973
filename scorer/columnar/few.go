package columnar

import (
	"encoding/binary"
	"math/bits"
)

// A dictionary of few values is most of a file's columns: texts of a kind,
// decisions, reasons. Its codes become bits without a stop between: looked up in
// tables that fit registers, nulls left out, packed.
const (
	fewValues = 16  // of which there are fewer in such a dictionary
	fewCodes  = 256 // that can be looked up
)

// fewTable is indexes by the caller's code.
type fewTable struct {
	indexes [fewCodes]uint8
	codes   int // in it, that of null included
	entries int // of the dictionary when it was made
}

// Indexes that are none. Both have their highest bit set.
const (
	fewNull    = 0xff
	fewUnknown = 0xfe
)

// update makes a table of what is known. Codes become known with a new entry only.
func (t *fewTable) update(known []int32, entries int) {
	if t.entries != entries || t.codes == 0 {
		for code := range t.indexes {
			t.indexes[code] = fewUnknown
		}
		t.codes, t.entries = 0, entries
	}
	for ; t.codes < len(known); t.codes++ {
		t.indexes[t.codes] = uint8(known[t.codes]) // null and unknown, too
	}
}

// denseTable is the table of codes that are indexes, counted from 1 on.
func denseTable() *fewTable {
	t := &fewTable{codes: fewValues}
	for code := range fewValues {
		t.indexes[code] = uint8(code - 1)
	}
	return t
}

// packedBits are values of a few bits each, one after the other, the lowest bit
// first.
type packedBits struct {
	bytes  []byte
	rest   uint64 // bits that do not fill a byte yet
	nRest  int    // how many, below 8
	values int
}

func (p *packedBits) reset() { *p = packedBits{bytes: p.bytes[:0]} }

// end fills the last eight values up with zeros.
func (p *packedBits) end(width int) {
	size := (p.values + 7) / 8 * width
	for p.bytes = binary.LittleEndian.AppendUint64(p.bytes, p.rest); len(p.bytes) < size; {
		p.bytes = append(p.bytes, 0)
	}
	p.bytes = p.bytes[:size]
}

// addFew adds codes below fewCodes to the page. Values enter the dictionary in
// the order of their first appearance. If they become too many, no code is added,
// but all are known.
func (c *column) addFew(codes []uint32, enter func(code uint32)) bool {
	c.coded, c.few = true, true
	bits, levels := c.bits, c.levels.mark()
	for done := 0; ; {
		c.fewIndexes.update(c.known, c.entries)
		if done += c.packFew(codes[done:], &c.fewIndexes); done == len(codes) {
			break
		}
		for _, code := range codes[done:] {
			if c.known[code] == unknown {
				c.enter(code, enter)
			}
		}
		if width := bitWidth(c.entries); width != c.width || c.entries >= fewValues {
			// Indexes of a page have one width: begin again, in a new page if
			// there is something in this one.
			c.bits = bits
			c.levels.back(levels)
			if c.entries >= fewValues {
				return false
			}
			c.flush()
			c.coded, c.few, c.width = true, true, width
			bits, levels, done = c.bits, c.levels.mark(), 0
		}
	}
	c.advance(len(codes), len(codes)-(c.bits.values-bits.values))
	return true
}

// packFew packs codes up to one that is unknown, and returns how many.
func (c *column) packFew(codes []uint32, table *fewTable) int {
	done := 0
	if n := -c.levels.rows & 7; n > 0 { // to the next whole byte of levels
		n = min(n, len(codes))
		if done = c.packRows(codes[:n], table); done < n {
			return done
		}
	}
	done += c.packVectors(codes[done:], table)
	done += c.packEightRows(codes[done:], table)
	return done + c.packRows(codes[done:], table)
}

// packEightRows is packFew eight by eight, as far as there are eight that are
// known. The levels of the page end in a whole byte.
func (c *column) packEightRows(codes []uint32, table *fewTable) int {
	p, l, whole := &c.bits, &c.levels, len(codes)&^7
	at, width := len(p.bytes), c.width
	p.bytes = reserve(p.bytes, whole*width/8+8)
	to, rest, n, done := p.bytes[:at+whole*width/8+8], p.rest, p.nRest, 0
	for ; done < whole; done += 8 {
		word, used, level, ok := packEight((*[8]uint32)(codes[done:]), &table.indexes, width, rest, n)
		if !ok {
			break
		}
		binary.LittleEndian.PutUint64(to[at:], word)
		at += used >> 3
		rest, n = word>>(used&^7), used&7
		l.bits = append(l.bits, level)
		p.values += bits.OnesCount8(level)
	}
	l.rows += done
	p.bytes, p.rest, p.nRest = to[:at], rest, n
	return done
}

// packEight packs eight codes after the n bits of word, which are at most seven,
// and returns how many bits it has then. It is not ok if there is one that is
// unknown.
func packEight(codes *[8]uint32, indexes *[fewCodes]uint8, width int, word uint64, n int) (_ uint64, used int, level uint8, ok bool) {
	levels, all := uint64(0), uint32(0)
	for i, code := range codes {
		index := uint64(indexes[code%fewCodes])
		if index == fewUnknown {
			return 0, 0, 0, false
		}
		there := ^index >> 7 & 1
		levels |= there << (i & 7)
		word |= (index & -there) << (n & 63)
		n += width & -int(there)
		all |= code
	}
	return word, n, uint8(levels), all < fewCodes
}

// packRows is packFew row by row.
func (c *column) packRows(codes []uint32, table *fewTable) int {
	p, width := &c.bits, c.width
	for i, code := range codes {
		index := table.indexes[code]
		if index == fewUnknown {
			return i
		}
		there := int(^index >> 7)
		c.levels.add(uint8(there))
		p.rest |= uint64(index) & -uint64(there) << p.nRest
		p.nRest += width & -there
		p.values += there
		if p.nRest >= 8 {
			p.bytes = append(p.bytes, byte(p.rest))
			p.rest >>= 8
			p.nRest -= 8
		}
	}
	return len(codes)
}

// newPlaces makes a table by what is there of eight, a bit each: their places, a
// byte each, from the lowest on; where there is none left, the highest bit is set.
func newPlaces() *[256]uint64 {
	table := new([256]uint64)
	for there := range table {
		places := uint64(0x8080808080808080)
		for left, at := uint8(there), 0; left != 0; at += 8 {
			places += uint64(bits.TrailingZeros8(left))<<at - 0x80<<at
			left &= left - 1
		}
		table[there] = places
	}
	return table
}
