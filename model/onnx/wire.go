package onnx

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// maxElements bounds the numbers of all lists of a file together.
const maxElements = 4 << 20

// nameCost is what a name takes of them: a file needs few.
const nameCost = 64

// each calls f for every field of a message: with v for a number, with b for
// bytes. Numbers of 32 and 64 bits are their bits.
func each(message []byte, f func(num protowire.Number, v uint64, b []byte) error) error {
	for len(message) > 0 {
		num, typ, n := protowire.ConsumeTag(message)
		if n < 0 {
			return malformed("%v", protowire.ParseError(n))
		}
		message = message[n:]
		var v uint64
		var b []byte
		switch typ {
		case protowire.VarintType:
			v, n = protowire.ConsumeVarint(message)
		case protowire.Fixed32Type:
			var v32 uint32
			v32, n = protowire.ConsumeFixed32(message)
			v = uint64(v32)
		case protowire.Fixed64Type:
			v, n = protowire.ConsumeFixed64(message)
		case protowire.BytesType:
			b, n = protowire.ConsumeBytes(message)
			if b == nil {
				b = []byte{}
			}
		default:
			return malformed("a group")
		}
		if n < 0 {
			return malformed("%v", protowire.ParseError(n))
		}
		message = message[n:]
		if err := f(num, v, b); err != nil {
			return err
		}
	}
	return nil
}

// node is a NodeProto.
type node struct {
	op, domain      string
	inputs, outputs []string
	attributes      map[string]*attribute
}

// attribute is an AttributeProto.
type attribute struct {
	text    string // s
	floats  []float32
	ints    []int64
	strings []string
	doubles []float64 // of a tensor
	present struct{ float, int bool }
}

// reader counts what lists take.
type reader struct{ left int }

func (r *reader) take(n int) error {
	if r.left -= n; r.left < 0 {
		return malformed("more than %d numbers", maxElements)
	}
	return nil
}

func (r *reader) node(message []byte) (*node, error) {
	out := &node{attributes: map[string]*attribute{}}
	err := each(message, func(num protowire.Number, _ uint64, b []byte) error {
		switch num {
		case 1:
			out.inputs = append(out.inputs, string(b))
		case 2:
			out.outputs = append(out.outputs, string(b))
		case 4:
			out.op = string(b)
		case 7:
			out.domain = string(b)
		case 5:
			if len(out.attributes) > 100 {
				return malformed("a node with more than 100 attributes")
			}
			name, a, err := r.attribute(b)
			out.attributes[name] = a
			return err
		}
		return r.take(nameCost)
	})
	return out, err
}

func (r *reader) attribute(message []byte) (name string, a *attribute, err error) {
	a = &attribute{}
	err = each(message, func(num protowire.Number, v uint64, b []byte) error {
		switch num {
		case 1:
			name = string(b)
		case 2: // f
			a.present.float = true
			a.floats = append(a.floats, math.Float32frombits(uint32(v)))
		case 3: // i
			a.present.int = true
			a.ints = append(a.ints, int64(v))
		case 4:
			a.text = string(b)
		case 5:
			return r.tensor(b, a)
		case 7:
			return r.floats(v, b, a)
		case 8:
			return r.ints(v, b, a)
		case 9:
			a.strings = append(a.strings, intern(b))
			return r.take(3)
		}
		return r.take(1)
	})
	return name, a, err
}

// intern avoids a copy for the strings that stand at every node.
func intern(b []byte) string {
	switch string(b) {
	case branch:
		return branch
	case leafMode:
		return leafMode
	}
	return string(b)
}

// floats reads one float, or a packed list of them.
func (r *reader) floats(v uint64, b []byte, a *attribute) error {
	if b == nil {
		a.floats = append(a.floats, math.Float32frombits(uint32(v)))
		return r.take(1)
	}
	if err := r.take(len(b) / 4); err != nil || len(b)%4 != 0 {
		return malformed("a list of floats of %d bytes", len(b))
	}
	for ; len(b) > 0; b = b[4:] {
		a.floats = append(a.floats, math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	return nil
}

// ints reads one integer, or a packed list of them.
func (r *reader) ints(v uint64, b []byte, a *attribute) error {
	if b == nil {
		a.ints = append(a.ints, int64(v))
		return r.take(1)
	}
	for len(b) > 0 {
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return malformed("a list of integers: %v", protowire.ParseError(n))
		}
		a.ints, b = append(a.ints, int64(v)), b[n:]
		if err := r.take(1); err != nil {
			return err
		}
	}
	return nil
}

// tensor reads a TensorProto of doubles or floats as doubles.
func (r *reader) tensor(message []byte, a *attribute) error {
	const float, double = 1, 11
	kind := uint64(0)
	var raw []byte
	err := each(message, func(num protowire.Number, v uint64, b []byte) error {
		switch num {
		case 2:
			kind = v
		case 9:
			raw = b
		case 10: // double_data
			if b == nil {
				a.doubles = append(a.doubles, math.Float64frombits(v))
			}
			for ; len(b) >= 8; b = b[8:] {
				a.doubles = append(a.doubles, math.Float64frombits(binary.LittleEndian.Uint64(b)))
			}
		}
		return r.take(1 + len(b)/4)
	})
	if err != nil {
		return err
	}
	for ; kind == double && len(raw) >= 8; raw = raw[8:] {
		a.doubles = append(a.doubles, math.Float64frombits(binary.LittleEndian.Uint64(raw)))
	}
	for ; kind == float && len(raw) >= 4; raw = raw[4:] {
		a.doubles = append(a.doubles, float64(math.Float32frombits(binary.LittleEndian.Uint32(raw))))
	}
	return nil
}
