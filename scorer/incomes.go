package scorer

import (
	"math"

	"github.com/loanscorer/loanscorer/ingest"
)

// incomes are the total incomes of a block: TotalIncome where it is given, else
// the sum of the two incomes, missing when one of them is. Sums are numbered as
// they are made: from 1 on by their first appearance, 0 is no value.
type incomes struct {
	column  ingest.NumberColumn
	sums    []float64
	numbers ingest.Numbers // of incomes, or of those that are not found by position

	term  func(v float64) uint64 // what an income, or NaN, adds to the key of a row
	none  uint64                 // the term of NaN
	small []uint16               // places in words of whole numbers, by themselves; 0: none yet
	words []uint64               // what is known of those: the term below wordCode, which stays, and the code
	odd   []uint32               // codes of other sums by those of numbers
	known []float64              // sums by code, NaN first
}

const (
	wordCode = 44
	wordTerm = 1<<wordCode - 1

	maxWords = 1 << 16

	_ = uint(wordTerm - (1<<(areaShift+areaBits) - 1))
	_ = uint(1<<(64-wordCode) - 1 - 2*ingest.MaxNumbers)
)

// reset forgets all codes.
func (c *incomes) reset() {
	for i := range c.words {
		c.words[i] &= wordTerm
	}
	c.numbers.Reset()
	c.odd, c.known = c.odd[:0], c.known[:0]
	c.column.IsPlain, c.column.Values = false, nil
}

// total fills the column for the rows of a block. Where it is true, at has the
// terms of the incomes, else what it had.
func (c *incomes) total(b *ingest.Block, at []uint64) bool {
	given := &b.Numbers[ingest.TotalIncome]
	first, second := &b.Numbers[ingest.ApplicantIncome], &b.Numbers[ingest.CoapplicantIncome]
	both := first.Has() && second.Has()
	if both && !given.Has() {
		if c.column.IsPlain = c.column.IsPlain || len(c.known)+ingest.BlockRows > ingest.MaxNumbers; !c.column.IsPlain {
			c.add(first.Rows, second.Rows, at)
			return true
		}
	}
	c.sums = grow(c.sums, b.Rows)
	if both {
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
	return false
}

// add makes the codes and terms of sums, for what most files have: sums of small
// whole numbers are found without a call.
func (c *incomes) add(first, second []float64, at []uint64) {
	c.begin()
	c.column.Codes = grow(c.column.Codes, len(first))
	codes, small, words := c.column.Codes[:len(first)], c.small[:ingest.SmallNumbers], c.words
	second, at = second[:len(first)], at[:len(first)]
	for row, v := range first {
		v += second[row]
		if i, ok := ingest.SmallNumber(v); ok {
			if word := words[small[i]]; word>>wordCode > 0 {
				codes[row], at[row] = uint32(word>>wordCode), word&wordTerm
				continue
			}
		}
		codes[row], at[row] = c.enter(v)
		words = c.words
	}
	c.column.Rows, c.column.Values = nil, c.known
}

func (c *incomes) begin() {
	if c.small == nil {
		c.small, c.words = make([]uint16, ingest.SmallNumbers), make([]uint64, 1, 1<<10)
		c.none = c.term(math.NaN())
	}
	if len(c.known) == 0 {
		c.known, c.odd = append(c.known, math.NaN()), append(c.odd, 0)
	}
}

// enter is the code and the term of a sum that is not found by position.
func (c *incomes) enter(v float64) (code uint32, term uint64) {
	if i, ok := ingest.SmallNumber(v); ok && (c.small[i] > 0 || len(c.words) < maxWords) {
		if c.small[i] == 0 {
			c.small[i] = uint16(len(c.words))
			c.words = append(c.words, c.term(v))
		}
		code, term = c.next(v), c.words[c.small[i]]
		c.words[c.small[i]] = term | uint64(code)<<wordCode
		return code, term
	}
	if math.IsNaN(v) {
		return 0, c.none
	}
	n := c.numbers.Code(v)
	if int(n) == len(c.odd) {
		c.odd = append(c.odd, c.next(v))
	}
	return c.odd[n], c.term(v)
}

func (c *incomes) next(v float64) uint32 {
	c.known = append(c.known, v)
	return uint32(len(c.known) - 1)
}
