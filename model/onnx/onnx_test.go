package onnx_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/loanscorer/loanscorer/model/onnx"
)

func readGolden(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", "golden", name+".onnx"))
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func TestGoldenForests(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name           string
		trees, classes int
		filled         bool
	}{{"onnx_two", 7, 2, false}, {"onnx_three", 3, 3, false}, {"onnx_pipeline", 3, 2, true}, {"onnx_tree", 1, 2, false}} {
		f, err := onnx.Decode(readGolden(t, tc.name))
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if len(f.Trees) != tc.trees || len(f.Classes) != tc.classes || f.NumFeatures != 4 || (f.Filled != nil) != tc.filled ||
			!strings.HasPrefix(f.Producer, "skl2onnx 1.") {
			t.Errorf("%s: %d trees, classes %v, %d features, %s", tc.name, len(f.Trees), f.Classes, f.NumFeatures, f.Producer)
		}
	}
}

// list is an attribute of a TreeEnsembleClassifier.
type list struct {
	name    string
	ints    []int64
	floats  []float32
	strings []string
}

func (l list) bytes() []byte {
	b := field(nil, 1, []byte(l.name))
	for _, v := range l.ints {
		b = protowire.AppendVarint(protowire.AppendTag(b, 8, protowire.VarintType), uint64(v))
	}
	var packed []byte
	for _, v := range l.floats {
		packed = protowire.AppendFixed32(packed, math.Float32bits(v))
	}
	if packed != nil {
		b = field(b, 7, packed)
	}
	for _, s := range l.strings {
		b = field(b, 9, []byte(s))
	}
	return b
}

func field(b []byte, num protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, num, protowire.BytesType), v)
}

// stump is one tree of a root and two leaves.
func stump() []list {
	return []list{
		{name: "nodes_treeids", ints: []int64{0, 0, 0}},
		{name: "nodes_nodeids", ints: []int64{0, 1, 2}},
		{name: "nodes_featureids", ints: []int64{1, 0, 0}},
		{name: "nodes_truenodeids", ints: []int64{1, 0, 0}},
		{name: "nodes_falsenodeids", ints: []int64{2, 0, 0}},
		{name: "nodes_modes", strings: []string{"BRANCH_LEQ", "LEAF", "LEAF"}},
		{name: "nodes_values", floats: []float32{0.5, 0, 0}},
		{name: "nodes_missing_value_tracks_true", ints: []int64{1, 0, 0}},
		{name: "class_treeids", ints: []int64{0, 0, 0, 0}},
		{name: "class_nodeids", ints: []int64{1, 1, 2, 2}},
		{name: "class_ids", ints: []int64{0, 1, 0, 1}},
		{name: "class_weights", floats: []float32{1, 0, 0.25, 0.75}},
		{name: "classlabels_strings", strings: []string{"N", "Y"}},
	}
}

// file is an ONNX file with one operator on its input x.
func file(op string, lists []list) []byte {
	n := field(nil, 1, []byte("x"))
	n = field(n, 2, []byte("label"))
	n = field(n, 4, []byte(op))
	n = field(n, 7, []byte("ai.onnx.ml"))
	for _, l := range lists {
		n = field(n, 5, l.bytes())
	}
	g := field(nil, 1, n)
	g = field(g, 11, field(nil, 1, []byte("x")))
	return field([]byte{0x08, 0x09}, 7, g)
}

func TestStump(t *testing.T) {
	t.Parallel()
	f, err := onnx.Decode(file("TreeEnsembleClassifier", stump()))
	if err != nil {
		t.Fatal(err)
	}
	tree := f.Trees[0]
	if f.NumFeatures != 2 || tree.Samples[0] != 2 || tree.Value[0][1] != 0.375 || tree.Left[0] != 1 || tree.Right[0] != 2 ||
		!tree.MissingLeft[0] || tree.MissingLeft[1] || tree.Threshold[0] != 0.5 {
		t.Errorf("%+v", f)
	}
}

func TestWhatIsNotAForestIsRefused(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name        string
		list        list
		unsupported bool
		want        string
	}{
		{"cycle", list{name: "nodes_falsenodeids", ints: []int64{0, 0, 0}}, false, "more than one parent"},
		{"shared", list{name: "nodes_falsenodeids", ints: []int64{1, 0, 0}}, false, "more than one parent"},
		{"no child", list{name: "nodes_falsenodeids", ints: []int64{9, 0, 0}}, false, "not there"},
		{"short", list{name: "nodes_truenodeids", ints: []int64{1}}, false, "1 entries for 3 nodes"},
		{"twice", list{name: "nodes_nodeids", ints: []int64{0, 1, 1}}, false, "two nodes 1"},
		{"feature", list{name: "nodes_featureids", ints: []int64{-1, 0, 0}}, false, "feature -1"},
		{"mode", list{name: "nodes_modes", strings: []string{"BRANCH_LT", "LEAF", "LEAF"}}, true, "BRANCH_LT"},
		{"class", list{name: "class_ids", ints: []int64{0, 1, 0, 7}}, false, "class 7"},
		{"negative", list{name: "class_weights", floats: []float32{1, 0, 2, -1}}, false, "weight -1"},
		{"nan", list{name: "class_weights", floats: []float32{1, 0, 2, float32(math.NaN())}}, false, "weight NaN"},
		{"boosted", list{name: "class_weights", floats: []float32{1, 2, 3, 4}}, true, "do not add up"},
		{"no leaf", list{name: "class_nodeids", ints: []int64{1, 1, 1, 1}}, false, "leaf 2 has no weight"},
		{"labels", list{name: "classlabels_strings"}, false, "0 classes"},
		{"base", list{name: "base_values", floats: []float32{1}}, true, "base_values"},
	} {
		lists := stump()
		found := false
		for i := range lists {
			if lists[i].name == tc.list.name {
				lists[i], found = tc.list, true
			}
		}
		if !found {
			lists = append(lists, tc.list)
		}
		_, err := onnx.Decode(file("TreeEnsembleClassifier", lists))
		checkRefused(t, tc.name, err, tc.unsupported, tc.want)
	}
	_, err := onnx.Decode(file("LinearClassifier", stump()))
	checkRefused(t, "other operator", err, true, "LinearClassifier")
	_, err = onnx.Decode([]byte{0x08, 0x09})
	checkRefused(t, "nothing", err, true, "0 inputs")
	_, err = onnx.Decode([]byte{0x08, 0x09, 0x3a, 0xff, 0xff, 0xff, 0xff, 0x7f})
	checkRefused(t, "length", err, false, "EOF")
}

func checkRefused(t *testing.T, name string, err error, unsupported bool, want string) {
	t.Helper()
	var u *onnx.UnsupportedError
	if err == nil || errors.As(err, &u) != unsupported || errors.Is(err, onnx.ErrMalformed) == unsupported ||
		!strings.Contains(err.Error(), want) {
		t.Errorf("%s: %v, want %q", name, err, want)
	}
}

func TestEveryTruncationIsRefused(t *testing.T) {
	t.Parallel()
	data := readGolden(t, "onnx_tree")
	for n := range len(data) - 100 { // the last bytes are the versions of operators
		if _, err := onnx.Decode(data[:n]); err == nil {
			t.Fatalf("%d of %d bytes are accepted", n, len(data))
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(file("TreeEnsembleClassifier", stump()))
	f.Add(readGolden(f, "onnx_pipeline"))
	f.Fuzz(func(t *testing.T, data []byte) {
		forest, err := onnx.Decode(data)
		if err != nil {
			return
		}
		for _, tree := range forest.Trees {
			if len(tree.Left) == 0 || len(tree.Left) != len(tree.Value) || len(tree.Value[0]) != len(forest.Classes) {
				t.Fatalf("a tree of uneven shape: %+v", tree)
			}
		}
	})
}
