// Package sklearn reads a RandomForestClassifier that scikit-learn saved with
// Python's pickle, as plain data; nothing is executed.
//
//	pickle --pickle.Decode--> objects --Read--> *Forest
//
// It reads module names of scikit-learn 0.18 to 1.9 and numpy 1 and 2, tree
// nodes with and without missing_go_to_left, and leaf values as counts (up to
// scikit-learn 1.3) or fractions (from 1.4 on). Fields are found by name; a
// layout with an unknown field is refused by name. It checks types, lengths
// and byte orders; whether the nodes form a tree is checked by package model.
//
// Input is at most [MaxBytes], and memory stays within a small multiple of it.
// Anything but one plain forest gives an [*UnsupportedError] that says what
// was found and what to do.
package sklearn
