package main

import (
	"fmt"
	"strings"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/model/chart"
	"github.com/loanscorer/loanscorer/model/interval"
)

// outcomePlots draw what was decided.
func outcomePlots(summary *status.Summary, stats *status.Statistics) []chart.Plot {
	plots := []chart.Plot{scorePlot(summary)}
	if len(stats.Areas) > 0 {
		plots = append(plots, areaPlot(stats))
	}
	return plots
}

// scorePlot draws the distribution of the probability with the cut-offs.
func scorePlot(summary *status.Summary) chart.Plot {
	t, policy := &summary.Tally, summary.Policy
	decided := float64(max(t.DecidedRows(), 1))
	var most float64
	for _, n := range t.Histogram {
		most = max(most, float64(n)/decided)
	}
	a := chart.Axes{XHigh: 1, YHigh: max(most*1.05, 0.01)}
	p := chart.Plot{
		Title: "Probability of approval", XLabel: "probability", YLabel: "share of the decided rows", XTicks: a.XTicks(5), YTicks: a.YTicks(5),
		Note: fmt.Sprintf("Dashed: approved above %v.", policy.ApproveAbove),
	}
	if policy.DeclineAt != policy.ApproveAbove {
		p.Note = fmt.Sprintf("Dashed: declined to %v, approved above %v, referred between.", policy.DeclineAt, policy.ApproveAbove)
	}
	for i, n := range t.Histogram {
		from, to := float64(i)/status.ScoreBins, float64(i+1)/status.ScoreBins
		hint := fmt.Sprintf("%.2f to %.2f: %s rows", from, to, count(n))
		p.Bars = append(p.Bars, a.Bar("first", hint, chart.Point{X: from}, chart.Point{X: to, Y: float64(n) / decided}))
	}
	for _, cut := range []float64{policy.DeclineAt, policy.ApproveAbove} {
		p.Lines = append(p.Lines, a.Line("guide", chart.Point{X: cut}, chart.Point{X: cut, Y: a.YHigh}))
	}
	return p
}

// areaPlot draws approval rates with their 95 % Wilson intervals.
func areaPlot(stats *status.Statistics) chart.Plot {
	var items []chart.Interval
	for _, a := range stats.Areas {
		w := interval.Wilson(int(a.Approved), int(a.Rows))
		items = append(items, chart.Interval{
			Name: fmt.Sprintf("%s: %s of %s rows", a.Area, percent(a.ApprovalRate), count(a.Rows)), Low: w.Low, Mid: a.ApprovalRate, High: w.High,
			Hint: fmt.Sprintf("%s approved, %s declined, %s referred", count(a.Approved), count(a.Declined), count(a.Referred)),
		})
	}
	p := chart.Plot{Title: "Approval by Property_Area", XLabel: "approved / decided", Note: "Lines are 95 % intervals."}
	var guides []float64
	if stats.ApprovalRate != nil {
		guides = append(guides, *stats.ApprovalRate)
		p.Note += " Dashed: all rows."
	}
	return chart.Intervals(p, 0, 1, items, guides...)
}

// driftPlots draw each feature beside the training data.
func driftPlots(stats *status.Statistics) []chart.Plot {
	var plots []chart.Plot
	for i := range stats.Drift {
		plots = append(plots, driftPlot(&stats.Drift[i]))
	}
	return plots
}

func driftPlot(d *status.Drift) chart.Plot {
	bins := d.Bins
	if n := len(bins); n > 1 && bins[n-1].Label == "other" && bins[n-1].Rows == 0 && bins[n-1].ReferenceShare == 0 {
		bins = bins[:n-1]
	}
	var most float64
	for i := range bins {
		most = max(most, bins[i].Share, bins[i].ReferenceShare)
	}
	a := chart.Axes{XHigh: float64(len(bins)), YHigh: max(most*1.05, 0.01)}
	p := chart.Plot{
		Title: d.Feature, YLabel: "share of rows with a value", XLabel: d.Feature, YTicks: a.YTicks(5),
		Legend: []chart.Key{{Class: "second", Text: "training data"}, {Class: "first", Text: "this batch"}},
		Note: fmt.Sprintf("PSI %s, %s (%s by chance alone). Missing: %s, in the training data %s.",
			index(d.PSI), bandText(d), index(d.Chance), percent(d.Missing), percent(d.ReferenceMissing)),
	}
	for i, b := range bins {
		x := float64(i)
		p.Bars = append(p.Bars,
			a.Bar("second", fmt.Sprintf("%s: %s of the training data", b.Label, percent(b.ReferenceShare)), chart.Point{X: x + 0.1}, chart.Point{X: x + 0.5, Y: b.ReferenceShare}),
			a.Bar("first", fmt.Sprintf("%s: %s, %s rows", b.Label, percent(b.Share), count(b.Rows)), chart.Point{X: x + 0.5}, chart.Point{X: x + 0.9, Y: b.Share}))
		p.XTicks = append(p.XTicks, binTick(a, bins, i)...)
	}
	return p
}

// binTick labels a bin: a range by its upper edge, every other one where there
// are many; anything else in its middle.
func binTick(a chart.Axes, bins []status.DriftBin, i int) []chart.Tick {
	label := bins[i].Label
	at := strings.LastIndex(label, "to ")
	switch {
	case strings.HasPrefix(label, "above "):
		return nil
	case at < 0 || at > 0 && label[at-1] != ' ':
		return []chart.Tick{{At: a.X(float64(i) + 0.5), Text: label}}
	case len(bins) > 6 && i%2 == 1:
		return nil
	default:
		return []chart.Tick{{At: a.X(float64(i + 1)), Text: label[at+3:]}}
	}
}
