package evaluate

import (
	"fmt"

	"github.com/loanscorer/loanscorer/model/chart"
)

func (p *page) roc() chart.Plot {
	a := chart.Unit()
	return chart.Plot{
		Title: "ROC curve", XLabel: "approved of those not " + p.Classes[p.Positive] + " in truth",
		YLabel: "approved of those " + p.Classes[p.Positive] + " in truth",
		Note:   fmt.Sprintf("Area %.3f%s. The dashed line is guessing.", p.Metrics.AUC, p.pooled()),
		XTicks: a.XTicks(5), YTicks: a.YTicks(5),
		Lines: []chart.Line{a.Line("guide", Point{X: 0, Y: 0}, Point{X: 1, Y: 1}), a.Line("curve", p.Curves.ROC...)},
	}
}

// pooled says that a curve is over all folds at once.
func (p *page) pooled() string {
	if p.CrossValidation != nil {
		return ", all folds together"
	}
	return ""
}

func (p *page) precisionRecall() chart.Plot {
	a, share := chart.Unit(), float64(p.ClassBalance[p.Positive])/float64(max(p.Rows, 1))
	return chart.Plot{
		Title: "Precision and recall", XLabel: "recall of " + p.Classes[p.Positive], YLabel: "precision",
		Note:   fmt.Sprintf("The dashed line approves everybody: %.3f.", share),
		XTicks: a.XTicks(5), YTicks: a.YTicks(5),
		Lines: []chart.Line{a.Line("guide", Point{X: 0, Y: share}, Point{X: 1, Y: share}), a.Line("curve", p.Curves.PrecisionRecall...)},
	}
}

// CalibrationPlot draws how honest probabilities of a class were, and their mean
// distance from the shares.
func CalibrationPlot(positive string, bins []Bin, distance float64) chart.Plot {
	a := chart.Unit()
	out := chart.Plot{
		Title: "Calibration", XLabel: "probability", YLabel: "share of " + positive,
		Note:   fmt.Sprintf("Points on the dashed line are honest probabilities; bars are 95 %% intervals. Mean distance %.3f.", distance),
		XTicks: a.XTicks(5), YTicks: a.YTicks(5),
		Lines: []chart.Line{a.Line("guide", Point{X: 0, Y: 0}, Point{X: 1, Y: 1})},
	}
	for _, b := range bins {
		if b.Rows == 0 {
			continue
		}
		share := float64(b.Positive) / float64(b.Rows)
		x := a.X(b.Mean)
		out.Marks = append(out.Marks, chart.Mark{
			X1: x, Y1: a.Y(b.ShareLow), X2: x, Y2: a.Y(b.ShareTop), DotX: x, DotY: a.Y(share),
			Hint: fmt.Sprintf("%.1f to %.1f: %d rows, mean %.3f, share %.3f", b.Low, b.High, b.Rows, b.Mean, share),
		})
	}
	return out
}

func (p *page) histogram() chart.Plot {
	top := 1
	for _, b := range p.Curves.Bins {
		top = max(top, b.Rows)
	}
	a := chart.Axes{XHigh: 1, YHigh: 1.05 * float64(top)}
	yes := p.Classes[p.Positive]
	out := chart.Plot{
		Title: "Scores", XLabel: "probability", YLabel: "rows", XTicks: a.XTicks(5), YTicks: a.YTicks(5),
		Legend: []chart.Key{{Class: "second", Text: yes}, {Class: "third", Text: "all others"}},
	}
	for _, b := range p.Curves.Bins {
		others := float64(b.Rows - b.Positive)
		hint := fmt.Sprintf("%.1f to %.1f: %d rows, %d %s", b.Low, b.High, b.Rows, b.Positive, yes)
		out.Bars = append(out.Bars,
			a.Bar("third", hint, Point{X: b.Low, Y: 0}, Point{X: b.High, Y: others}),
			a.Bar("second", hint, Point{X: b.Low, Y: others}, Point{X: b.High, Y: float64(b.Rows)}))
	}
	return out
}

func (p *page) importances() chart.Plot {
	low, high := -0.01, 0.01
	var items []chart.Interval
	for _, i := range p.Importances {
		low, high = min(low, i.AUC.Low), max(high, i.AUC.High)
		items = append(items, chart.Interval{
			Name: i.Feature, Low: i.AUC.Low, Mid: i.AUC.Mean, High: i.AUC.High,
			Hint: fmt.Sprintf("%s: %.4f (%.4f to %.4f)", i.Feature, i.AUC.Mean, i.AUC.Low, i.AUC.High),
		})
	}
	return chart.Intervals(chart.Plot{
		Title: "Importances", XLabel: "AUC lost when the feature is shuffled",
		Note: "Dots are means; lines hold 95 % of the folds or permutations. At or below the dashed line a feature does not help.",
	}, low, high*1.05, items, 0)
}
