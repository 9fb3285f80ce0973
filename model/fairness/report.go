package fairness

import (
	_ "embed"
	"fmt"
	"io"

	"github.com/loanscorer/loanscorer/model/chart"
	"github.com/loanscorer/loanscorer/model/interval"
)

// Report is a screening of a file.
type Report struct {
	Data        string    `json:"data"` // name of the file
	SHA256      string    `json:"data_sha256"`
	Rows        int       `json:"rows"`    // rows of the file
	Decided     int       `json:"decided"` // rows that the model scored
	Refused     []Refused `json:"refused,omitempty"`
	Model       string    `json:"model"` // its name and version
	ModelSHA256 string    `json:"model_sha256"`
	FittedOn    bool      `json:"fitted_on_these_rows,omitempty"`
	Columns     []*Column `json:"columns"`
	Caution     string    `json:"caution"`
}

// Refused counts rows that were not decided.
type Refused struct {
	Code string `json:"code"`
	Rows int    `json:"rows"`
}

//go:embed report.html.tmpl
var pageTemplate string

// WriteReport writes a self-contained HTML page with drawn rates and ratios. It
// holds aggregates only; a group of few rows may still be recognised.
func WriteReport(w io.Writer, r *Report) error {
	type section struct {
		*Column
		Plots []chart.Plot
	}
	page := struct {
		*Report
		Sections []section
	}{Report: r}
	for _, c := range r.Columns {
		page.Sections = append(page.Sections, section{c, c.plots()})
	}
	return chart.Render(w, "Approvals by group: "+r.Data, pageTemplate, page)
}

// shownGroups is how many groups a drawing shows: the reference and the largest.
const shownGroups = 20

func (c *Column) shown() []Group { return c.Groups[:min(len(c.Groups), shownGroups)] }

func (c *Column) plots() []chart.Plot {
	out := []chart.Plot{c.rates(), c.ratios()}
	if c.HasOutcomes() {
		out = append(out, c.outcomes())
	}
	return out
}

// HasOutcomes tells whether outcomes of some rows are known.
func (c *Column) HasOutcomes() bool {
	for i := range c.Groups {
		if c.Groups[i].Outcomes != nil {
			return true
		}
	}
	return false
}

// name marks a group in a drawing.
func (g *Group) name() string {
	text := fmt.Sprintf("%s, %s rows", g.Name, chart.Number(float64(g.Rows), 0))
	if g.Small {
		text += ", few"
	}
	return text
}

func (c *Column) rates() chart.Plot {
	var items []chart.Interval
	for _, g := range c.shown() {
		a := g.Approved
		items = append(items, chart.Interval{
			Name: g.name(), Low: a.Low, Mid: a.Share, High: a.High, Warn: g.Small,
			Hint: fmt.Sprintf("%s: %.2f %% (%.2f to %.2f)", g.Name, 100*a.Share, 100*a.Low, 100*a.High),
		})
	}
	return chart.Intervals(chart.Plot{
		Title: "Approval rates", XLabel: "share approved",
		Note: "Dots are rates, lines their 95 % intervals; the dashed line is the rate of " + c.Reference + ".",
	}, 0, 1, items, c.Groups[0].Approved.Share)
}

func (c *Column) ratios() chart.Plot {
	high := 1.3
	var items []chart.Interval
	for _, g := range c.shown() {
		if g.Ratio == nil {
			continue
		}
		item := chart.Interval{
			Name: g.name(), Low: g.Ratio.Value, Mid: g.Ratio.Value, High: g.Ratio.Value,
			Warn: g.Ratio.Verdict == Below || g.Ratio.Verdict == Perhaps, Hint: fmt.Sprintf("%s: %.3f, %s", g.Name, g.Ratio.Value, g.Ratio.Verdict),
		}
		if in := g.Ratio.Interval; in != nil {
			item.Low, item.High = in.Low, in.High
		}
		high = max(high, min(item.High, 2.5), min(item.Mid, 2.5))
		items = append(items, item)
	}
	return chart.Intervals(chart.Plot{
		Title: "Ratios to " + c.Reference, XLabel: "approval rate of the group / of " + c.Reference,
		Note: "The dashed lines are 1 and four fifths. Lines are 95 % intervals, cut at the frame.",
	}, 0, high, items, 1, FourFifths)
}

func (c *Column) outcomes() chart.Plot {
	var items []chart.Interval
	for _, g := range c.shown() {
		if g.Outcomes == nil {
			continue
		}
		for _, rate := range []struct {
			what string
			of   interval.Share
		}{{"good", g.Outcomes.Recall}, {"bad", g.Outcomes.FalsePositive}} {
			items = append(items, chart.Interval{
				Name: g.Name + ", " + rate.what + " outcomes", Low: rate.of.Low, Mid: rate.of.Share, High: rate.of.High,
				Warn: rate.what == "bad", Hint: fmt.Sprintf("%s, %s outcomes: %.2f %%", g.Name, rate.what, 100*rate.of.Share),
			})
		}
	}
	return chart.Intervals(chart.Plot{
		Title: "Approved, by outcome", XLabel: "share approved",
		Note:   "Of those with a good outcome (recall) and of those with a bad one (false positive rate), with 95 % intervals.",
		Legend: []chart.Key{{Class: "first", Text: "good outcome"}, {Class: "warn", Text: "bad outcome"}},
	}, 0, 1, items)
}
