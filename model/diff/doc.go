// Package diff tells how two models differ: in what their files say, and in
// what they decide about the same rows.
//
//	model A ─┬─ Files ──────────────────▶ changes of features, policy, training, ...
//	model B ─┘
//	rows ──▶ both models ──▶ Comparison ──▶ agreement, swap sets, drift by group
//
// A swap set is the rows that one model approves and the other does not: what a
// lender wins or loses by the change. Every share has a 95 % interval; rows are
// taken as independent.
//
// It does not say which model is better: that needs outcomes, and package
// evaluate. Outcomes, where they are known, are counted in the swap sets.
package diff
