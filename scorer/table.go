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

// table writes result rows of single applications to a Parquet file. The same
// rows give the same bytes. Batches go by columns instead: see blockScorer.
type table struct{ w *parquet.GenericWriter[any] }

// newTable begins a file. Loan_ID, where there is one, gets a bloom filter, so
// that one row can be found without reading the file.
func newTable(out io.Writer, columns []column) *table {
	options := []parquet.WriterOption{
		newSchema(columns),
		parquet.Compression(&zstd.Codec{}),
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

func (t *table) write(rows []parquet.Row) error {
	if _, err := t.w.WriteRows(rows); err != nil {
		return fmt.Errorf("parquet rows: %w", err)
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
func (l *line) verdict(v *Verdict, d decided) {
	l.optional(parquet.DoubleValue(v.TotalIncome), v.Income)
	l.required(parquet.DoubleValue(v.Probability))
	l.required(text(string(v.Decision)))
	for _, code := range v.Codes {
		l.optional(text(code), code != "")
	}
	l.optional(text(v.Imputed), v.Imputed != "")
	l.required(d.model)
	l.required(d.at)
}

func text(s string) parquet.Value { return parquet.ByteArrayValue([]byte(s)) }

// applicationsFile is the file that commits an attempt.
func applicationsFile(att *attempt, items []*item, s *Scorer) ([]byte, error) {
	var buf bytes.Buffer
	columns, inputs := applicationColumns()
	t, d := newTable(&buf, columns), decidedBy(s, att.at)
	var rows []parquet.Row
	for _, it := range items {
		l := make(line, 0, len(columns))
		for _, c := range inputs {
			l.input(it.app, c)
		}
		l.required(text(it.doc.ID))
		l.required(parquet.Int64Value(it.doc.SubmittedAt.UnixMicro()))
		l.verdict(&it.verdict, d)
		rows = append(rows, parquet.Row(l))
	}
	if err := t.write(rows); err != nil {
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
