// Package workbook reads one sheet of an Excel workbook (.xlsx, ECMA-376 part 1) as CSV text, as a stream.
//
// Text and numbers come as they are stored, numbers with a decimal point whatever the workbook shows; dates come as
// 2006-01-02 or 2006-01-02T15:04:05; of formulas the value that was stored last. Every row of the sheet ends with
// EndOfRow, also an empty one, so that the n-th row of the text is row n of the sheet. Rows have as many cells as the
// first one that is not empty, and more if there are more; cells are quoted where they must be.
//
// Only the shared strings are held in memory, at most MaxStrings bytes of them. XML is read by a tokenizer of a few
// lines that keeps one tag or one cell at a time, resolves no entities but the five of XML and character references,
// and refuses document types. Nothing panics on any input.
package workbook
