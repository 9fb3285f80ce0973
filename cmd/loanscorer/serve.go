package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/internal/local"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
	"github.com/loanscorer/loanscorer/scorer"
)

// serveOptions are the flags of serve.
type serveOptions struct {
	data     string
	apiAddr  string
	s3Addr   string
	sqsAddr  string
	logLevel string
	worker   workerOptions
}

func (o *serveOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.data, "data", defaultData, "directory for everything durable")
	f.StringVar(&o.apiAddr, "api-addr", defaultAPIAddr, "address of the HTTP API")
	f.StringVar(&o.s3Addr, "s3-addr", defaultS3Addr, "address of the S3 endpoint")
	f.StringVar(&o.sqsAddr, "sqs-addr", defaultSQSAddr, "address of the SQS endpoint")
	f.StringVar(&o.logLevel, "log-level", "info", "debug, info, warn or error")
	o.worker.flags(f)
}

func (o *workerOptions) flags(f *pflag.FlagSet) {
	o.model.flags(f)
	f.Int64Var(&o.chunkSize, "chunk-size", scorer.DefaultChunkSize, "bytes of a CSV file that one message scores")
	f.DurationVar(&o.window, "window", 40*time.Millisecond, "how long single applications are gathered into one batch")
	f.DurationVar(&o.visibility, "visibility", 30*time.Second, "visibility timeout of both queues")
	f.DurationVar(&o.lease, "lease", 15*time.Second, "how long a claim of a worker that died is left alone")
	f.IntVar(&o.receives, "max-receives", 5, "deliveries before a message goes to its dead-letter queue")
	f.IntVar(&o.workers, "workers", 2, "chunks scored at the same time")
}

// A chunk is at least as long as the longest record, and small enough for
// a worker's visibility timeout.
const (
	minChunk = 64 << 10
	maxChunk = 1 << 30
)

func (o *workerOptions) check() error {
	switch {
	case o.chunkSize < minChunk || o.chunkSize > maxChunk:
		return usagef("--chunk-size %d: must be between %d and %d", o.chunkSize, minChunk, maxChunk)
	case o.window < 0 || o.window > o.visibility/2:
		return usagef("--window %s: must be between 0 and half of --visibility", o.window)
	case o.visibility < time.Second || o.visibility > 12*time.Hour:
		return usagef("--visibility %s: must be between 1s and 12h", o.visibility)
	case o.lease <= 0:
		return usagef("--lease %s: must be positive", o.lease)
	case o.receives < 1:
		return usagef("--max-receives %d: must be at least 1", o.receives)
	case o.workers < 1:
		return usagef("--workers %d: must be at least 1", o.workers)
	}
	return nil
}

func serveCommand(s streams) *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the whole service on this machine",
		Long: `Run the whole service on this machine: the HTTP API, S3- and SQS-compatible
endpoints that keep everything in --data, and the worker. Nothing else is needed.
Ctrl-C or SIGTERM stops it cleanly; after any stop, kill -9 too, the next start
goes on where this one was.`,
		Example: `  loanscorer serve
  loanscorer serve --data /var/lib/loanscorer --api-addr 127.0.0.1:8000`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := newLogger(s, o.logLevel)
			if err != nil {
				return err
			}
			svc, err := startService(cmd.Context(), &o, log)
			if err != nil {
				return err
			}
			svc.welcome(s.out)
			return svc.wait(cmd.Context())
		},
	}
	o.flags(cmd.Flags())
	return cmd
}

// service is everything that serve runs.
type service struct {
	options  *serveOptions
	local    *local.Server
	backends *backends
	apiURL   string
	cancel   context.CancelFunc
	wg       sync.WaitGroup
	failed   chan error
	log      *slog.Logger
}

// startService starts everything, or nothing.
func startService(ctx context.Context, o *serveOptions, log *slog.Logger) (_ *service, err error) {
	if err := errors.Join(o.worker.check(), onlyLoopback(o.apiAddr, "api-addr"),
		onlyLoopback(o.s3Addr, "s3-addr"), onlyLoopback(o.sqsAddr, "sqs-addr")); err != nil {
		return nil, err
	}
	if !o.worker.model.published() {
		if _, err := o.worker.model.scorer(); err != nil {
			return nil, err
		}
	}
	if o.data, err = filepath.Abs(o.data); err != nil {
		return nil, fmt.Errorf("--data: %w", err)
	}
	l, err := listen(ctx, o.apiAddr, "api-addr")
	if err != nil {
		return nil, err
	}
	svc := &service{options: o, apiURL: "http://" + l.Addr().String(), failed: make(chan error, 2), log: log}
	svc.local, err = local.Start(ctx, local.Options{
		Dir: o.data, S3Addr: o.s3Addr, SQSAddr: o.sqsAddr, Region: defaultRegion, Bucket: defaultBucket,
		Queues: []local.Queue{
			{Name: defaultApplications, VisibilityTimeout: o.worker.visibility, MaxReceives: o.worker.receives},
			{Name: defaultBulk, VisibilityTimeout: o.worker.visibility, MaxReceives: o.worker.receives},
		},
		UploadsPrefix: status.UploadsPrefix, NotifyQueue: defaultBulk, Logger: log,
	})
	if err != nil {
		if errors.Is(err, local.ErrAddrInUse) {
			err = fmt.Errorf("%w (--s3-addr, --sqs-addr)", err)
		}
		return nil, errors.Join(err, l.Close())
	}
	running, cancel := context.WithCancel(ctx)
	svc.cancel = cancel
	o.worker.ownStore = true
	if err := svc.run(running, l); err != nil {
		cancel()
		return nil, errors.Join(err, l.Close(), svc.stop(ctx))
	}
	return svc, nil
}

// run connects the two sides to the embedded store and queues.
func (svc *service) run(ctx context.Context, l net.Listener) error {
	if err := ensureSecret(svc.options.data); err != nil {
		return err
	}
	ids, err := (&connection{data: svc.options.data}).ids()
	if err != nil {
		return err
	}
	cfg := staticConfig(svc.local.Credentials())
	svc.backends = &backends{
		objects: store.New(store.NewClient(cfg, store.ClientOptions{Endpoint: svc.local.S3Endpoint()}), defaultBucket),
		queues:  events.NewClient(cfg, svc.local.SQSEndpoint()), ids: ids,
		applications: svc.local.QueueURL(defaultApplications), bulk: svc.local.QueueURL(defaultBulk),
	}
	if err := startWorker(ctx, &svc.wg, svc.backends, svc.options.worker, svc.log); err != nil {
		return err
	}
	compactor, err := newCompactor(svc.backends.objects, false, svc.log)
	if err != nil {
		return err
	}
	svc.wg.Go(func() { compact(ctx, compactor, svc.log) })
	return startAPI(ctx, &svc.wg, svc.backends, apiOptions{
		listener: l, model: svc.options.worker.model.modelFlags, log: svc.log, failed: svc.failed,
	})
}

// wait serves until ctx is done or a part fails, then stops everything.
func (svc *service) wait(ctx context.Context) error {
	var err error
	select {
	case <-ctx.Done():
	case err = <-svc.failed:
	case err = <-svc.local.Err():
	}
	return errors.Join(err, svc.stop(ctx))
}

// stop ends the API and the pollers first, then what they work on.
func (svc *service) stop(ctx context.Context) error {
	svc.cancel()
	svc.wg.Wait()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	return svc.local.Close(closing)
}

// welcome prints where everything is, with commands to paste.
func (svc *service) welcome(w io.Writer) {
	c := svc.local.Credentials()
	s3, sqs := svc.local.S3Endpoint(), svc.local.SQSEndpoint()
	_, _ = fmt.Fprintf(w, `loanscorer %s is running. Ctrl-C stops it.

  HTTP API   %s         documentation at %s/docs
  S3         %s         bucket %s
  SQS        %s         queues %s, %s
  data       %s

Submit one application and ask for the decision:

  curl -s %s/v1/applications -H 'content-type: application/json' -H 'prefer: wait=5' \
    -d '{"Loan_ID":"A-1","ApplicantIncome":5849,"CoapplicantIncome":0,"LoanAmount":128,"Credit_History":1,"Property_Area":"Urban"}'

Drop a CSV file and see what became of it:

  export AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s AWS_DEFAULT_REGION=%s
  aws --endpoint-url %s s3 cp loans.csv s3://%s/uploads/loans.csv
  curl -s '%s/v1/batches?limit=1'
  aws --endpoint-url %s s3 ls --recursive s3://%s/results/
  aws --endpoint-url %s sqs get-queue-attributes --attribute-names All --queue-url %s

Or with this program: %s

`, version, svc.apiURL, svc.apiURL, s3, defaultBucket, sqs, defaultApplications, defaultBulk, svc.options.data,
		svc.apiURL, c.AccessKeyID, c.SecretAccessKey, c.Region, s3, defaultBucket, svc.apiURL, s3, defaultBucket,
		sqs, svc.backends.bulk, svc.uploadExample())
}

// uploadExample is the command that uploads to this very service.
func (svc *service) uploadExample() string {
	text := os.Args[0] + " upload loans.csv --wait"
	s3 := svc.local.S3Endpoint()
	if dir, err := filepath.Abs(defaultData); err != nil || dir != svc.options.data || s3 != "http://"+defaultS3Addr {
		text += " --data " + svc.options.data
	}
	if s3 != "http://"+defaultS3Addr {
		text += " --s3-endpoint " + s3
	}
	if svc.apiURL != "http://"+defaultAPIAddr {
		text += " --server " + svc.apiURL
	}
	return text
}
