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
	rejects bool
	parquet bool
}

func resultsCommand(s streams) *cobra.Command {
	var o resultsOptions
	cmd := &cobra.Command{
		Use:   "results BATCH",
		Short: "Print or download the results of a finished batch",
		Long: `Print the decided rows of a finished batch as CSV, or write them to a file. With
--rejects the rows that were not scored, with --parquet the Parquet parts as they
are, into the directory given with -o. Cells that a spreadsheet would take for
formulas are neutralised in CSV.`,
		Example: `  loanscorer results 01KAN1J4S6F0000000000000007Z1V5QJ2X3M4T8 | head
  loanscorer results BATCH -o decisions.csv
  loanscorer results BATCH --parquet -o parts/`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return results(cmd.Context(), s, args[0], &o)
		},
	}
	o.storeFlags(cmd.Flags())
	cmd.Flags().StringVarP(&o.output, "output", "o", "", "file to write, or directory with --parquet (default: standard output)")
	cmd.Flags().BoolVar(&o.rejects, "rejects", false, "the rows that were not scored")
	cmd.Flags().BoolVar(&o.parquet, "parquet", false, "the Parquet parts")
	cmd.MarkFlagsMutuallyExclusive("rejects", "parquet")
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
	err = o.write(ctx, objects, id, p.file, func(rows, total int64) {
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
		_, err := scorer.Export(ctx, objects, id, w, progress)
		if errors.Is(err, scorer.ErrOpen) {
			return fmt.Errorf("%w; 'loanscorer status %s --wait' waits for it", err, id)
		}
		return err
	}
	info, err := objects.Head(ctx, status.RejectsKey(id))
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("batch %s has no rejects, or is not finished", id)
	}
	if err != nil {
		return err
	}
	return copyObject(ctx, objects, info, w)
}

func copyObject(ctx context.Context, objects *store.Store, info store.Info, w io.Writer) error {
	in, err := objects.Open(ctx, store.Ref{Key: info.Key, Version: info.Version, ETag: info.ETag, Size: info.Size}, 0, store.OpenOptions{})
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	_, err = io.Copy(w, in)
	return err
}

func downloadParts(ctx context.Context, words io.Writer, objects *store.Store, id, dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	n := 0
	for info, err := range objects.List(ctx, status.PartsPrefix(id), "") {
		if err != nil {
			return err
		}
		p, err := newPending(filepath.Join(dir, filepath.Base(info.Key)))
		if err != nil {
			return err
		}
		if err := copyObject(ctx, objects, info, p.file); err != nil {
			return errors.Join(err, p.drop())
		}
		if err := p.publish(); err != nil {
			return err
		}
		n++
	}
	if n == 0 {
		return fmt.Errorf("batch %s has no parts", id)
	}
	_, err := fmt.Fprintf(words, "%d parts in %s\n", n, dir)
	return err
}
