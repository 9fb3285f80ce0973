// Package interval computes 95 % confidence intervals of shares.
//
// Counts are of independent trials; where they are not (several rows of one
// applicant), intervals are too narrow. Nothing here corrects for looking at
// many groups at once.
package interval

import "math"

// z is the 97.5 % quantile of the normal distribution.
const z = 1.959963984540054

// Interval is a range that holds the true value in 95 of 100 cases.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Share is a count of trials with its share and interval.
type Share struct {
	Count int     `json:"count"`
	Of    int     `json:"of"`
	Share float64 `json:"share"` // 0 without trials
	Interval
}

// NewShare returns the share of count among of trials with its Wilson interval.
func NewShare(count, of int) Share {
	s := Share{Count: count, Of: of, Interval: Wilson(count, of)}
	if of > 0 {
		s.Share = float64(count) / float64(of)
	}
	return s
}

// Wilson returns the interval of a share (Wilson, Probable Inference, the Law
// of Succession, and Statistical Inference, JASA 22, 1927): 0 to 1 without
// trials.
func Wilson(count, of int) Interval {
	if of <= 0 {
		return Interval{0, 1}
	}
	n, share := float64(of), float64(count)/float64(of)
	middle := (share + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(share*(1-share)/n+z*z/(4*n*n))
	return Interval{math.Max(middle-half, 0), math.Min(middle+half, 1)}
}

// Ratio returns the interval of the ratio of two shares of different trials,
// a/ofA to b/ofB (Katz and others, Obtaining Confidence Intervals for the Risk
// Ratio in Cohort Studies, Biometrics 34, 1978): the logarithm of the ratio is
// taken as normal. It is false where a count is 0 or both shares are 1, as the
// ratio then has no such interval.
func Ratio(a, ofA, b, ofB int) (Interval, bool) {
	if a <= 0 || b <= 0 || ofA < a || ofB < b || a == ofA && b == ofB {
		return Interval{}, false
	}
	ratio := float64(a) / float64(ofA) / (float64(b) / float64(ofB))
	spread := math.Sqrt(1/float64(a) - 1/float64(ofA) + 1/float64(b) - 1/float64(ofB))
	return Interval{ratio * math.Exp(-z*spread), ratio * math.Exp(z*spread)}, true
}

// Change returns the difference of two shares of the same n trials, of which
// gained were in the second alone and lost in the first alone, with its
// interval (Bonett and Price, Adjusted Wald Confidence Interval for a
// Difference of Binomial Proportions Based on Paired Data, JEBS 37, 2012).
func Change(gained, lost, n int) (float64, Interval) {
	if n <= 0 {
		return 0, Interval{-1, 1}
	}
	g, l, of := float64(gained+1), float64(lost+1), float64(n+2)
	middle := (g - l) / of
	half := z * math.Sqrt((g+l)/of-middle*middle) / math.Sqrt(of)
	return float64(gained-lost) / float64(n), Interval{math.Max(middle-half, -1), math.Min(middle+half, 1)}
}

// Mean returns the interval of a mean of n values with standard deviation sd.
func Mean(mean, sd float64, n int) Interval {
	half := z * sd / math.Sqrt(math.Max(float64(n), 1))
	return Interval{mean - half, mean + half}
}
