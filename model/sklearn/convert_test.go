package sklearn

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/model/pickle"
)

func ndarrayOf(dt any, data any, order any, dims ...any) *pickle.Object {
	return &pickle.Object{
		Class: pickle.Global{Module: "numpy.core.multiarray", Name: "_reconstruct"},
		State: pickle.Tuple{int64(1), pickle.Tuple(dims), dt, order, data}, Built: true,
	}
}

func dtypeOf(code, order string, size int64) *pickle.Object {
	return &pickle.Object{
		Class: dtypeClass, Args: pickle.Tuple{code, false, true}, Built: true,
		State: pickle.Tuple{int64(3), order, nil, nil, nil, size, int64(-1), int64(0)},
	}
}

func TestArraysOfManyTypes(t *testing.T) {
	t.Parallel()
	be := binary.BigEndian
	for _, tc := range []struct {
		name  string
		array *pickle.Object
		want  []any
	}{
		{"int32 of Windows", ndarrayOf(dtypeOf("i4", "<", -1), []byte("\xff\xff\xff\xff\x02\x00\x00\x00"), false, int64(2)), []any{int64(-1), int64(2)}},
		{"int64 big-endian", ndarrayOf(dtypeOf("i8", ">", -1), be.AppendUint64(nil, 7), false, int64(1)), []any{int64(7)}},
		{"int8, int16", ndarrayOf(dtypeOf("i1", "|", -1), []byte{0xfe}, false, int64(1)), []any{int64(-2)}},
		{"uint16", ndarrayOf(dtypeOf("u2", ">", -1), []byte{1, 0}, false, int64(1)), []any{int64(256)}},
		{"float32", ndarrayOf(dtypeOf("f4", "<", -1), binary.LittleEndian.AppendUint32(nil, math.Float32bits(1.5)), false, int64(1)), []any{1.5}},
		{"float64 big-endian", ndarrayOf(dtypeOf("f8", ">", -1), be.AppendUint64(nil, math.Float64bits(-2.5)), false, int64(1)), []any{-2.5}},
		{"bool", ndarrayOf(dtypeOf("b1", "|", -1), []byte{0, 1}, false, int64(2)), []any{false, true}},
		{"text", ndarrayOf(dtypeOf("U2", "<", 8), []byte("N\x00\x00\x00\x00\x00\x00\x00\xe9\x00\x00\x00Y\x00\x00\x00"), false, int64(2)), []any{"N", "éY"}},
		{"text big-endian", ndarrayOf(dtypeOf("U1", ">", 4), []byte("\x00\x00\x00N"), false, int64(1)), []any{"N"}},
		{"python 2 data", ndarrayOf(dtypeOf("i1", "|", -1), "\x05", int64(0), int64(1)), []any{int64(5)}},
		{"objects", ndarrayOf(dtypeOf("O8", "|", -1), &pickle.List{Items: []any{"a", true}}, false, int64(2)), []any{"a", true}},
	} {
		a, ok := readArray(tc.array)
		if !ok {
			t.Errorf("%s: refused", tc.name)
			continue
		}
		var got []any
		for i := range a.size {
			v, ok := a.label(i)
			if !ok {
				t.Errorf("%s: label %d refused", tc.name, i)
			}
			got = append(got, v)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: %s", tc.name, diff)
		}
	}
}

func TestArraysThatAreRefused(t *testing.T) {
	t.Parallel()
	i1 := dtypeOf("i1", "|", -1)
	for name, v := range map[string]any{
		"number":         int64(1),
		"no state":       &pickle.Object{Class: pickle.Global{Module: "numpy.core.multiarray", Name: "_reconstruct"}},
		"short data":     ndarrayOf(i1, []byte{1}, false, int64(2)),
		"negative":       ndarrayOf(i1, []byte{}, false, int64(-1)),
		"overflow":       ndarrayOf(i1, []byte{}, false, int64(1<<26), int64(1<<26), int64(1<<26)),
		"huge":           ndarrayOf(i1, []byte{}, false, int64(math.MaxInt64)),
		"four axes":      ndarrayOf(i1, []byte{1}, false, int64(1), int64(1), int64(1), int64(1)),
		"shape of text":  ndarrayOf(i1, []byte{1}, false, "1"),
		"dtype unset":    ndarrayOf(&pickle.Object{Class: dtypeClass, Args: pickle.Tuple{"i1"}}, []byte{1}, false, int64(1)),
		"dtype unknown":  ndarrayOf(dtypeOf("c16", "<", -1), make([]byte, 16), false, int64(1)),
		"bytes labels":   ndarrayOf(dtypeOf("S1", "|", 1), []byte("N"), false, int64(1)),
		"byte order":     ndarrayOf(dtypeOf("i1", "?", -1), []byte{1}, false, int64(1)),
		"text size":      ndarrayOf(dtypeOf("U1", "<", 3), []byte("abc"), false, int64(1)),
		"list for bytes": ndarrayOf(i1, &pickle.List{}, false, int64(0)),
		"objects short":  ndarrayOf(dtypeOf("O8", "|", -1), &pickle.List{}, false, int64(1)),
		"nodes in nodes": ndarrayOf(structure(field1{"left_child", structure(), 0}), make([]byte, 8), false, int64(1)),
		"field outside":  ndarrayOf(structure(field1{"left_child", dtypeOf("i8", "<", -1), 57}), make([]byte, 64), false, int64(1)),
	} {
		if _, ok := readArray(v); ok {
			t.Errorf("%s: accepted", name)
		}
	}
}

type field1 struct {
	name   string
	dtype  *pickle.Object
	offset int64
}

// structure is a 64-byte structured dtype.
func structure(fields ...field1) *pickle.Object {
	d := dtypeOf("V64", "|", 64)
	names, byName := pickle.Tuple{}, &pickle.Dict{}
	for _, f := range fields {
		names = append(names, f.name)
		byName.Set(f.name, pickle.Tuple{f.dtype, f.offset})
	}
	state, _ := d.State.(pickle.Tuple)
	state[3], state[4] = names, byName
	return d
}

// nodeDtype is the layout of scikit-learn 1.3 and later.
func nodeDtype(extra ...field1) *pickle.Object {
	i8, f8 := dtypeOf("i8", "<", -1), dtypeOf("f8", "<", -1)
	return structure(append([]field1{
		{"left_child", i8, 0},
		{"right_child", i8, 8},
		{"feature", i8, 16},
		{"threshold", f8, 24},
		{"impurity", f8, 32},
		{"n_node_samples", i8, 40},
		{"weighted_n_node_samples", f8, 48},
		{"missing_go_to_left", dtypeOf("u1", "|", -1), 56},
	}, extra...)...)
}

// stumpNodes are the bytes of a root and two leaves.
func stumpNodes(threshold float64) []byte {
	le := binary.LittleEndian
	var b []byte
	for _, n := range [3][3]int64{{1, 2, 0}, {-1, -1, -2}, {-1, -1, -2}} {
		for _, v := range n {
			b = le.AppendUint64(b, uint64(v))
		}
		b = le.AppendUint64(b, math.Float64bits(threshold))
		b = le.AppendUint64(b, 0)
		b = le.AppendUint64(b, 4)
		b = le.AppendUint64(b, math.Float64bits(4))
		b = append(b, 1, 0, 0, 0, 0, 0, 0, 0)
	}
	return b
}

func doubles(values ...float64) []byte {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

// treeOf is a DecisionTreeClassifier of two classes.
func treeOf(nodes, values *pickle.Object) *pickle.Object {
	state, outer := &pickle.Dict{}, &pickle.Dict{}
	state.Set("node_count", int64(3))
	state.Set("nodes", nodes)
	state.Set("values", values)
	outer.Set("tree_", &pickle.Object{Class: treeClass, State: state, Built: true})
	return &pickle.Object{
		Class: pickle.Global{Module: "sklearn.tree._classes", Name: "DecisionTreeClassifier"}, State: outer, Built: true,
	}
}

func forestOf(trees ...any) (*pickle.Object, *pickle.Dict) {
	d := &pickle.Dict{}
	d.Set("estimators_", &pickle.List{Items: trees})
	d.Set("classes_", ndarrayOf(dtypeOf("b1", "|", -1), []byte{0, 1}, false, int64(2)))
	d.Set("n_features_in_", int64(1))
	return &pickle.Object{
		Class: pickle.Global{Module: "sklearn.ensemble._forest", Name: "RandomForestClassifier"}, State: d, Built: true,
	}, d
}

func goodNodes() *pickle.Object { return ndarrayOf(nodeDtype(), stumpNodes(0.5), false, int64(3)) }

func goodValues() *pickle.Object {
	return ndarrayOf(dtypeOf("f8", "<", -1), doubles(1, 3, 1, 0, 0, 3), false, int64(3), int64(1), int64(2))
}

func TestFortranAndMissingRouting(t *testing.T) {
	t.Parallel()
	fortran := ndarrayOf(dtypeOf("f8", "<", -1), doubles(1, 1, 0, 3, 0, 3), true, int64(3), int64(1), int64(2))
	o, _ := forestOf(treeOf(goodNodes(), fortran))
	c := converter{bytesLeft: 1 << 20}
	f, err := c.classifier(o)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]float64{{1, 3}, {1, 0}, {0, 3}}, f.Trees[0].Value); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]bool{true, false, false}, f.Trees[0].MissingLeft); diff != "" || f.Fractions {
		t.Errorf("%s, fractions %t", diff, f.Fractions)
	}
}

func TestForestsThatAreRefused(t *testing.T) {
	t.Parallel()
	good := treeOf(goodNodes(), goodValues())
	values := func(v ...float64) *pickle.Object {
		return ndarrayOf(dtypeOf("f8", "<", -1), doubles(v...), false, int64(3), int64(1), int64(2))
	}
	many := make([]any, maxTrees+1)
	for i := range many {
		many[i] = good
	}
	for _, tc := range []struct {
		name   string
		trees  []any
		change func(d *pickle.Dict)
		want   string
	}{
		{"one tree many times", many[:100], nil, "used by more than one tree"},
		{"too many trees", many, nil, "10001 trees"},
		{"no trees", nil, nil, "0 trees"},
		{"a number for a tree", []any{int64(1)}, nil, "tree 0: not a readable pickle: estimators_: holds a number"},
		{"another kind of tree", []any{&pickle.Object{Class: pickle.Global{Module: "sklearn.tree.tree", Name: "ExtraTreeClassifier"}}}, nil, "RandomForestClassifier of sklearn.tree.tree.ExtraTreeClassifier"},
		{"unknown layout", []any{treeOf(ndarrayOf(nodeDtype(field1{"colour", dtypeOf("u1", "|", -1), 57}), stumpNodes(1), false, int64(3)), goodValues())}, nil, `unknown node field among ["colour" "feature"`},
		{"field gone", []any{treeOf(ndarrayOf(structure(), stumpNodes(1), false, int64(3)), goodValues())}, nil, "has no field"},
		{"values of neither unit", []any{treeOf(goodNodes(), values(5, 5, 1, 0, 0, 3))}, nil, "neither 1 nor its 4 samples"},
		{"mixed units", []any{good, treeOf(goodNodes(), values(0.25, 0.75, 1, 0, 0, 1))}, nil, "counts in some trees"},
		{"two outputs", []any{good}, func(d *pickle.Dict) { d.Set("n_outputs_", int64(2)) }, "2 outputs"},
		{"class counts", []any{good}, func(d *pickle.Dict) { d.Set("n_classes_", int64(3)) }, "n_classes_: is 3"},
		{"no classes", []any{good}, func(d *pickle.Dict) { d.Set("classes_", nil) }, "classes_"},
		{"no features", []any{good}, func(d *pickle.Dict) { d.Set("n_features_in_", int64(0)) }, "n_features_in_"},
		{"names", []any{good}, func(d *pickle.Dict) { d.Set("feature_names_in_", nil) }, "feature_names_in_"},
	} {
		o, d := forestOf(tc.trees...)
		if tc.change != nil {
			tc.change(d)
		}
		c := converter{bytesLeft: 3 * (64 + 16) * 2}
		_, err := c.classifier(o)
		var u *UnsupportedError
		if err == nil || !strings.Contains(err.Error(), tc.want) || (!errors.As(err, &u) && !errors.Is(err, pickle.ErrMalformed)) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
	}
}

func TestUnitOfSingleSampleTreesComesFromTheVersion(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{"1.2.1": false, "1.3.2": false, "1.4.0": true, "1.9.1": true, "2.0": true, "0.24.2": false, "": false, "x": false} {
		if got := (&units{}).fractions(version); got != want {
			t.Errorf("%q: %t", version, got)
		}
	}
}
