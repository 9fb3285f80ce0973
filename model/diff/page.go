package diff

import (
	_ "embed"
	"fmt"
	"io"

	"github.com/loanscorer/loanscorer/model/chart"
)

//go:embed page.html.tmpl
var pageTemplate string

// page is what the template shows.
type page struct {
	*Report
	Training []Change // of the training records
	Others   []Change
	Plots    []chart.Plot
}

// WriteReport writes a self-contained HTML page. It holds aggregates only,
// never a row.
func WriteReport(w io.Writer, r *Report) error {
	p := page{Report: r}
	for _, c := range r.Changes {
		if c.Part == "training" {
			p.Training = append(p.Training, c)
		} else {
			p.Others = append(p.Others, c)
		}
	}
	if r.Rows != nil && r.Rows.Compared > 0 {
		p.Plots = append(p.Plots, r.Rows.changes(), r.Rows.scores())
		for i := range r.Rows.Columns {
			p.Plots = append(p.Plots, r.Rows.Columns[i].plot())
		}
	}
	return chart.Render(w, "Models "+r.A.Version+" and "+r.B.Version, pageTemplate, p)
}

// changes draws the histogram of changes, as far as there are any.
func (r *Rows) changes() chart.Plot {
	first, last, top := coarseSteps, coarseSteps, 1
	for i, b := range r.Score.Histogram {
		if b.Rows > 0 {
			first, last, top = min(first, i), max(last, i), max(top, b.Rows)
		}
	}
	shown := r.Score.Histogram[max(first-1, 0):min(last+2, len(r.Score.Histogram))]
	a := chart.Axes{XLow: shown[0].Low, XHigh: shown[len(shown)-1].High, YHigh: 1.05 * float64(top)}
	out := chart.Plot{
		Title: "Changes of the probability", XLabel: "B - A", YLabel: "rows", XTicks: a.XTicks(5), YTicks: a.YTicks(5),
		Note: fmt.Sprintf("Mean %+.4f, standard deviation %.4f. Right of 0, B is more willing to approve.", r.Score.Change, r.Score.SD),
	}
	for _, b := range shown {
		out.Bars = append(out.Bars, a.Bar("first", fmt.Sprintf("%+.3f to %+.3f: %d rows", b.Low, b.High, b.Rows),
			chart.Point{X: b.Low}, chart.Point{X: b.High, Y: float64(b.Rows)}))
	}
	out.Lines = append(out.Lines, a.Line("guide", chart.Point{}, chart.Point{Y: a.YHigh}))
	return out
}

// scores draws both distributions of probabilities as steps.
func (r *Rows) scores() chart.Plot {
	top := 1
	for i := range scoreBins {
		top = max(top, r.Score.ScoresA[i], r.Score.ScoresB[i])
	}
	a := chart.Axes{XHigh: 1, YHigh: 1.05 * float64(top)}
	steps := func(counts []int) []chart.Point {
		var out []chart.Point
		for i, n := range counts {
			low, high := float64(i)/scoreBins, float64(i+1)/scoreBins
			out = append(out, chart.Point{X: low, Y: float64(n)}, chart.Point{X: high, Y: float64(n)})
		}
		return out
	}
	return chart.Plot{
		Title: "Probabilities", XLabel: "probability", YLabel: "rows", XTicks: a.XTicks(5), YTicks: a.YTicks(5),
		Lines:  []chart.Line{a.Line("first", steps(r.Score.ScoresA)...), a.Line("second", steps(r.Score.ScoresB)...)},
		Legend: []chart.Key{{Class: "first", Text: "A"}, {Class: "warn", Text: "B"}},
	}
}

// shownGroups is how many groups a plot and a table show.
const shownGroups = 12

// plot draws the groups with the largest changes.
func (c *Column) plot() chart.Plot {
	low, high := -0.02, 0.02
	var items []chart.Interval
	for _, g := range c.Groups[:min(len(c.Groups), shownGroups)] {
		s := &g.Approval
		low, high = min(low, s.Range.Low), max(high, s.Range.High)
		items = append(items, chart.Interval{
			Name: fmt.Sprintf("%s, %d rows", g.Value, g.Rows), Low: s.Range.Low, Mid: s.Change, High: s.Range.High,
			Hint: fmt.Sprintf("%s: %.2f %% to %.2f %%", g.Value, 100*s.A.Share, 100*s.B.Share),
		})
	}
	return chart.Intervals(chart.Plot{
		Title: "Approvals by " + c.Name, XLabel: "change of the approval rate",
		Note: "Dots are B's rate less A's, lines their 95 % intervals. Left of the dashed line, B approves fewer.",
	}, low*1.05, high*1.05, items, 0)
}
