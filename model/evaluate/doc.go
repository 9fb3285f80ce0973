// Package evaluate measures how well forests tell applications apart.
//
//	train.Data ── Folds ──▶ CrossValidate ──▶ Result ──▶ WriteReport (HTML), JSON
//	model      ───────────▶ Measure      ───────┘
//
// In cross-validation everything is fitted inside the folds: the constants
// for missing values as well as the trees. Folds are scikit-learn's: the same
// seed gives the same rows.
//
// Numbers are shares of 1, never per cent. Measures for two classes take the
// positive class against all others. Nothing here changes a model, and nothing
// here says whether a model is fair.
package evaluate
