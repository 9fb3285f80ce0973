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
	if strings.HasPrefix(g.Module, "numpy.random.") {
		return true // a RandomState given as random_state
	}
	switch g {
	case ndarrayClass, dtypeClass:
		return true
	}
	return isNumpy(g, "multiarray", "_reconstruct") || isNumpy(g, "multiarray", "scalar") ||
		isNumpy(g, "numeric", "_frombuffer")
}

var (
	ndarrayClass = pickle.Global{Module: "numpy", Name: "ndarray"}
	dtypeClass   = pickle.Global{Module: "numpy", Name: "dtype"}
	treeClass    = pickle.Global{Module: "sklearn.tree._tree", Name: "Tree"}
)

// isNumpy compares with a name of numpy's core: numpy.core up to numpy 1,
// numpy._core from 2 on.
func isNumpy(g pickle.Global, module, name string) bool {
	return g.Name == name && (g.Module == "numpy.core."+module || g.Module == "numpy._core."+module)
}

func isForest(g pickle.Global) bool {
	return g.Name == "RandomForestClassifier" &&
		(g.Module == "sklearn.ensemble._forest" || g.Module == "sklearn.ensemble.forest")
}

func isTreeClassifier(g pickle.Global) bool {
	return g.Name == "DecisionTreeClassifier" &&
		(g.Module == "sklearn.tree._classes" || g.Module == "sklearn.tree.tree")
}
