package ingest

import (
	"fmt"
	"strings"

	"github.com/loanscorer/loanscorer/ingest/workbook"
)

// Dialect says how a file is written. It is decided once for the whole file, from its first bytes and what the user
// says, never row by row or cell by cell, and is kept with the plan of a batch. The zero value of a member is its
// default.
type Dialect struct {
	// Packing is one of the Packing constants, empty if the file is the text itself.
	Packing string `json:"packing,omitempty" doc:"How the file is packed: gzip, zstd, zip or xlsx"`
	// Member names the file in a zip archive or the sheet of a workbook.
	Member string `json:"member,omitempty" doc:"The file in the zip archive or the sheet of the workbook"`
	// Encoding is one of the Encoding constants.
	Encoding string `json:"encoding" enum:"utf-8,utf-16le,utf-16be,windows-1252"`
	// Delimiter is the character between cells, usually "," ";" TAB or "|".
	Delimiter string `json:"delimiter" doc:"The character between cells"`
	// Decimal is "." or ",".
	Decimal string `json:"decimal" doc:"The sign before decimals"`
	// Grouping is "." if 5.849 means 5849, empty if that is refused.
	Grouping string `json:"grouping,omitempty" doc:"The sign that groups thousands, if one is read"`
	// Newline is one of the Newline constants.
	Newline string `json:"newline" enum:"lf,cr,row" doc:"What ends a line; lf is with or without a carriage return before it"`
}

// Encodings of text. Windows-1252 stands for Latin-1 (ISO 8859-1) too, as in https://encoding.spec.whatwg.org/.
const (
	EncodingUTF8        = "utf-8"
	EncodingWindows1252 = "windows-1252"
	EncodingUTF16LE     = "utf-16le"
	EncodingUTF16BE     = "utf-16be"
)

// Line endings.
const (
	NewlineLF = "lf" // a line feed, with or without carriage returns before it
	NewlineCR = "cr" // a carriage return alone

	// NewlineRow ends the rows of a workbook's sheet: workbook.EndOfRow, so that line numbers are those of its rows.
	NewlineRow = "row"
)

func (d Dialect) delimiter() byte {
	if d.Delimiter == "" {
		return ','
	}
	return d.Delimiter[0]
}

// newline is the byte that ends a line; foreign is the one that then has no business outside quotes.
func (d Dialect) newline() (newline, foreign byte) {
	switch d.Newline {
	case NewlineCR:
		return '\r', '\n'
	case NewlineRow:
		return workbook.EndOfRow, workbook.EndOfRow // the other characters are put in quotes
	}
	return '\n', '\r'
}

// Streamed reports whether the text is made from the stored bytes, by unpacking or from UTF-16. Such a file is read from
// its start (Head.Open) and not in ranges, and offsets count the bytes of the text in UTF-8.
func (d Dialect) Streamed() bool { return d.Packing != "" || d.utf16() }

func (d Dialect) utf16() bool { return d.Encoding == EncodingUTF16LE || d.Encoding == EncodingUTF16BE }

// String tells people what differs from UTF-8 with commas, or that nothing does:
// "UTF-8, semicolons, decimal comma".
func (d Dialect) String() string {
	if d.Packing == PackingXLSX {
		return "Excel workbook, sheet " + shown(d.Member)
	}
	words := []string{encodingName(d.Encoding), delimiterName(d.delimiter())}
	switch {
	case d.Packing != "" && d.Member != "":
		words = append([]string{fmt.Sprintf("%s (%s)", d.Packing, shown(d.Member))}, words...)
	case d.Packing != "":
		words = append([]string{d.Packing}, words...)
	}
	if d.Decimal == "," {
		words = append(words, "decimal comma")
	}
	if d.Grouping != "" {
		words = append(words, "thousands grouped by points")
	}
	if d.Newline == NewlineCR {
		words = append(words, "lines ended by CR")
	}
	return strings.Join(words, ", ")
}

func encodingName(encoding string) string {
	switch encoding {
	case EncodingWindows1252:
		return "Windows-1252"
	case EncodingUTF16LE:
		return "UTF-16 LE"
	case EncodingUTF16BE:
		return "UTF-16 BE"
	}
	return "UTF-8"
}

func delimiterName(c byte) string {
	switch c {
	case ',':
		return "commas"
	case ';':
		return "semicolons"
	case '\t':
		return "tabs"
	case '|':
		return "bars (|)"
	case ' ':
		return "spaces"
	}
	return fmt.Sprintf("%q", rune(c))
}
