package evaluate

import (
	"math"

	"github.com/loanscorer/loanscorer/model/chart"
	"github.com/loanscorer/loanscorer/model/interval"
)

// Point is a point of a curve.
type Point = chart.Point

// Bin is a tenth of the probabilities from 0 to 1.
type Bin struct {
	Low      float64 `json:"low"`
	High     float64 `json:"high"` // excluded, but in the last bin
	Rows     int     `json:"rows"`
	Positive int     `json:"positive"`  // rows of the positive class
	Mean     float64 `json:"mean"`      // probability; 0 without rows
	ShareLow float64 `json:"share_low"` // 95 % Wilson interval of Positive/Rows
	ShareTop float64 `json:"share_high"`
}

// Curves are what a report draws.
type Curves struct {
	ROC             []Point `json:"roc"`              // x false positive rate, y true positive rate
	PrecisionRecall []Point `json:"precision_recall"` // x recall, y precision
	Bins            []Bin   `json:"calibration"`
	// CalibrationError is the mean distance of probability and share over the
	// bins, weighted by rows.
	CalibrationError float64 `json:"calibration_error"`
}

// Share returns the share of rows of the positive class, 0 without rows.
func (b Bin) Share() float64 { return float64(b.Positive) / float64(max(b.Rows, 1)) }

const bins = 10

// Curves computes every curve. A curve has at most about 500 points. Intervals
// count a row once, however often it was predicted.
func (s *Scored) Curves() Curves {
	steps := s.steps()
	c := Curves{ROC: []Point{{}}, Bins: make([]Bin, bins)}
	if len(steps) > 0 {
		yes, no := float64(steps[len(steps)-1].yes), float64(steps[len(steps)-1].no)
		every := len(steps)/500 + 1
		for i, st := range steps {
			if i%every != 0 && i != len(steps)-1 {
				continue
			}
			c.ROC = append(c.ROC, Point{X: float64(st.no) / math.Max(no, 1), Y: float64(st.yes) / math.Max(yes, 1)})
			c.PrecisionRecall = append(c.PrecisionRecall,
				Point{X: float64(st.yes) / math.Max(yes, 1), Y: float64(st.yes) / float64(st.yes+st.no)})
		}
	}
	for i := range c.Bins {
		c.Bins[i].Low, c.Bins[i].High = float64(i)/bins, float64(i+1)/bins
	}
	for i, p := range s.Probability {
		b := &c.Bins[min(int(p*bins), bins-1)]
		b.Rows++
		b.Mean += p
		b.Positive += int(s.outcome(i))
	}
	for i := range c.Bins {
		b := &c.Bins[i]
		if b.Rows == 0 {
			continue
		}
		b.Mean /= float64(b.Rows)
		share := b.Share()
		repeats := max(s.Repeats, 1)
		in := interval.Wilson((b.Positive+repeats/2)/repeats, max(b.Rows/repeats, 1))
		b.ShareLow, b.ShareTop = in.Low, in.High
		c.CalibrationError += math.Abs(share-b.Mean) * float64(b.Rows) / float64(len(s.Labels))
	}
	return c
}
