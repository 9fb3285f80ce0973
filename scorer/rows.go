package scorer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

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
	add, end := s.check, func() error { return nil }
	if out != nil {
		w := s.writer(out, &tally)
		add, end = w.add, w.close
	}
	decoder := s.head.Decoder()
	var app ingest.Application
	for n := 0; records.Scan(); n++ {
		if n%rowsPerLook == 0 {
			if err := s.look(ctx, records.Next()); err != nil {
				return tally, err
			}
		}
		rec := records.Record()
		var err error
		if row := decoder.Decode(rec, &app); row != nil {
			err = row
		} else {
			err = add(rec, &app)
		}
		if err != nil {
			if err := refuse(&tally, rejects, rec, err); err != nil {
				return tally, err
			}
		}
	}
	if err := records.Err(); err != nil {
		return tally, &sourceError{err}
	}
	err := end()
	return tally, err
}

// check tells whether a row can be scored, and does not score it.
func (s *rowScorer) check(_ *ingest.Record, a *ingest.Application) error {
	var x [maxFeatures]float64
	_, err := s.scorer.inputs(a, x[:len(s.scorer.features)])
	return err
}

// rowWriter scores and writes rows, a block at a time.
type rowWriter struct {
	block   *block
	table   *table
	decided decided
	tally   *status.Tally
}

func (s *rowScorer) writer(out io.Writer, tally *status.Tally) *rowWriter {
	columns, inputs := batchColumns(s.head)
	return &rowWriter{
		block: newBlock(s.scorer, columns, inputs), table: newTable(out, columns),
		decided: decidedBy(s.scorer, s.decidedAt), tally: tally,
	}
}

// add takes one row. An *ingest.RowError is that row's; any other ends the scan.
func (w *rowWriter) add(rec *ingest.Record, a *ingest.Application) error {
	if err := w.block.add(rec, a); err != nil || !w.block.full() {
		return err
	}
	return w.flush()
}

func (w *rowWriter) flush() error {
	if err := w.block.score(w.tally); err != nil {
		return err
	}
	err := w.block.write(w.table, w.decided)
	w.block.reset()
	return err
}

func (w *rowWriter) close() error {
	if err := w.flush(); err != nil {
		return err
	}
	return w.table.close()
}

// look tells the progress and whether to go on.
func (s *rowScorer) look(ctx context.Context, next int64) error {
	if s.progress != nil {
		s.progress(next)
	}
	return ctx.Err()
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

// sourceError marks an error of reading the upload, as against one of writing
// results.
type sourceError struct{ err error }

func (e *sourceError) Error() string { return "upload: " + e.err.Error() }
func (e *sourceError) Unwrap() error { return e.err }
