package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
	"github.com/loanscorer/loanscorer/scorer"
)

type uploadOptions struct {
	connection
	server       *serverURL
	key          string
	wait, asJSON bool
	given        ingest.Given
	maxRejects   rejectLimit
}

func uploadCommand(s streams) *cobra.Command {
	var o uploadOptions
	cmd := &cobra.Command{
		Use:   "upload FILE",
		Short: "Upload a CSV file to be scored",
		Long: `Upload a CSV file to s3://BUCKET/uploads/, where the service finds it, and print
the batch it becomes. With --wait it ends when the batch is done, and exits 3 if
rows were rejected.

What the flags say about the file goes with it as metadata of the object:
loanscorer-delimiter, loanscorer-decimal, loanscorer-encoding, loanscorer-sheet,
loanscorer-max-rejects.`,
		Example: "  loanscorer upload loans.csv --wait\n  loanscorer upload loans.csv --key uploads/2026/may.csv",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.key == "" {
				o.key = status.UploadsPrefix + filepath.Base(args[0])
			}
			if !strings.HasPrefix(o.key, status.UploadsPrefix) {
				return usagef("--key %s: must begin with %s", o.key, status.UploadsPrefix)
			}
			if err := o.given.Check(); err != nil {
				return &usageError{err}
			}
			return upload(cmd.Context(), s, args[0], &o)
		},
	}
	o.storeFlags(cmd.Flags())
	o.server = serverFlag(cmd.Flags())
	cmd.Flags().StringVar(&o.key, "key", "", "object key (default: uploads/ and the file's name)")
	cmd.Flags().BoolVar(&o.wait, "wait", false, "wait until the batch is done")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print JSON")
	dialectFlags(cmd.Flags(), &o.given)
	o.maxRejects.flag(cmd.Flags())
	return cmd
}

// metadata is what the flags say about the file.
func (o *uploadOptions) metadata() map[string]string {
	metadata := o.given.Metadata()
	if limit := o.maxRejects.value(); limit != nil {
		metadata[scorer.MetaMaxRejects] = strconv.FormatInt(*limit, 10)
	}
	return metadata
}

func upload(ctx context.Context, s streams, path string, o *uploadOptions) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	objects, err := o.store(ctx)
	if err != nil {
		return err
	}
	bar := newBar(s.err, info.Size(), "uploading")
	_, err = objects.PutFrom(ctx, o.key, io.TeeReader(f, &meter{bar: bar}), store.PutOptions{
		ContentType: "text/csv", Metadata: o.metadata(),
	})
	bar.done()
	if err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	c := o.server.client()
	stored, err := objects.Head(ctx, o.key)
	if err != nil {
		return err
	}
	b, err := c.batchOf(ctx, uploaded{key: o.key, etag: stored.ETag, at: stored.LastModified},
		func(text string) { _, _ = fmt.Fprintln(s.err, text) })
	if err != nil {
		return err
	}
	if !o.wait {
		return announce(s.out, b, o)
	}
	return waitUpload(ctx, s, c, b.ID, o)
}

func announce(w io.Writer, b *batch, o *uploadOptions) error {
	if o.asJSON {
		_, err := fmt.Fprintf(w, "{\"batch\":%q,\"key\":%q,\"bucket\":%q}\n", b.ID, o.key, o.bucket)
		return err
	}
	_, err := fmt.Fprintf(w, "%s\n", b.ID)
	return err
}

func waitUpload(ctx context.Context, s streams, c *client, id string, o *uploadOptions) error {
	if isTerminal(s.err) {
		_, _ = fmt.Fprintf(s.err, "batch %s\n", id)
	}
	bar := newShareBar(s.err, "scoring")
	b, text, err := c.waitBatch(ctx, id, func(share float64) { bar.set(int64(share * 1000)) })
	bar.done()
	if err != nil {
		return err
	}
	if o.asJSON {
		if _, err := s.out.Write(append(bytes.TrimSpace(text), '\n')); err != nil {
			return err
		}
	} else {
		printBatch(s.out, b)
		if b.Error == nil {
			_, _ = fmt.Fprintf(s.out, "  s3://%s/%s\n", o.bucket, status.PartsPrefix(id))
		}
	}
	switch status.BatchState(b.State) {
	case status.BatchSucceeded:
		return nil
	case status.BatchSucceededWithRejects:
		return errPartly
	default:
		return fmt.Errorf("batch %s: %s", id, b.State)
	}
}

// meter moves a bar by what is written to it.
type meter struct {
	bar *bar
	n   int64
}

func (m *meter) Write(p []byte) (int, error) {
	m.n += int64(len(p))
	m.bar.set(m.n)
	return len(p), nil
}
