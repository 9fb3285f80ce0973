package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/loanscorer/loanscorer/internal/status"
)

func statusCommand(s streams) *cobra.Command {
	var server *serverURL
	var wait, asJSON bool
	cmd := &cobra.Command{
		Use:   "status ID...",
		Short: "Show what became of applications or batches",
		Long: `Show the state of applications and batches by their ids. With --wait it ends when
all of them are done. It exits 1 if all of them were rejected or failed, 3 if some
were, or if rows of a batch were rejected.`,
		Example: "  loanscorer status 01KAN1J4S6F0000000000000007Z1V5QJ2X3M4T8 --wait",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a := &asking{streams: s, client: server.client(), wait: wait, asJSON: asJSON}
			var ends []end
			for _, id := range args {
				e, err := a.showStatus(cmd.Context(), id)
				if err != nil {
					return err
				}
				ends = append(ends, e)
			}
			return judge(ends)
		},
	}
	server = serverFlag(cmd.Flags())
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until done")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the server's JSON")
	return cmd
}

// end is how something ended, for the exit code.
type end int

const (
	fine   end = iota // or not ended yet
	partly            // rows were rejected
	failed
)

// judge makes an error of what did not end well: nil, errPartly or errFailed.
func judge(ends []end) error {
	count := map[end]int{}
	for _, e := range ends {
		count[e]++
	}
	switch {
	case count[failed] > 0 && count[failed] == len(ends):
		return errFailed
	case count[failed]+count[partly] > 0:
		return errPartly
	default:
		return nil
	}
}

func endOfApplication(a *application) end {
	if a.Done && a.State != string(status.Decided) {
		return failed
	}
	return fine
}

func endOfBatch(b *batch) end {
	switch state := status.BatchState(b.State); {
	case !b.Done || state == status.BatchSucceeded:
		return fine
	case state == status.BatchSucceededWithRejects:
		return partly
	default:
		return failed
	}
}

// showStatus prints one state.
func (a *asking) showStatus(ctx context.Context, id string) (end, error) {
	var app application
	answer, err := a.get(ctx, "/v1/applications/"+url.PathEscape(id), &app)
	var p *problem
	if errors.As(err, &p) && p.Status == http.StatusNotFound {
		return a.showBatchStatus(ctx, id)
	}
	if err != nil {
		return failed, err
	}
	text := answer.body
	if a.wait && !app.Done {
		done, raw, err := a.waitApplication(ctx, id)
		if err != nil {
			return failed, err
		}
		app, text = *done, raw
	}
	err = printApplication(a.out, &app, text, a.asJSON)
	return endOfApplication(&app), err
}

func (a *asking) showBatchStatus(ctx context.Context, id string) (end, error) {
	var b batch
	answer, err := a.get(ctx, "/v1/batches/"+url.PathEscape(id), &b)
	var p *problem
	if errors.As(err, &p) && p.Status == http.StatusNotFound {
		return failed, fmt.Errorf("%s: no application or batch has this id", id)
	}
	if err != nil {
		return failed, fmt.Errorf("%s: %w", id, err)
	}
	text := answer.body
	if a.wait && !b.Done {
		bar := newShareBar(a.err, "scoring")
		done, raw, err := a.waitBatch(ctx, id, func(share float64) { bar.set(int64(share * 1000)) })
		bar.done()
		if err != nil {
			return failed, err
		}
		b, text = *done, raw
	}
	if a.asJSON {
		_, err := a.out.Write(append(bytes.TrimSpace(text), '\n'))
		return endOfBatch(&b), err
	}
	printBatch(a.out, &b)
	return endOfBatch(&b), nil
}
