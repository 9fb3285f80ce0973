// Package sklearn reads a classifier of trees that scikit-learn saved with
// Python's pickle or with joblib, as plain data; nothing is executed.
//
//	file --unpack.Bytes--> pickle --pickle.Decode--> objects --Decode--> *Forest
//
// It reads a RandomForestClassifier, an ExtraTreesClassifier or a
// DecisionTreeClassifier, alone or in a Pipeline behind one SimpleImputer. The
// file may be packed with zlib, gzip, bz2, xz or lzma; arrays may have been
// memory-mapped. It knows the module names of scikit-learn 0.18 to 1.9 and
// numpy 1 and 2, tree nodes with and without missing_go_to_left, and leaf
// values as counts (up to scikit-learn 1.3) or fractions (from 1.4 on). Fields
// are found by name; a layout with an unknown field is refused by name. It
// checks types, lengths and byte orders; whether the nodes form a tree is
// checked by package model.
//
// An unpacked file is at most [MaxBytes], and memory stays within a small
// multiple of it. Anything else gives an [*UnsupportedError] that says what was
// found and what to do.
package sklearn
