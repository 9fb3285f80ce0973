package main

import (
	"bytes"
	"context"
	_ "embed" // the sample
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
	"github.com/loanscorer/loanscorer/scorer"
)

// sampleCSV is a file of synthetic applications, some of them wrong.
//
//go:embed sample.csv
var sampleCSV []byte

// demoApplications are submitted one by one.
func demoApplications() []string {
	return []string{
		`{"Loan_ID":"DEMO-1","ApplicantIncome":5400,"CoapplicantIncome":1200,"LoanAmount":130,"Credit_History":1,"Property_Area":"Semiurban"}`,
		`{"Loan_ID":"DEMO-2","ApplicantIncome":2500,"CoapplicantIncome":0,"LoanAmount":160,"Credit_History":0,"Property_Area":"Rural"}`,
		`{"Loan_ID":"DEMO-3","TotalIncome":8100,"LoanAmount":null,"Credit_History":null,"Property_Area":"Urban"}`,
	}
}

func demoCommand(s streams) *cobra.Command {
	o := serveOptions{apiAddr: "127.0.0.1:0", s3Addr: "127.0.0.1:0", sqsAddr: "127.0.0.1:0", logLevel: "warn"}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run the whole pipeline once on sample data",
		Long: `Start the service on free ports, drop a sample CSV file into its S3 endpoint,
submit single applications over HTTP, print the decisions and where the Parquet
files lie, check that rows in = decided + rejected, and stop.`,
		Example: "  loanscorer demo",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := newLogger(s, o.logLevel)
			if err != nil {
				return err
			}
			return demo(cmd.Context(), s, &o, log)
		},
	}
	cmd.Flags().StringVar(&o.data, "data", "./demo-data", "directory for everything durable")
	cmd.Flags().StringVar(&o.logLevel, "log-level", o.logLevel, "debug, info, warn or error")
	return cmd
}

func demo(ctx context.Context, s streams, o *serveOptions, log *slog.Logger) error {
	o.worker = workerOptions{
		chunkSize: scorer.DefaultChunkSize, window: 40 * time.Millisecond, visibility: 30 * time.Second,
		lease: 15 * time.Second, receives: 5, workers: 2,
	}
	began := time.Now()
	svc, err := startService(ctx, o, log)
	if err != nil {
		return err
	}
	d := &demoRun{service: svc, streams: s, client: newClient(svc.apiURL)}
	d.say("The service is up after %s: HTTP %s, S3 %s, SQS %s\n", took(time.Since(began)),
		svc.apiURL, svc.local.S3Endpoint(), svc.local.SQSEndpoint())
	err = errors.Join(d.singles(ctx), d.bulk(ctx))
	if err == nil {
		err = d.files()
	}
	if err = errors.Join(err, svc.stop(ctx)); err != nil {
		return err
	}
	d.say("\nStopped. Everything is in %s; 'loanscorer serve --data %s' goes on from here.\n", o.data, o.data)
	return nil
}

// demoRun is one run of the demo.
type demoRun struct {
	*service
	streams
	client *client
}

func (d *demoRun) say(format string, args ...any) { _, _ = fmt.Fprintf(d.out, format, args...) }

// singles submits applications over HTTP and waits for the decisions.
func (d *demoRun) singles(ctx context.Context) error {
	d.say("\nSingle applications, POST %s/v1/applications\n", d.apiURL)
	for _, body := range demoApplications() {
		began := time.Now()
		a, err := d.client.do(ctx, http.MethodPost, "/v1/applications", []byte(body),
			http.Header{"Content-Type": {"application/json"}})
		if err != nil {
			return err
		}
		accepted, _, err := acceptedOf(a.body)
		if err != nil {
			return err
		}
		app, _, err := d.client.waitApplication(ctx, accepted[0].ID)
		if err != nil {
			return err
		}
		if app.State != "decided" || app.Probability == nil {
			return fmt.Errorf("application %s is %s", app.ID, app.State)
		}
		line := fmt.Sprintf("  %-7s %-9s %.4f  after %-6s", app.LoanID, app.Decision, *app.Probability, took(time.Since(began)))
		if len(app.Imputed) > 0 {
			line += "  imputed: " + strings.Join(app.Imputed, ", ")
		}
		if len(app.Reasons) > 0 {
			line += "  reason: " + app.Reasons[0].Text
		}
		d.say("%s\n", strings.TrimRight(line, " "))
	}
	return nil
}

// bulk drops the sample into S3 and waits for the batch.
func (d *demoRun) bulk(ctx context.Context) error {
	key := status.UploadsPrefix + "sample.csv"
	d.say("\nCSV file, s3://%s/%s (%d bytes)\n", defaultBucket, key, len(sampleCSV))
	if _, err := d.backends.objects.PutFrom(ctx, key, bytes.NewReader(sampleCSV), store.PutOptions{ContentType: "text/csv"}); err != nil {
		return err
	}
	stored, err := d.backends.objects.Head(ctx, key)
	if err != nil {
		return err
	}
	found, err := d.client.batchOf(ctx, uploaded{key: key, etag: stored.ETag, at: stored.LastModified},
		func(text string) { d.say("%s\n", text) })
	if err != nil {
		return err
	}
	bar := newShareBar(d.err, "scoring")
	b, _, err := d.client.waitBatch(ctx, found.ID, func(share float64) { bar.set(int64(share * 1000)) })
	bar.done()
	if err != nil {
		return err
	}
	printBatch(d.out, b)
	lines := int64(bytes.Count(sampleCSV, []byte("\n"))) - 1 // one row a line after the header
	if c := b.Counts; c.Rows != lines || c.Rows != c.Decided+c.Rejected {
		return fmt.Errorf("%d rows in, but %d decided + %d rejected", lines, c.Decided, c.Rejected)
	}
	d.say("  rows in = decided + rejected: ok\n")
	report, err := scorer.Verify(ctx, d.backends.objects, b.ID)
	if err != nil {
		return err
	}
	return printReport(d.streams, report, false)
}

// files tells where the Parquet files lie on disk.
func (d *demoRun) files() error {
	d.say("\nParquet files, readable by DuckDB, pyarrow, pandas, Spark:\n")
	n := 0
	err := filepath.WalkDir(d.options.data, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(path) != ".parquet" {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		d.say("  %s (%d bytes)\n", path, info.Size())
		n++
		return nil
	})
	if err == nil && n == 0 {
		err = errors.New("no Parquet files were written")
	}
	return err
}
