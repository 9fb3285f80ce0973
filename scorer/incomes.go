package scorer

import (
	"math"

	"github.com/loanscorer/loanscorer/ingest"
)

// incomes are the total incomes of a block: TotalIncome where it is given, else
// the sum of the two incomes, missing when one of them is.
type incomes struct {
	column  ingest.NumberColumn
	sums    []float64
	numbers ingest.Numbers
	small   []uint32 // codes of whole numbers, by themselves; 0: not known yet
}

// smallIncomes bounds the whole numbers whose codes are found by position.
const smallIncomes = 1 << 17

// reset forgets all codes.
func (c *incomes) reset() {
	if c.small != nil {
		for _, v := range c.numbers.Values() {
			if i, ok := smallIncome(v); ok {
				c.small[i] = 0
			}
		}
	}
	c.numbers.Reset()
	c.column.IsPlain, c.column.Values = false, nil
}

// smallIncome is the place of a small whole number. Minus zero is none: it has
// other bits than zero.
func smallIncome(v float64) (int, bool) {
	i := int(v)
	return i, uint(i) < smallIncomes && math.Float64bits(float64(i)) == math.Float64bits(v)
}

// total fills the column for the rows of a block.
func (c *incomes) total(b *ingest.Block) {
	given := &b.Numbers[ingest.TotalIncome]
	first, second := &b.Numbers[ingest.ApplicantIncome], &b.Numbers[ingest.CoapplicantIncome]
	if first.Has() && second.Has() && !given.Has() && !c.column.IsPlain && !c.numbers.Crowded() {
		c.add(first.Rows, second.Rows)
		return
	}
	c.sums = grow(c.sums, b.Rows)
	if first.Has() && second.Has() {
		for row := range c.sums {
			c.sums[row] = first.Rows[row] + second.Rows[row]
		}
	} else {
		for row := range c.sums {
			c.sums[row] = math.NaN()
		}
	}
	for row, v := range given.Rows {
		if !math.IsNaN(v) {
			c.sums[row] = v
		}
	}
	codeNumbers(&c.column, &c.numbers, c.sums)
}

// add makes codes of sums as they are made: what codeNumbers does, for what
// most files have. Sums of whole numbers are found without a call.
func (c *incomes) add(first, second []float64) {
	if c.small == nil {
		c.small = make([]uint32, smallIncomes)
	}
	c.column.Codes = grow(c.column.Codes, len(first))
	codes, small := c.column.Codes[:len(first)], c.small[:smallIncomes]
	second = second[:len(first)]
	for row, v := range first {
		v += second[row]
		if i, ok := smallIncome(v); ok {
			if code := small[i]; code > 0 {
				codes[row] = code
				continue
			}
		}
		codes[row] = c.code(v)
	}
	c.column.Rows, c.column.Values = nil, c.numbers.Values()
}

func (c *incomes) code(v float64) uint32 {
	if math.IsNaN(v) {
		return 0
	}
	code := c.numbers.Code(v)
	if i, ok := smallIncome(v); ok {
		c.small[i] = code
	}
	return code
}
