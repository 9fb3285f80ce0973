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

func refuseBlank(n int, whole bool) error {
	if whole || n < MaxHead {
		return refuse(CodeEmpty, "the file is empty", "upload a CSV file with a header line")
	}
	return refuse(CodeHeaderTooLong, fmt.Sprintf("the first %d bytes are blank lines", n), "remove them, so that the header comes first")
}

// refuseQuotes refuses a header by what is wrong with it as a row.
func refuseQuotes(e *RowError) error {
	reason := e.Reason
	if e.Code == CodeUnclosedQuote {
		reason = "one opens a cell and is not closed"
	}
	return refuse(CodeBadQuote, "the quotes in the header are wrong: "+reason, "correct the first line")
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
			reason := fmt.Sprintf("the columns %s and %s have the same name", shown(first), shown(col.Name))
			if col.Known != "" && first != col.Name {
				reason = fmt.Sprintf("the columns %s and %s are both %s", shown(first), shown(col.Name), col.Known)
			}
			return refuse(CodeDuplicateColumn, reason, "remove or rename one of them")
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
	near := assign(missing, other)
	for i, c := range missing {
		names = append(names, c.String())
		e.Missing = append(e.Missing, MissingColumn{Column: c.String(), Nearest: near[i]})
	}
	if c := missing[0]; (c == ApplicantIncome || c == CoapplicantIncome) && near[0] == "" {
		missing, near = append([]Column{TotalIncome}, missing...), append([]string{nearest(TotalIncome.String(), other)}, near...)
	}
	for i, name := range near {
		if name != "" {
			hints = append(hints, fmt.Sprintf("rename %s to %s", shown(name), missing[i]))
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
