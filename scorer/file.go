package scorer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/scorer/columnar"
)

// FileOptions describe one run over a local file.
type FileOptions struct {
	DecidedAt time.Time          // goes into every row; required
	Rejects   io.Writer          // where rejects.csv goes; required
	Given     ingest.Given       // what is said about the file; the rest is detected
	Progress  func(offset int64) // told the bytes read, now and then; may be nil
	Head      func(*ingest.Head) // told how the file is read, before the first row; may be nil
	Size      int64              // of a file that is an io.ReaderAt: it is read by all cores; 0: read as a stream

	segment int64 // bytes of input in a row group; segmentBytes
}

// ScoreFile scores a CSV file into a Parquet file without a queue or a store,
// with the same code and the same columns as a batch. A file that is refused
// as a whole is an *ingest.FileError. It holds one row group in memory.
func ScoreFile(ctx context.Context, s *Scorer, in io.Reader, out io.Writer, o FileOptions) (status.Tally, error) {
	if o.DecidedAt.IsZero() || o.Rejects == nil {
		return status.Tally{}, errors.New("score file: DecidedAt and Rejects: required")
	}
	text := make([]byte, ingest.MaxSample)
	n, err := io.ReadFull(in, text)
	whole := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	if err != nil && !whole {
		return status.Tally{}, fmt.Errorf("read: %w", err)
	}
	text = text[:n]
	head, err := ingest.ParseHead(text, whole, o.Given)
	if err != nil {
		return status.Tally{}, err
	}
	if o.Head != nil {
		o.Head(head)
	}
	table, err := newRejectTable(o.Rejects)
	if err != nil {
		return status.Tally{}, err
	}
	columns, _ := batchColumns(head)
	schema, err := columnarSchema(columns)
	if err != nil {
		return status.Tally{}, err
	}
	sink := &segmentSink{
		file: columnar.NewFile(out, schema, createdBy), table: table,
		progress: o.Progress, tally: status.NewTally(), lines: head.DataLine - 1,
	}
	rows := &rowScorer{scorer: s, head: head, decidedAt: o.DecidedAt}
	if o.segment == 0 {
		o.segment = segmentBytes
	}
	if at, ok := in.(io.ReaderAt); ok && o.Size > 0 {
		err = (&segments{rows: rows, head: head, in: at, size: o.Size, bytes: o.segment, sink: sink}).run(ctx)
	} else {
		err = rows.stream(ctx, io.MultiReader(bytes.NewReader(text[head.DataStart:]), in), o.segment, sink)
	}
	if err != nil {
		return sink.tally, err
	}
	return sink.tally, errors.Join(sink.file.Close(), table.flush())
}
