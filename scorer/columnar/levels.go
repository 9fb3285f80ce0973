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

// levelsMark is a state of levels to go back to.
type levelsMark struct {
	rows int
	last uint8 // levels of a byte that is not full
}

func (l *pageLevels) mark() levelsMark {
	m := levelsMark{rows: l.rows}
	if l.rows%8 != 0 {
		m.last = l.bits[l.rows/8]
	}
	return m
}

func (l *pageLevels) back(to levelsMark) {
	l.rows, l.bits = to.rows, l.bits[:to.rows/8]
	if l.rows%8 != 0 {
		l.bits = append(l.bits, to.last)
	}
}

// append appends the levels as data pages of version 1 have them: their length,
// then runs of equal rows and of bits.
// (https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE)
func (l *pageLevels) append(dst []byte) []byte {
	start := len(dst)
	dst = appendRuns(append(dst, 0, 0, 0, 0), l.bits, l.rows, 1)
	binary.LittleEndian.PutUint32(dst[start:], uint32(len(dst)-start-4))
	return dst
}

// appendPresent appends the levels of a page without nulls.
func appendPresent(dst []byte, rows int) []byte {
	start := len(dst)
	dst = append(binary.AppendUvarint(append(dst, 0, 0, 0, 0), uint64(rows)<<1), 1)
	binary.LittleEndian.PutUint32(dst[start:], uint32(len(dst)-start-4))
	return dst
}
