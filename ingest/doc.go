// Package ingest reads loan applications: the published columns and their rules, as JSON documents and as rows of
// CSV files.
//
// Everything here is a pure function of bytes. Nothing is scored, nothing is stored, nothing panics on any input,
// and memory is bounded by options, never by the input.
//
//	JSON ── DecodeJSON ─────────────────────────────────────────┐
//	                                                            ├─► Application ─► the scorer's features
//	CSV ── ParseHead ── Head.Decoder ──────────┐                │
//	  └─── Chunks, Chunk, FirstRecord ── Scanner ── RowDecoder ─┘
//	                                          └── RowError ─► rejects
//
// Numbers follow one grammar in both forms (ParseNumber), and a value that is not allowed in one form is not allowed
// in the other. A missing value is null, left out, or an empty cell. An income (ApplicantIncome and
// CoapplicantIncome, or TotalIncome) and Property_Area must be there; LoanAmount and Credit_History may be missing,
// what then happens is the model's business. The other columns are carried along: Gender, Married, Dependents,
// Education, Self_Employed and Loan_Status are text of any spelling, because no decision depends on them.
//
// # Files in ranges
//
// A file is cut into ranges by its size alone (Chunks, Chunk). A range owns the records that begin in it. Where its
// first record begins cannot be known without reading the file from the start, because a line feed may be inside
// quotes; FirstRecord guesses that it is not. Scanning a range gives the offset where the next record begins
// (Scanner.Next). If that is where the next range began, both are right; if not, the next range is scanned again from
// there. Because a record depends only on the bytes from its start, the result is that of scanning the whole file.
//
// # Dialects
//
// How a file is written (Dialect) is decided once, by ParseHead, on its first bytes and what the user says: delimiter,
// decimal sign, encoding, line endings. Everything else refers to that decision. What cannot be read is refused by name
// (FileCodes), so that nothing is scored that was misread.
package ingest
