package columnar

import "encoding/binary"

// pageLevels are the definition levels of the page in the making: a bit a row,
// set for a value. They are kept only if there is a null.
type pageLevels struct {
	bits []byte
	rows int
}

func (l *pageLevels) reset() { l.bits, l.rows = l.bits[:0], 0 }

// ones adds rows that have values.
func (l *pageLevels) ones(n int) {
	for ; n > 0 && l.rows%8 != 0; n-- {
		l.add(1)
	}
	for ; n >= 8; n -= 8 {
		l.bits = append(l.bits, 0xff)
		l.rows += 8
	}
	for range n {
		l.add(1)
	}
}

// add adds a row: 1 for a value, 0 for a null.
func (l *pageLevels) add(level uint8) {
	if l.rows%8 == 0 {
		l.bits = append(l.bits, 0)
	}
	l.bits[l.rows/8] |= level << (l.rows % 8)
	l.rows++
}

// fewestRun is how many equal bytes of levels are written as a run: as many as
// make up for the headers around it.
const fewestRun = 8

// append appends the levels as data pages of version 1 have them: their length,
// then runs of equal rows and of bits.
// (https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE)
func (l *pageLevels) append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	if n := l.rows % 8; n != 0 {
		l.bits[len(l.bits)-1] |= 0xff << n // beyond the last row: nothing looks there
	}
	from := 0
	for at := 0; at < len(l.bits); {
		to := at + 1
		for to < len(l.bits) && l.bits[to] == l.bits[at] {
			to++
		}
		if even := l.bits[at] == 0 || l.bits[at] == 0xff; even && to-at >= fewestRun {
			dst = appendBits(dst, l.bits[from:at])
			rows := min(8*to, l.rows) - 8*at
			dst = append(binary.AppendUvarint(dst, uint64(rows)<<1), l.bits[at]&1)
			from = to
		}
		at = to
	}
	dst = appendBits(dst, l.bits[from:])
	binary.LittleEndian.PutUint32(dst[start:], uint32(len(dst)-start-4))
	return dst
}

// appendBits appends a bit-packed run, eight rows a byte.
func appendBits(dst, bits []byte) []byte {
	if len(bits) == 0 {
		return dst
	}
	return append(binary.AppendUvarint(dst, uint64(len(bits))<<1|1), bits...)
}
