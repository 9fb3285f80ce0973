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
// rejects, never both and never neither.
func (s *rowScorer) run(ctx context.Context, records *ingest.Scanner, out io.Writer, rejects *rejectWriter) (status.Tally, error) {
	tally := status.NewTally()
	columns, inputs := batchColumns(s.head)
	t := newTable(out, columns)
	decoder := s.head.Decoder()
	sha := s.scorer.Model().SHA256()
	var app ingest.Application
	for n := 0; records.Scan(); n++ {
		if n%rowsPerLook == 0 {
			if err := ctx.Err(); err != nil {
				return tally, err
			}
			if s.progress != nil {
				s.progress(records.Next())
			}
		}
		rec := records.Record()
		v, err := s.verdict(decoder, rec, &app)
		if err != nil {
			var row *ingest.RowError
			if !errors.As(err, &row) {
				return tally, fmt.Errorf("row at byte %d: %w", rec.Offset, err)
			}
			row.Line, row.Offset = rec.Line, rec.Offset
			tally.Rows++
			tally.Rejected[row.Code]++
			if rejects.add(row, rec.Raw); rejects.err != nil {
				return tally, rejects.err
			}
			continue
		}
		tally.Score(string(v.Decision), v.Probability)
		if v.Imputed != "" {
			tally.Imputed[v.Imputed]++
		}
		t.inputs(inputs, rec, &app)
		t.required(parquet.Int64Value(rec.Offset))
		t.verdict(&v, sha, s.decidedAt)
		if err := t.end(); err != nil {
			return tally, err
		}
	}
	if err := records.Err(); err != nil {
		return tally, &sourceError{err}
	}
	return tally, t.close()
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
