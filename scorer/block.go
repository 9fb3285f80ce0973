package scorer

import (
	"fmt"
	"math"

	"github.com/parquet-go/parquet-go"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/model"
)

// What a block holds is bounded by the rows, by their cells, and by the bytes
// of the input that they came from. Where a file is cut into blocks is a
// function of the file alone.
const (
	rowsPerBlock  = 256
	cellsPerBlock = 64 << 10
	bytesPerBlock = 256 << 10
)

// block is some rows of a file between the scanner and the result:
//
//	record --add--> features, input cells --score--> verdicts --write--> table
//
// A row that cannot be scored is refused by add and takes no place, so score
// decides every row. The memory is used again for the next block.
type block struct {
	scorer *Scorer
	inputs []batchInput
	width  int // columns of the result
	most   int // rows

	x        []float64       // features, row by row; NaN: missing
	p        []float64       // probabilities
	cells    []parquet.Value // room for every column, row by row
	rows     []parquet.Row   // in cells: the columns that are filled
	sizes    []int           // bytes of the input, by row
	bytes    int             // of all rows
	text     []byte          // what cells point to
	verdicts []Verdict
	imputed  map[uint64]string // by what is missing
	words    words
}

func newBlock(s *Scorer, columns []column, inputs []batchInput) *block {
	most := max(1, min(rowsPerBlock, cellsPerBlock/len(columns)))
	return &block{
		scorer: s, inputs: inputs, width: len(columns), most: most,
		x: make([]float64, most*len(s.features)), p: make([]float64, most), cells: make([]parquet.Value, most*len(columns)),
		imputed: map[uint64]string{}, words: words{},
	}
}

// full reports whether the block must be written before the next row.
func (b *block) full() bool { return len(b.rows) == b.most || b.bytes >= bytesPerBlock }

// reset makes room.
func (b *block) reset() {
	b.rows, b.sizes, b.bytes = b.rows[:0], b.sizes[:0], 0
	b.text, b.verdicts = b.text[:0], b.verdicts[:0]
}

// add takes one row. The error is that of [Scorer.Score].
func (b *block) add(rec *ingest.Record, a *ingest.Application) error {
	missing, err := b.scorer.inputs(a, b.features(len(b.rows)))
	if err != nil {
		return err
	}
	v := Verdict{Imputed: b.names(missing)}
	v.TotalIncome, v.Income = a.TotalIncome()
	b.verdicts = append(b.verdicts, v)
	from := len(b.rows) * b.width
	l := line(b.cells[from : from : from+b.width])
	for _, in := range b.inputs {
		switch {
		case !in.known:
			cell := rec.Fields[in.field]
			l.optional(b.keep(cell), len(cell) > 0)
		case in.column.Numeric():
			number, ok := a.Number(in.column)
			l.optional(parquet.DoubleValue(number), ok)
		default:
			cell, ok := a.TextBytes(in.column)
			l.optional(b.keep(cell), ok)
		}
	}
	l.required(parquet.Int64Value(rec.Offset))
	b.rows = append(b.rows, parquet.Row(l))
	b.sizes = append(b.sizes, len(rec.Raw))
	b.bytes += len(rec.Raw)
	return nil
}

// features are those of row i.
func (b *block) features(i int) []float64 {
	n := len(b.scorer.features)
	return b.x[i*n : (i+1)*n]
}

// keep copies a cell, which the next record overwrites.
func (b *block) keep(cell []byte) parquet.Value {
	from := len(b.text)
	b.text = append(b.text, cell...)
	return parquet.ByteArrayValue(b.text[from:])
}

// names is [Scorer.names], remembered.
func (b *block) names(missing uint64) string {
	if missing == 0 {
		return ""
	}
	text, ok := b.imputed[missing]
	if !ok {
		if len(b.imputed) == maxWords {
			clear(b.imputed)
		}
		text = b.scorer.names(missing)
		b.imputed[missing] = text
	}
	return text
}

// score decides every row, explains those that are not approved, and counts them.
func (b *block) score(tally *status.Tally) error {
	s, p := b.scorer, b.p[:len(b.rows)]
	if err := s.model.Probabilities(b.x[:len(b.rows)*len(s.features)], p); err != nil {
		return err
	}
	for i := range b.verdicts {
		v := &b.verdicts[i]
		if math.IsNaN(p[i]) {
			return fmt.Errorf("row %d of a block has no probability", i) // add refuses such rows
		}
		v.Probability, v.Decision = p[i], s.policy.Decide(p[i])
		tally.Score(string(v.Decision), v.Probability)
		if v.Imputed != "" {
			tally.Imputed[v.Imputed]++
		}
		if v.Decision == model.Approved || s.reasons == nil {
			continue
		}
		if _, err := s.reasons.explainer.Codes(b.features(i), v.Codes[:0]); err != nil {
			return fmt.Errorf("reasons: %w", err)
		}
		if v.Codes[0] != "" {
			tally.Reason(v.Codes[0])
		}
	}
	return nil
}

// write hands every row to the table.
func (b *block) write(t *table, d decided) error {
	for i := range b.rows {
		l := line(b.rows[i])
		l.verdict(&b.verdicts[i], b.words, d)
		b.rows[i] = parquet.Row(l)
	}
	return t.write(b.rows, b.sizes)
}
