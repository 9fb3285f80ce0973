package sklearn

import "github.com/loanscorer/loanscorer/model/pickle"

// arrayBehind tells the pickle reader how many bytes of an array follow its
// stand-in (joblib/numpy_pickle.py, NumpyArrayWrapper.write_array): from
// joblib 1.2 on after some padding, and for an array of objects as a pickle.
// A memory-mapped array is written the same way.
func arrayBehind(o *pickle.Object) (pickle.Follow, error) {
	if !isWrapper(o.Class) {
		return pickle.Follow{}, nil
	}
	state, _ := o.State.(*pickle.Dict)
	if state == nil {
		return pickle.Follow{}, bad("NumpyArrayWrapper", "has no state")
	}
	v, _ := state.Get("dtype")
	d, ok := readDtype(v)
	if !ok {
		return pickle.Follow{}, bad("NumpyArrayWrapper", "has an unknown dtype")
	}
	a := &array{}
	if shape, _ := state.Get("shape"); !a.setShape(shape) {
		return pickle.Follow{}, bad("NumpyArrayWrapper", "has a bad shape")
	}
	if d.kind == 'O' {
		return pickle.Follow{Pickle: true}, nil
	}
	alignment, _ := state.Get("numpy_array_alignment_bytes")
	return pickle.Follow{Padded: alignment != nil, Bytes: a.size * d.size}, nil
}

// wrapped reads the array that a stand-in stands for.
func wrapped(o *pickle.Object) (*array, bool) {
	state, _ := o.State.(*pickle.Dict)
	if state == nil {
		return nil, false
	}
	if inner, ok := o.Data.(*pickle.Object); ok { // an array of objects, pickled whole
		if isWrapper(inner.Class) {
			return nil, false
		}
		return readArray(inner)
	}
	a := &array{}
	v, _ := state.Get("dtype")
	shape, _ := state.Get("shape")
	order, _ := state.Get("order")
	var ok bool
	if a.dtype, ok = readDtype(v); !ok || !a.setShape(shape) {
		return nil, false
	}
	a.fortran = order == "F"
	data := o.Data
	if data == nil && a.size == 0 {
		data = []byte{}
	}
	return a, a.setData(data)
}
