package scorer

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/loanscorer/loanscorer/ingest"
)

// What the writer holds in memory is bounded by the rows and by the bytes of
// the input that one row group is made of.
const (
	rowsPerGroup  = 64 << 10
	bytesPerGroup = 16 << 20
)

// table writes result rows to a Parquet file, one at a time, column by column.
// The same rows give the same bytes.
type table struct {
	w     *parquet.GenericWriter[any]
	row   parquet.Row
	n     int64
	bytes int // of the input behind the current row group
}

// newTable begins a file. Loan_ID, where there is one, gets a bloom filter, so
// that one row can be found without reading the file.
func newTable(out io.Writer, columns []column) *table {
	options := []parquet.WriterOption{
		newSchema(columns),
		parquet.Compression(&zstd.Codec{}),
		parquet.MaxRowsPerRowGroup(rowsPerGroup),
		parquet.CreatedBy("loanscorer", "1", ""),
		parquet.DataPageStatistics(true),
	}
	for _, c := range columns {
		if c.name == ingest.LoanID.String() {
			options = append(options, parquet.BloomFilters(parquet.SplitBlockFilter(10, c.name)))
		}
	}
	return &table{w: parquet.NewGenericWriter[any](out, options...), row: make(parquet.Row, 0, len(columns))}
}

// end writes the row whose columns were added since the last call; size is the
// number of input bytes that it came from.
func (t *table) end(size int) error {
	if t.n%rowsPerGroup == 0 {
		t.bytes = 0
	}
	if t.bytes += size; t.bytes > bytesPerGroup {
		if err := t.w.Flush(); err != nil {
			return fmt.Errorf("parquet row group before row %d: %w", t.n, err)
		}
		t.bytes = size
	}
	if _, err := t.w.WriteRows([]parquet.Row{t.row}); err != nil {
		return fmt.Errorf("parquet row %d: %w", t.n, err)
	}
	t.row = t.row[:0]
	t.n++
	return nil
}

// close writes the footer. Without it there is no file.
func (t *table) close() error {
	if err := t.w.Close(); err != nil {
		return fmt.Errorf("parquet footer: %w", err)
	}
	return nil
}

func (t *table) optional(v parquet.Value, ok bool) {
	if !ok {
		t.row = append(t.row, parquet.NullValue().Level(0, 0, len(t.row)))
		return
	}
	t.row = append(t.row, v.Level(0, 1, len(t.row)))
}

func (t *table) required(v parquet.Value) {
	t.row = append(t.row, v.Level(0, 0, len(t.row)))
}

// input adds a published input column as it was given.
func (t *table) input(a *ingest.Application, c ingest.Column) {
	if c.Numeric() {
		v, ok := a.Number(c)
		t.optional(parquet.DoubleValue(v), ok)
		return
	}
	v, ok := a.Text(c)
	t.optional(text(v), ok)
}

// verdict adds the decision columns.
func (t *table) verdict(v *Verdict, modelSHA256 string, decidedAt time.Time) {
	t.optional(parquet.DoubleValue(v.TotalIncome), v.Income)
	t.required(parquet.DoubleValue(v.Probability))
	t.required(text(string(v.Decision)))
	for range maxReasons {
		t.optional(parquet.Value{}, false)
	}
	t.optional(text(v.Imputed), v.Imputed != "")
	t.required(text(modelSHA256))
	t.required(parquet.Int64Value(decidedAt.UnixMicro()))
}

func text(s string) parquet.Value { return parquet.ByteArrayValue([]byte(s)) }

// applicationsFile is the file that commits an attempt.
func applicationsFile(att *attempt, rows []*item, s *Scorer) ([]byte, error) {
	var buf bytes.Buffer
	columns, inputs := applicationColumns()
	t := newTable(&buf, columns)
	sha := s.Model().SHA256()
	for _, it := range rows {
		for _, c := range inputs {
			t.input(it.app, c)
		}
		t.required(text(it.doc.ID))
		t.required(parquet.Int64Value(it.doc.SubmittedAt.UnixMicro()))
		t.verdict(&it.verdict, sha, att.at)
		if err := t.end(0); err != nil {
			return nil, err
		}
	}
	if err := t.close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// tombstone is a result file without rows.
func tombstone() ([]byte, error) {
	var buf bytes.Buffer
	columns, _ := applicationColumns()
	if err := newTable(&buf, columns).close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}
