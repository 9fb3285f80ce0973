package card

import (
	"bufio"
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/chart"
	"github.com/loanscorer/loanscorer/model/evaluate"
)

//go:embed card.html.tmpl
var pageTemplate string

// WriteHTML writes the card as a self-contained page with drawn distributions.
func (c *Card) WriteHTML(w io.Writer) error { return chart.Render(w, c.Title, pageTemplate, c) }

// WriteMarkdown writes the card as Markdown with GitHub's tables.
func (c *Card) WriteMarkdown(out io.Writer) error {
	w := bufio.NewWriter(out)
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) } // Flush returns the error
	line("# %s", escape(c.Title))
	for _, s := range c.Sections {
		if s.Title != "" {
			line("\n## %s", escape(s.Title))
		} else {
			line("")
		}
		for i, text := range s.Text {
			if i > 0 {
				line("")
			}
			line("%s", escape(text))
		}
		if len(s.Table.Rows) > 0 {
			if len(s.Text) > 0 {
				line("")
			}
			line("| %s |\n|%s", strings.Join(each(s.Table.Head, escape), " | "), strings.Repeat("---|", len(s.Table.Head)))
			for _, row := range s.Table.Rows {
				line("| %s |", strings.Join(each(row, markdownCell), " | "))
			}
		}
		for _, item := range s.List {
			line("- %s", escape(item))
		}
		if s.Code != "" {
			line("```\n%s\n```", strings.ReplaceAll(s.Code, "```", "'''"))
		}
	}
	return w.Flush()
}

func each[T any](list []T, f func(T) string) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = f(v)
	}
	return out
}

func markdownCell(c Cell) string {
	if c.Code {
		return "`" + strings.NewReplacer("`", "'", "|", `\|`).Replace(c.Text) + "`"
	}
	return escape(c.Text)
}

// escape keeps Markdown from reading a text as anything but text. Underscores
// inside words are text already.
func escape(text string) string {
	return strings.NewReplacer(`\`, `\\`, "|", `\|`, "*", `\*`, "`", "\\`", "<", "&lt;", "[", `\[`, "]", `\]`, "\n", " ").Replace(text)
}

// plots draws what the training rows were like, and how honest probabilities
// were found.
func (w *writer) plots() []chart.Plot {
	var out []chart.Plot
	for _, d := range w.m.Reference() {
		switch {
		case len(d.Counts) > 0:
			out = append(out, w.countPlot(&d))
		case len(d.Deciles) > 1:
			out = append(out, decilePlot(&d))
		}
	}
	if w.record != nil && len(w.record.Metrics.Calibration) > 0 {
		out = append(out, evaluate.CalibrationPlot(w.positive, w.record.Metrics.Calibration, w.record.Metrics.CalibrationError))
	}
	return out
}

func (w *writer) countPlot(d *model.Distribution) chart.Plot {
	f, top := w.feature(d.Feature), 1
	for _, c := range d.Counts {
		top = max(top, c.Count)
	}
	n := float64(len(d.Counts))
	a := chart.Axes{XHigh: n, YHigh: 1.05 * float64(top)}
	p := chart.Plot{Title: d.Feature, YLabel: "training rows", YTicks: a.YTicks(4), Note: missingNote(d)}
	for i, c := range d.Counts {
		x := float64(i)
		p.Bars = append(p.Bars, a.Bar("first", fmt.Sprintf("%s: %d rows", value(f, c.Value), c.Count),
			chart.Point{X: x + 0.1}, chart.Point{X: x + 0.9, Y: float64(c.Count)}))
		p.XTicks = append(p.XTicks, chart.Tick{At: a.X(x + 0.5), Text: value(f, c.Value)})
	}
	return p
}

// decilePlot draws the eight inner tenths as bars of the same area.
func decilePlot(d *model.Distribution) chart.Plot {
	first, last := d.Deciles[0], d.Deciles[len(d.Deciles)-1]
	density := make([]float64, len(d.Deciles)-1)
	for i := range density {
		density[i] = 1 / max(d.Deciles[i+1]-d.Deciles[i], (last-first)/1000, 1e-300)
	}
	a := chart.Axes{XLow: first, XHigh: last, YHigh: 1.05 * slices.Max(density)}
	p := chart.Plot{
		Title: d.Feature, YLabel: "density of training rows", XTicks: a.XTicks(5),
		Note: "Each bar holds a tenth of the rows; a tenth lies below the first and a tenth above the last. " + missingNote(d),
	}
	if first == last {
		p.XTicks = []chart.Tick{{At: a.X(first), Text: fmt.Sprintf("%.6g", first)}}
	}
	for i, v := range density {
		p.Bars = append(p.Bars, a.Bar("first", fmt.Sprintf("%.6g to %.6g", d.Deciles[i], d.Deciles[i+1]),
			chart.Point{X: d.Deciles[i]}, chart.Point{X: d.Deciles[i+1], Y: v}))
	}
	return p
}

func missingNote(d *model.Distribution) string {
	return fmt.Sprintf("Missing in %s of %s rows.", count(d.Missing), count(d.Rows))
}
