// Package columnar writes flat Parquet files from typed columns.
//
// The row writers of Parquet libraries take a value at a time; at millions of
// rows a second their bookkeeping costs more than the scoring. Here the caller
// hands over whole slices of one column, and what it knows already (the code of
// a text, the distinct values) is used instead of found again:
//
//	columns ──► Group: pages, encoded and compressed as they fill ──► File
//
// A [Group] is one row group. It is made in memory by one goroutine; groups of
// one file can be made side by side and are written in order by [File]. The
// same calls give the same bytes.
//
// Pages are data pages of version 1: dictionary-encoded where the caller has
// codes, else PLAIN numbers and DELTA_BYTE_ARRAY texts; whole numbers are
// DELTA_BINARY_PACKED. Everything is as parquet-format 2.9 has it, so that every
// reader can read it:
// https://github.com/apache/parquet-format
//
// It does not write nested or repeated columns, nor encrypted files.
package columnar
