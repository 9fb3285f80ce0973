package scorer

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
)

// reject is one row that was not scored. In the rejects of a chunk the lines
// count from the chunk's first record.
type reject struct {
	status.RowProblem
	Original string `json:"original"`
}

// maxReason bounds the text of a reason, in bytes; the reasons of this program
// are shorter.
const maxReason = 512

// rejectWriter hands the rejects of a scan to a sink, counts them, and keeps
// the first few. The first error of the sink ends it.
type rejectWriter struct {
	sink     func(*reject) error
	rows     int64
	problems []status.RowProblem
	err      error
}

func (w *rejectWriter) add(e *ingest.RowError, raw []byte) {
	w.rows++
	if len(e.Reason) > maxReason {
		e.Reason = strings.ToValidUTF8(e.Reason[:maxReason], "")
	}
	r := reject{
		RowProblem: status.RowProblem{Line: e.Line, Offset: e.Offset, Column: e.Column, Code: e.Code, Reason: e.Reason},
		Original:   strings.ToValidUTF8(string(raw), "\uFFFD"),
	}
	if len(w.problems) < status.MaxRowProblems {
		w.problems = append(w.problems, r.RowProblem)
	}
	if w.err == nil {
		w.err = w.sink(&r)
	}
}

// maxRejectLines is how many bytes of rejects are kept while a chunk is scored.
const maxRejectLines = 4 << 20

// rejectLines keeps the rejects of a chunk in memory up to a limit. Beyond it
// they are only counted: a chunk of short bad rows has many times its size in
// rejects. They are then made in a second pass, straight into the store.
type rejectLines struct {
	rejectWriter
	buf  bytes.Buffer
	full bool
}

func newRejectLines() *rejectLines {
	l := &rejectLines{}
	write := linesTo(&l.buf)
	l.sink = func(r *reject) error {
		if l.full {
			return nil
		}
		if l.full = l.buf.Len() > maxRejectLines; l.full {
			l.buf = bytes.Buffer{}
			return nil
		}
		return write(r)
	}
	return l
}

// linesTo is a sink that writes one JSON document a line.
func linesTo(out io.Writer) func(*reject) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	return func(r *reject) error { return enc.Encode(r) }
}

// rejectColumns is the header of rejects.csv.
func rejectColumns() []string {
	return []string{"line", "byte_offset", "column", "code", "reason", "original"}
}

// rejectTable writes rejects.csv.
type rejectTable struct{ csv *csv.Writer }

func newRejectTable(out io.Writer) (*rejectTable, error) {
	t := &rejectTable{csv: csv.NewWriter(out)}
	return t, t.csv.Write(rejectColumns())
}

// WriteNoRejects writes the rejects file of a batch without any: its header.
func WriteNoRejects(out io.Writer) error {
	t, err := newRejectTable(out)
	if err != nil {
		return err
	}
	return t.flush()
}

func (t *rejectTable) write(r *reject) error {
	return t.csv.Write([]string{
		strconv.FormatInt(r.Line, 10), strconv.FormatInt(r.Offset, 10),
		Neutralise(r.Column), r.Code, Neutralise(r.Reason), Neutralise(r.Original),
	})
}

func (t *rejectTable) flush() error {
	t.csv.Flush()
	return t.csv.Error()
}

// Neutralise keeps a spreadsheet from taking a cell of an exported CSV file
// for a formula: a leading = + - @ TAB CR LF NUL, or the full-width form of one,
// gets an apostrophe before it.
// https://owasp.org/www-community/attacks/CSV_Injection
func Neutralise(cell string) string {
	first, _ := utf8.DecodeRuneInString(cell)
	if cell != "" && strings.ContainsRune("=+-@\t\r\n\x00＝＋－＠", first) {
		return "'" + cell
	}
	return cell
}
