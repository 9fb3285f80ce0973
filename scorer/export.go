package scorer

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

// rowsPerRead is how many rows of a part are decoded at a time.
const rowsPerRead = 512

// ErrNoResults is returned for a batch that ended without results.
var ErrNoResults = errors.New("batch has no results")

// ReadSummary returns the terminal state of a batch that has results. The error
// is ErrOpen before the end, and wraps ErrNoResults for a batch that failed,
// was cancelled or superseded: parts that such a batch wrote are no results.
func ReadSummary(ctx context.Context, objects Objects, batch string) (*status.Summary, error) {
	var summary status.Summary
	err := readDocument(ctx, objects, status.SummaryKey(batch), &summary)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, fmt.Errorf("%s: %w", batch, ErrOpen)
	case err != nil:
		return nil, err
	case summary.State != status.BatchSucceeded && summary.State != status.BatchSucceededWithRejects:
		return nil, fmt.Errorf("%s: %w: it is %s", batch, ErrNoResults, summary.State)
	}
	return &summary, nil
}

// ReadPart returns the bytes of one part of a batch, checked against the
// summary.
func ReadPart(ctx context.Context, objects Objects, part status.Object) ([]byte, error) {
	info, err := objects.Head(ctx, part.Key)
	if err != nil {
		return nil, err
	}
	data, err := objectBytes(ctx, objects, info)
	if err != nil {
		return nil, err
	}
	if sumOf(part.Key, data).SHA256 != part.SHA256 {
		return nil, fmt.Errorf("%q is not what the summary says; run verify", part.Key)
	}
	return data, nil
}

// Export writes the decided rows of a finished batch as one CSV file, in the
// order of the upload, and returns how many there are. Cells that a spreadsheet
// would take for formulas are neutralised. progress, which may be nil, is told
// the rows written and how many there are.
func Export(ctx context.Context, objects Objects, batch string, out io.Writer, progress func(rows, total int64)) (int64, error) {
	summary, err := ReadSummary(ctx, objects, batch)
	if err != nil {
		return 0, err
	}
	w := csv.NewWriter(out)
	var rows int64
	for n, part := range summary.Parts {
		data, err := ReadPart(ctx, objects, part)
		if err != nil {
			return rows, err
		}
		written, err := exportPart(w, data, n == 0)
		rows += written
		if err != nil {
			return rows, fmt.Errorf("%q: %w", part.Key, err)
		}
		if progress != nil {
			progress(rows, summary.Tally.DecidedRows())
		}
	}
	w.Flush()
	return rows, w.Error()
}

func exportPart(w *csv.Writer, data []byte, header bool) (int64, error) {
	file, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return 0, err
	}
	fields := file.Schema().Fields()
	cells := make([]string, len(fields))
	if header {
		for i, f := range fields {
			cells[i] = Neutralise(f.Name())
		}
		if err := w.Write(cells); err != nil {
			return 0, err
		}
	}
	var rows int64
	err = eachRow(file, func(row parquet.Row) error {
		for i, f := range fields {
			cells[i] = cell(f, row[i])
		}
		rows++
		return w.Write(cells)
	})
	return rows, err
}

// cell is a value as CSV: numbers in their shortest exact form, times in
// RFC 3339.
func cell(f parquet.Field, v parquet.Value) string {
	switch {
	case v.IsNull():
		return ""
	case isTimestamp(f):
		return time.UnixMicro(v.Int64()).UTC().Format(time.RFC3339Nano)
	case v.Kind() == parquet.Double:
		return strconv.FormatFloat(v.Double(), 'g', -1, 64)
	case v.Kind() == parquet.Int64:
		return strconv.FormatInt(v.Int64(), 10)
	default:
		return Neutralise(string(v.ByteArray()))
	}
}

func isTimestamp(f parquet.Field) bool {
	t := f.Type().LogicalType()
	if t == nil {
		return false
	}
	_, ok := t.Value.(*format.TimestampType)
	return ok
}

// eachRow calls f with every row of a file. The row is valid during the call.
func eachRow(file *parquet.File, f func(parquet.Row) error) (err error) {
	buf := make([]parquet.Row, rowsPerRead)
	for _, group := range file.RowGroups() {
		rows := group.Rows()
		for err == nil {
			var n int
			n, err = rows.ReadRows(buf)
			for _, row := range buf[:n] {
				if err := f(row); err != nil {
					return errors.Join(err, rows.Close())
				}
			}
		}
		if err = errors.Join(dropEOF(err), rows.Close()); err != nil {
			return err
		}
	}
	return nil
}

func dropEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// objectBytes reads a whole part.
func objectBytes(ctx context.Context, objects Streams, info store.Info) ([]byte, error) {
	in, err := objects.Open(ctx, info.Ref(), 0, store.OpenOptions{})
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }()
	return io.ReadAll(in)
}
