package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/diff"
	"github.com/loanscorer/loanscorer/model/interval"
)

// builtIn names the model that the program carries.
const builtIn = "default"

// diffFlags are the flags of model diff.
type diffFlags struct {
	by              []string
	label, positive string
	report          string
	json            bool
}

func diffCommand(s streams) *cobra.Command {
	var o diffFlags
	cmd := &cobra.Command{
		Use:   "diff A.json B.json [ROWS.csv]",
		Short: "Tell how two models differ",
		Long: `Tell how two model files differ: features, classes, policy, size, training record.
With a CSV file of applications, also how they decide: how often they agree, the
swap sets (what one approves and the other does not), how probabilities change,
and with --by how approvals change for the values of a column. B may be the
champion's challenger, or the same recipe fitted on newer data.

The word default stands for the built-in model. Rows that one of the models
cannot score are counted and left out.`,
		Example: `  loanscorer model diff default model.json
  loanscorer model diff a.json b.json loans.csv --by Property_Area
  loanscorer model diff a.json b.json loans.csv --by TotalIncome=3000,6000,9000 --report diff.html`,
		Args: cobra.RangeArgs(2, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runDiff(cmd.Context(), s, args, &o)
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.by, "by", nil, "COLUMN, or COLUMN=CUT,CUT,... for numbers: show how approvals change for its values")
	f.StringVar(&o.label, "label", ingest.LoanStatus.String(), "column with the outcome, if the file has it")
	f.StringVar(&o.positive, "positive", "", "outcome that means approval was right (default: Y, or 1)")
	f.StringVar(&o.report, "report", "", "write a report with plots to this HTML file")
	f.BoolVar(&o.json, "json", false, "print JSON")
	return cmd
}

func runDiff(ctx context.Context, s streams, args []string, o *diffFlags) error {
	var models [2]*model.Model
	for i := range models {
		path := args[i]
		if path == builtIn {
			path = ""
		}
		var err error
		if models[i], err = loadModel(path); err != nil {
			return err
		}
	}
	r := diff.Files(models[0], models[1])
	if len(args) == 3 {
		var err error
		if r.Rows, err = diffRows(ctx, s, args[2], models, o); err != nil {
			return err
		}
	} else if len(o.by) > 0 {
		return usagef("--by %s: needs rows: give a CSV file", o.by[0])
	}
	return s.show(o.report, o.json, r, func(f *os.File) error { return diff.WriteReport(f, r) }, func() { printDiff(s.out, r) })
}

// diffRows scores the file's rows with both models.
func diffRows(ctx context.Context, s streams, path string, models [2]*model.Model, o *diffFlags) (_ *diff.Rows, err error) {
	rows, err := openRows(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.close()) }()
	d := &rowDiff{rows: rows}
	for i, m := range models {
		if d.inputs[i], err = rows.bind(m); err != nil {
			return nil, fmt.Errorf("%s: %w", []string{"A", "B"}[i], err)
		}
	}
	if d.outcomes, err = rows.outcomes(o.label, o.positive); err != nil {
		return nil, err
	}
	var names []string
	for _, by := range o.by {
		g, err := rows.newGrouping(by)
		if err != nil {
			return nil, err
		}
		d.by, names = append(d.by, g), append(names, g.name)
	}
	d.comparison = diff.NewComparison(models[0], models[1], names...)
	bar := begin(s.err, rows.size(), "comparing")
	defer bar.done()
	for {
		ok, rowErr := rows.next()
		if !ok {
			break
		}
		if err := errors.Join(ctx.Err(), d.add(rowErr)); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		bar.set(rows.scanner.Next())
	}
	if err := rows.err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := d.outcomes.check(); err != nil {
		return nil, err
	}
	out := d.comparison.Rows()
	if out.SHA256, err = rows.sha256(); err != nil {
		return nil, err
	}
	for i, m := range models {
		if fittedOn(m, out.SHA256) {
			out.FittedOn = append(out.FittedOn, []string{"a", "b"}[i])
		}
	}
	return out, nil
}

// fittedOn tells whether a model's training record names this data.
func fittedOn(m *model.Model, dataSHA256 string) bool {
	var training struct {
		SHA256 string `json:"data_sha256"`
	}
	return json.Unmarshal(m.Training(), &training) == nil && training.SHA256 == dataSHA256
}

// rowDiff adds rows to a comparison.
type rowDiff struct {
	rows       *inputRows
	inputs     [2]*inputs
	by         []*grouping
	outcomes   *outcomes
	comparison *diff.Comparison
}

// score scores the current row by both models; by tells who refuses it, and
// code why.
func (d *rowDiff) score(unread *ingest.RowError) (row diff.Row, by, code string) {
	if unread != nil {
		return row, "file", unread.Code
	}
	for i, p := range [2]*float64{&row.A, &row.B} {
		var refused *ingest.RowError
		if *p, refused = d.inputs[i].probability(); refused != nil {
			return row, []string{"a", "b"}[i], refused.Code
		}
	}
	return row, "", ""
}

func (d *rowDiff) add(unread *ingest.RowError) error {
	row, by, code := d.score(unread)
	if by != "" {
		d.comparison.Refuse(by, code)
		return nil
	}
	for _, g := range d.by {
		group, rowErr := d.rows.group(g)
		if rowErr != nil {
			return fmt.Errorf("--by %s: %w", g.name, rowErr)
		}
		row.Groups = append(row.Groups, group)
	}
	switch positive, known := d.outcomes.next(); {
	case positive:
		row.Outcome = diff.Positive
	case known:
		row.Outcome = diff.Negative
	}
	err := d.comparison.Add(row)
	if errors.Is(err, diff.ErrGroups) {
		err = fmt.Errorf("%w; for numbers give cuts, such as --by COLUMN=1000,2000", err)
	}
	return err
}

func printDiff(out io.Writer, r *diff.Report) {
	for _, line := range []struct {
		name string
		m    *diff.Identity
	}{{"A", &r.A}, {"B", &r.B}} {
		_, _ = fmt.Fprintf(out, "%s  %s %s, %d trees  sha256 %s\n", line.name, line.m.Name, line.m.Version, line.m.Forest.Trees, line.m.SHA256)
	}
	switch {
	case r.A.SHA256 == r.B.SHA256:
		_, _ = fmt.Fprintln(out, "the files are the same, byte by byte")
	case r.SameContent:
		_, _ = fmt.Fprintln(out, "features, classes and trees are the same: every probability is")
	}
	if len(r.Changes) > 0 {
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintf(w, "\nwhat the files say\t\tA\tB\n")
		for _, c := range r.Changes {
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", c.Part, c.Name, shorten(c.A, 48), shorten(c.B, 48))
		}
		_ = w.Flush()
	}
	if r.Rows != nil {
		printDiffRows(out, r.Rows)
	}
}

// shorten makes a text fit a table.
func shorten(text string, most int) string {
	switch {
	case text == "":
		return "-"
	case utf8.RuneCountInString(text) > most:
		return string([]rune(text)[:most-1]) + "…"
	}
	return text
}

func printDiffRows(out io.Writer, r *diff.Rows) {
	_, _ = fmt.Fprintf(out, "\n%s rows compared of %s\n", count(int64(r.Compared)), count(int64(r.Read)))
	for _, f := range r.Refused {
		by := map[string]string{"file": "cannot be read", "a": "refused by A", "b": "refused by B"}[f.By]
		_, _ = fmt.Fprintf(out, "  %s %s: %s\n", count(int64(f.Rows)), by, f.Code)
	}
	for _, m := range r.FittedOn {
		_, _ = fmt.Fprintf(out, "  %s was fitted on these very rows\n", strings.ToUpper(m))
	}
	if r.Compared == 0 {
		return
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(w, "the same decision for %s (%s)\n", percent(r.Agreement.Share), points(r.Agreement.Interval))
	_, _ = fmt.Fprintf(w, "\n\tA\tB\tchange\t95 %% interval\n")
	_, _ = fmt.Fprintf(w, "approved\t%s\t%s\t%+.2f points\t%s\n", percent(r.Approval.A.Share), percent(r.Approval.B.Share), 100*r.Approval.Change, points(r.Approval.Range))
	s := &r.Score
	_, _ = fmt.Fprintf(w, "mean probability\t%.4f\t%.4f\t%+.4f\t%.4f to %.4f\n", s.MeanA, s.MeanB, s.Change, s.Range.Low, s.Range.High)
	_, _ = fmt.Fprintf(w, "\nA\tB\trows\tshare\t95 %% interval\tmean change\tgood outcomes\n")
	for i := range r.Decisions {
		c := &r.Decisions[i]
		mark, good := "", ""
		if c.Swap() {
			mark = "  <- swap set"
		}
		if c.Positive != nil {
			good = fmt.Sprintf("%d of %d", c.Positive.Count, c.Positive.Of)
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%+.4f\t%s%s\n", c.A, c.B, count(int64(c.Rows.Count)), percent(c.Rows.Share),
			points(c.Rows.Interval), c.MeanChange, good, mark)
	}
	_, _ = fmt.Fprintf(w, "\nchange of the probability\tlowest")
	for _, q := range s.Quantiles {
		_, _ = fmt.Fprintf(w, "\t%g %%", 100*q.Share)
	}
	_, _ = fmt.Fprintf(w, "\thighest\n%s\t%+.3f", "share of rows at or below", s.Lowest)
	for _, q := range s.Quantiles {
		_, _ = fmt.Fprintf(w, "\t%+.3f", q.Value)
	}
	_, _ = fmt.Fprintf(w, "\t%+.3f\n", s.Highest)
	for _, c := range r.Columns {
		_, _ = fmt.Fprintf(w, "\napprovals by %s\trows\tA\tB\tchange, points\t95 %% interval\tgained\tlost\n", c.Name)
		for _, g := range c.Groups {
			a := &g.Approval
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%+.2f\t%s\t%d\t%d\n", g.Value, count(int64(g.Rows)), percent(a.A.Share), percent(a.B.Share),
				100*a.Change, points(a.Range), g.Gained, g.Lost)
		}
	}
	_ = w.Flush()
}

// points writes an interval of shares in per cent.
func points(i interval.Interval) string { return fmt.Sprintf("%.2f to %.2f", 100*i.Low, 100*i.High) }
