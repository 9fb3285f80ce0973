package scorer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/scorer/columnar"
)

// rowScorer scores the records of a file with one scorer.
type rowScorer struct {
	scorer    *Scorer
	head      *ingest.Head
	decidedAt time.Time
	size      int64            // of the file as it is stored, or -1
	progress  func(next int64) // told the offset reached, now and then; may be nil
	limit     *int64           // a stream ends after a segment with more rejects so far; may be nil
	ending    *ending          // asked after each segment of run; nil: nobody
	spare     *segmentWorker   // from an earlier run over the same file, with the same scorer; nil: one is made
}

// segmentWorker is the memory that scoring one range of the file takes.
type segmentWorker struct {
	blocks *blockScorer
	group  *columnar.Group // nil: rows are only refused
	ids    *ingest.IDs     // of the rows that were scored; nil if the file has none

	scanner     ingest.Scanner // of a segment of a file at hand
	blockReader *ingest.BlockReader
}

func (s *rowScorer) worker() (*segmentWorker, error) {
	columns, inputs := batchColumns(s.head, s.scorer.shadow != nil)
	schema, err := columnarSchema(columns)
	if err != nil {
		return nil, err
	}
	group := columnar.NewGroup(schema, &zstd.Codec{Level: zstd.SpeedFastest})
	return &segmentWorker{blocks: newBlockScorer(s.scorer, inputs, s.decidedAt), group: group, ids: newIDs(s.head, s.size)}, nil
}

// scanned is what came of a range of a file.
type scanned struct {
	tally status.Tally
	file  *columnar.File
	ids   *ingest.IDs // of the rows that were scored; nil if the file has none

	worker *segmentWorker // with ids, and nothing else that is still needed
}

// run scores every record that the scanner yields up to file offset last, or to
// the end of the text if last is 0: a row of out, or a line of rejects, never
// both and never neither. Every segment of the text becomes a row group, so the
// memory does not grow with the range. It ends with errEnded when ending says so.
func (s *rowScorer) run(ctx context.Context, records *ingest.Scanner, last int64, out io.Writer, rejects *rejectWriter) (scanned, error) {
	tally := status.NewTally()
	w, err := s.takeSpare()
	if err != nil {
		return scanned{tally: tally}, err
	}
	f := columnar.NewFile(out, w.group.Schema(), createdBy)
	f.FilterPages() // for look-ups of one Loan_ID
	asking, cancel := context.WithCancel(ctx)
	defer s.ending.wait()
	defer cancel()
	for {
		end := records.Next() + segmentBytes
		if last > 0 {
			end = min(end, last)
		}
		records.Until(end)
		w.group.Reset()
		if err := s.scan(ctx, records, w, &tally, rejects); err != nil {
			return scanned{tally: tally}, err
		}
		if err := f.Write(w.group); err != nil {
			return scanned{tally: tally}, err
		}
		if end == last || records.Next() < end || last == 0 && tooMany(s.limit, rejects.rows) != nil {
			return scanned{tally: tally, file: f, ids: w.ids, worker: w}, f.Close()
		}
		s.ending.ask(asking)
	}
}

// takeSpare returns a worker that has counted nothing.
func (s *rowScorer) takeSpare() (*segmentWorker, error) {
	w := s.spare
	if s.spare = nil; w == nil {
		return s.worker()
	}
	if w.ids != nil {
		w.ids.Reset()
	}
	return w, nil
}

// refuse finds the rejects of the records alone.
func (s *rowScorer) refuse(ctx context.Context, records *ingest.Scanner, rejects *rejectWriter) error {
	tally := status.NewTally()
	return s.scan(ctx, records, &segmentWorker{blocks: newBlockScorer(s.scorer, nil, s.decidedAt)}, &tally, rejects)
}

// segment scores one range of a file from its first record on.
func (s *rowScorer) segment(ctx context.Context, records *ingest.Scanner, w *segmentWorker, rejects *rejectLines) (*segment, error) {
	seg := &segment{first: records.Next(), tally: status.NewTally(), rejects: rejects, group: w.group, ids: w.ids}
	w.group.Reset()
	if w.ids != nil {
		w.ids.Reset()
	}
	if err := s.scan(ctx, records, w, &seg.tally, &rejects.rejectWriter); err != nil {
		return nil, err
	}
	w.group.Finish()
	seg.next, seg.lines = records.Next(), records.Lines()
	return seg, nil
}

// stream scores a file that cannot be read at two places at a time: the same
// segments, one after the other.
func (s *rowScorer) stream(ctx context.Context, in io.Reader, size int64, sink *segmentSink) error {
	w, err := s.worker()
	if err != nil {
		return err
	}
	rejects := &rejectLines{rejectWriter: rejectWriter{sink: func(r *reject) error {
		r.Line += sink.lines
		return sink.table.write(r)
	}}}
	end := s.head.DataStart + size
	records := ingest.NewScanner(in, s.head.DataStart, ingest.ScannerOptions{End: end, Dialect: s.head.Dialect})
	for {
		seg, err := s.segment(ctx, records, w, rejects)
		if err != nil {
			return err
		}
		if err := sink.take(seg, nil); err != nil || seg.next < end {
			return err
		}
		end += size
		records.Extend(end)
	}
}

// scan scores the records with w.
func (s *rowScorer) scan(ctx context.Context, records *ingest.Scanner, w *segmentWorker, tally *status.Tally, rejects *rejectWriter) error {
	r := w.reader(s, records, func(rec *ingest.Record, err error) error { return refuse(tally, rejects, rec, err) })
	w.blocks.start()
	defer w.blocks.tell(tally)
	for more := true; more; {
		var err error
		if more, err = r.Read(&w.blocks.block); err != nil {
			if records.Err() != nil {
				return &sourceError{err}
			}
			return err
		}
		if w.group != nil {
			if err := w.blocks.add(w.group, tally); err != nil {
				return err
			}
		}
		if err := s.look(ctx, records.Next()); err != nil {
			return err
		}
	}
	if w.ids != nil {
		w.ids.AddHashes(w.group.Hashes())
	}
	return nil
}

// reader reads the records of a range, in the memory of an earlier one.
func (w *segmentWorker) reader(s *rowScorer, records *ingest.Scanner, reject func(*ingest.Record, error) error) *ingest.BlockReader {
	if w.blockReader == nil {
		w.blockReader = ingest.NewBlockReader(records, s.head.Decoder(), s.scorer.blockOptions(reject))
	} else {
		w.blockReader.Reset(records, reject)
	}
	return w.blockReader
}

// look tells the progress and whether to go on.
func (s *rowScorer) look(ctx context.Context, next int64) error {
	if s.progress != nil {
		s.progress(next)
	}
	if s.ending.over() {
		return errEnded
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
