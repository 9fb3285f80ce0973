// Package lookup finds the rows of one Loan_ID in a finished batch without
// reading its parts:
//
//	summary.json ─► one 32-byte block of each part's bloom filter
//	                  └─ of parts that pass: page indexes and footer ─► pages of Loan_ID that can hold it
//	                                          └─ of rows that match: one page of every column
//
// What is read is counted and bounded by the number of parts, not by their
// size, where the Loan_IDs of a part are in some order: its page bounds then
// leave one page or two. Where they are in none, all pages of Loan_ID in the
// parts that pass are read.
//
// The package trusts the summary for where things are and checks the pages'
// checksums.
package lookup
