package main

import (
	"context"
	_ "embed"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/cost"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/model/chart"
	"github.com/loanscorer/loanscorer/scorer"
)

//go:embed report.html.tmpl
var reportTemplate string

func reportCommand(s streams) *cobra.Command {
	var o connection
	var output string
	cmd := &cobra.Command{
		Use:   "report BATCH",
		Short: "Write a page about a finished batch",
		Long: `Write a self-contained HTML page about a finished batch: decisions, the
distribution of the probability, approval by Property_Area, the drift of each
feature from the model's training data, the comparison with a shadow model,
reasons, rejected rows, and the closed ledger. It holds counts alone and loads nothing; 'loanscorer score --report'
writes the same page about a local file.`,
		Example: "  loanscorer report 01KAN1J4S6F0000000000000007Z1V5QJ2X3M4T8 -o january.html",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id := args[0]
			if !status.ValidID(id) {
				return usagef("%s: not a batch id; 'loanscorer batches' lists them", id)
			}
			if output == "" {
				output = id + ".html"
			}
			return batchReport(cmd.Context(), s, &o, id, output)
		},
	}
	o.storeFlags(cmd.Flags())
	cmd.Flags().StringVarP(&output, "output", "o", "", "HTML file to write (default: BATCH.html)")
	return cmd
}

func batchReport(ctx context.Context, s streams, o *connection, id, output string) error {
	objects, err := o.store(ctx)
	if err != nil {
		return err
	}
	summary, err := scorer.ReadSummary(ctx, objects, id)
	if err != nil {
		return explain(err, id)
	}
	if err := writeReport(output, summary); err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.out, output)
	return err
}

// writeReport writes the page about what a summary says. A file that was scored
// without a service has one without an id and parts.
func writeReport(path string, summary *status.Summary) error {
	return writeFile(path, func(f *os.File) error { return renderReport(f, summary) })
}

func renderReport(w io.Writer, summary *status.Summary) error {
	stats := summary.Stats
	if stats == nil { // closed before there were statistics
		stats = summary.Tally.Statistics(nil, summary.ClosedAt.Sub(summary.PlannedAt))
	}
	t := &summary.Tally
	page := map[string]any{
		"Summary": summary, "State": strings.ReplaceAll(string(summary.State), "_", " "), "Stats": stats, "Decided": t.DecidedRows(), "Rejected": t.RejectedRows(), "Dialect": dialectText(summary.Dialect),
		"Decisions": rowsOf(t.Decided, "approved", "declined", "referred"), "Reasons": rowsOf(t.Reasons, t.FirstReasons()...),
		"Codes": rowsOf(t.Rejected, byRows(t.Rejected)...), "Pace": pace(stats), "Cost": costOf(summary), "NoReference": noReference,
		"Shadow": stats.Shadow, "ShadowPlots": shadowPlots(summary, stats.Shadow),
		"Outcome": outcomePlots(summary, stats), "Drift": driftPlots(stats),
		"Parts": summary.Parts[:min(len(summary.Parts), maxReportParts)], "More": len(summary.Parts) - maxReportParts,
	}
	return chart.Render(w, "Batch: "+summary.Source.Key, reportTemplate, page)
}

// costOf tells what the batch costs on AWS; "" of a file that was scored without
// a service.
func costOf(summary *status.Summary) string {
	if e := cost.OfSummary(summary); e != nil && summary.ID != "" {
		return costText(e)
	}
	return ""
}

// maxReportParts is how many parts the page lists.
const maxReportParts = 100

// namedRows are rows by a name, for a table.
type namedRows struct {
	Name  string
	Rows  int
	Share float64 // of all of them
}

func rowsOf(counts map[string]int64, names ...string) []namedRows {
	var all int64
	for _, n := range counts {
		all += n
	}
	var rows []namedRows
	for _, name := range names {
		if n := counts[name]; n > 0 {
			rows = append(rows, namedRows{Name: name, Rows: int(n), Share: float64(n) / float64(all)})
		}
	}
	return rows
}

// byRows are the names of counts, most rows first.
func byRows(counts map[string]int64) []string {
	return (&status.Tally{Reasons: counts}).FirstReasons()
}

func dialectText(text json.RawMessage) string {
	var d ingest.Dialect
	if json.Unmarshal(text, &d) != nil {
		return ""
	}
	return d.String()
}

// localSummary is the summary of a file that was scored without a service.
func localSummary(path string, size int64, run *scoreRun, began, ended time.Time) (*status.Summary, error) {
	dialect, err := json.Marshal(run.head.Dialect)
	if err != nil {
		return nil, err
	}
	sum := &status.Summary{
		State: status.BatchSucceeded, Source: status.Source{Key: path, Size: size}, Dialect: dialect, Model: run.scorer.ModelRef(),
		Policy: run.scorer.Policy(), Shadow: run.scorer.Shadow(), Chunks: 1, Tally: run.tally, PlannedAt: began.UTC(), ClosedAt: ended.UTC(), Stats: run.stats,
	}
	if run.tally.RejectedRows() > 0 {
		sum.State = status.BatchSucceededWithRejects
		sum.Problems, err = firstRejects(run.rejects)
	}
	return sum, err
}

// firstRejects reads the first rows of a rejects file.
func firstRejects(path string) ([]status.RowProblem, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	in := csv.NewReader(f)
	if _, err := in.Read(); err != nil {
		return nil, err
	}
	var problems []status.RowProblem
	for len(problems) < status.MaxRowProblems {
		r, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		line, err1 := strconv.ParseInt(r[0], 10, 64)
		offset, err2 := strconv.ParseInt(r[1], 10, 64)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		problems = append(problems, status.RowProblem{Line: line, Offset: offset, Column: r[2], Code: r[3], Reason: r[4]})
	}
	return problems, nil
}
