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

// table writes result rows to a Parquet file. The same rows, written in the
// same portions, give the same bytes.
type table struct {
	w     *parquet.GenericWriter[any]
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
	return &table{w: parquet.NewGenericWriter[any](out, options...)}
}

// write adds rows; sizes are the numbers of input bytes that they came from.
func (t *table) write(rows []parquet.Row, sizes []int) error {
	from := 0
	for i, size := range sizes {
		if t.n%rowsPerGroup == 0 {
			t.bytes = 0
		}
		if t.bytes += size; t.bytes > bytesPerGroup {
			if err := t.flush(rows[from:i]); err != nil {
				return err
			}
			from, t.bytes = i, size
		}
		t.n++
	}
	return t.add(rows[from:])
}

func (t *table) add(rows []parquet.Row) error {
	if _, err := t.w.WriteRows(rows); err != nil {
		return fmt.Errorf("parquet rows before row %d: %w", t.n, err)
	}
	return nil
}

// flush ends a row group with these rows.
func (t *table) flush(rows []parquet.Row) error {
	if err := t.add(rows); err != nil {
		return err
	}
	if err := t.w.Flush(); err != nil {
		return fmt.Errorf("parquet row group before row %d: %w", t.n, err)
	}
	return nil
}

// close writes the footer. Without it there is no file.
func (t *table) close() error {
	if err := t.w.Close(); err != nil {
		return fmt.Errorf("parquet footer: %w", err)
	}
	return nil
}

// line is a result row in the making: each call adds the next column.
type line parquet.Row

func (l *line) optional(v parquet.Value, ok bool) {
	if !ok {
		*l = append(*l, parquet.NullValue().Level(0, 0, len(*l)))
		return
	}
	*l = append(*l, v.Level(0, 1, len(*l)))
}

func (l *line) required(v parquet.Value) {
	*l = append(*l, v.Level(0, 0, len(*l)))
}

// input adds a published input column as it was given.
func (l *line) input(a *ingest.Application, c ingest.Column) {
	if c.Numeric() {
		v, ok := a.Number(c)
		l.optional(parquet.DoubleValue(v), ok)
		return
	}
	v, ok := a.TextBytes(c)
	l.optional(parquet.ByteArrayValue(v), ok)
}

// decided is what all rows of a file have in common.
type decided struct {
	model parquet.Value // its SHA-256
	at    parquet.Value
}

func decidedBy(s *Scorer, at time.Time) decided {
	return decided{model: text(s.Model().SHA256()), at: parquet.Int64Value(at.UnixMicro())}
}

// verdict adds the decision columns.
func (l *line) verdict(v *Verdict, w words, d decided) {
	l.optional(parquet.DoubleValue(v.TotalIncome), v.Income)
	l.required(parquet.DoubleValue(v.Probability))
	l.required(w.value(string(v.Decision)))
	for _, code := range v.Codes {
		l.optional(w.value(code), code != "")
	}
	l.optional(w.value(v.Imputed), v.Imputed != "")
	l.required(d.model)
	l.required(d.at)
}

// words keeps the values of texts that come again and again.
type words map[string]parquet.Value

// maxWords bounds what is kept.
const maxWords = 4096

func (w words) value(s string) parquet.Value {
	v, ok := w[s]
	if !ok {
		if len(w) >= maxWords {
			clear(w)
		}
		v = text(s)
		w[s] = v
	}
	return v
}

func text(s string) parquet.Value { return parquet.ByteArrayValue([]byte(s)) }

// applicationsFile is the file that commits an attempt.
func applicationsFile(att *attempt, items []*item, s *Scorer) ([]byte, error) {
	var buf bytes.Buffer
	columns, inputs := applicationColumns()
	t, w, d := newTable(&buf, columns), words{}, decidedBy(s, att.at)
	var rows []parquet.Row
	for _, it := range items {
		l := make(line, 0, len(columns))
		for _, c := range inputs {
			l.input(it.app, c)
		}
		l.required(text(it.doc.ID))
		l.required(parquet.Int64Value(it.doc.SubmittedAt.UnixMicro()))
		l.verdict(&it.verdict, w, d)
		rows = append(rows, parquet.Row(l))
	}
	if err := t.write(rows, make([]int, len(rows))); err != nil {
		return nil, err
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
