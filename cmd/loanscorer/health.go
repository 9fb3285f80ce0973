package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

// healthTimeout bounds one look: whoever asks wants an answer soon.
const healthTimeout = 4 * time.Second

func healthCommand(streams) *cobra.Command {
	var c connection
	var addr string
	var worker bool
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Say whether the process beside this one is healthy, for containers",
		Long: `Say whether the process beside this one is healthy: exit 0 if it is, 1 if not. It asks
/readyz of the HTTP API at --api-addr or, with --worker, whether the bucket and the
queues of the worker answer. Container images have no shell and no curl; this is their
health check. 'loanscorer doctor' says what is wrong, and more.`,
		Example: `  loanscorer health
  loanscorer health --worker --s3-endpoint aws --sqs-endpoint aws --bucket my-bucket`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), healthTimeout)
			defer cancel()
			if worker {
				b, err := c.connect(ctx)
				if err != nil {
					return err
				}
				return b.ready(ctx)
			}
			return askReady(ctx, addr)
		},
	}
	c.storeFlags(cmd.Flags())
	c.queueFlags(cmd.Flags())
	cmd.Flags().StringVar(&addr, "api-addr", defaultAPIAddr, "address of the HTTP API")
	cmd.Flags().BoolVar(&worker, "worker", false, "look at the bucket and the queues instead")
	return cmd
}

// askReady asks an API whether it can work.
func askReady(ctx context.Context, addr string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/readyz", http.NoBody)
	if err != nil {
		return usagef("--api-addr %s: %w", addr, err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("no answer: %w", errors.Unwrap(err))
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("http://%s/readyz: %s; 'loanscorer doctor' says more", addr, res.Status)
	}
	return nil
}
