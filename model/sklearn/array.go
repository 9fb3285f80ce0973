package sklearn

import (
	"encoding/binary"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/loanscorer/loanscorer/model/pickle"
)

// array is a numpy array. Plain types are bytes, object arrays are items.
type array struct {
	dtype   dtype
	shape   []int
	size    int  // product of shape
	fortran bool // the first index varies fastest
	data    []byte
	items   []any
}

// readArray reads a pickled ndarray: _reconstruct with a state (protocols 0 to
// 4), _frombuffer (protocol 5), or joblib's stand-in.
func readArray(v any) (*array, bool) {
	o, ok := v.(*pickle.Object)
	if !ok {
		return nil, false
	}
	if isWrapper(o.Class) {
		return wrapped(o)
	}
	var shape, dt, data, fortran any
	switch state, _ := o.State.(pickle.Tuple); {
	case isNumpy(o.Class, "multiarray", "_reconstruct") && len(state) == 5: // (version, shape, dtype, fortran, data)
		shape, dt, fortran, data = state[1], state[2], state[3], state[4]
	case isNumpy(o.Class, "multiarray", "_reconstruct") && len(state) == 4:
		shape, dt, fortran, data = state[0], state[1], state[2], state[3]
	case isNumpy(o.Class, "numeric", "_frombuffer") && len(o.Args) == 4: // (buffer, dtype, shape, order)
		data, dt, shape, fortran = o.Args[0], o.Args[1], o.Args[2], o.Args[3] == "F"
	default:
		return nil, false
	}
	a := &array{fortran: fortran == true || fortran == int64(1)}
	if a.dtype, ok = readDtype(dt); !ok || !a.setShape(shape) {
		return nil, false
	}
	return a, a.setData(data)
}

func (a *array) setShape(v any) bool {
	dims, ok := v.(pickle.Tuple)
	if !ok || len(dims) > 3 {
		return false
	}
	a.size = 1
	for _, dim := range dims {
		n, ok := dim.(int64)
		if !ok || n < 0 || n > MaxBytes || int(n)*a.size > MaxBytes {
			return false
		}
		a.shape = append(a.shape, int(n))
		a.size *= int(n)
	}
	return true
}

func (a *array) setData(v any) bool {
	if a.dtype.kind == 'O' {
		list, ok := v.(*pickle.List)
		if !ok || len(list.Items) != a.size {
			return false
		}
		a.items = list.Items
		return true
	}
	switch data := v.(type) {
	case []byte:
		a.data = data
	case string: // Python 2
		a.data = []byte(data)
	default:
		return false
	}
	return len(a.data) == a.size*a.dtype.size
}

// float returns element i of a plain array.
func (a *array) float(i int) float64 { return a.dtype.float(a.data[i*a.dtype.size:]) }

// label returns element i as string, int64, float64 or bool.
func (a *array) label(i int) (any, bool) {
	d := a.dtype
	switch d.kind {
	case 'O':
		return scalar(a.items[i])
	case 'U':
		return d.text(a.data[i*d.size : (i+1)*d.size])
	case 'b':
		return a.data[i] != 0, true
	case 'i', 'u':
		return d.int(a.data[i*d.size:])
	case 'f':
		return a.float(i), true
	}
	return nil, false
}

// scalar returns a plain Python or numpy scalar as nil, string, int64, float64
// or bool.
func scalar(v any) (any, bool) {
	switch v := v.(type) {
	case nil, string, int64, float64, bool:
		return v, true
	case *pickle.Object:
		if !isNumpy(v.Class, "multiarray", "scalar") || len(v.Args) != 2 {
			return nil, false
		}
		a := &array{size: 1}
		var ok bool
		if a.dtype, ok = readDtype(v.Args[0]); !ok || a.dtype.kind == 'O' || !a.setData(v.Args[1]) {
			return nil, false
		}
		return a.label(0)
	}
	return nil, false
}

// dtype is a numpy element type.
type dtype struct {
	kind   byte // b i u f U O V
	size   int  // bytes
	order  binary.ByteOrder
	fields map[string]field // of kind V
}

type field struct {
	dtype  dtype
	offset int
}

// readDtype reads numpy.dtype(code, align, copy) with its state
// (version, byte order, subarray, names, fields, size, alignment, flags...).
func readDtype(v any) (dtype, bool) {
	o, ok := v.(*pickle.Object)
	if !ok || o.Class != dtypeClass || len(o.Args) == 0 {
		return dtype{}, false
	}
	code, ok := o.Args[0].(string)
	state, ok2 := o.State.(pickle.Tuple)
	if !ok || !ok2 || len(code) < 2 || len(state) < 8 || state[2] != nil {
		return dtype{}, false
	}
	d := dtype{kind: code[0]}
	switch state[1] {
	case "<", "=", "|":
		d.order = binary.LittleEndian
	case ">":
		d.order = binary.BigEndian
	default:
		return dtype{}, false
	}
	switch code {
	case "b1", "i1", "u1":
		d.size = 1
	case "i2", "u2":
		d.size = 2
	case "i4", "u4", "f4", "O4":
		d.size = 4
	case "i8", "u8", "f8", "O8":
		d.size = 8
	default:
		return d.flexible(state)
	}
	return d, true
}

// flexible completes a dtype of kind U or V.
func (d dtype) flexible(state pickle.Tuple) (dtype, bool) {
	size, ok := state[5].(int64)
	if !ok || size <= 0 || size > 1<<16 {
		return dtype{}, false
	}
	d.size = int(size)
	switch d.kind {
	case 'U':
		return d, size%4 == 0
	case 'V':
		return d.withFields(state[3], state[4])
	}
	return dtype{}, false
}

func (d dtype) withFields(names, fields any) (dtype, bool) {
	list, ok := names.(pickle.Tuple)
	byName, ok2 := fields.(*pickle.Dict)
	if !ok || !ok2 || len(list) > 64 {
		return dtype{}, false
	}
	d.fields = map[string]field{}
	for _, n := range list {
		name, ok := n.(string)
		if !ok {
			return dtype{}, false
		}
		v, _ := byName.Get(name)
		pair, ok := v.(pickle.Tuple)
		if !ok || len(pair) < 2 {
			return dtype{}, false
		}
		offset, ok := pair[1].(int64)
		if o, isObject := pair[0].(*pickle.Object); !isObject || !plain(o) {
			return dtype{}, false
		}
		sub, ok2 := readDtype(pair[0])
		if !ok || !ok2 || offset < 0 || int(offset)+sub.size > d.size {
			return dtype{}, false
		}
		d.fields[name] = field{sub, int(offset)}
	}
	return d, true
}

// plain tells whether a field's dtype is a number, so that structures cannot
// nest.
func plain(o *pickle.Object) bool {
	code := ""
	if len(o.Args) > 0 {
		code, _ = o.Args[0].(string)
	}
	return code != "" && strings.IndexByte("biuf", code[0]) >= 0
}

func (d dtype) uint(b []byte) uint64 {
	switch d.size {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(d.order.Uint16(b))
	case 4:
		return uint64(d.order.Uint32(b))
	}
	return d.order.Uint64(b)
}

// int reads an integer; it is false beyond int64.
func (d dtype) int(b []byte) (int64, bool) {
	v := d.uint(b)
	if d.kind != 'i' {
		return int64(v), v <= math.MaxInt64
	}
	shift := 64 - 8*d.size
	return int64(v<<shift) >> shift, true
}

// float reads any number as float64.
func (d dtype) float(b []byte) float64 {
	v := d.uint(b)
	switch {
	case d.kind == 'f' && d.size == 4:
		return float64(math.Float32frombits(uint32(v)))
	case d.kind == 'f':
		return math.Float64frombits(v)
	case d.kind == 'i':
		shift := 64 - 8*d.size
		return float64(int64(v<<shift) >> shift)
	}
	return float64(v)
}

// text reads numpy's UCS-4 text, which is padded with zeros.
func (d dtype) text(b []byte) (string, bool) {
	var s strings.Builder
	for ; len(b) >= 4; b = b[4:] {
		r := d.order.Uint32(b)
		if r > utf8.MaxRune || !utf8.ValidRune(rune(r)) {
			return "", false
		}
		s.WriteRune(rune(r))
	}
	return strings.TrimRight(s.String(), "\x00"), true
}
