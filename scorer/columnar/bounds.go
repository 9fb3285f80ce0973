package columnar

import (
	"bytes"
	"encoding/binary"
	"math"
)

// bounds are the least and the greatest value of a column.
type bounds struct {
	some     bool
	exact    bool // false: some value was too long to keep
	min, max []byte

	minDouble, maxDouble float64
	minInt, maxInt       int64
}

func (b *bounds) text(v []byte) {
	switch {
	case len(v) > maxBound:
		b.exact = false
	case !b.some:
		b.some = true
		b.min, b.max = append(b.min[:0], v...), append(b.max[:0], v...)
	case bytes.Compare(v, b.min) < 0:
		b.min = append(b.min[:0], v...)
	case bytes.Compare(v, b.max) > 0:
		b.max = append(b.max[:0], v...)
	}
}

func (b *bounds) double(v float64) {
	if !b.some {
		b.some, b.minDouble, b.maxDouble = true, v, v
		return
	}
	b.minDouble, b.maxDouble = min(b.minDouble, v), max(b.maxDouble, v)
}

// hold reports whether v would not widen them.
func (b *bounds) hold(v float64) bool { return b.some && b.minDouble <= v && v <= b.maxDouble }

func (b *bounds) int(v int64) {
	if !b.some {
		b.some, b.minInt, b.maxInt = true, v, v
		return
	}
	b.minInt, b.maxInt = min(b.minInt, v), max(b.maxInt, v)
}

// encoded returns a copy of the bounds as statistics have them, nil if there
// are none.
func (b *bounds) encoded(k Kind) (lo, hi []byte) {
	if !b.some || !b.exact {
		return nil, nil
	}
	switch k {
	case Text:
		return bytes.Clone(b.min), bytes.Clone(b.max)
	case Double:
		least, most := b.minDouble, b.maxDouble
		if least == 0 { // readers may take a zero for either
			least = math.Copysign(0, -1)
		}
		if most == 0 {
			most = 0
		}
		return littleEndian(math.Float64bits(least)), littleEndian(math.Float64bits(most))
	default:
		return littleEndian(uint64(b.minInt)), littleEndian(uint64(b.maxInt))
	}
}

func littleEndian(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }
