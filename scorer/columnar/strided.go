package columnar

import (
	"encoding/binary"
	"math/bits"
)

// Doubles of one column mostly end in the same number of zero bytes (they are
// little-endian: 3047 has five) and begin alike (those from 2 to 131,071 with the
// same byte), so a frame that leaves this out is most of what compression gains,
// at a fraction of its time. Every sequence of a block is the same: the bytes of
// a double that differ as literals, then as a match eight bytes back those that
// do not, up to the zeros of the next double. Codes that never change take no
// bits, so after the literals nothing follows.
// (RFC 8878, sections 3.1.1.3.1 and 3.1.1.3.2.)
const (
	fewestZeros   = 3       // a match is no shorter
	fewestDoubles = 64      // of a frame that is worth its headers
	blockDoubles  = 1 << 10 // of a block: 0 and 1 begin otherwise, and are in only one

	rleModes      = 1<<6 | 1<<4 | 1<<2 // literal lengths, offsets and match lengths are of one code each
	thirdOffset   = 1                  // code of repeated offset 3, which is 8 in the beginning; or 2, by a bit
	firstOffset   = 0                  // code of repeated offset 1, the last one
	shortestMatch = 3                  // match lengths count from here on
)

// mostlyShort reports whether most doubles of a dictionary end in zeros, but not all:
// amounts of which some have cents. A compressor finds that out.
func mostlyShort(src []byte) bool {
	n, short := len(src)/8, 0
	if n < fewestDoubles || trailingZeros(src) >= fewestZeros {
		return false
	}
	for ; len(src) >= 8; src = src[8:] {
		if binary.LittleEndian.Uint64(src)<<(64-8*fewestZeros) == 0 {
			short++
		}
	}
	return short > n/2
}

// appendDoubles appends a dictionary of doubles as a Zstandard frame.
func appendDoubles(dst, src []byte) []byte {
	n := len(src) / 8
	zeros := min(trailingZeros(src), 7)
	if zeros < fewestZeros || n < fewestDoubles {
		return appendStored(dst, src)
	}
	dst = appendFrameHeader(dst, len(src))
	// The first block sets the offset: the first double as it is, and the zeros
	// of the second.
	start := len(dst)
	dst = append(append(dst, 0, 0, 0, 8<<3), src[:8]...)
	dst = append(appendSequences(dst, 1), rleModes, 8, thirdOffset, byte(zeros-shortestMatch), 0b11)
	putBlockHeader(dst[start:], len(dst)-start-blockHeader, compressedBlock, false)
	for at := 1; at < n; {
		to := min(at+blockDoubles, n)
		dst = appendDoublesBlock(dst, src[8*(at-1):8*to], zeros, to == n)
		at = to
	}
	return dst
}

// appendDoublesBlock appends a block of all doubles in src but the first, the
// one before them.
func appendDoublesBlock(dst, src []byte, zeros int, last bool) []byte {
	n, alike := len(src)/8-1, min(alikeHigh(src), 7-zeros)
	own, sequences, ending := 8-zeros-alike, n, 0
	if last {
		sequences, ending = n-1, alike // after its literals there is no match
	}
	start, literals := len(dst), own*n+ending
	dst = append(dst, 0, 0, 0, byte(literals)<<4|3<<2, byte(literals>>4), byte(literals>>12))
	dst = appendBytes(dst, src[8:], zeros, own)
	dst = append(dst, src[len(src)-ending:]...)
	if dst = appendSequences(dst, sequences); sequences > 0 {
		dst = append(dst, rleModes, byte(own), firstOffset, byte(alike+zeros-shortestMatch), 1)
	}
	putBlockHeader(dst[start:], len(dst)-start-blockHeader, compressedBlock, last)
	return dst
}

// appendSequences appends the number of sequences of a block, below 0x7f00.
func appendSequences(dst []byte, n int) []byte {
	if n < 128 {
		return append(dst, byte(n))
	}
	return append(dst, byte(n>>8)+128, byte(n))
}

// appendBytes appends n bytes of every word of src, from one on.
func appendBytes(dst, src []byte, from, n int) []byte {
	at, end := len(dst), len(dst)+len(src)/8*n
	dst = reserve(dst, end-at+8)[:end+8]
	for ; len(src) >= 8; src = src[8:] {
		binary.LittleEndian.PutUint64(dst[at:], binary.LittleEndian.Uint64(src)>>(8*from))
		at += n
	}
	return dst[:end]
}

// alikeHigh is how many bytes at the high end all words of src have in common.
func alikeHigh(src []byte) int {
	first, differ := binary.LittleEndian.Uint64(src), uint64(0)
	for ; len(src) >= 8; src = src[8:] {
		differ |= binary.LittleEndian.Uint64(src) ^ first
	}
	return bits.LeadingZeros64(differ) / 8
}

// trailingZeros is how many bytes are 0 at the low end of every word of src.
func trailingZeros(src []byte) int {
	all := uint64(0)
	for ; len(src) >= 8; src = src[8:] {
		all |= binary.LittleEndian.Uint64(src)
	}
	return bits.TrailingZeros64(all) / 8
}
