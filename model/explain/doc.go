// Package explain says why a model gave a probability.
//
//	x --Explain--> base + one contribution a feature --Reasons--> at most four codes
//	x --Changes--> the smallest change of one feature that changes the decision
//
// Contributions are exact Shapley values of the positive class's probability,
// where a feature that is not known is averaged over the training rows that
// reached each node (path-dependent). They equal those of the shap package's
// TreeExplainer with feature_perturbation="tree_path_dependent", and
// base + sum of contributions = probability, up to rounding in the last
// digits. Missing values are explained as what replaced them.
//
// An [Explainer] is safe for concurrent use. What it does not promise: a
// contribution is about the model, not about the world. It does not say that
// changing the feature would change the decision ([Explainer.Changes] does),
// nor that the feature causes loans to fail.
package explain
