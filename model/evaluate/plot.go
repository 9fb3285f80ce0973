package evaluate

import (
	"fmt"
	"strings"
)

// The drawing area of a plot in SVG units; the frame around it is the
// template's.
const (
	plotLeft   = 60.0
	plotTop    = 16.0
	plotWidth  = 360.0
	plotHeight = 300.0
)

// plot is one drawing, in SVG units.
type plot struct {
	Title, XLabel, YLabel string
	Note                  string // one sentence below: what to see
	XTicks, YTicks        []tick
	Lines                 []polyline
	Bars                  []rectangle
	Marks                 []mark
	Texts                 []label // inside the frame
}

type label struct {
	X, Y float64
	Text string
}

type tick struct {
	At   float64
	Text string
}

type polyline struct {
	Points string // as SVG wants them
	Class  string
}

type rectangle struct {
	X, Y, Width, Height float64
	Class, Hint         string
}

// mark is a dot with an interval: a line from (X, Y) to (X2, Y2).
type mark struct {
	X1, Y1, X2, Y2, DotX, DotY float64
	Hint                       string
}

// axes maps values to SVG units.
type axes struct{ xLow, xHigh, yLow, yHigh float64 }

func (a axes) x(v float64) float64 {
	return plotLeft + plotWidth*(v-a.xLow)/(a.xHigh-a.xLow)
}

func (a axes) y(v float64) float64 {
	return plotTop + plotHeight*(1-(v-a.yLow)/(a.yHigh-a.yLow))
}

func (a axes) line(class string, points ...Point) polyline {
	var b strings.Builder
	for _, p := range points {
		fmt.Fprintf(&b, "%.1f,%.1f ", a.x(p.X), a.y(p.Y))
	}
	return polyline{Points: strings.TrimSpace(b.String()), Class: class}
}

func (a axes) xTicks(format string, steps int) []tick {
	return ticks(a.xLow, a.xHigh, format, steps, a.x)
}

func (a axes) yTicks(format string, steps int) []tick {
	return ticks(a.yLow, a.yHigh, format, steps, a.y)
}

func ticks(low, high float64, format string, steps int, at func(float64) float64) []tick {
	out := make([]tick, 0, steps+1)
	for i := range steps + 1 {
		v := low + (high-low)*float64(i)/float64(steps)
		out = append(out, tick{At: at(v), Text: fmt.Sprintf(format, v)})
	}
	return out
}

// unit is the square from 0 to 1 both ways.
func unit() axes { return axes{xHigh: 1, yHigh: 1} }

func (p *page) roc() plot {
	a := unit()
	return plot{
		Title: "ROC curve", XLabel: "approved of those not approved in truth", YLabel: "approved of those approved in truth",
		Note:   fmt.Sprintf("Area %.3f. The dashed line is guessing.", p.Metrics.AUC),
		XTicks: a.xTicks("%.1f", 5), YTicks: a.yTicks("%.1f", 5),
		Lines: []polyline{a.line("guide", Point{0, 0}, Point{1, 1}), a.line("curve", p.Curves.ROC...)},
	}
}

func (p *page) precisionRecall() plot {
	a, share := unit(), float64(p.ClassBalance[p.Positive])/float64(max(p.Rows, 1))
	return plot{
		Title: "Precision and recall", XLabel: "recall of " + p.Classes[p.Positive], YLabel: "precision",
		Note:   fmt.Sprintf("The dashed line approves everybody: %.3f.", share),
		XTicks: a.xTicks("%.1f", 5), YTicks: a.yTicks("%.1f", 5),
		Lines: []polyline{a.line("guide", Point{0, share}, Point{1, share}), a.line("curve", p.Curves.PrecisionRecall...)},
	}
}

func (p *page) calibration() plot {
	a := unit()
	out := plot{
		Title: "Calibration", XLabel: "probability", YLabel: "share of " + p.Classes[p.Positive],
		Note:   fmt.Sprintf("Points on the dashed line are honest probabilities; bars are 95 %% intervals. Mean distance %.3f.", p.Curves.CalibrationError),
		XTicks: a.xTicks("%.1f", 5), YTicks: a.yTicks("%.1f", 5),
		Lines: []polyline{a.line("guide", Point{0, 0}, Point{1, 1})},
	}
	for _, b := range p.Curves.Bins {
		if b.Rows == 0 {
			continue
		}
		share := float64(b.Positive) / float64(b.Rows)
		x := a.x(b.Mean)
		out.Marks = append(out.Marks, mark{
			X1: x, Y1: a.y(b.ShareLow), X2: x, Y2: a.y(b.ShareTop), DotX: x, DotY: a.y(share),
			Hint: fmt.Sprintf("%.1f to %.1f: %d rows, mean %.3f, share %.3f", b.Low, b.High, b.Rows, b.Mean, share),
		})
	}
	return out
}

func (p *page) histogram() plot {
	top := 1
	for _, b := range p.Curves.Bins {
		top = max(top, b.Rows)
	}
	a := axes{xHigh: 1, yHigh: float64(top)}
	out := plot{
		Title: "Scores", XLabel: "probability", YLabel: "rows",
		Note:   fmt.Sprintf("Light: %s. Dark: all others.", p.Classes[p.Positive]),
		XTicks: a.xTicks("%.1f", 5), YTicks: a.yTicks("%.0f", 4),
	}
	for _, b := range p.Curves.Bins {
		width := plotWidth/bins - 2
		others := float64(b.Rows - b.Positive)
		hint := fmt.Sprintf("%.1f to %.1f: %d rows, %d %s", b.Low, b.High, b.Rows, b.Positive, p.Classes[p.Positive])
		for _, part := range []struct {
			class     string
			low, high float64
		}{{"other", 0, others}, {"positive", others, float64(b.Rows)}} {
			out.Bars = append(out.Bars, rectangle{
				X: a.x(b.Low) + 1, Y: a.y(part.high), Width: width, Height: a.y(part.low) - a.y(part.high), Class: part.class, Hint: hint,
			})
		}
	}
	return out
}

func (p *page) importances() plot {
	low, high := -0.01, 0.01
	for _, i := range p.Importances {
		low, high = min(low, i.AUC.Low), max(high, i.AUC.High)
	}
	a, n := axes{xLow: low, xHigh: high * 1.05, yHigh: 1}, float64(len(p.Importances))
	out := plot{
		Title: "Importances", XLabel: "AUC lost when the feature is shuffled",
		Note:   "Dots are means; lines hold 95 % of the folds or permutations. At or below the dashed line a feature does not help.",
		XTicks: a.xTicks("%.2f", 4), Lines: []polyline{a.line("guide", Point{0, 0}, Point{0, 1})},
	}
	for i, imp := range p.Importances {
		y := plotTop + plotHeight*(float64(i)+0.5)/n
		out.Texts = append(out.Texts, label{X: plotLeft + 6, Y: y - 10, Text: imp.Feature})
		out.Marks = append(out.Marks, mark{
			X1: a.x(imp.AUC.Low), Y1: y, X2: a.x(imp.AUC.High), Y2: y, DotX: a.x(imp.AUC.Mean), DotY: y,
			Hint: fmt.Sprintf("%s: %.4f (%.4f to %.4f)", imp.Feature, imp.AUC.Mean, imp.AUC.Low, imp.AUC.High),
		})
	}
	return out
}
