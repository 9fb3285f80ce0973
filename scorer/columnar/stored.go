package columnar

import "encoding/binary"

// Frames of the Zstandard format that are made here rather than by the library:
// where it is known what to do with bytes, no time goes into finding that out.
// (RFC 8878, section 3.1.1.)
const (
	magicNumber = 0xFD2FB528
	descriptor  = 2<<6 | 1<<5 // content size in 4 bytes, single segment
	maxBlock    = 128 << 10

	rawBlock        = 0
	compressedBlock = 2
	blockHeader     = 3 // bytes
)

// appendStored appends src as a frame of raw blocks: no work for bytes that
// would not become fewer.
func appendStored(dst, src []byte) []byte {
	dst = appendFrameHeader(dst, len(src))
	for {
		block := src[:min(len(src), maxBlock)]
		src = src[len(block):]
		start := len(dst)
		dst = append(append(dst, 0, 0, 0), block...)
		putBlockHeader(dst[start:], len(block), rawBlock, len(src) == 0)
		if len(src) == 0 {
			return dst
		}
	}
}

// appendStoredHead appends what stands before size bytes in a frame of one raw
// block, which is all that a frame of up to maxBlock bytes needs.
func appendStoredHead(dst []byte, size int) []byte {
	dst = append(appendFrameHeader(dst, size), 0, 0, 0)
	putBlockHeader(dst[len(dst)-blockHeader:], size, rawBlock, true)
	return dst
}

func appendFrameHeader(dst []byte, size int) []byte {
	dst = append(binary.LittleEndian.AppendUint32(dst, magicNumber), descriptor)
	return binary.LittleEndian.AppendUint32(dst, uint32(size))
}

// putBlockHeader fills the room for its header that a block of so many bytes
// after it begins with.
func putBlockHeader(block []byte, size, kind int, last bool) {
	header := size<<3 | kind<<1
	if last {
		header |= 1
	}
	block[0], block[1], block[2] = byte(header), byte(header>>8), byte(header>>16)
}
