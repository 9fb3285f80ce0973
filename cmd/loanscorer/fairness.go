package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/fairness"
)

// fairnessFlags are the flags of fairness.
type fairnessFlags struct {
	model           modelFlags
	by              []string
	reference       string
	label, positive string
	report          string
	json            bool
}

func fairnessCommand(s streams) *cobra.Command {
	var o fairnessFlags
	cmd := &cobra.Command{
		Use:   "fairness LOANS.csv --by COLUMN",
		Short: "Screen decisions for differences between groups",
		Long: `Score a CSV file and compare approval rates by the values of a column, which need
not be a published one: rates with 95 % intervals, ratios to the largest group or
--reference (four fifths is a known rule of thumb), and, if the file has outcomes,
how often good and bad ones were approved. Rows without a value are a group of
their own. Nothing of a screening ever goes into a model or a decision.

` + wrap(fairness.Caution, 80),
		Example: `  loanscorer fairness loans.csv --by Gender
  loanscorer fairness loans.csv --by Gender --by Married --model forest.json --report fairness.html
  loanscorer fairness loans.csv --by Age=25,40,60 --reference 'above 25 to 40'`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runFairness(cmd.Context(), s, args[0], &o)
		},
	}
	f := cmd.Flags()
	o.model.flags(f)
	f.StringArrayVar(&o.by, "by", nil, "COLUMN, or COLUMN=CUT,CUT,... for numbers; may be given again")
	f.StringVar(&o.reference, "reference", "", "group that ratios are against (default: the largest)")
	f.StringVar(&o.label, "label", ingest.LoanStatus.String(), "column with the outcome, if the file has it")
	f.StringVar(&o.positive, "positive", "", "outcome that means approval was right (default: Y, or 1)")
	f.StringVar(&o.report, "report", "", "write a report with plots to this HTML file")
	f.BoolVar(&o.json, "json", false, "print JSON")
	return cmd
}

func runFairness(ctx context.Context, s streams, path string, o *fairnessFlags) error {
	if len(o.by) == 0 || o.reference != "" && len(o.by) > 1 {
		return usagef("--by: name a column, such as --by Gender; --reference goes with one column only")
	}
	m, err := o.model.load()
	if err != nil {
		return err
	}
	r, err := screen(ctx, s, path, m, o)
	if err != nil {
		return err
	}
	return s.show(o.report, o.json, r, func(f *os.File) error { return fairness.WriteReport(f, r) }, func() { printFairness(s.out, r) })
}

// screening reads a file for one or more columns.
type screening struct {
	rows     *inputRows
	inputs   *inputs
	by       []*grouping
	columns  []*fairness.Screening
	outcomes *outcomes
	refused  map[string]int
}

func screen(ctx context.Context, s streams, path string, m *model.Model, o *fairnessFlags) (_ *fairness.Report, err error) {
	rows, err := openRows(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.close()) }()
	sc := &screening{rows: rows, refused: map[string]int{}}
	if sc.inputs, err = rows.bind(m); err != nil {
		return nil, err
	}
	if sc.outcomes, err = rows.outcomes(o.label, o.positive); err != nil {
		return nil, err
	}
	for _, by := range o.by {
		g, err := rows.newGrouping(by)
		if err != nil {
			return nil, err
		}
		sc.by, sc.columns = append(sc.by, g), append(sc.columns, fairness.New(g.name, missingGroup))
	}
	r := &fairness.Report{
		Data: filepath.Base(path), Model: m.Name() + " " + m.Version(), ModelSHA256: m.SHA256(), Caution: fairness.Caution,
	}
	bar := begin(s.err, rows.size(), "scoring")
	defer bar.done()
	for ok, rowErr := rows.next(); ok; ok, rowErr = rows.next() {
		decided, err := sc.add(rowErr, m.Policy())
		if err := errors.Join(ctx.Err(), err); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		r.Rows++
		if decided {
			r.Decided++
		}
		bar.set(rows.scanner.Next())
	}
	if err := rows.err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if r.Decided == 0 {
		return nil, fmt.Errorf("%s: no row can be scored", path)
	}
	if err := sc.outcomes.check(); err != nil {
		return nil, err
	}
	return r, sc.finish(r, m, o.reference)
}

// score scores the current row; code says why it cannot be.
func (sc *screening) score(unread *ingest.RowError) (p float64, code string) {
	if unread != nil {
		return 0, unread.Code
	}
	p, refused := sc.inputs.probability()
	if refused != nil {
		return 0, refused.Code
	}
	return p, ""
}

// add counts the current row; false when it has no decision.
func (sc *screening) add(unread *ingest.RowError, policy model.Policy) (bool, error) {
	p, code := sc.score(unread)
	if code != "" {
		sc.refused[code]++
		return false, nil
	}
	outcome := fairness.Unknown
	switch positive, known := sc.outcomes.next(); {
	case positive:
		outcome = fairness.Positive
	case known:
		outcome = fairness.Negative
	}
	for i, g := range sc.by {
		group, wrong := sc.rows.group(g)
		if wrong != nil {
			return false, fmt.Errorf("--by %s: %w", g.name, wrong)
		}
		if err := sc.columns[i].Add(group, p, policy.Decide(p), outcome); err != nil {
			return false, fmt.Errorf("%w; for numbers give cuts, such as --by %s=1000,2000", err, g.name)
		}
	}
	return true, nil
}

// uses tells whether a column is made of the other.
func (c column) uses(other column) bool {
	return c.name == other.name || c.known == ingest.TotalIncome && (other.known == ingest.ApplicantIncome || other.known == ingest.CoapplicantIncome)
}

// finish completes the report.
func (sc *screening) finish(r *fairness.Report, m *model.Model, reference string) error {
	var err error
	if r.SHA256, err = sc.rows.sha256(); err != nil {
		return err
	}
	r.FittedOn = fittedOn(m, r.SHA256)
	for code, n := range sc.refused {
		r.Refused = append(r.Refused, fairness.Refused{Code: code, Rows: n})
	}
	slices.SortFunc(r.Refused, func(a, b fairness.Refused) int {
		return cmp.Or(cmp.Compare(b.Rows, a.Rows), cmp.Compare(a.Code, b.Code))
	})
	for i, g := range sc.by {
		c, err := sc.columns[i].Column(reference)
		if err != nil {
			return fmt.Errorf("--reference: %w", err)
		}
		c.Input = slices.ContainsFunc(sc.inputs.columns, func(in column) bool { return in.uses(g.column) })
		r.Columns = append(r.Columns, c)
	}
	return nil
}

func printFairness(out io.Writer, r *fairness.Report) {
	_, _ = fmt.Fprintf(out, "model %s  sha256 %s\n%s rows of %s decided\n", r.Model, r.ModelSHA256, count(int64(r.Decided)), r.Data)
	for _, f := range r.Refused {
		_, _ = fmt.Fprintf(out, "  %s not decided: %s\n", count(int64(f.Rows)), f.Code)
	}
	if r.FittedOn {
		_, _ = fmt.Fprintln(out, "the model was fitted on these very rows")
	}
	for _, c := range r.Columns {
		printFairnessColumn(out, c)
	}
	_, _ = fmt.Fprintf(out, "\n%s\n", wrap(r.Caution, 80))
}

func printFairnessColumn(out io.Writer, c *fairness.Column) {
	_, _ = fmt.Fprintln(out)
	if c.Input {
		_, _ = fmt.Fprintf(out, "%s is an input of the model: it decides by this column itself\n", c.Name)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(w, "%s\trows\tapproved\t95 %% interval\treferred\tratio to %s\t95 %% interval\n", c.Name, c.Reference)
	for i := range c.Groups {
		g := &c.Groups[i]
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s", g.Name, count(int64(g.Rows)), percent(g.Approved.Share), points(g.Approved.Interval), percent(g.Referred.Share))
		switch {
		case g.Ratio != nil:
			in := "-"
			if g.Ratio.Interval != nil {
				in = fmt.Sprintf("%.3f to %.3f", g.Ratio.Interval.Low, g.Ratio.Interval.High)
			}
			_, _ = fmt.Fprintf(w, "\t%.3f\t%s\t%s\n", g.Ratio.Value, in, g.Ratio.Verdict)
		case g.Small:
			_, _ = fmt.Fprintf(w, "\t\t\tfew rows\n")
		default:
			_, _ = fmt.Fprintln(w)
		}
	}
	if c.HasOutcomes() {
		_, _ = fmt.Fprintf(w, "\nof known outcomes\tgood\tapproved, of the good\t95 %% interval\tapproved, of the bad\t95 %% interval\n")
		for i := range c.Groups {
			if g := &c.Groups[i]; g.Outcomes != nil {
				_, _ = fmt.Fprintf(w, "%s\t%d of %d\t%s\t%s\t%s\t%s\n", g.Name, g.Outcomes.Positive.Count, g.Outcomes.Positive.Of,
					percent(g.Outcomes.Recall.Share), points(g.Outcomes.Recall.Interval),
					percent(g.Outcomes.FalsePositive.Share), points(g.Outcomes.FalsePositive.Interval))
			}
		}
	}
	_ = w.Flush()
	if c.Lowest != "" {
		_, _ = fmt.Fprintf(out, "lowest rate %s, highest %s: ratio %.3f\n", c.Lowest, c.Highest, c.Ratio)
	}
}

// wrap breaks a text into lines of at most width bytes, between words.
func wrap(text string, width int) string {
	var b strings.Builder
	at := 0
	for word := range strings.FieldsSeq(text) {
		switch {
		case at == 0:
		case at+1+len(word) > width:
			b.WriteByte('\n')
			at = 0
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += len(word)
	}
	return b.String()
}
