package main

import (
	"bytes"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/loanscorer/loanscorer/internal/cost"
)

func batchesCommand(s streams) *cobra.Command {
	var server *serverURL
	var source string
	var limit int
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "batches",
		Short:   "List the newest batches, or show all of one",
		Example: "  loanscorer batches --limit 5\n  loanscorer batches --source uploads/loans.csv --json\n  loanscorer batches show BATCH",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 || limit > 100 {
				return usagef("--limit %d: must be between 1 and 100", limit)
			}
			query := url.Values{"limit": {strconv.Itoa(limit)}}
			if source != "" {
				query.Set("source", source)
			}
			var list struct {
				Batches []batch `json:"batches"`
			}
			a, err := server.client().get(cmd.Context(), "/v1/batches?"+query.Encode(), &list)
			if err != nil {
				return err
			}
			if asJSON {
				_, err := s.out.Write(append(bytes.TrimSpace(a.body), '\n'))
				return err
			}
			if len(list.Batches) == 0 {
				_, _ = fmt.Fprintln(s.err, "no batches yet; 'loanscorer upload FILE' makes one")
				return nil
			}
			return printBatches(s.out, list.Batches)
		},
	}
	server = serverFlag(cmd.Flags())
	cmd.Flags().IntVar(&limit, "limit", 20, "how many, 1 to 100")
	cmd.Flags().StringVar(&source, "source", "", "only the batch of this upload, such as uploads/loans.csv")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the server's JSON")
	cmd.AddCommand(showBatchCommand(s))
	return cmd
}

func showBatchCommand(s streams) *cobra.Command {
	var server *serverURL
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show BATCH",
		Short: "Show a batch with its statistics",
		Long: `Show a batch: its counts, and once it is finished the approval rate, decisions by
Property_Area, the drift of each feature from the model's training data, the
distribution of the probability, reasons, time and speed, about what the batch
costs on AWS wherever it ran, the comparison with a shadow model if there was one,
the closed ledger, and the first rows that were rejected. docs/operations.md says
how to read the drift.`,
		Example: "  loanscorer batches show 01KAN1J4S6F0000000000000007Z1V5QJ2X3M4T8\n  loanscorer batches show BATCH --json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var b batch
			a, err := server.client().get(cmd.Context(), "/v1/batches/"+url.PathEscape(args[0]), &b)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			if asJSON {
				_, err := s.out.Write(append(bytes.TrimSpace(a.body), '\n'))
				return err
			}
			printBatch(s.out, &b)
			if b.Statistics != nil {
				printStatistics(s.out, b.Statistics, b.Histogram)
				if b.Cost != nil {
					_, _ = fmt.Fprintf(s.out, "  on AWS %s\n", costText(b.Cost))
				}
				_, _ = fmt.Fprintf(s.out, "  %s\n", ledgerText(&b))
				if b.Statistics.Shadow != nil {
					_, _ = fmt.Fprintln(s.out, "  the shadow model:")
					printShadow(s.out, "  ", b.Shadow, b.Statistics.Shadow)
				}
			}
			return nil
		},
	}
	server = serverFlag(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the server's JSON")
	return cmd
}

func printBatches(w io.Writer, batches []batch) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "BATCH\tSTATE\tROWS\tAPPROVED\tDECLINED\tREFERRED\tREJECTED\tSOURCE")
	for i := range batches {
		b := &batches[i]
		_, _ = fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%s\n", b.ID, b.State, b.Counts.Rows,
			b.Counts.Approved, b.Counts.Declined, b.Counts.Referred, b.Counts.Rejected, b.Source.Key)
	}
	return t.Flush()
}

// costText tells what a batch costs, and what was assumed.
func costText(e *cost.BatchEstimate) string {
	return fmt.Sprintf("about %s USD on Lambda, SQS and S3, and %s a month to keep (%s, %s; %s)",
		money(e.USD), money(e.KeepUSD), e.Region, e.AsOf, e.Assumptions)
}

// money writes small sums without an exponent.
func money(usd float64) string { return strconv.FormatFloat(usd, 'f', -1, 64) }

// ledgerText tells that every row of the file is accounted for.
func ledgerText(b *batch) string {
	c := &b.Counts
	return fmt.Sprintf("ledger closed %s: %s rows = %s decided + %s rejected, in %s of %s chunks; 'loanscorer verify %s' proves it",
		b.ClosedAt.UTC().Format(time.DateTime), count(c.Rows), count(c.Decided), count(c.Rejected),
		count(int64(c.ChunksDone)), count(int64(c.Chunks)), b.ID)
}

// printBatch writes what a person wants to know about one batch.
func printBatch(w io.Writer, b *batch) {
	c := &b.Counts
	_, _ = fmt.Fprintf(w, "%s  %s  %s\n", b.ID, b.State, b.Source.Key)
	if b.Error != nil {
		_, _ = fmt.Fprintf(w, "  %v\n", b.Error)
		return
	}
	if !b.Done {
		_, _ = fmt.Fprintf(w, "  %.0f %%, %d of %d chunks\n", b.Progress*100, c.ChunksDone, c.Chunks)
		return
	}
	_, _ = fmt.Fprintf(w, "  %s rows = %s decided (%s approved, %s declined, %s referred) + %s rejected\n",
		count(c.Rows), count(c.Decided), count(c.Approved), count(c.Declined), count(c.Referred), count(c.Rejected))
	if b.Statistics != nil && b.Statistics.Shadow != nil {
		_, _ = fmt.Fprintf(w, "  %s\n", shadowLine(b.Statistics.Shadow))
	}
	printDuplicates(w, "  ", b.Duplicates)
	if b.Dialect != nil {
		_, _ = fmt.Fprintf(w, "  read as %v\n", *b.Dialect)
	}
	if len(b.Reasons) > 0 {
		_, _ = fmt.Fprintln(w, "  first reasons of the declined and referred:")
	}
	for _, r := range b.Reasons {
		_, _ = fmt.Fprintf(w, "  %11s  %-24s %s\n", count(r.Rows), r.Code, r.Text)
	}
	for i, e := range b.FirstErrors {
		if i == 5 {
			_, _ = fmt.Fprintf(w, "  ... the rest is in %s\n", b.Output.Rejects)
			break
		}
		_, _ = fmt.Fprintf(w, "  line %d: %s\n", e.Line, strings.TrimPrefix(e.Column+": "+e.Reason, ": "))
	}
}
