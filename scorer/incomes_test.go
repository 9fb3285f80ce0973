package scorer

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/loanscorer/loanscorer/ingest"
)

// incomeOf is the total income of a row.
func incomeOf(b *ingest.Block, row int) float64 {
	if given := b.Numbers[ingest.TotalIncome].Rows; len(given) > 0 && !math.IsNaN(given[row]) {
		return given[row]
	}
	first, second := b.Numbers[ingest.ApplicantIncome].Rows, b.Numbers[ingest.CoapplicantIncome].Rows
	if len(first) == 0 || len(second) == 0 {
		return math.NaN()
	}
	return first[row] + second[row]
}

// Total incomes have their own bits and, as long as there are not too many,
// codes by their first appearance; also in the memory of an earlier reader.
func TestIncomes(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	odd := []float64{0, math.Copysign(0, -1), math.NaN(), -3, 0.5, 1e300, math.MaxFloat64, ingest.SmallNumbers - 1, ingest.SmallNumbers, 3e9}
	term := func(v float64) uint64 { return math.Float64bits(v) >> (64 - areaShift) }
	c := incomes{term: term}
	for _, tc := range []struct {
		name               string
		blocks             int
		most               float64
		whole, given, have bool
	}{
		{"whole", 5, 500, true, false, true},
		{"whole again", 5, 300, true, false, true},
		{"given", 3, 500, true, true, true},
		{"given alone", 3, 500, true, true, false},
		{"neither", 2, 500, true, false, false},
		{"fractions", 5, 9000, false, false, true},
		{"many whole", 110, 130_000, true, false, true},
		{"many whole again", 110, 60_000, true, false, true},
		{"too many", 150, 1e9, false, false, true},
		{"few after too many", 2, 500, true, false, true},
	} {
		t.Log(tc.name)
		c.reset()
		codes := map[uint64]uint32{}
		for n := range tc.blocks {
			b := ingest.Block{Rows: ingest.BlockRows - n%2}
			fill := func(column ingest.Column, have bool) {
				for range b.Rows {
					if !have {
						return
					}
					v := rng.Float64() * tc.most
					if tc.whole {
						v = math.Floor(v)
					}
					if rng.IntN(20) == 0 {
						v = odd[rng.IntN(len(odd))]
					}
					b.Numbers[column].Rows = append(b.Numbers[column].Rows, v)
				}
			}
			fill(ingest.ApplicantIncome, tc.have)
			fill(ingest.CoapplicantIncome, tc.have)
			fill(ingest.TotalIncome, tc.given)
			at := make([]uint64, b.Rows)
			terms := c.total(&b, at)
			for row := range b.Rows {
				if v := incomeOf(&b, row); terms && at[row] != term(v) {
					t.Fatalf("row %d, %v, adds %x", row, v, at[row])
				}
				checkIncome(t, &c.column, row, incomeOf(&b, row), codes)
			}
		}
		if want := tc.name == "too many"; c.column.IsPlain != want {
			t.Errorf("%s: plain %t", tc.name, c.column.IsPlain)
		}
	}
}

func checkIncome(t *testing.T, c *ingest.NumberColumn, row int, want float64, codes map[uint64]uint32) {
	t.Helper()
	if c.IsPlain {
		if math.Float64bits(c.Rows[row]) != math.Float64bits(want) && !math.IsNaN(want) {
			t.Fatalf("row %d is %v, want %v", row, c.Rows[row], want)
		}
		return
	}
	code := uint32(0)
	if !math.IsNaN(want) {
		bits := math.Float64bits(want)
		if codes[bits] == 0 {
			codes[bits] = uint32(len(codes) + 1)
		}
		if code = codes[bits]; math.Float64bits(c.Values[c.Codes[row]]) != bits {
			t.Fatalf("row %d is %v, want %v", row, c.Values[c.Codes[row]], want)
		}
	}
	if c.Codes[row] != code {
		t.Fatalf("row %d, %v, has code %d, want %d", row, want, c.Codes[row], code)
	}
}
