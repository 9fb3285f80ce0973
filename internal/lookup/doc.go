// Package lookup finds the rows of one Loan_ID in a finished batch without
// reading its parts:
//
//	summary.json ─► one 32-byte block of each part's bloom filter
//	                  └─ of parts that pass: a block of each page's filter, where there are such
//	                       └─ of parts that pass: page indexes and footer ─► pages of Loan_ID that can hold it
//	                                               └─ of rows that match: one page of every column
//
// What is read is counted and bounded by the number of parts, not by their
// size: the bounds of pages leave one page or two where the Loan_IDs of a part
// are in some order, filters of pages where they are in none.
//
// The package reads the Parquet that the worker writes, and no other: flat, zstd
// or stored, with the encodings of package columnar. It checks the pages'
// checksums. Damaged parts are ErrDamaged and take bounded memory.
package lookup
