package interval

import (
	"math"
	"testing"
)

func near(t *testing.T, name string, got, want Interval) {
	t.Helper()
	if math.Abs(got.Low-want.Low) > 5e-5 || math.Abs(got.High-want.High) > 5e-5 {
		t.Errorf("%s: %v, want %v", name, got, want)
	}
}

// The values were worked out from the formulas with another program.
func TestIntervals(t *testing.T) {
	t.Parallel()
	near(t, "8 of 10", Wilson(8, 10), Interval{0.49016, 0.94332})
	near(t, "0 of 20", Wilson(0, 20), Interval{0, 0.16113})
	near(t, "20 of 20", Wilson(20, 20), Interval{0.83887, 1})
	near(t, "none", Wilson(0, 0), Interval{0, 1})

	// ratio 0.5; sd of the logarithm sqrt(1/20 - 1/100 + 1/40 - 1/100) = 0.23452
	got, ok := Ratio(20, 100, 40, 100)
	if !ok {
		t.Fatal("no interval")
	}
	near(t, "ratio", got, Interval{0.5 * math.Exp(-1.95996*0.234521), 0.5 * math.Exp(1.95996*0.234521)})
	for _, counts := range [][4]int{{0, 10, 5, 10}, {5, 10, 0, 10}, {1, 0, 1, 1}, {4, 4, 9, 9}} {
		if _, ok := Ratio(counts[0], counts[1], counts[2], counts[3]); ok {
			t.Errorf("%v has an interval", counts)
		}
	}

	change, i := Change(30, 10, 100)
	if change != 0.2 {
		t.Errorf("change %v", change)
	}
	near(t, "change", i, Interval{0.077505, 0.314652})
	if _, i := Change(0, 0, 5); i.Low > -0.3 || i.High < 0.3 {
		t.Errorf("no change in 5 rows: %v", i)
	}
	if _, i := Change(0, 0, 0); i != (Interval{-1, 1}) {
		t.Errorf("change of nothing %v", i)
	}
	near(t, "mean", Mean(1, 2, 16), Interval{1 - 1.95996*0.5, 1 + 1.95996*0.5})
	if s := NewShare(0, 0); s.Share != 0 || s.High != 1 {
		t.Errorf("share of nothing %v", s)
	}
}
