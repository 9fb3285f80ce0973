package scorer

import (
	"bufio"
	"context"
	"errors"
	"io"
	"runtime"
	"time"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/scorer/columnar"
)

// fileBuffer gathers the small pieces of a Parquet file, page indexes and
// headers, in one write each; in bytes.
const fileBuffer = 16 << 10

// FileOptions describe one run over a local file.
type FileOptions struct {
	DecidedAt time.Time          // goes into every row; required
	Rejects   io.Writer          // where rejects.csv goes; required
	Given     ingest.Given       // what is said about the file; the rest is detected
	Progress  func(read int64)   // told how much of the file is read, in bytes, now and then; may be nil
	Head      func(*ingest.Head) // told how the file is read, before the first row; may be nil

	// Duplicates is told at the end how many scored rows have a Loan_ID that an
	// earlier one has, if the file has Loan_IDs; may be nil.
	Duplicates func(ingest.Duplicates)

	// MaxRejects is how many rejected rows are allowed; nil: any number. It is
	// looked at after every segment of 16 MiB of text.
	MaxRejects *int64

	segment int64 // bytes of input in a row group; evenSegments of a file at hand, else segmentBytes
}

// ScoreFile scores a CSV file, packed or not, into a Parquet file without a
// queue or a store, with the same code and the same columns as a batch. A file
// that is refused as a whole, or turns out to be damaged, is an
// *ingest.FileError. A *TooManyRejects leaves out and Rejects complete, with
// the rows until then. A file at hand whose text is what is stored is read by all
// cores, any other as a stream. It holds a few row groups in memory.
func ScoreFile(ctx context.Context, s *Scorer, src ingest.Source, out io.Writer, o FileOptions) (status.Tally, error) {
	if o.DecidedAt.IsZero() || o.Rejects == nil {
		return status.Tally{}, errors.New("score file: DecidedAt and Rejects: required")
	}
	var read int64
	text, err := ingest.Open(countReads(src, &read), o.Given)
	if err != nil {
		return status.Tally{}, err
	}
	defer func() { _ = text.Close() }()
	head := text.Head
	if o.Head != nil {
		o.Head(head)
	}
	table, err := newRejectTable(o.Rejects)
	if err != nil {
		return status.Tally{}, err
	}
	buffered := bufio.NewWriterSize(out, fileBuffer)
	sink, err := newSegmentSink(s, head, src.Size, buffered, table)
	if err != nil {
		return status.Tally{}, err
	}
	sink.limit = o.MaxRejects
	rows := &rowScorer{scorer: s, head: head, decidedAt: o.DecidedAt, size: src.Size}
	parallel := src.At != nil && !head.Dialect.Streamed()
	switch {
	case o.segment > 0:
	case parallel:
		o.segment = evenSegments(src.Size)
	default:
		o.segment = segmentBytes
	}
	if parallel {
		sink.progress = o.Progress
		err = (&segments{
			rows: rows, head: head, in: src.At, size: src.Size, bytes: o.segment, cores: runtime.GOMAXPROCS(0), sink: sink,
		}).run(ctx)
	} else {
		if o.Progress != nil {
			sink.progress = func(int64) { o.Progress(read) }
		}
		err = rows.stream(ctx, text, o.segment, sink)
	}
	if o.Duplicates != nil && sink.ids != nil {
		o.Duplicates(sink.ids.Duplicates())
	}
	var many *TooManyRejects
	var refused *ingest.FileError
	switch {
	case errors.As(err, &refused):
		return sink.tally, refused
	case err != nil && !errors.As(err, &many):
		return sink.tally, err
	}
	return sink.tally, errors.Join(err, sink.file.Close(), buffered.Flush(), table.flush())
}

// newSegmentSink writes the rows of a file to out and its rejects to table.
func newSegmentSink(s *Scorer, head *ingest.Head, size int64, out io.Writer, table *rejectTable) (*segmentSink, error) {
	columns, _ := batchColumns(head, s.shadow != nil)
	schema, err := columnarSchema(columns)
	if err != nil {
		return nil, err
	}
	tally := status.NewTally()
	if s.shadow != nil {
		tally.WithShadow() // of a file without rows, too
	}
	return &segmentSink{
		file: columnar.NewFile(out, schema, createdBy), table: table, tally: tally, lines: head.DataLine - 1,
		ids: newIDs(head, size),
	}, nil
}

// countReads counts the bytes that are read of a source.
func countReads(src ingest.Source, n *int64) ingest.Source {
	open := src.Open
	src.Open = func(offset int64) (io.ReadCloser, error) {
		in, err := open(offset)
		if err != nil {
			return nil, err
		}
		return &counting{ReadCloser: in, n: n}, nil
	}
	return src
}

type counting struct {
	io.ReadCloser
	n *int64
}

// Read implements io.Reader.
func (c *counting) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	*c.n += int64(n)
	return n, err
}
