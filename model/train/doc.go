// Package train grows random forests as scikit-learn's RandomForestClassifier
// does.
//
//	Data (columns with gaps, labels) ── rows ──▶ Fit ──▶ Forest ──▶ Spec ──▶ model.Encode
//	                                             │
//	        fill gaps (mean, median, mode) ──▶ float32 ──▶ one tree a bootstrap sample
//
// The algorithm is that of scikit-learn 1.2.1: sklearn/ensemble/_forest.py,
// sklearn/tree/_tree.pyx (DepthFirstTreeBuilder), _splitter.pyx
// (node_split_best) and _criterion.pyx (Gini, Entropy). The random numbers are
// NumPy's and scikit-learn's own, so the same data, parameters and seed give
// the same trees, bit for bit, where every class has weight 1 and the
// criterion is Gini. With weighted classes or entropy, splits that are equally
// good may be chosen differently, because sums and logarithms are rounded
// differently.
//
// A fit depends on its data, parameters and seed alone: never on the number of
// cores, the order of scheduling or the clock.
//
// Not offered: missing values inside trees, warm starts, out-of-bag scores,
// limits on leaves or on impurity, sample weights of the caller.
package train
