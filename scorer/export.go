package scorer

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
	"github.com/loanscorer/loanscorer/model/explain"
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

// ExportOptions say what an export looks like.
type ExportOptions struct {
	// Language of the texts that follow every reason code in a column of their
	// own, such as reason_1_text; English where the table of reasons has no
	// other. Empty: codes alone.
	Language string
	Progress func(rows, total int64) // told the rows written and how many there are; may be nil
}

// Export writes the decided rows of a finished batch as one CSV file, in the
// order of the upload, and returns how many there are. Cells that a spreadsheet
// would take for formulas are neutralised.
func Export(ctx context.Context, objects Objects, batch string, out io.Writer, o ExportOptions) (int64, error) {
	summary, err := ReadSummary(ctx, objects, batch)
	if err != nil {
		return 0, err
	}
	var texts map[string]string
	if o.Language != "" {
		if texts, err = reasonTexts(ctx, objects, summary, o.Language); err != nil {
			return 0, err
		}
	}
	w := csv.NewWriter(out)
	var rows int64
	for n, part := range summary.Parts {
		data, err := ReadPart(ctx, objects, part)
		if err != nil {
			return rows, err
		}
		written, err := exportPart(w, data, n == 0, texts)
		rows += written
		if err != nil {
			return rows, fmt.Errorf("%q: %w", part.Key, err)
		}
		if o.Progress != nil {
			o.Progress(rows, summary.Tally.DecidedRows())
		}
	}
	w.Flush()
	return rows, w.Error()
}

// reasonTexts are the texts of a batch's reasons, by code.
func reasonTexts(ctx context.Context, objects Objects, summary *status.Summary, language string) (map[string]string, error) {
	texts := map[string]string{}
	if summary.Reasons == nil {
		return texts, nil
	}
	data, _, err := objects.Get(ctx, status.ReasonsKey(summary.Reasons.SHA256), maxReasonsFile)
	if err != nil {
		return nil, err
	}
	table, err := explain.ParseTable(data)
	if err != nil {
		return nil, err
	}
	for _, e := range table {
		texts[e.Code] = cmp.Or(e.Text[language], e.Text[explain.English])
	}
	return texts, nil
}

// exportPart writes the rows of one part. With texts, every reason code is
// followed by its text.
func exportPart(w *csv.Writer, data []byte, header bool, texts map[string]string) (int64, error) {
	file, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return 0, err
	}
	fields := file.Schema().Fields()
	worded := make([]bool, len(fields))
	cells := make([]string, 0, len(fields)+explain.MaxReasons)
	for i, f := range fields {
		worded[i] = texts != nil && slices.Contains(reasonColumns(), f.Name())
	}
	if header {
		for i, f := range fields {
			cells = append(cells, Neutralise(f.Name()))
			if worded[i] {
				cells = append(cells, f.Name()+"_text")
			}
		}
		if err := w.Write(cells); err != nil {
			return 0, err
		}
	}
	var rows int64
	err = eachRow(file, func(row parquet.Row) error {
		cells = cells[:0]
		for i, f := range fields {
			cells = append(cells, cell(f, row[i]))
			if worded[i] {
				cells = append(cells, Neutralise(texts[string(row[i].ByteArray())]))
			}
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
