// Package model scores loan applications with a random forest kept in one
// JSON file.
//
//	model file (JSON) --Parse--> *Model --Probability--> float64 --Policy--> decision
//	forest.pkl --Import--> *Spec --Encode--> model file
//
// A [Model] is immutable and safe for concurrent use. Its identity is the
// SHA-256 of the file's exact bytes. Scores equal scikit-learn's predict_proba
// and predict to the last bit, by this rule (scikit-learn 1.x, tree/_tree.pyx
// and ensemble/_forest.py):
//
//  1. A missing value (NaN) is replaced by its feature's constant, in float64.
//  2. Each feature is rounded to float32.
//  3. At a node, go left when float64(x32) <= threshold. A value that is still
//     missing goes where the node's missing_left says, in models that have it
//     (scikit-learn's missing_go_to_left).
//  4. A leaf gives value/sum for each class (value_unit "count"), or value
//     itself (value_unit "fraction", what scikit-learn 1.4 and later store).
//  5. The trees are added in file order in float64, and the sum is divided by
//     the number of trees.
//  6. The first class with the highest probability is the predicted one.
//
// What it does not promise: a model refuses a missing value that has neither a
// constant nor a way through the trees, and a value beyond float32; it never
// guesses. Category codes are not range checked here, as scikit-learn does not;
// that is the caller's work.
package model
