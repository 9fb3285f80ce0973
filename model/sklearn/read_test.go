package sklearn_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/model/pickle"
	"github.com/loanscorer/loanscorer/model/sklearn"
)

func readFile(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", "golden", name+".pkl"))
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func read(t *testing.T, name string) *sklearn.Forest {
	t.Helper()
	f, err := sklearn.Read(bytes.NewReader(readFile(t, name)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestReadGoldenForests(t *testing.T) {
	t.Parallel()
	loans := []string{"TotalIncome", "LoanAmount", "Credit_History", "Property_Area"}
	for _, tc := range []struct {
		name      string
		trees     int
		classes   []any
		features  []string
		fractions bool
	}{
		{"article", 25, []any{int64(0), int64(1)}, loans, false},
		{"binary_text", 10, []any{"N", "Y"}, nil, false},
		{"multi_text", 7, []any{"approve", "decline", "refer, please"}, []string{"a b", "c,d", "é", "f"}, false},
		{"bools", 3, []any{false, true}, nil, false},
		{"floats", 3, []any{0.0, 1.0}, nil, false},
		{"one_class", 2, []any{"Y"}, nil, false},
		{"leaves", 3, []any{"N", "Y"}, nil, false},
		{"fractions", 6, []any{"N", "R", "Y"}, loans, true},
	} {
		f := read(t, tc.name)
		if len(f.Trees) != tc.trees || f.NumFeatures != 4 || f.Fractions != tc.fractions || f.Version == "" {
			t.Errorf("%s: %d trees, %d features, fractions %t, version %q",
				tc.name, len(f.Trees), f.NumFeatures, f.Fractions, f.Version)
		}
		if diff := cmp.Diff(tc.classes, f.Classes); diff != "" {
			t.Errorf("%s: %s", tc.name, diff)
		}
		if diff := cmp.Diff(tc.features, f.FeatureNames); diff != "" {
			t.Errorf("%s: %s", tc.name, diff)
		}
	}
}

func TestReadKeepsPlainParameters(t *testing.T) {
	t.Parallel()
	params := read(t, "article").Params
	for name, want := range map[string]any{
		"n_estimators": int64(25), "max_depth": int64(7), "min_samples_split": int64(25), "max_features": int64(1),
		"bootstrap": true, "criterion": "gini", "max_leaf_nodes": nil, "ccp_alpha": 0.0, "random_state": int64(20240607),
	} {
		if got, ok := params[name]; !ok || got != want {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
}

// Protocols 0 to 3 spell module names as lines of text.
func TestModuleNamesOfOtherVersions(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"floats", "multi_text", "multi_weighted"} {
		data := readFile(t, name)
		want, err := sklearn.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		for _, pair := range [][2]string{
			{"csklearn.ensemble._forest\n", "csklearn.ensemble.forest\n"},
			{"csklearn.tree._classes\n", "csklearn.tree.tree\n"},
			{"cnumpy.core.multiarray\n", "cnumpy._core.multiarray\n"},
			{"ccopy_reg\n", "ccopyreg\n"},
			{"c__builtin__\n", "cbuiltins\n"},
		} {
			data = bytes.ReplaceAll(data, []byte(pair[0]), []byte(pair[1]))
		}
		got, err := sklearn.Decode(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

const imputer = "csklearn.impute._base\nSimpleImputer\n)\x81}b"

// pipelineOf is a pickled Pipeline of steps that are given as opcodes.
func pipelineOf(steps ...string) string {
	var s strings.Builder
	s.WriteString("csklearn.pipeline\nPipeline\n)\x81}Vsteps\n](")
	for _, step := range steps {
		s.WriteString("(Vname\n" + step + "t")
	}
	return s.String() + "esb."
}

func gzipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(s)); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.String()
}

func TestRefusedByName(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ in, found, advice string }{
		"other model":    {"csklearn.linear_model._logistic\nLogisticRegression\n)\x81}b.", "sklearn.linear_model._logistic.LogisticRegression", "RandomForestClassifier"},
		"regressor":      {"csklearn.ensemble._forest\nRandomForestRegressor\n)\x81}b.", "sklearn.ensemble._forest.RandomForestRegressor", "RandomForestClassifier"},
		"other library":  {"cxgboost.sklearn\nXGBClassifier\n)\x81}b.", "xgboost.sklearn.XGBClassifier", "nothing was run"},
		"old joblib":     {"csklearn.ensemble._forest\nRandomForestClassifier\n)\x81cjoblib.numpy_pickle_compat\nZNDArrayWrapper\n.", "joblib before 0.10", "pickle.dump"},
		"search":         {"csklearn.model_selection._search\nGridSearchCV\n)\x81}b.", "GridSearchCV", "best_estimator_"},
		"one extra tree": {"csklearn.tree._classes\nExtraTreeClassifier\n)\x81}b.", "ExtraTreeClassifier", "DecisionTreeClassifier"},
		"scaler":         {pipelineOf("csklearn.preprocessing._data\nStandardScaler\n)\x81}b", "csklearn.tree.tree\nDecisionTreeClassifier\n)\x81}b"), "a Pipeline with sklearn.preprocessing._data.StandardScaler", "before fitting"},
		"two imputers":   {pipelineOf(imputer, imputer, "csklearn.tree.tree\nDecisionTreeClassifier\n)\x81}b"), "more than one SimpleImputer", "SimpleImputer"},
		"last is none":   {pipelineOf(imputer, "N"), "sklearn.impute._base.SimpleImputer", "RandomForestClassifier"},
		"empty pipeline": {pipelineOf("N"), "a Pipeline without a classifier", "RandomForestClassifier"},
		"inside":         {"csklearn.pipeline\nPipeline\n)\x81cpandas.core.frame\nDataFrame\n.", "sklearn.pipeline.Pipeline that refers to pandas.core.frame.DataFrame", "nothing was run"},
		"attack":         {"cposix\nsystem\n(S'true'\ntR.", "posix.system", "nothing was run"},
		"attack inside":  {"csklearn.ensemble._forest\nRandomForestClassifier\n)\x81cbuiltins\neval\n.", "RandomForestClassifier that refers to builtins.eval", "nothing was run"},
		"numpy function": {"cnumpy.testing._private.utils\nrunstring\n.", "numpy.testing._private.utils.runstring", "nothing was run"},
		"not fitted":     {"csklearn.ensemble._forest\nRandomForestClassifier\n)\x81}b.", "not fitted", "call fit"},
		"array":          {"cnumpy._core.multiarray\n_reconstruct\n)R(I1\n(I1\ntcnumpy\ndtype\n(Vi1\nI00\nI01\ntR(I3\nV|\nNNNI-1\nI-1\nI0\ntbI00\nS'x'\ntb.", "a pickled numpy array", "RandomForestClassifier"},
		"columns":        {pipelineOf("csklearn.compose._column_transformer\nColumnTransformer\n)\x81}(Vx\ncbuiltins\nslice\n)Rub", "N"), "ColumnTransformer", "before fitting"},
		"a list":         {"].", "a pickled list or set", "RandomForestClassifier"},
		"a dict":         {"}.", "a pickled dict", "RandomForestClassifier"},
		"none":           {"N.", "a pickled None", "RandomForestClassifier"},
		"a number":       {"K\x01.", "a pickled number", "RandomForestClassifier"},
		"a class":        {"csklearn.ensemble._forest\nRandomForestClassifier\n.", "a pickled class or function", "RandomForestClassifier"},
		"empty":          {"", "an empty file", "pickle.dump"},
		"twice packed":   {gzipped("BZh91AY"), "a bz2 file inside a gzip file", "unpack"},
		"old packed":     {"ZF0x1f", "joblib before 0.10", "pickle.dump"},
		"zstd":           {"\x28\xb5\x2f\xfd", "a zstd file", "unpack"},
		"lz4":            {"\x04\x22\x4d\x18", "an lz4 file", "unpack"},
		"zip":            {"PK\x03\x04", "a zip file", "unpack"},
		"json":           {`{"format":1}`, "a JSON file", "needs no import"},
		"numpy":          {"\x93NUMPY", "a numpy array file", "RandomForestClassifier"},
	} {
		_, err := sklearn.Decode([]byte(tc.in))
		var u *sklearn.UnsupportedError
		if !errors.As(err, &u) || !strings.Contains(u.Found, tc.found) || !strings.Contains(u.Advice, tc.advice) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReadErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken disk")
	if _, err := sklearn.Read(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Error(err)
	}
	if _, err := sklearn.Decode(make([]byte, sklearn.MaxBytes+1)); !errors.Is(err, pickle.ErrLimit) {
		t.Error(err)
	}
	if _, err := sklearn.Decode([]byte("some text")); !errors.Is(err, pickle.ErrMalformed) {
		t.Error(err)
	}
	if _, err := sklearn.Decode([]byte("csklearn.ensemble._forest\nRandomForestClassifier\n)\x81.")); !errors.Is(err, pickle.ErrMalformed) {
		t.Error(err)
	}
}

// A file cut short is never read as a smaller forest.
func TestEveryTruncationIsRefused(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]int{"leaves": 1, "one_class": 1, "floats": 37, "article": 151, "binary_text": 151} {
		data := readFile(t, name)
		for n := 0; n < len(data); n += step {
			if _, err := sklearn.Decode(data[:n]); err == nil {
				t.Fatalf("%s: %d of %d bytes are accepted", name, n, len(data))
			}
		}
	}
}

// Changed bytes give an error or another forest, never a panic or a hang.
func TestFlippedBytesDoNotPanic(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]int{"leaves": 7, "floats": 211, "article": 601} {
		data := readFile(t, name)
		for i := 0; i < len(data); i += step {
			for _, flip := range []byte{0x01, 0x10, 0x80, 0xff} {
				data[i] ^= flip
				if _, err := sklearn.Decode(data); err != nil && err.Error() == "" {
					t.Fatal("an error without words")
				}
				data[i] ^= flip
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, name := range []string{"leaves", "one_class"} { // small ones: large seeds take long to minimize
		f.Add(readFile(f, name))
	}
	f.Add([]byte("cposix\nsystem\n(S'true'\ntR."))
	f.Fuzz(func(t *testing.T, data []byte) {
		forest, err := sklearn.Decode(data)
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
