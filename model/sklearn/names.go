package sklearn

import (
	"strings"

	"github.com/loanscorer/loanscorer/model/pickle"
)

// allowed tells which Python names may stand in the file. They only become
// names: a forest needs few, and the rest of scikit-learn is let in so that an
// unsupported model is refused by its own class name.
func allowed(g pickle.Global) bool {
	if strings.HasPrefix(g.Module, "sklearn.") {
		return true
	}
	if g.Module == "numpy.random" || strings.HasPrefix(g.Module, "numpy.random.") {
		return true // a RandomState given as random_state
	}
	switch g {
	case ndarrayClass, dtypeClass, memmapClass, oldMemmapClass:
		return true
	}
	if g.Module == "builtins" || g.Module == "numpy" { // types that the parameters of other steps name
		switch g.Name {
		case "slice", "set", "frozenset", "complex", "bool", "int", "float", "str",
			"float32", "float64", "int32", "int64", "bool_":
			return true
		}
	}
	return isWrapper(g) || isNumpy(g, "multiarray", "_reconstruct") || isNumpy(g, "multiarray", "scalar") ||
		isNumpy(g, "numeric", "_frombuffer")
}

var (
	ndarrayClass   = pickle.Global{Module: "numpy", Name: "ndarray"}
	dtypeClass     = pickle.Global{Module: "numpy", Name: "dtype"}
	memmapClass    = pickle.Global{Module: "numpy", Name: "memmap"}
	oldMemmapClass = pickle.Global{Module: "numpy.core.memmap", Name: "memmap"}
	treeClass      = pickle.Global{Module: "sklearn.tree._tree", Name: "Tree"}
)

// isNumpy compares with a name of numpy's core: numpy.core up to numpy 1,
// numpy._core from 2 on.
func isNumpy(g pickle.Global, module, name string) bool {
	return g.Name == name && (g.Module == "numpy.core."+module || g.Module == "numpy._core."+module)
}

// isWrapper tells joblib's stand-in for an array; scikit-learn up to 0.22
// brought a joblib of its own.
func isWrapper(g pickle.Global) bool {
	return g.Name == "NumpyArrayWrapper" &&
		(g.Module == "joblib.numpy_pickle" || g.Module == "sklearn.externals.joblib.numpy_pickle")
}

// isOldJoblib tells the stand-ins of joblib before 0.10, which kept arrays in
// other files.
func isOldJoblib(g pickle.Global) bool {
	return (g.Name == "NDArrayWrapper" || g.Name == "ZNDArrayWrapper") && strings.Contains(g.Module, "joblib.")
}

// isClass compares with a class whose module had another name up to
// scikit-learn 0.21.
func isClass(g pickle.Global, name, module, older string) bool {
	return g.Name == name && (g.Module == module || g.Module == older)
}

func isRandomForest(g pickle.Global) bool {
	return isClass(g, "RandomForestClassifier", "sklearn.ensemble._forest", "sklearn.ensemble.forest")
}

func isExtraTrees(g pickle.Global) bool {
	return isClass(g, "ExtraTreesClassifier", "sklearn.ensemble._forest", "sklearn.ensemble.forest")
}

func isDecisionTree(g pickle.Global) bool {
	return isClass(g, "DecisionTreeClassifier", "sklearn.tree._classes", "sklearn.tree.tree")
}

func isExtraTree(g pickle.Global) bool {
	return isClass(g, "ExtraTreeClassifier", "sklearn.tree._classes", "sklearn.tree.tree")
}

func isPipeline(g pickle.Global) bool {
	return isClass(g, "Pipeline", "sklearn.pipeline", "sklearn.pipeline")
}

func isSimpleImputer(g pickle.Global) bool {
	return isClass(g, "SimpleImputer", "sklearn.impute._base", "sklearn.impute")
}

const adviseForest = "save a fitted RandomForestClassifier, ExtraTreesClassifier or DecisionTreeClassifier, " +
	"alone or in a Pipeline behind one SimpleImputer, with pickle.dump or joblib.dump"

// advise says what to do about a model whose class is not supported.
func advise(g pickle.Global) string {
	switch {
	case strings.HasSuffix(g.Name, "SearchCV"):
		return "save its best_estimator_ instead; " + adviseForest
	case strings.HasSuffix(g.Name, "Regressor"):
		return "it predicts numbers, not classes; " + adviseForest
	case g.Name == "ColumnTransformer" || strings.HasSuffix(g.Name, "Encoder") || strings.HasSuffix(g.Name, "Scaler"):
		return "prepare the columns before fitting; " + adviseForest
	}
	return adviseForest
}
