package ingest

import (
	"context"
	"errors"
	"io"
)

// CheckOptions say what is checked. The zero value checks the whole file by the rules of this package.
type CheckOptions struct {
	Given    Given
	MaxText  int64            // stop after about so many bytes of text; 0: no end
	Partial  bool             // the source is only the start of a file
	Size     int64            // of that file in bytes, if it is known; else 0
	IDs      int              // different Loan_IDs that are counted exactly; 0: MaxIDs
	Progress func(read int64) // told the bytes of the source that were read, now and then; may be nil

	// Accept and Required are those of BlockOptions.
	Accept   func(*Application) error
	Required []Column
}

// MaxProblems is how many wrong rows a report lists.
const MaxProblems = 20

// Report is what was found out about a file without scoring it.
type Report struct {
	OK            bool             `json:"ok" doc:"The file can be scored; single rows may still be rejected"`
	Refused       *FileError       `json:"refused" doc:"Why the file is refused as a whole; null if it is not"`
	Dialect       *Dialect         `json:"dialect" doc:"How the file is written; null if it is refused before that is known"`
	Columns       []HeadColumn     `json:"columns" nullable:"false" doc:"The columns of the file, and what they are known as"`
	Rows          int64            `json:"rows" doc:"Rows that were checked"`
	Rejected      int64            `json:"rejected" doc:"Rows of these that would be rejected"`
	RejectedCodes map[string]int64 `json:"rejected_by_code" nullable:"false"`
	Problems      []RowError       `json:"problems" nullable:"false" doc:"The first 20 of them"`
	Duplicates    Duplicates       `json:"duplicate_loan_ids"`
	Complete      bool             `json:"complete" doc:"The whole file was checked, not only its start"`
	Bytes         int64            `json:"bytes" doc:"Bytes of text that were checked"`
	RowsEstimate  int64            `json:"rows_estimate" doc:"Rows of the whole file: counted if complete, else estimated; 0 if not known"`
	Seconds       float64          `json:"seconds_estimate" doc:"Time to score them with one worker"`
	RowsPerSecond float64          `json:"rows_per_second" doc:"The rate of that estimate"`
	Measured      bool             `json:"rows_per_second_measured_here" doc:"The rate is that of rows of this file on this machine, not the documented one"`
}

// RowsPerSecond is the documented rate of one core, measured with the built-in model: docs/performance.md.
const RowsPerSecond = 1_800_000

// Rate estimates the seconds anew by a rate that was measured; one that is not positive is ignored.
func (r *Report) Rate(perSecond float64) {
	if perSecond > 0 {
		r.RowsPerSecond, r.Measured = perSecond, true
		r.Seconds = float64(r.RowsEstimate) / perSecond
	}
}

// Check reads a file as it would be scored, and tells what is wrong with it. What is wrong with the file is in the report;
// the error is that of the source, of ctx, or of the options.
func Check(ctx context.Context, src Source, o CheckOptions) (*Report, error) {
	c := &checker{o: o, size: src.Size, report: Report{
		Columns: []HeadColumn{}, Problems: []RowError{}, RejectedCodes: map[string]int64{}, Duplicates: Duplicates{Exact: true},
	}}
	open := src.Open
	src.Open = func(offset int64) (io.ReadCloser, error) {
		in, err := open(offset)
		if err != nil {
			return nil, err
		}
		return &readCounter{in, &c.read}, nil
	}
	err := c.check(ctx, src)
	var refused *FileError
	switch {
	case errors.As(err, &refused):
		c.report.Refused = refused
	case err != nil:
		return nil, err
	}
	c.estimate()
	return &c.report, nil
}

type readCounter struct {
	io.ReadCloser
	n *int64
}

// Read implements io.Reader.
func (r *readCounter) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	*r.n += int64(n)
	return n, err
}

// checker is one run of Check.
type checker struct {
	o       CheckOptions
	size    int64 // of the source
	read    int64 // of the source
	report  Report
	lastEnd int64 // where the last rejected row ended
	lastNew bool  // it is listed
	last    string
}

func (c *checker) check(ctx context.Context, src Source) error {
	text, err := open(src, c.o.Given, true)
	if err != nil {
		return err
	}
	defer func() { _ = text.Close() }()
	head := text.Head
	c.report.Dialect, c.report.Columns = &head.Dialect, head.Columns
	o := ScannerOptions{FirstLine: head.DataLine, Dialect: head.Dialect}
	if c.o.MaxText > 0 {
		o.End = head.DataStart + c.o.MaxText
	}
	if tail := src.Size - MaxRecord; c.o.Partial && !head.Dialect.Streamed() && tail > head.DataStart {
		if o.End == 0 || o.End > tail {
			o.End = tail // a row may be cut off after that
		}
	}
	s := NewScanner(text, head.DataStart, o)
	err = c.rows(ctx, s, head.Decoder())
	c.report.Bytes = s.Next()
	c.report.Complete = s.eof && s.from == s.to && !c.o.Partial
	var cut *FileError
	if c.o.Partial && errors.As(err, &cut) && cut.Code == CodeTruncated {
		err = nil // of a packed file, too, only the start was given
	}
	if c.o.Partial && s.eof && c.lastEnd >= s.Next() && s.from == s.to {
		c.takeBack() // it is not wrong but cut off
	}
	c.report.OK = err == nil
	return err
}

// rows reads the rows.
func (c *checker) rows(ctx context.Context, s *Scanner, d *RowDecoder) error {
	r := NewBlockReader(s, d, BlockOptions{Accept: c.o.Accept, Required: c.o.Required, Reject: func(rec *Record, err error) error {
		return c.reject(s, rec, err)
	}})
	ids := NewIDs(c.o.IDs)
	defer func() { c.report.Duplicates = ids.Duplicates() }()
	var b Block
	for more := true; more; {
		var err error
		if more, err = r.Read(&b); err != nil {
			return err
		}
		c.report.Rows += int64(b.Rows)
		if column := &b.Texts[LoanID]; column.IsRaw {
			for i := range b.Rows {
				ids.Add(column.Raw.Row(i))
			}
		}
		if c.o.Progress != nil {
			c.o.Progress(c.read)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// reject counts and lists a row that would be rejected.
func (c *checker) reject(s *Scanner, rec *Record, err error) error {
	var row *RowError
	if !errors.As(err, &row) {
		return err
	}
	row.Line, row.Offset = rec.Line, rec.Offset
	c.report.Rows++
	c.report.Rejected++
	c.report.RejectedCodes[row.Code]++
	c.last, c.lastEnd, c.lastNew = row.Code, s.Next(), len(c.report.Problems) < MaxProblems
	if c.lastNew {
		c.report.Problems = append(c.report.Problems, *row)
	}
	return nil
}

// takeBack forgets the last rejected row.
func (c *checker) takeBack() {
	c.report.Rows--
	c.report.Rejected--
	if c.report.RejectedCodes[c.last]--; c.report.RejectedCodes[c.last] == 0 {
		delete(c.report.RejectedCodes, c.last)
	}
	if c.lastNew {
		c.report.Problems = c.report.Problems[:len(c.report.Problems)-1]
	}
}

// estimate tells how many rows the whole file has.
func (c *checker) estimate() {
	r := &c.report
	r.RowsEstimate = r.Rows
	if !r.Complete && r.Rows > 0 {
		whole := c.size
		if c.o.Partial {
			whole = c.o.Size
		}
		r.RowsEstimate = 0
		if r.Dialect != nil && !r.Dialect.Streamed() {
			c.read = r.Bytes // what was read ahead has no rows yet
		}
		if whole > 0 && c.read > 0 {
			r.RowsEstimate = int64(float64(r.Rows) * float64(whole) / float64(c.read))
		}
	}
	r.RowsPerSecond = RowsPerSecond
	r.Seconds = float64(r.RowsEstimate) / RowsPerSecond
}
