package columnar

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
)

const (
	maxDictionary = 1 << 17 // values; above, PLAIN is smaller or as small
	smallValues   = 1 << 17 // whole numbers below it are found in a table
	firstSlots    = 1 << 12
)

// Doubles adds values to a Double column: one a row. present is 1 for a row
// with a value and 0 for a null, whose value is not looked at; nil means that
// all are there.
func (g *Group) Doubles(column int, values []float64, present []uint8) {
	c := &g.columns[column]
	for len(values) > 0 {
		n := c.room(len(values))
		var levels []uint8
		if present != nil {
			levels, present = present[:n], present[n:]
		}
		c.addDoubles(values[:n], levels)
		values = values[n:]
	}
}

func (c *column) addDoubles(values []float64, present []uint8) {
	if !c.noDict && c.doubles.crowded(len(values)) {
		c.flush()
		c.noDict = true
	}
	nulls := 0
	if present != nil {
		nulls = bytes.Count(present, []byte{0})
	}
	if c.Optional {
		c.addLevels(present, len(values))
	}
	switch {
	case c.noDict:
		c.plainDoubles(values, present)
	case nulls == 0:
		c.indexDoubles(values)
	default:
		c.indexPresent(values, present)
	}
	c.advance(len(values), nulls)
}

func (c *column) indexDoubles(values []float64) {
	d, from := &c.doubles, len(c.indexes)
	c.indexes = slices.Grow(c.indexes, len(values))[:from+len(values)]
	indexes := c.indexes[from:]
	for i, v := range values {
		// The common case of index, without the call.
		if at, ok := smallIndex(v); ok && at < len(d.small) && d.small[at] > 0 {
			indexes[i] = d.small[at] - 1
			continue
		}
		indexes[i] = d.slow(v)
	}
}

func (c *column) indexPresent(values []float64, present []uint8) {
	for i, v := range values {
		if present[i] != 0 {
			c.indexes = append(c.indexes, c.doubles.index(v))
		}
	}
}

func (c *column) plainDoubles(values []float64, present []uint8) {
	for i, v := range values {
		if present != nil && present[i] == 0 {
			continue
		}
		c.plain = binary.LittleEndian.AppendUint64(c.plain, math.Float64bits(v))
		c.bounds.double(v)
	}
}

// doubleDictionary numbers distinct values in the order of their first
// appearance. Small whole numbers, of which incomes and amounts mostly are,
// are found by position; all others by hashing.
type doubleDictionary struct {
	values []float64
	small  []int32      // number + 1 of a small whole number
	slots  []doubleSlot // open addressing
	hashed int
}

type doubleSlot struct {
	bits   uint64
	number int32 // + 1; 0: free
}

func (d *doubleDictionary) reset() {
	for _, v := range d.values {
		if i, ok := smallIndex(v); ok {
			d.small[i] = 0
		}
	}
	if d.hashed > 0 {
		clear(d.slots)
	}
	d.values, d.hashed = d.values[:0], 0
}

// crowded tells that n more values might not fit.
func (d *doubleDictionary) crowded(n int) bool { return len(d.values)+n > maxDictionary }

// index returns the value's number.
func (d *doubleDictionary) index(v float64) int32 {
	if i, ok := smallIndex(v); ok && i < len(d.small) {
		if n := d.small[i]; n > 0 {
			return n - 1
		}
	}
	return d.slow(v)
}

// smallIndex is the place of a small whole number. Minus zero is none: it has
// other bits than zero.
func smallIndex(v float64) (int, bool) {
	i := int(v)
	return i, uint(i) < smallValues && math.Float64bits(float64(i)) == math.Float64bits(v)
}

func (d *doubleDictionary) slow(v float64) int32 {
	if i, ok := smallIndex(v); ok {
		if d.small == nil {
			d.small = make([]int32, smallValues)
		}
		if d.small[i] == 0 {
			d.small[i] = d.add(v)
		}
		return d.small[i] - 1
	}
	if 2*d.hashed >= len(d.slots) {
		d.grow()
	}
	slot := d.find(math.Float64bits(v))
	if slot.number == 0 {
		slot.bits, slot.number = math.Float64bits(v), d.add(v)
		d.hashed++
	}
	return slot.number - 1
}

// add returns the new value's number + 1.
func (d *doubleDictionary) add(v float64) int32 {
	d.values = append(d.values, v)
	return int32(len(d.values))
}

// find returns the slot of a value, or the free one where it belongs.
func (d *doubleDictionary) find(bits uint64) *doubleSlot {
	mask := uint64(len(d.slots) - 1)
	for at := bits * 0x9E3779B97F4A7C15 >> 32; ; at++ {
		slot := &d.slots[at&mask]
		if slot.number == 0 || slot.bits == bits {
			return slot
		}
	}
}

func (d *doubleDictionary) grow() {
	old := d.slots
	d.slots = make([]doubleSlot, max(firstSlots, 2*len(old)))
	for _, slot := range old {
		if slot.number > 0 {
			*d.find(slot.bits) = slot
		}
	}
}
