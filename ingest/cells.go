package ingest

import (
	"encoding/binary"
	"math/bits"
)

// cellIndex finds the cells of rows in plain form: as many in each row as the
// file has columns, divided by the delimiter and ended by a line feed. What
// looks like a cell may be part of a quoted one; whoever reads the cells refuses
// those with quotes.
type cellIndex struct {
	fields int
	// Row r, cell c is data[bounds[k]+1:bounds[k+1]] with k = r*fields + c; it
	// may end in a carriage return if it is the last one.
	bounds []uint32
	lines  []uint64 // where line feeds are, a bit a byte
	clean  bool     // the cells are all of printable ASCII without quotes, but for what ends them
}

const (
	wordsBytes  = 64      // what is looked at in one go
	firstWindow = 8 << 10 // bytes whose cells are found at a time, if a row is not longer
	leastWindow = 1 << 9
	beforeFirst = 1<<32 - 1 // -1: the first cell begins at byte 0
)

// find finds the cells of the rows that are in data[:to], at most so many rows
// of at most limit bytes. It returns how many there are, and whether the next
// row is not in plain form. data must go on for another 64 bytes, of any value.
func (x *cellIndex) find(data []byte, to int, delimiter byte, most, limit int) (rows int, odd bool) {
	blocks := (to + wordsBytes - 1) / wordsBytes
	if blocks > len(x.lines) {
		// A word more than can be needed: positions are written eight at a time.
		x.bounds, x.lines = make([]uint32, 1+(blocks+1)*wordsBytes), make([]uint64, blocks)
		x.bounds[0] = beforeFirst
	}
	found, unclean := separators(x.bounds[1:], x.lines[:blocks], data, delimiter)
	x.clean = !unclean
	for i, lines := range x.lines[:blocks] {
		for ; lines != 0; lines &= lines - 1 {
			at := i*wordsBytes + bits.TrailingZeros64(lines)
			end := (rows + 1) * x.fields
			switch {
			case rows == most || at >= to:
				return rows, false
			case end > found || x.bounds[end] != uint32(at) || int(x.bounds[end]-x.bounds[end-x.fields])-1 > limit:
				return rows, true
			}
			rows++
		}
	}
	return rows, false
}

// start is where row r begins, or the one after the last one found.
func (x *cellIndex) start(r int) int64 { return int64(x.bounds[r*x.fields] + 1) } // wraps to 0

// findSeparators fills bounds with the positions of the delimiters and line
// feeds in the first 64*len(lines) bytes of data, and lines with those of line
// feeds alone, a bit each; it returns how many bounds there are. bounds has room
// for eight more than there can be. odd tells that there may be another byte than
// separators and printable ASCII, or a quote.
func findSeparators(bounds []uint32, lines []uint64, data []byte, delimiter byte) (n int, odd bool) {
	commas, others := uint64(delimiter)*ones, uint64(0)
	for i := range lines {
		words := (*[wordsBytes]byte)(data[i*wordsBytes:])
		var all, feeds uint64
		for j := 0; j < wordsBytes; j += 8 {
			w := binary.LittleEndian.Uint64(words[j : j+8])
			feed := zeros(w ^ '\n'*ones)
			comma := zeros(w ^ commas)
			others |= unprintable(w) &^ (comma | feed)
			all = all>>8 | gather(comma|feed)<<56
			feeds = feeds>>8 | gather(feed)<<56
		}
		lines[i] = feeds
		n += positions(bounds[n:], all, uint32(i*wordsBytes))
	}
	return n, others != 0
}

// positions writes where the bits of w are, from base on, eight at a time.
func positions(to []uint32, w uint64, base uint32) int {
	count := bits.OnesCount64(w)
	for k := 0; k < count; k += 8 {
		eight := (*[8]uint32)(to[k:])
		for i := range eight {
			eight[i] = base + uint32(bits.TrailingZeros64(w))
			w &= w - 1
		}
	}
	return count
}

// zeros marks with its high bit every byte of w that is zero.
func zeros(w uint64) uint64 { return ^((w&^highs + ^uint64(highs)) | w | ^uint64(highs)) }

// gather makes eight bits of the high bits of eight bytes, the first lowest.
func gather(w uint64) uint64 { return (w >> 7) * 0x0102040810204080 >> 56 }
