package ingest

import (
	"errors"
	"fmt"
	"strings"
)

// Dialect says how a file is written. It is decided once for the whole file, from its first bytes and what the user
// says, never row by row or cell by cell, and is kept with the plan of a batch. The zero value of a member is its
// default.
type Dialect struct {
	Packing   string `json:"packing,omitempty"`  // one of the Packing constants; empty if the file is the text itself
	Member    string `json:"member,omitempty"`   // the file in a zip archive or the sheet of a workbook
	Encoding  string `json:"encoding"`           // one of the Encoding constants
	Delimiter string `json:"delimiter"`          // the character between cells, usually "," ";" TAB or "|"
	Decimal   string `json:"decimal"`            // "." or ","
	Grouping  string `json:"grouping,omitempty"` // "." if 5.849 means 5849; empty if it is refused
	Newline   string `json:"newline"`            // one of the Newline constants
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
)

func (d Dialect) delimiter() byte {
	if d.Delimiter == "" {
		return ','
	}
	return d.Delimiter[0]
}

// newline is the byte that ends a line; foreign is the one that then has no business outside quotes.
func (d Dialect) newline() (newline, foreign byte) {
	if d.Newline == NewlineCR {
		return '\r', '\n'
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

// ErrGiven is wrapped by every error about a value of Given.
var ErrGiven = errors.New("not a dialect")

// Given is what the user says about a file. Empty members are detected.
type Given struct {
	Delimiter string // comma, semicolon, tab, bar, or the character itself
	Decimal   string // point or comma, or the character itself
	Encoding  string // utf-8, utf-16le, utf-16be, windows-1252 (also latin-1, iso-8859-1, cp1252)
	Sheet     string // name of the sheet of a workbook
}

// Check returns an error that wraps ErrGiven and names the member whose value is not known.
func (g Given) Check() error {
	_, err := g.dialect()
	return err
}

// dialect returns the members that are given, in the form that Dialect has.
func (g Given) dialect() (Dialect, error) {
	d := Dialect{Member: g.Sheet}
	switch g.Decimal {
	case "":
	case "point", ".":
		d.Decimal = "."
	case "comma", ",":
		d.Decimal, d.Grouping = ",", "." // where the comma is the decimal sign, a point can only group
	default:
		return d, fmt.Errorf("decimal %q: %w; give point or comma", g.Decimal, ErrGiven)
	}
	switch name := strings.ToLower(g.Encoding); name {
	case "":
	case EncodingUTF8, "utf8":
		d.Encoding = EncodingUTF8
	case EncodingWindows1252, "cp1252", "latin-1", "latin1", "iso-8859-1":
		d.Encoding = EncodingWindows1252
	case EncodingUTF16LE, EncodingUTF16BE:
		d.Encoding = name
	default:
		return d, fmt.Errorf("encoding %q: %w; give utf-8, utf-16le, utf-16be or windows-1252", g.Encoding, ErrGiven)
	}
	switch name := strings.ToLower(g.Delimiter); {
	case name == "":
	case name == "comma":
		d.Delimiter = ","
	case name == "semicolon":
		d.Delimiter = ";"
	case name == "tab", name == `\t`:
		d.Delimiter = "\t"
	case name == "bar", name == "pipe":
		d.Delimiter = "|"
	case len(name) == 1 && canDelimit(name[0]):
		d.Delimiter = name
	default:
		return d, fmt.Errorf("delimiter %q: %w; give comma, semicolon, tab, bar, or one ASCII character "+
			"that is no part of a name or a number", g.Delimiter, ErrGiven)
	}
	return d, nil
}

// canDelimit reports whether a character can stand between cells: none that names, numbers or lines are made of.
func canDelimit(c byte) bool {
	switch {
	case c == 0, c >= 0x7f, c == '\n', c == '\r', c == '"', c == ' ':
		return false
	case c == '.', c == '-', c == '+', c == '_':
		return false
	case '0' <= c && c <= '9', 'a' <= lower(c) && lower(c) <= 'z':
		return false
	}
	return true
}
