package main

import (
	"context"
	"sync"

	"github.com/spf13/cobra"
)

func apiCommand(s streams) *cobra.Command {
	var c connection
	var addr, level string
	var model modelFlags
	cmd := &cobra.Command{
		Use:   "api",
		Short: "Run the HTTP API against an S3 and an SQS endpoint",
		Long: `Run the HTTP API alone, against any S3 and SQS endpoint. The bucket and the
queues must exist. Credentials come from the data directory of a running
'loanscorer serve' or, with --s3-endpoint aws or without one, from the usual
places of the AWS SDK.`,
		Example: `  loanscorer api --s3-endpoint aws --sqs-endpoint aws --bucket my-bucket --region eu-west-1`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := newLogger(s, level)
			if err != nil {
				return err
			}
			if err := onlyLoopback(addr, "api-addr"); err != nil {
				return err
			}
			if !model.published() {
				if _, err := model.load(); err != nil {
					return err
				}
			}
			b, err := c.connect(cmd.Context())
			if err != nil {
				return err
			}
			l, err := listen(cmd.Context(), addr, "api-addr")
			if err != nil {
				return err
			}
			ctx, cancel := context.WithCancel(cmd.Context())
			defer cancel()
			var wg sync.WaitGroup
			failed := make(chan error, 1)
			if err := startAPI(ctx, &wg, b, apiOptions{listener: l, model: model, log: log, failed: failed}); err != nil {
				return err
			}
			cmd.Printf("HTTP API on http://%s\n", l.Addr())
			select {
			case <-ctx.Done():
			case err = <-failed:
			}
			cancel()
			wg.Wait()
			return err
		},
	}
	c.storeFlags(cmd.Flags())
	c.queueFlags(cmd.Flags())
	cmd.Flags().StringVar(&addr, "api-addr", defaultAPIAddr, "address to listen on")
	model.flags(cmd.Flags())
	cmd.Flags().StringVar(&level, "log-level", "info", "debug, info, warn or error")
	return cmd
}

func workerCommand(s streams) *cobra.Command {
	var c connection
	var o workerOptions
	var level string
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "Run the worker against an S3 and an SQS endpoint",
		Long: `Run the worker alone, against any S3 and SQS endpoint: as many of them, on as
many machines, as you like. The bucket and the queues must exist, and
--max-receives must be that of the queues' redrive policy.`,
		Example: `  loanscorer worker
  loanscorer worker --s3-endpoint aws --sqs-endpoint aws --bucket my-bucket --region eu-west-1`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := newLogger(s, level)
			if err != nil {
				return err
			}
			if err := o.check(); err != nil {
				return err
			}
			if !o.model.published() {
				if _, err := o.model.scorer(); err != nil {
					return err
				}
			}
			b, err := c.connect(cmd.Context())
			if err != nil {
				return err
			}
			var wg sync.WaitGroup
			if err := startWorker(cmd.Context(), &wg, b, o, log); err != nil {
				return err
			}
			cmd.Println("worker is running")
			wg.Wait()
			return nil
		},
	}
	c.storeFlags(cmd.Flags())
	c.queueFlags(cmd.Flags())
	o.flags(cmd.Flags())
	cmd.Flags().StringVar(&level, "log-level", "info", "debug, info, warn or error")
	return cmd
}
