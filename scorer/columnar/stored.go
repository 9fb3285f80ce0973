package columnar

import "encoding/binary"

// appendStored appends src as a Zstandard frame of raw blocks: no work for
// bytes that would not become fewer. (RFC 8878, section 3.1.1.)
func appendStored(dst, src []byte) []byte {
	const (
		magicNumber    = 0xFD2FB528
		descriptor     = 2<<6 | 1<<5 // content size in 4 bytes, single segment
		maxBlock       = 128 << 10
		last, sizeFrom = 1, 3 // bits of a block's header; type 0 is raw
	)
	dst = binary.LittleEndian.AppendUint32(dst, magicNumber)
	dst = append(dst, descriptor)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(src)))
	for {
		block := src[:min(len(src), maxBlock)]
		src = src[len(block):]
		header := len(block) << sizeFrom
		if len(src) == 0 {
			header |= last
		}
		dst = append(dst, byte(header), byte(header>>8), byte(header>>16))
		dst = append(dst, block...)
		if len(src) == 0 {
			return dst
		}
	}
}
