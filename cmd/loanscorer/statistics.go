package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/loanscorer/loanscorer/internal/status"
)

// printStatistics writes all statistics of a finished batch.
func printStatistics(w io.Writer, s *status.Statistics, histogram []int64) {
	if s.ApprovalRate != nil {
		_, _ = fmt.Fprintf(w, "  approval rate %s of the decided rows\n", percent(*s.ApprovalRate))
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	if len(s.Areas) > 0 {
		_, _ = fmt.Fprintln(w, "  by Property_Area:")
		_, _ = fmt.Fprintln(t, "\trows\tapproved\tdeclined\treferred\tapproval rate\t")
	}
	for _, a := range s.Areas {
		_, _ = fmt.Fprintf(t, "    %s\t%s\t%s\t%s\t%s\t%s\t\n", a.Area, count(a.Rows), count(a.Approved), count(a.Declined), count(a.Referred), percent(a.ApprovalRate))
	}
	_ = t.Flush()
	_, _ = fmt.Fprintln(w, "  drift of each feature from the training data (PSI: below 0.1 stable, above 0.25 large):")
	if len(s.Drift) == 0 {
		_, _ = fmt.Fprintln(w, "    unknown: "+noReference)
	} else {
		_, _ = fmt.Fprintln(t, "\tPSI\tby chance\t\tmissing\tin training\t")
	}
	for i := range s.Drift {
		d := &s.Drift[i]
		_, _ = fmt.Fprintf(t, "    %s\t%s\t%s\t%s\t%s\t%s\t\n", d.Feature, index(d.PSI), index(d.Chance), bandText(d), percent(d.Missing), percent(d.ReferenceMissing))
	}
	_ = t.Flush()
	if len(histogram) > 0 {
		_, _ = fmt.Fprintf(w, "  probability of approval, 0 to 1: %s\n", spark(histogram))
	}
	_, _ = fmt.Fprintf(w, "  %s\n", pace(s))
}

// noReference is why there is no drift.
const noReference = "the model file has no reference distributions of its training data"

// driftLine is the drift of all features in a line, for a short summary.
func driftLine(s *status.Statistics) string {
	var list []string
	for i := range s.Drift {
		d := &s.Drift[i]
		list = append(list, fmt.Sprintf("%s %s %s", d.Feature, index(d.PSI), bandText(d)))
	}
	if len(list) == 0 {
		return "drift: unknown, " + noReference
	}
	return "drift (PSI): " + strings.Join(list, ", ")
}

func areaLine(s *status.Statistics) string {
	var list []string
	for _, a := range s.Areas {
		list = append(list, a.Area+" "+percent(a.ApprovalRate))
	}
	return strings.Join(list, ", ")
}

func pace(s *status.Statistics) string {
	text := fmt.Sprintf("took %.3g s", s.Seconds)
	if s.Seconds >= 100 {
		text = fmt.Sprintf("took %.0f s", s.Seconds)
	}
	if s.RowsPerSecond != nil {
		text += ", " + count(int64(*s.RowsPerSecond)) + " rows/s"
	}
	return text
}

func bandText(d *status.Drift) string {
	switch {
	case d.PSI == nil:
		return "no values"
	case d.Band == status.FewRows:
		return "too few rows"
	default:
		return string(d.Band)
	}
}

func index(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.3f", *v)
}

// spark draws counts as one character each.
func spark(counts []int64) string {
	var most int64 = 1
	for _, n := range counts {
		most = max(most, n)
	}
	levels := []rune("▁▂▃▄▅▆▇█")
	line := make([]rune, len(counts))
	for i, n := range counts {
		line[i] = '.'
		if n > 0 {
			line[i] = levels[n*int64(len(levels)-1)/most]
		}
	}
	return string(line)
}
