package scorer

import (
	"math"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/model"
)

// blockInputs are the features of one model for the rows of a block.
type blockInputs struct {
	scorer  *Scorer
	columns []inputColumn // one a feature
	x       []float64     // features, row by row, as the model fills missing ones
	missing []uint64      // features that are missing, a bit each
}

// inputColumn is one feature by the codes of its column in the block, or as it
// is where the column has too many values for codes.
type inputColumn struct {
	codes  []uint32  // 0: missing
	values []float64 // by code, NaN first
	plain  []float64 // of the rows, NaN for a missing one; nil: codes
	texts  []float64 // values of a text feature: the model's codes
}

func newBlockInputs(s *Scorer) blockInputs {
	return blockInputs{scorer: s, columns: make([]inputColumn, len(s.features))}
}

// forget forgets what codes meant to an earlier reader of blocks.
func (s *blockInputs) forget() {
	for i := range s.columns {
		s.columns[i].texts = s.columns[i].texts[:0]
	}
}

// bind finds the columns of the features in a block and its incomes.
func (s *blockInputs) bind(b *ingest.Block, incomes *ingest.NumberColumn) {
	for i := range s.scorer.features {
		c, f := &s.columns[i], &s.scorer.features[i]
		switch {
		case f.total:
			c.number(incomes)
		case f.Kind == model.Number:
			c.number(&b.Numbers[f.column])
		default:
			c.text(&b.Texts[f.column], f, b.Rows)
		}
		if c.plain == nil && len(c.codes) == 0 { // the file does not have it
			c.codes, c.values = noCodes[:b.Rows], noValues[:]
		}
	}
}

// What stands for a column that the file does not have.
var (
	noCodes  [ingest.BlockRows]uint32
	noValues = [1]float64{math.NaN()}
)

func (c *inputColumn) number(of *ingest.NumberColumn) {
	c.codes, c.values, c.plain = of.Codes, of.Values, nil
	if of.IsPlain {
		c.plain = of.Rows
	}
}

func (c *inputColumn) text(of *ingest.TextColumn, f *feature, rows int) {
	if of.IsRaw {
		c.plain = grow(c.plain, rows)
		for row := range c.plain {
			c.plain[row] = f.category(of.Raw.Row(row))
		}
		return
	}
	for n := len(c.texts); n < len(of.Names); n++ {
		c.texts = append(c.texts, f.category([]byte(of.Names[n])))
	}
	c.codes, c.values, c.plain = of.Codes, c.texts, nil
}

// category is the model's code of a text, NaN if there is none.
func (f *feature) category(text []byte) float64 {
	if len(text) == 0 {
		return math.NaN()
	}
	code, _ := f.Code(ingest.Category(f.column, text))
	return code
}

// fill is what the model sees in place of a missing value: NaN where its trees
// route it.
func (f *feature) fill() float64 {
	if f.Missing == nil {
		return math.NaN()
	}
	return f.Missing.Value
}

// features fills x and missing of the columns that are bound.
func (s *blockInputs) features(rows int) {
	width := len(s.columns)
	s.x, s.missing = grow(s.x, rows*width), grow(s.missing, rows)
	clear(s.missing)
	for i := range s.columns {
		fill := s.scorer.features[i].fill()
		for row := range s.missing {
			v := s.columns[i].row(row)
			if math.IsNaN(v) {
				s.missing[row] |= 1 << i
				v = fill
			}
			s.x[row*width+i] = v
		}
	}
}

// row is the value of a row, NaN if it is missing.
func (c *inputColumn) row(i int) float64 {
	if c.plain != nil {
		return c.plain[i]
	}
	return c.values[c.codes[i]]
}
