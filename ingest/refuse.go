package ingest

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// FileError says why a file is refused as a whole and what to do about it. Code is one of FileCodes.
type FileError struct {
	Code   string `json:"code"`
	Reason string `json:"reason"`
	Hint   string `json:"hint"`
	Offset int64  `json:"offset,omitempty"` // in the file as it is stored, of what is wrong with a packed file; 0 if not known

	// Of a header without required columns.
	Missing []MissingColumn `json:"missing,omitempty"`
	Found   []string        `json:"found,omitempty"` // the columns that are there, as the file spells them; at most 30
}

// MissingColumn is a required column that a file does not have.
type MissingColumn struct {
	Column  string `json:"column"`            // its published name
	Nearest string `json:"nearest,omitempty"` // the column of the file that may be meant
}

// Error returns the reason and what to do.
func (e *FileError) Error() string { return e.Reason + "; " + e.Hint + " (" + e.Code + ")" }

func refuse(code, reason, hint string) error {
	return &FileError{Code: code, Reason: reason, Hint: hint}
}

func refuseAt(offset int64, code, reason, hint string) error {
	return &FileError{Code: code, Reason: reason, Hint: hint, Offset: offset}
}

func headerTooLong() error {
	return refuse(CodeHeaderTooLong, fmt.Sprintf("the header does not end within the first %d bytes", MaxHead),
		"check that the first line holds the column names and no quote in it is left open")
}

func refuseLater(line int64) error {
	return refuse(CodeNoHeader, fmt.Sprintf("the first line does not hold the column names; line %d seems to", line),
		"remove the lines before it")
}

func refuseCount(n int) error {
	return refuse(CodeTooManyColumns, fmt.Sprintf("the file has %d columns, %d are allowed", n, MaxColumns),
		"remove the columns that are not needed")
}

// refuseKind refuses what is no text that can be read, by its first bytes.
func refuseKind(head []byte) error {
	const export, unpack = "export it as CSV UTF-8", "unpack it, or pack it with gzip or zstd"
	for _, m := range [...]struct{ magic, code, what, hint string }{
		{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", CodeXLS, "is an old Excel workbook, or one with a password", "save it as .xlsx without a password, or as CSV UTF-8"},
		{"PAR1", CodeNotCSV, "is a Parquet file", export},
		{"%PDF-", CodeNotCSV, "is a PDF document", export},
		{"SQLite format 3\x00", CodeNotCSV, "is an SQLite database", export},
		{"\xfd7zXZ\x00", CodePacking, "is packed with xz", unpack},
		{"BZh", CodePacking, "is packed with bzip2", unpack},
		{"7z\xbc\xaf\x27\x1c", CodePacking, "is a 7z archive", unpack},
		{"Rar!\x1a\x07", CodePacking, "is a RAR archive", unpack},
		{"\x04\x22\x4d\x18", CodePacking, "is packed with lz4", unpack},
		{"\x1f\x9d", CodePacking, "is packed with compress", unpack},
		{"\xff\xfe\x00\x00", CodeUTF16, "is encoded as UTF-32", export},
		{"\x00\x00\xfe\xff", CodeUTF16, "is encoded as UTF-32", export},
		{"\xff\xfe", CodeUTF16, "is encoded as UTF-16", export},
		{"\xfe\xff", CodeUTF16, "is encoded as UTF-16", export},
	} {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return refuse(m.code, "the file "+m.what, m.hint)
		}
	}
	return refuseMarkup(head)
}

// refuseMarkup refuses pages, documents and JSON; what some programs call an Excel export is a page.
func refuseMarkup(head []byte) error {
	text, _ := cutBOM(head)
	text = bytes.TrimLeft(text[:min(len(text), 512)], " \t\r\n")
	for _, m := range [...]struct{ begin, what, hint string }{
		{"<?xml", "XML", "export it as CSV UTF-8"},
		{"<", "an HTML page, whatever its name ends with", "open it in Excel and save it as .xlsx or CSV UTF-8"},
		{"{", "JSON", "export it as CSV UTF-8, or send applications to the HTTP API"},
		{"[", "JSON", "export it as CSV UTF-8, or send applications to the HTTP API"},
	} {
		if bytes.HasPrefix(text, []byte(m.begin)) {
			return refuse(CodeNotCSV, "the file is "+m.what, m.hint)
		}
	}
	return nil
}

// refuseLine refuses a header by its bytes. rest is the text from there on; ended says whether the header's end was seen.
func refuseLine(rec *Record, rest []byte, ended bool) error {
	switch {
	case bytes.IndexByte(rec.Raw, 0) >= 0 && looksLikeUTF16(rest):
		return refuse(CodeUTF16, "the file is encoded as UTF-16 without a byte order mark", "export it as CSV UTF-8, or say that it is utf-16le or utf-16be")
	case bytes.IndexByte(rec.Raw, 0) >= 0:
		return refuse(CodeNUL, "the header holds a NUL byte: the file is not text", "export the data as CSV UTF-8")
	case !ended:
		return headerTooLong()
	case !utf8.Valid(rec.Raw):
		return refuse(CodeBadUTF8, "the header is not UTF-8", "export the data as CSV UTF-8, or say in which encoding it is")
	}
	return nil
}

// looksLikeUTF16 tells UTF-16 without byte order mark from other files with NUL bytes:
// column names are ASCII, so every second byte is NUL.
func looksLikeUTF16(b []byte) bool {
	b = b[:min(len(b), 64)&^1]
	var nul [2]int
	for i, c := range b {
		if c == 0 {
			nul[i%2]++
		}
	}
	pairs := len(b) / 2
	return pairs > 0 && (nul[0] == pairs && nul[1] == 0 || nul[1] == pairs && nul[0] == 0)
}

// refuseDuplicates refuses two columns of the same name; columns without a name do not count.
func (h *Head) refuseDuplicates() error {
	seen := make(map[string]string, len(h.Columns))
	for _, col := range h.Columns {
		key := strings.ToLower(col.Name)
		if col.Known != "" {
			key = strings.ToLower(col.Known)
		}
		if key == "" {
			continue
		}
		if first, ok := seen[key]; ok {
			return refuse(CodeDuplicateColumn, fmt.Sprintf("the columns %s and %s have the same name", shown(first), shown(col.Name)),
				"remove or rename one of them")
		}
		seen[key] = col.Name
	}
	return nil
}

// refuseMissing lists the required columns that are not there, the columns found, and which of them may be meant.
func (h *Head) refuseMissing(missing []Column) error {
	e := &FileError{Code: CodeMissingColumns}
	var names, found, other, hints []string
	for _, col := range h.Columns {
		found = append(found, shown(col.Name))
		e.Found = append(e.Found, col.Name)
		if col.Known == "" {
			other = append(other, col.Name)
		}
	}
	const most = 30 // columns found that are listed
	if n := len(found); n > most {
		found, e.Found = append(found[:most], fmt.Sprintf("and %d more", n-most)), e.Found[:most]
	}
	if missing[0] == ApplicantIncome || missing[0] == CoapplicantIncome {
		if near := nearest(TotalIncome.String(), other); near != "" {
			hints = append(hints, fmt.Sprintf("rename %s to %s", shown(near), TotalIncome))
		}
	}
	for _, c := range missing {
		near := nearest(c.String(), other)
		names = append(names, c.String())
		e.Missing = append(e.Missing, MissingColumn{Column: c.String(), Nearest: near})
		if near != "" {
			hints = append(hints, fmt.Sprintf("rename %s to %s", shown(near), c))
		}
	}
	e.Reason = "required columns are missing: " + strings.Join(names, ", ") + "; found: " + strings.Join(found, ", ")
	e.Hint = strings.Join(append(hints, "add what is missing; TotalIncome can stand for the two incomes"), ", ")
	return e
}

// shown quotes a name from a file for people, cut to a readable length.
func shown(name string) string {
	const most = 40
	if len(name) > most {
		name = strings.ToValidUTF8(name[:most], "") + "..."
	}
	return fmt.Sprintf("%q", name)
}
