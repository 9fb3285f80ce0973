package ingest

import (
	"math"
	"math/bits"
	"math/rand/v2"
)

// Numbers numbers distinct float64 values from 1 on, in the order of their first
// appearance; 0 stands for no value. Small whole numbers, of which incomes and
// amounts mostly are, are found by position, all others by hashing. Values that
// differ in their bits are different: 0 and -0 are two. The zero value is empty
// and ready to use. It is not safe for concurrent use.
type Numbers struct {
	values []float64 // by code
	small  *[SmallNumbers]uint32
	slots  []numberSlot // open addressing; a power of two, at most half full
	hashed int

	// Of the hash, at random, so that no file can be made whose values all fall
	// into one slot. Codes do not depend on it.
	seed, factor uint64
}

type numberSlot struct {
	bits uint64
	code uint32 // 0: free
}

const firstSlots = 1 << 12

// Bounds of columns of numbers by code.
const (
	SmallNumbers = 1 << 17 // whole numbers below it are found by position
	MaxNumbers   = 1 << 17 // values; a column with more goes on without codes
)

// Reset forgets all values and keeps the memory.
func (n *Numbers) Reset() {
	for _, v := range n.values[min(1, len(n.values)):] {
		if i, ok := SmallNumber(v); ok {
			n.small[i] = 0
		}
	}
	if n.hashed > 0 {
		clear(n.slots)
	}
	n.values, n.hashed = n.values[:0], 0
}

// begin makes the first value, which is none.
func (n *Numbers) begin() {
	if len(n.values) == 0 {
		n.values = append(n.values, math.NaN())
	}
	if n.small == nil {
		n.small = new([SmallNumbers]uint32)
		n.seed, n.factor = rand.Uint64(), rand.Uint64()|1
	}
}

// Values returns the values by code, NaN first. It is valid until the next code
// is given.
func (n *Numbers) Values() []float64 {
	n.begin()
	return n.values
}

// Crowded tells that a block might have more values than codes are worth their
// memory for.
func (n *Numbers) Crowded() bool { return len(n.values)+BlockRows > MaxNumbers }

// Codes appends the codes of values, 0 for NaN.
func (n *Numbers) Codes(codes []uint32, values []float64) []uint32 {
	n.begin()
	small := n.small
	for _, v := range values {
		if i, ok := SmallNumber(v); ok {
			// The common case of Code, without the call.
			if code := small[i%SmallNumbers]; code > 0 {
				codes = append(codes, code)
				continue
			}
		}
		code := uint32(0)
		if !math.IsNaN(v) {
			code = n.Code(v)
		}
		codes = append(codes, code)
	}
	return codes
}

// Code returns the code of v, a new one for a new value.
func (n *Numbers) Code(v float64) uint32 {
	if n.small == nil {
		n.begin()
	}
	if i, ok := SmallNumber(v); ok {
		return n.smallCode(uint64(i))
	}
	if 2*n.hashed >= len(n.slots) {
		n.grow()
	}
	slot := n.find(math.Float64bits(v))
	if slot.code == 0 {
		slot.bits, slot.code = math.Float64bits(v), n.add(v)
		n.hashed++
	}
	return slot.code
}

// smallCode is Code of a small whole number.
func (n *Numbers) smallCode(i uint64) uint32 {
	code := &n.small[i%SmallNumbers]
	if *code == 0 {
		*code = n.add(float64(int64(i)))
	}
	return *code
}

// SmallNumber returns a whole number from 0 to below SmallNumbers as an int, and
// false for any other value. Minus zero is one of those: it has other bits than
// zero.
func SmallNumber(v float64) (int, bool) {
	i := int(v)
	return i, uint(i) < SmallNumbers && math.Float64bits(float64(i)) == math.Float64bits(v)
}

func (n *Numbers) add(v float64) uint32 {
	n.begin()
	n.values = append(n.values, v)
	return uint32(len(n.values) - 1)
}

// find returns the slot of a value, or the free one where it belongs.
func (n *Numbers) find(value uint64) *numberSlot {
	mask := uint64(len(n.slots) - 1)
	high, low := bits.Mul64(value^n.seed, n.factor)
	for at := high ^ low; ; at++ {
		slot := &n.slots[at&mask]
		if slot.code == 0 || slot.bits == value {
			return slot
		}
	}
}

func (n *Numbers) grow() {
	old := n.slots
	n.slots = make([]numberSlot, max(firstSlots, 2*len(old)))
	for _, slot := range old {
		if slot.code > 0 {
			*n.find(slot.bits) = slot
		}
	}
}
