package lookup

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/parquet-go/parquet-go/encoding/thrift"
)

// ErrDamaged says that a part is not what the worker wrote.
var ErrDamaged = errors.New("part is damaged")

// Bounds of a document in a part. A decoder makes room for as many elements as
// a list says it has, before it sees them: structs of up to some hundred bytes,
// others of up to 24.
const (
	maxUnits   = 1 << 20
	structUnit = 8 // units of an element that is a struct
	maxDepth   = 16
)

// unmarshal decodes the document of Thrift's compact protocol that data begins
// with and returns its length. It takes memory only for what is there.
// https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
func unmarshal(data []byte, v any) (int, error) {
	w := walker{data: data, units: maxUnits}
	w.structure(0)
	if w.failed {
		return 0, fmt.Errorf("%w: %T", ErrDamaged, v)
	}
	if err := thrift.Unmarshal(&thrift.CompactProtocol{}, data[:w.at], v); err != nil {
		return 0, fmt.Errorf("%w: %T: %w", ErrDamaged, v, err)
	}
	return w.at, nil
}

// walker goes through a document without decoding it.
type walker struct {
	data   []byte
	at     int
	units  int // that are left
	failed bool
}

// Types of the compact protocol.
const (
	typeTrue   = 1
	typeFalse  = 2
	typeI8     = 3
	typeI16    = 4
	typeI32    = 5
	typeI64    = 6
	typeDouble = 7
	typeBinary = 8
	typeList   = 9
	typeSet    = 10
	typeStruct = 12
)

func (w *walker) byte() byte {
	if w.at >= len(w.data) {
		w.failed = true
		return 0
	}
	b := w.data[w.at]
	w.at++
	return b
}

func (w *walker) varint() uint64 {
	v, n := binary.Uvarint(w.data[w.at:])
	if n <= 0 {
		w.failed = true
		return 0
	}
	w.at += n
	return v
}

func (w *walker) skip(n uint64) {
	if n > uint64(len(w.data)-w.at) {
		w.failed = true
		return
	}
	w.at += int(n)
}

// structure passes a struct.
func (w *walker) structure(depth int) {
	if depth > maxDepth {
		w.failed = true
	}
	for !w.failed {
		head := w.byte()
		if head == 0 {
			return
		}
		if head>>4 == 0 {
			w.varint() // the field's number
		}
		if kind := head & 0xf; kind != typeTrue && kind != typeFalse { // which are their own values
			w.value(kind, depth)
		}
	}
}

// value passes a value. Parquet has no maps.
func (w *walker) value(kind byte, depth int) {
	switch kind {
	case typeTrue, typeFalse, typeI8:
		w.byte()
	case typeI16, typeI32, typeI64:
		w.varint()
	case typeDouble:
		w.skip(8)
	case typeBinary:
		w.skip(w.varint())
	case typeList, typeSet:
		w.list(depth + 1)
	case typeStruct:
		w.structure(depth + 1)
	default:
		w.failed = true
	}
}

func (w *walker) list(depth int) {
	head := w.byte()
	kind, size := head&0xf, uint64(head>>4)
	if size == 0xf {
		size = w.varint()
	}
	unit := 1
	if kind == typeStruct {
		unit = structUnit
	}
	if depth > maxDepth || size > uint64(w.units/unit) {
		w.failed = true
		return
	}
	w.units -= int(size) * unit
	for range size {
		if w.value(kind, depth); w.failed {
			return
		}
	}
}
