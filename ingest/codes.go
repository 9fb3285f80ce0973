package ingest

// Codes of rows and fields. They are part of rejects.csv and of HTTP answers: their meaning never changes.
const (
	CodeMissingValue     = "missing_value"     // an income or Property_Area is not given
	CodeBadNumber        = "bad_number"        // a number cell does not follow the decimal grammar of ParseNumber
	CodeOverflow         = "overflow"          // a number is beyond float64
	CodeOutOfRange       = "out_of_range"      // a number outside its column's range
	CodeUnknownCategory  = "unknown_category"  // Property_Area is not one of the published names
	CodeInconsistent     = "inconsistent"      // TotalIncome contradicts the two incomes
	CodeWrongFieldCount  = "wrong_field_count" // a row with more or fewer cells than the header
	CodeBadQuote         = "bad_quote"         // a quote inside an unquoted cell, or text after a closing quote
	CodeUnclosedQuote    = "unclosed_quote"    // a quote that no later line closes within the record limit
	CodeRecordTooLong    = "record_too_long"   // a record beyond the record limit
	CodeBareCR           = "bare_cr"           // a carriage return without a line feed, outside quotes
	CodeBareLF           = "bare_lf"           // a line feed outside quotes, in a file whose lines end with a carriage return
	CodeBadUTF8          = "bad_utf8"          // bytes that are not UTF-8
	CodeNUL              = "nul"               // a NUL byte
	CodeUnknownField     = "unknown_field"     // a JSON member that is no published column
	CodeWrongType        = "wrong_type"        // a JSON value of the wrong type
	CodeTooLong          = "too_long"          // JSON text beyond MaxText or MaxLoanID
	CodeControlCharacter = "control_character" // JSON text with a control character
)

// Codes of files that are refused as a whole; CodeBareCR, CodeBadUTF8, CodeBadQuote and CodeNUL say the same of a header.
const (
	CodeEmpty           = "empty"             // no bytes, or nothing but blank lines
	CodeTruncated       = "truncated"         // a packed file that ends too early
	CodeCorrupt         = "corrupt"           // a packed file that is damaged
	CodeUnpacksTooLarge = "unpacks_too_large" // a packed file beyond MaxRatio or MaxUnpacked, or whose unpacking needs too much memory
	CodePacked          = "packed"            // a packed file inside a packed file
	CodePacking         = "packing"           // packed in a way that is not undone
	CodeZip             = "zip"               // a zip archive without just one CSV file that can be read
	CodeSheet           = "sheet"             // a workbook without the sheet that is asked for
	CodeXLS             = "xls"               // an old Excel workbook, or one with a password
	CodeNotCSV          = "not_csv"           // a file of another kind: Parquet, PDF, HTML, XML, JSON
	CodeUTF16           = "utf16"             // UTF-16 without a byte order mark, or UTF-32
	CodeDelimiter       = "delimiter"         // cells are separated by something that is not tried, or a sep= line that names nothing
	CodeDuplicateColumn = "duplicate_column"  // two columns of the same name
	CodeMissingColumns  = "missing_columns"   // required columns are not there
	CodeTooManyColumns  = "too_many_columns"  // more than MaxColumns
	CodeHeaderTooLong   = "header_too_long"   // the header does not end within the bytes given
	CodeBadOption       = "bad_option"        // the upload's metadata says something about the file that is not known
	CodeNoHeader        = "no_header"         // the first line is data, or something else than column names
)

// RowCodes lists every code that a *RowError can have.
func RowCodes() []string {
	return []string{
		CodeMissingValue, CodeBadNumber, CodeOverflow, CodeOutOfRange, CodeUnknownCategory, CodeInconsistent,
		CodeWrongFieldCount, CodeBadQuote, CodeUnclosedQuote, CodeRecordTooLong, CodeBareCR, CodeBareLF, CodeBadUTF8, CodeNUL,
	}
}

// FieldCodes lists every code that a FieldError can have.
func FieldCodes() []string {
	return []string{
		CodeMissingValue, CodeOverflow, CodeOutOfRange, CodeUnknownCategory, CodeInconsistent,
		CodeUnknownField, CodeWrongType, CodeTooLong, CodeControlCharacter,
	}
}

// FileCodes lists every code that a *FileError can have.
func FileCodes() []string {
	return []string{
		CodeEmpty, CodeTruncated, CodeCorrupt, CodeUnpacksTooLarge, CodePacked, CodePacking, CodeZip, CodeSheet, CodeXLS, CodeNotCSV,
		CodeUTF16, CodeNUL, CodeBadUTF8, CodeBareCR,
		CodeDelimiter, CodeBadQuote, CodeHeaderTooLong, CodeNoHeader, CodeDuplicateColumn, CodeTooManyColumns,
		CodeMissingColumns, CodeBadOption,
	}
}
