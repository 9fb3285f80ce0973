package pickle

import (
	"encoding/binary"
	"fmt"
)

const (
	maxStack = 1 << 20
	maxMarks = 1 << 16

	// DefaultMaxMemory is Options.MaxMemory's default. A scikit-learn tree
	// takes about 10 KiB of it, whatever its size.
	DefaultMaxMemory = 32 << 20
)

// Options says what a pickle may hold.
type Options struct {
	// Allow tells whether a class or function may be named. Nil allows none.
	// Copying and byte-string helpers (copyreg._reconstructor, _codecs.encode,
	// object, bytes, bytearray) are always allowed: Decode knows what they give.
	Allow func(g Global) bool
	// MaxMemory bounds the decoded values' size in bytes, about, without byte
	// strings, which are slices of the input. Default DefaultMaxMemory.
	MaxMemory int
	// Follow, when given, is asked about every object that just got its state.
	// Pickles inside the pickle are read without it.
	Follow func(o *Object) (Follow, error)
}

// Decode reads the one pickle that data holds. Errors wrap [ErrMalformed] or
// [ErrLimit], or are a [*ForbiddenError]. The result shares byte strings with
// data.
func Decode(data []byte, o Options) (any, error) {
	if o.MaxMemory == 0 {
		o.MaxMemory = DefaultMaxMemory
	}
	d := &decoder{data: data, allow: o.Allow, follow: o.Follow, left: o.MaxMemory}
	for !d.done {
		at := d.pos
		op, err := d.byte()
		if err != nil {
			return nil, err
		}
		step := ops[op]
		if step == nil {
			return nil, fmt.Errorf("%w: byte %d: unknown opcode 0x%02x", ErrMalformed, at, op)
		}
		if err := step(d); err != nil {
			return nil, err
		}
	}
	if d.pos != len(data) {
		return nil, d.malformed("%d more bytes after the pickle", len(data)-d.pos)
	}
	return d.stack[0], nil
}

// decoder is Python's pickle machine: a stack, marks into it, and a memo.
type decoder struct {
	data  []byte
	pos   int
	stack []any
	marks []int
	memo  []any
	allow func(Global) bool
	first Global
	left  int // bytes of memory that may still be taken
	done  bool

	follow func(*Object) (Follow, error)
	outer  *outer // not nil inside a pickle inside the pickle
}

func (d *decoder) malformed(format string, args ...any) error {
	return fmt.Errorf("%w: byte %d: %s", ErrMalformed, d.pos, fmt.Sprintf(format, args...))
}

// charge takes n bytes from the memory budget.
func (d *decoder) charge(n int) error {
	if d.left -= n; d.left < 0 {
		return fmt.Errorf("%w: byte %d", ErrLimit, d.pos)
	}
	return nil
}

func (d *decoder) byte() (byte, error) {
	if d.pos >= len(d.data) {
		return 0, d.malformed("the file ends in the middle")
	}
	d.pos++
	return d.data[d.pos-1], nil
}

// take returns the next n bytes without copying.
func (d *decoder) take(n uint64) ([]byte, error) {
	if n > uint64(len(d.data)-d.pos) {
		return nil, d.malformed("%d bytes announced, %d left", n, len(d.data)-d.pos)
	}
	b := d.data[d.pos : d.pos+int(n) : d.pos+int(n)]
	d.pos += int(n)
	return b, nil
}

// uint reads a little-endian number of 1, 2, 4 or 8 bytes.
func (d *decoder) uint(size int) (uint64, error) {
	b, err := d.take(uint64(size))
	if err != nil {
		return 0, err
	}
	var wide [8]byte
	copy(wide[:], b)
	return binary.LittleEndian.Uint64(wide[:]), nil
}

// counted reads a length of size bytes and that many bytes.
func (d *decoder) counted(size int) ([]byte, error) {
	n, err := d.uint(size)
	if err != nil {
		return nil, err
	}
	return d.take(n)
}

func (d *decoder) push(v any) error {
	if len(d.stack) >= maxStack {
		return fmt.Errorf("%w: byte %d: more than %d values on the stack", ErrLimit, d.pos, maxStack)
	}
	d.stack = append(d.stack, v)
	return nil
}

// pop returns the top value; it does not reach below the last mark.
func (d *decoder) pop() (any, error) {
	top, err := d.top()
	if err != nil {
		return nil, err
	}
	d.stack[len(d.stack)-1] = nil
	d.stack = d.stack[:len(d.stack)-1]
	return top, nil
}

func (d *decoder) top() (any, error) {
	floor := 0
	if n := len(d.marks); n > 0 {
		floor = d.marks[n-1]
	}
	if len(d.stack) <= floor {
		return nil, d.malformed("the stack is empty")
	}
	return d.stack[len(d.stack)-1], nil
}

// popMark removes the last mark and returns a copy of the values above it,
// paid for.
func (d *decoder) popMark() ([]any, error) {
	n := len(d.marks)
	if n == 0 {
		return nil, d.malformed("no mark on the stack")
	}
	from := d.marks[n-1]
	d.marks = d.marks[:n-1]
	if err := d.charge(48 + 16*(len(d.stack)-from)); err != nil {
		return nil, err
	}
	items := append([]any(nil), d.stack[from:]...)
	clear(d.stack[from:])
	d.stack = d.stack[:from]
	return items, nil
}
