package columnar

import (
	"encoding/binary"
	"math/bits"
)

// Doubles of one column mostly end in the same number of zero bytes (they are
// little-endian: 3047 has five), so a frame that leaves those out is most of what
// compression gains, at a fraction of its time. Every sequence of the frame is
// the same: the other bytes of a double as literals, then the zeros of the next
// one as a match eight bytes back. Codes that never change take no bits, so after
// the literals nothing follows.
// (RFC 8878, sections 3.1.1.3.1 and 3.1.1.3.2.)
const (
	fewestZeros   = 3       // a match is no shorter
	fewestDoubles = 64      // of a frame that is worth its headers
	blockDoubles  = 1 << 13 // of a block

	rleModes      = 1<<6 | 1<<4 | 1<<2 // literal lengths, offsets and match lengths are of one code each
	thirdOffset   = 1                  // code of repeated offset 3, which is 8 in the beginning; or 2, by a bit
	firstOffset   = 0                  // code of repeated offset 1, the last one
	shortestMatch = 3                  // match lengths count from here on
)

// appendDoubles appends a dictionary of doubles as a Zstandard frame.
func appendDoubles(dst, src []byte) []byte {
	n := len(src) / 8
	zeros := min(trailingZeros(src), 7)
	if zeros < fewestZeros || n < fewestDoubles {
		return appendStored(dst, src)
	}
	own := 8 - zeros
	dst = appendFrameHeader(dst, len(src))
	// The first block sets the offset: the first double as it is, and the zeros
	// of the second.
	start := len(dst)
	dst = append(append(dst, 0, 0, 0, 8<<3), src[:8]...)
	dst = append(appendSequences(dst, 1), rleModes, 8, thirdOffset, byte(zeros-shortestMatch), 0b11)
	putBlockHeader(dst[start:], compressedBlock, false)
	for at := 1; at < n; {
		count := min(blockDoubles, n-1-at)
		doubles, last := count, at+count == n-1
		if last {
			doubles++ // it ends in literals that no match follows
		}
		literals := own * doubles
		start = len(dst)
		dst = append(dst, 0, 0, 0, byte(literals)<<4|3<<2, byte(literals>>4), byte(literals>>12))
		dst = appendHigh(dst, src[8*at:], doubles, own)
		dst = append(appendSequences(dst, count), rleModes, byte(own), firstOffset, byte(zeros-shortestMatch), 1)
		putBlockHeader(dst[start:], compressedBlock, last)
		at += doubles
	}
	return dst
}

// appendSequences appends the number of sequences of a block, below 0x7f00.
func appendSequences(dst []byte, n int) []byte {
	if n < 128 {
		return append(dst, byte(n))
	}
	return append(dst, byte(n>>8)+128, byte(n))
}

// appendHigh appends the own high bytes of n words.
func appendHigh(dst, src []byte, n, own int) []byte {
	at := len(dst)
	dst = reserve(dst, own*n+8)[:at+own*n+8]
	for i := range n {
		binary.LittleEndian.PutUint64(dst[at:], binary.LittleEndian.Uint64(src[8*i:])>>(64-8*own))
		at += own
	}
	return dst[:at]
}

// trailingZeros is how many bytes are 0 at the low end of every word of src.
func trailingZeros(src []byte) int {
	all := uint64(0)
	for ; len(src) >= 8; src = src[8:] {
		all |= binary.LittleEndian.Uint64(src)
	}
	return bits.TrailingZeros64(all) / 8
}
