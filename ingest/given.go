package ingest

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// ErrGiven is wrapped by every error about a value of Given.
var ErrGiven = errors.New("not a dialect")

// Given is what the user says about a file. Empty members are detected.
type Given struct {
	Delimiter string // comma, semicolon, tab, bar, or the character itself
	Decimal   string // point or comma, or the character itself
	Encoding  string // utf-8, utf-16le, utf-16be, windows-1252 (also latin-1, iso-8859-1, cp1252)
	Sheet     string // name of the sheet of a workbook, or of the file in a zip archive
}

// metadataPrefix begins the names of Given's members in the metadata of an object.
const metadataPrefix = "loanscorer-"

// members lists the members under their names.
func (g *Given) members() map[string]*string {
	return map[string]*string{"delimiter": &g.Delimiter, "decimal": &g.Decimal, "encoding": &g.Encoding, "sheet": &g.Sheet}
}

// Metadata returns what is given as user metadata of an S3 object: loanscorer-delimiter, loanscorer-decimal,
// loanscorer-encoding and loanscorer-sheet, escaped as in a URL's query because metadata is ASCII.
func (g Given) Metadata() map[string]string {
	metadata := map[string]string{}
	for name, value := range g.members() {
		if *value != "" {
			metadata[metadataPrefix+name] = url.QueryEscape(*value)
		}
	}
	return metadata
}

// GivenIn reads what Metadata wrote, or what somebody set by hand. Keys are lower-case; others are left alone.
// A value that is not known is a *FileError: the upload is refused, and not read in a way that nobody asked for.
func GivenIn(metadata map[string]string) (Given, error) {
	var g Given
	for name, value := range g.members() {
		text, err := url.QueryUnescape(metadata[metadataPrefix+name])
		if err != nil {
			return Given{}, badOption(fmt.Errorf("%s: %w", name, err))
		}
		*value = text
	}
	if err := g.Check(); err != nil {
		return Given{}, badOption(err)
	}
	return g, nil
}

func badOption(err error) error {
	return refuse(CodeBadOption, "the metadata of the upload says: "+err.Error(), "upload the file again")
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
