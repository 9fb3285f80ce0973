package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/pflag"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
	"github.com/loanscorer/loanscorer/model/chart"
	"github.com/loanscorer/loanscorer/scorer"
)

// shadowFlag names the challenger that is scored beside the model that decides.
type shadowFlag struct {
	name  string // empty: none; or builtIn, a file, a SHA-256
	model modelFlags
}

func (o *shadowFlag) flag(f *pflag.FlagSet) {
	f.StringVar(&o.name, "shadow", "", "challenger whose probability and decision are put beside the model's, for files: a model file, default, or for services the SHA-256 of a published model")
}

// bind makes the model's flag of the shadow's.
func (o *shadowFlag) bind() *modelFlags {
	if o.model.path = o.name; o.name == builtIn {
		o.model.path = ""
	}
	return &o.model
}

func (o *shadowFlag) published() bool { return o.bind().published() }

func (o *shadowFlag) fetch(ctx context.Context, objects *store.Store) error {
	if err := o.bind().fetch(ctx, objects); err != nil {
		return fmt.Errorf("--shadow: %w", err)
	}
	return nil
}

// scorer is nil without a shadow.
func (o *shadowFlag) scorer() (*scorer.Scorer, error) {
	if o.name == "" {
		return nil, nil //nolint:nilnil // nil is no shadow, in Options too
	}
	m, err := o.bind().load()
	if err != nil {
		return nil, fmt.Errorf("--shadow: %w", err)
	}
	s, err := scorer.NewWith(m, scorer.Options{NoReasons: true})
	if err != nil {
		return nil, fmt.Errorf("--shadow %s: %w", o.name, err)
	}
	return s, nil
}

// shadowLine says in a line how a shadow model compares.
func shadowLine(s *status.ShadowStatistics) string {
	var list []string
	if s.Agreement != nil {
		list = append(list, fmt.Sprintf("the same decision for %s of %s rows, approves %s more and %s fewer",
			percent(*s.Agreement), count(s.Rows), count(s.SwapIn), count(s.SwapOut)))
	}
	if s.Unscored > 0 {
		list = append(list, count(s.Unscored)+" rows it cannot score")
	}
	if len(list) == 0 {
		return "shadow model: no rows"
	}
	return "shadow model: " + strings.Join(list, "; ")
}

// printShadow writes the cross table of a shadow model under its shadowLine,
// each line after indent.
func printShadow(w io.Writer, indent string, ref *status.Shadow, s *status.ShadowStatistics) {
	if ref != nil {
		_, _ = fmt.Fprintf(w, "%s  %s %s, SHA-256 %s\n", indent, ref.Model.Name, ref.Model.Version, ref.Model.SHA256)
	}
	if s.Rows > 0 && s.ApprovalRate != nil && s.ShadowApprovalRate != nil && s.MeanDifference != nil && s.MeanAbsDifference != nil {
		_, _ = fmt.Fprintf(w, "%s  approval rate %s, the shadow's %s; probability %+.4f on average, %.4f either way\n", indent,
			percent(*s.ApprovalRate), percent(*s.ShadowApprovalRate), *s.MeanDifference, *s.MeanAbsDifference)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(t, "\tshadow: approved\tdeclined\treferred\tnot scored\t")
	for _, d := range s.Decisions {
		_, _ = fmt.Fprintf(t, "%s  %s\t%s\t%s\t%s\t%s\t\n", indent, d.Decision, count(d.Approved), count(d.Declined), count(d.Referred), count(d.Unscored))
	}
	_ = t.Flush()
	for _, u := range s.UnscoredBy {
		_, _ = fmt.Fprintf(w, "%s  not scored for %s, %s: %s\n", indent, u.Feature, u.Code, count(u.Rows))
	}
}

// shadowPlots draw both distributions of the probability.
func shadowPlots(summary *status.Summary, s *status.ShadowStatistics) []chart.Plot {
	if s == nil || s.Rows == 0 || len(s.Histogram) != status.ScoreBins {
		return nil
	}
	t := &summary.Tally
	share := func(n, of int64) float64 { return float64(n) / float64(max(of, 1)) }
	var most float64
	for i := range s.Histogram {
		most = max(most, share(t.Histogram[i], t.DecidedRows()), share(s.Histogram[i], s.Rows))
	}
	a := chart.Axes{XHigh: 1, YHigh: max(most*1.05, 0.01)}
	p := chart.Plot{
		Title: "Probability of approval by both models", XLabel: "probability", YLabel: "share of the rows scored", XTicks: a.XTicks(5), YTicks: a.YTicks(5),
		Legend: []chart.Key{{Class: "second", Text: "the model that decided"}, {Class: "first", Text: "the shadow model"}},
	}
	const half = 0.5 / status.ScoreBins
	for i := range s.Histogram {
		x := float64(i) / status.ScoreBins
		bar := func(class string, from float64, n, of int64) chart.Bar {
			hint := fmt.Sprintf("%.2f to %.2f: %s rows, %s", x, x+2*half, count(n), percent(share(n, of)))
			return a.Bar(class, hint, chart.Point{X: from}, chart.Point{X: from + half, Y: share(n, of)})
		}
		p.Bars = append(p.Bars, bar("second", x, t.Histogram[i], t.DecidedRows()), bar("first", x+half, s.Histogram[i], s.Rows))
	}
	return []chart.Plot{p}
}
