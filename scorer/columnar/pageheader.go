package columnar

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/parquet-go/parquet-go/format"
)

// pageHeader is what a page begins with. It is encoded here because there are
// so many of them, and the library finds out about every field anew.
type pageHeader struct {
	kind     format.PageType
	encoding format.Encoding
	size     int // before compression
	values   int
}

// Types of the compact protocol, and a step to the next field.
// (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md)
const (
	thriftInt32  = 5
	thriftStruct = 12
	thriftStop   = 0
	nextField    = 1 << 4
)

// append appends a page: its header, and what it is after compression, in two
// parts.
func (h *pageHeader) append(dst, head, body []byte) []byte {
	crc := crc32.Update(crc32.ChecksumIEEE(head), crc32.IEEETable, body)
	size := len(head) + len(body)
	dst = appendInt32(dst, int(h.kind))
	dst = appendInt32(dst, h.size)
	dst = appendInt32(dst, size)
	dst = appendInt32(dst, int(int32(crc))) // fields 1 to 4
	if h.kind == format.DictionaryPage {
		dst = append(dst, 3*nextField|thriftStruct) // 7
	} else {
		dst = append(dst, nextField|thriftStruct) // 5
	}
	dst = appendInt32(dst, h.values)
	dst = appendInt32(dst, int(h.encoding))
	if h.kind != format.DictionaryPage { // of levels
		dst = appendInt32(dst, int(format.RLE))
		dst = appendInt32(dst, int(format.RLE))
	}
	dst = append(dst, thriftStop, thriftStop)
	return append(append(reserve(dst, size), head...), body...)
}

// appendInt32 appends the field after the one before it.
func appendInt32(dst []byte, v int) []byte {
	return binary.AppendVarint(append(dst, nextField|thriftInt32), int64(size32(v)))
}
