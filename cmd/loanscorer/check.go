package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/scorer"
)

type checkOptions struct {
	model modelFlags
	given ingest.Given
	json  bool
}

func checkCommand(s streams) *cobra.Command {
	var o checkOptions
	cmd := &cobra.Command{
		Use:   "check FILE|-",
		Short: "Tell how a CSV file would be read and what is wrong with it, without scoring it",
		Long: `Read a file as it would be scored, and print how it is written, its columns, the
rows that would be rejected, duplicate Loan_IDs, and about how long scoring takes:
by the speed of this machine with this model on some of the first rows, or, with too
few of them and of a stream, by the documented 1,800,000 rows a second of one core.
Nothing is written. The file - is the standard input.

Exit codes: 0 every row can be scored, 3 some rows would be rejected, 1 the file
would be refused as a whole, 2 wrong usage.`,
		Example: "  loanscorer check loans.csv\n  loanscorer check carteira.xlsx --sheet Maio --json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.given.Check(); err != nil {
				return &usageError{err}
			}
			return runCheck(cmd.Context(), s, args[0], &o)
		},
	}
	o.model.flags(cmd.Flags())
	dialectFlags(cmd.Flags(), &o.given)
	cmd.Flags().BoolVar(&o.json, "json", false, "print the report as JSON")
	return cmd
}

func runCheck(ctx context.Context, s streams, path string, o *checkOptions) error {
	m, err := o.model.load()
	if err != nil {
		return err
	}
	sc, err := scorer.NewWith(m, scorer.Options{NoReasons: true})
	if err != nil {
		return err
	}
	in, src, err := openSource(s.in, path)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	path = sourceName(path)
	boundMemory()
	bar := newBar(s.err, max(src.Size, 0), "checking")
	report, err := scorer.CheckFile(ctx, sc, src, ingest.CheckOptions{Given: o.given, Progress: bar.set})
	bar.done()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if report.OK && src.Size >= 0 {
		report.Rate(measuredRate(ctx, m, src, o.given))
	}
	if o.json {
		if err := json.NewEncoder(s.out).Encode(report); err != nil {
			return err
		}
	} else if err := printCheck(s.out, path, report); err != nil {
		return err
	}
	switch {
	case report.Refused != nil && o.json:
		return errFailed
	case report.Refused != nil:
		return fmt.Errorf("%s: %w", path, report.Refused)
	case report.Rejected > 0:
		return errPartly
	}
	return nil
}

// printCheck tells people what is in a file.
func printCheck(w io.Writer, path string, r *ingest.Report) error {
	if r.Dialect == nil {
		return nil
	}
	_, _ = fmt.Fprintf(w, "%s: %v\n", path, *r.Dialect)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range r.Columns {
		_, _ = fmt.Fprintf(t, "  %s\t%s\n", cmp.Or(c.Name, "(no name)"), columnUse(c))
	}
	if err := t.Flush(); err != nil || !r.OK {
		return err
	}
	_, _ = fmt.Fprintf(w, "%s rows: %s can be scored, %s would be rejected\n", count(r.Rows), count(r.Rows-r.Rejected), count(r.Rejected))
	for _, code := range byCount(r.RejectedCodes) {
		_, _ = fmt.Fprintf(w, "  %s %s\n", count(r.RejectedCodes[code]), code)
	}
	for _, p := range r.Problems {
		_, _ = fmt.Fprintf(w, "  line %d: %s\n", p.Line, strings.TrimPrefix(p.Column+": "+p.Reason, ": "))
	}
	if more := r.Rejected - int64(len(r.Problems)); more > 0 {
		_, _ = fmt.Fprintf(w, "  ... and %s more\n", count(more))
	}
	printDuplicates(w, "", &r.Duplicates)
	from := "as documented"
	if r.Measured {
		from = "measured here"
	}
	_, err := fmt.Fprintf(w, "about %.1f s with one worker, at %s rows/s %s\n", r.Seconds, count(int64(r.RowsPerSecond)), from)
	return err
}

// measuredRate is what one core scores here, or 0 if that is not known. A model
// without reason codes is measured without reasons.
func measuredRate(ctx context.Context, m *model.Model, src ingest.Source, given ingest.Given) float64 {
	sc, err := scorer.New(m)
	if err != nil {
		sc, err = scorer.NewWith(m, scorer.Options{NoReasons: true})
	}
	if err != nil {
		return 0
	}
	rate, err := scorer.Rate(ctx, sc, src, given)
	if err != nil {
		return 0
	}
	return rate
}

// printDuplicates tells of rows that have the id of an earlier one.
func printDuplicates(w io.Writer, indent string, d *ingest.Duplicates) {
	if d == nil || d.Rows == 0 {
		return
	}
	about := "about "
	if d.Exact {
		about = ""
	}
	_, _ = fmt.Fprintf(w, "%s%s%s rows have a Loan_ID that an earlier row has; they are kept\n", indent, about, count(d.Rows))
}

// columnUse tells what becomes of a column.
func columnUse(c ingest.HeadColumn) string {
	switch {
	case c.Known != "" && c.Known != c.Name:
		return "is " + c.Known
	case c.Known != "":
		return "known"
	case c.Name == "":
		return "left out"
	}
	return "carried along as text"
}

// byCount are the keys of counts, the highest first.
func byCount(counts map[string]int64) []string {
	keys := slices.Sorted(maps.Keys(counts))
	slices.SortStableFunc(keys, func(a, b string) int { return cmp.Compare(counts[b], counts[a]) })
	return keys
}
