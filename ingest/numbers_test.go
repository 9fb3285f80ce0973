package ingest

import (
	"math"
	"testing"
)

// A file cannot be made so that its numbers crowd in one place of the table:
// these do for a hash that is one multiplication by a known factor.
func TestNumbersSpread(t *testing.T) {
	t.Parallel()
	const factor = 0x9E3779B97F4A7C15
	inverse := uint64(factor) // by Newton's iteration
	for range 6 {
		inverse *= 2 - factor*inverse
	}
	var n Numbers
	for i := uint64(0); len(n.values) < 1<<15; i++ {
		product := i>>14<<50 | i&(1<<14-1)<<18 // bits 32 to 49 are 0
		if v := math.Float64frombits(product * inverse &^ (1 << 63)); !math.IsNaN(v) {
			n.Code(v)
		}
	}
	run, longest := 0, 0
	for _, slot := range n.slots {
		if run++; slot.code == 0 {
			run = 0
		}
		longest = max(longest, run)
	}
	if longest > 1000 {
		t.Errorf("%d values in a row among %d", longest, len(n.values))
	}
}

// Codes are given by first appearance, whatever the places of the table.
func TestNumbersAreNumberedInOrder(t *testing.T) {
	t.Parallel()
	values := []float64{1.5, 0, math.Copysign(0, -1), 1e300, SmallNumbers, SmallNumbers - 1, math.MaxFloat64}
	for i := range 10_000 {
		values = append(values, float64(i)+0.25)
	}
	var n Numbers
	for range 2 {
		for range 2 {
			for i, v := range values {
				if code := n.Code(v); code != uint32(i+1) || math.Float64bits(n.Values()[code]) != math.Float64bits(v) {
					t.Fatalf("%v has code %d, want %d", v, code, i+1)
				}
			}
		}
		n.Reset()
	}
}
