package columnar

import (
	"bytes"
	"encoding/binary"
)

// runValues is how many values are looked at together: so many equal ones are
// written as a run, which takes less than their bits and the headers around it.
const runValues = 64

// appendRuns appends n values of up to eight bits, which are packed in eights in
// bits: runs of equal values and of bits.
// (https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE)
func appendRuns(dst, bits []byte, n, width int) []byte {
	switch {
	case n == 0:
		return dst
	case width == 0:
		return binary.AppendUvarint(dst, uint64(n)<<1)
	}
	size := runValues / 8 * width
	from, whole := 0, n/runValues*size
	for at := 0; at < whole; {
		first := bits[at:][:size]
		if !even(first, width) {
			at += size
			continue
		}
		to := at + size
		for to < whole && bytes.Equal(first, bits[to:to+size]) {
			to += size
		}
		dst = appendBits(dst, bits[from:at], width)
		dst = binary.AppendUvarint(dst, uint64((to-at)/width*8)<<1)
		dst = append(dst, first[0]&(1<<width-1))
		at, from = to, to
	}
	return appendBits(dst, bits[from:], width)
}

// even reports whether all values are equal.
func even(bits []byte, width int) bool {
	word := binary.LittleEndian.Uint64(bits)
	if width == 1 {
		return word+1 <= 1
	}
	if (word^word>>width)<<width != 0 { // the values in it, each with the next
		return false
	}
	return bytes.Equal(bits[width:], bits[:len(bits)-width]) // eights with the next
}

// appendBits appends a bit-packed run, eight values in every width bytes.
func appendBits(dst, bits []byte, width int) []byte {
	if len(bits) == 0 {
		return dst
	}
	return append(binary.AppendUvarint(dst, uint64(len(bits)/width)<<1|1), bits...)
}
