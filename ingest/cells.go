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
	most   int // rows that are found at a time
	// Row r, cell c is data[bounds[k]+1:bounds[k+1]] with k = r*fields + c; it
	// may end in a carriage return if it is the last one.
	bounds []uint32
}

const (
	wordsBytes = 64   // what is looked at in one go
	manyCells  = 4096 // that are found at a time, unless one row has more
	mostRows   = 128
)

func (x *cellIndex) init(fields int) {
	x.fields = fields
	x.most = min(max(manyCells/fields, 1), mostRows)
	x.bounds = make([]uint32, 1+x.most*fields+2*wordsBytes)
	x.bounds[0] = beforeFirst
}

// beforeFirst is -1: the first cell begins at byte 0.
const beforeFirst = 1<<32 - 1

// find finds the cells of the rows at the start of data[:to], at most so many
// rows of at most limit bytes. It returns how many there are, and whether the
// next row is not in plain form, as far as it goes. data must go on for another
// 64 bytes, of any value.
func (x *cellIndex) find(data []byte, to int, delimiter byte, most, limit int) (rows int, odd bool) {
	n, fields := 0, x.fields
	bounds := x.bounds[1:]
	most = min(most, x.most)
	for at := 0; at < to; at += wordsBytes {
		all, lines := separators((*[wordsBytes]byte)(data[at:]), delimiter)
		if to-at < wordsBytes {
			all, lines = all&(1<<(to-at)-1), lines&(1<<(to-at)-1)
		}
		for k, rest := 0, all; k < bits.OnesCount64(all); k += 8 {
			eight := (*[8]uint32)(bounds[n+k:])
			for i := range eight {
				eight[i] = uint32(at + bits.TrailingZeros64(rest))
				rest &= rest - 1
			}
		}
		for ; lines != 0; lines &= lines - 1 {
			before := bits.OnesCount64(all & (lines&-lines - 1))
			if n+before+1 != (rows+1)*fields || int(bounds[n+before]-x.bounds[rows*fields])-1 > limit {
				return rows, true
			}
			if rows++; rows == most {
				return rows, false
			}
		}
		if n += bits.OnesCount64(all); n >= (rows+1)*fields {
			return rows, true
		}
	}
	return rows, false
}

// separators marks the delimiters and line feeds of 64 bytes, a bit each, the
// first byte lowest, and the line feeds alone.
func separators(data *[wordsBytes]byte, delimiter byte) (all, lines uint64) {
	commas := uint64(delimiter) * ones
	for i := 0; i < wordsBytes; i += 8 {
		w := binary.LittleEndian.Uint64(data[i : i+8])
		lf := zeros(w ^ '\n'*ones)
		all = all>>8 | gather(zeros(w^commas)|lf)<<56
		lines = lines>>8 | gather(lf)<<56
	}
	return all, lines
}

// zeros marks with its high bit every byte of w that is zero.
func zeros(w uint64) uint64 { return ^((w&^highs + ^uint64(highs)) | w | ^uint64(highs)) }

// gather makes eight bits of the high bits of eight bytes, the first lowest.
func gather(w uint64) uint64 { return (w >> 7) * 0x0102040810204080 >> 56 }
