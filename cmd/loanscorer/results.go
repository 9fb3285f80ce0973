package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
	"github.com/loanscorer/loanscorer/scorer"
)

type resultsOptions struct {
	connection
	output  string
	texts   string
	rejects bool
	parquet bool
	loanID  string
}

func resultsCommand(s streams) *cobra.Command {
	var o resultsOptions
	cmd := &cobra.Command{
		Use:   "results BATCH",
		Short: "Print or download the results of a finished batch",
		Long: `Print the decided rows of a finished batch as CSV, or write them to a file. With
--rejects the rows that were not scored, with --parquet the Parquet parts as they
are, into the directory given with -o. Rows that are not approved carry the codes
of their reasons; with --texts en, pt or another language of the table of reasons,
the texts too. Cells that a spreadsheet would take for
formulas are neutralised in CSV.`,
		Example: `  loanscorer results 01KAN1J4S6F0000000000000007Z1V5QJ2X3M4T8 | head
  loanscorer results BATCH -o decisions.csv --texts en
  loanscorer results BATCH --loan-id LP001002
  loanscorer results BATCH --parquet -o parts/`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return results(cmd.Context(), s, args[0], &o)
		},
	}
	o.storeFlags(cmd.Flags())
	cmd.Flags().StringVarP(&o.output, "output", "o", "", "file to write, or directory with --parquet (default: standard output)")
	cmd.Flags().StringVar(&o.texts, "texts", "", "language of the texts to put after the reason codes (default: codes alone)")
	cmd.Flags().BoolVar(&o.rejects, "rejects", false, "the rows that were not scored")
	cmd.Flags().BoolVar(&o.parquet, "parquet", false, "the Parquet parts")
	cmd.Flags().StringVar(&o.loanID, "loan-id", "", "only the rows with this Loan_ID, found without reading the parts")
	cmd.MarkFlagsMutuallyExclusive("rejects", "parquet", "texts", "loan-id")
	cmd.MarkFlagsMutuallyExclusive("output", "loan-id")
	return cmd
}

func results(ctx context.Context, s streams, id string, o *resultsOptions) error {
	if !status.ValidID(id) {
		return usagef("%s: not a batch id; 'loanscorer batches' lists them", id)
	}
	if o.parquet && o.output == "" {
		return usagef("--parquet: give a directory with -o")
	}
	objects, err := o.store(ctx)
	if err != nil {
		return err
	}
	switch {
	case o.loanID != "":
		return oneResult(ctx, s, objects, id, o.loanID)
	case o.parquet:
		return downloadParts(ctx, s.err, objects, id, o.output)
	case o.output == "":
		return o.write(ctx, objects, id, s.out, nil)
	}
	p, err := newPending(o.output)
	if err != nil {
		return err
	}
	var bar *bar
	err = o.write(ctx, objects, id, p, func(rows, total int64) {
		if bar == nil {
			bar = begin(s.err, total, "downloading rows")
		}
		bar.set(rows)
	})
	bar.done()
	if err != nil {
		return errors.Join(err, p.drop())
	}
	return p.publish()
}

func (o *resultsOptions) write(ctx context.Context, objects *store.Store, id string, w io.Writer, progress func(rows, total int64)) error {
	if !o.rejects {
		_, err := scorer.Export(ctx, objects, id, w, scorer.ExportOptions{Language: o.texts, Progress: progress})
		return explain(err, id)
	}
	summary, err := scorer.ReadSummary(ctx, objects, id)
	if err != nil {
		return explain(err, id)
	}
	if summary.Rejects == nil {
		return scorer.WriteNoRejects(w)
	}
	info, err := objects.Head(ctx, summary.Rejects.Key)
	if err != nil {
		return err
	}
	in, err := objects.Open(ctx, info.Ref(), 0, store.OpenOptions{})
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	_, err = io.Copy(w, in)
	return err
}

// explain says what to do about a batch without results.
func explain(err error, id string) error {
	switch {
	case errors.Is(err, scorer.ErrOpen):
		return fmt.Errorf("no finished batch has the id %s; 'loanscorer batches' lists them, 'loanscorer status %s --wait' waits for one", id, id)
	case errors.Is(err, scorer.ErrNoResults):
		return fmt.Errorf("%w; 'loanscorer status %s' says why", err, id)
	default:
		return err
	}
}

func downloadParts(ctx context.Context, words io.Writer, objects *store.Store, id, dir string) error {
	summary, err := scorer.ReadSummary(ctx, objects, id)
	if err != nil {
		return explain(err, id)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	bar := newBar(words, sizeOf(summary.Parts), "downloading")
	var done int64
	for _, part := range summary.Parts {
		data, err := scorer.ReadPart(ctx, objects, part)
		if err != nil {
			return err
		}
		p, err := newPending(filepath.Join(dir, filepath.Base(part.Key)))
		if err != nil {
			return err
		}
		if _, err := p.file.Write(data); err != nil {
			return errors.Join(err, p.drop())
		}
		if err := p.publish(); err != nil {
			return err
		}
		done += part.Size
		bar.set(done)
	}
	bar.done()
	_, err = fmt.Fprintf(words, "parts in %s: %d\n", dir, len(summary.Parts))
	return err
}

func sizeOf(parts []status.Object) int64 {
	var size int64
	for _, p := range parts {
		size += p.Size
	}
	return size
}
