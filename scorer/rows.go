package scorer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
)

// rowsPerLook is how many rows are scored between two looks at the context.
const rowsPerLook = 1024

// rowScorer scores the records of a file with one scorer.
type rowScorer struct {
	scorer    *Scorer
	head      *ingest.Head
	decidedAt time.Time
	progress  func(next int64) // told the offset reached, now and then; may be nil
}

// run scores every record that the scanner yields: a row of out, or a line of
// rejects, never both and never neither. Without out it only finds the rejects.
func (s *rowScorer) run(ctx context.Context, records *ingest.Scanner, out io.Writer, rejects *rejectWriter) (status.Tally, error) {
	tally := status.NewTally()
	columns, inputs := batchColumns(s.head)
	write := func(*ingest.Record, *ingest.Application, *Verdict) error { return nil }
	end := func() error { return nil }
	if out != nil {
		t := newTable(out, columns)
		end = t.close
		write = s.rowTo(t, inputs)
	}
	decoder := s.head.Decoder()
	var app ingest.Application
	var v Verdict
	for n := 0; records.Scan(); n++ {
		if n%rowsPerLook == 0 {
			if err := s.look(ctx, records.Next()); err != nil {
				return tally, err
			}
		}
		rec := records.Record()
		var err error
		if v, err = s.verdict(decoder, rec, &app); err != nil {
			if err := refuse(&tally, rejects, rec, err); err != nil {
				return tally, err
			}
			continue
		}
		tally.Score(string(v.Decision), v.Probability)
		if v.Imputed != "" {
			tally.Imputed[v.Imputed]++
		}
		if err := write(rec, &app, &v); err != nil {
			return tally, err
		}
	}
	if err := records.Err(); err != nil {
		return tally, &sourceError{err}
	}
	return tally, end()
}

// look tells the progress and whether to go on.
func (s *rowScorer) look(ctx context.Context, next int64) error {
	if s.progress != nil {
		s.progress(next)
	}
	return ctx.Err()
}

// rowTo returns what writes one scored row to t.
func (s *rowScorer) rowTo(t *table, inputs []batchInput) func(*ingest.Record, *ingest.Application, *Verdict) error {
	sha := s.scorer.Model().SHA256()
	return func(rec *ingest.Record, app *ingest.Application, v *Verdict) error {
		t.inputs(inputs, rec, app)
		t.required(parquet.Int64Value(rec.Offset))
		t.verdict(v, sha, s.decidedAt)
		return t.end(len(rec.Raw))
	}
}

// refuse counts and lists a row that cannot be scored. Any other error than
// that of the row ends the scan.
func refuse(tally *status.Tally, rejects *rejectWriter, rec *ingest.Record, err error) error {
	var row *ingest.RowError
	if !errors.As(err, &row) {
		return fmt.Errorf("row at byte %d: %w", rec.Offset, err)
	}
	row.Line, row.Offset = rec.Line, rec.Offset
	tally.Rows++
	tally.Rejected[row.Code]++
	rejects.add(row, rec.Raw)
	return rejects.err
}

func (s *rowScorer) verdict(d *ingest.RowDecoder, rec *ingest.Record, app *ingest.Application) (Verdict, error) {
	if err := d.Decode(rec, app); err != nil {
		return Verdict{}, err
	}
	return s.scorer.Score(app)
}

// inputs adds the file's own columns.
func (t *table) inputs(inputs []batchInput, rec *ingest.Record, app *ingest.Application) {
	for _, in := range inputs {
		if in.known {
			t.input(app, in.column)
			continue
		}
		cell := rec.Fields[in.field]
		t.optional(parquet.ByteArrayValue(cell), len(cell) > 0)
	}
}

// sourceError marks an error of reading the upload, as against one of writing
// results.
type sourceError struct{ err error }

func (e *sourceError) Error() string { return "upload: " + e.err.Error() }
func (e *sourceError) Unwrap() error { return e.err }
