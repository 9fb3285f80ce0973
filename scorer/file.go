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
)

// FileOptions describe one run over a local file.
type FileOptions struct {
	DecidedAt time.Time          // goes into every row; required
	Rejects   io.Writer          // where rejects.csv goes; required
	Given     ingest.Given       // what is said about the file; the rest is detected
	Progress  func(offset int64) // told the bytes read, now and then; may be nil
	Head      func(*ingest.Head) // told how the file is read, before the first row; may be nil
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
	rejects := &rejectWriter{sink: table.write}
	rest := io.MultiReader(bytes.NewReader(text[head.DataStart:]), in)
	records := ingest.NewScanner(rest, head.DataStart, ingest.ScannerOptions{FirstLine: head.DataLine, Dialect: head.Dialect})
	rows := rowScorer{scorer: s, head: head, decidedAt: o.DecidedAt, progress: o.Progress}
	tally, err := rows.run(ctx, records, out, rejects)
	if err != nil {
		return tally, err
	}
	return tally, table.flush()
}
