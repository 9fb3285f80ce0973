package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"
)

func statusCommand(s streams) *cobra.Command {
	var server string
	var wait, asJSON bool
	cmd := &cobra.Command{
		Use:   "status ID...",
		Short: "Show what became of applications or batches",
		Long: `Show the state of applications and batches by their ids. With --wait it ends when
all of them are done; it then exits 3 if any was rejected or failed.`,
		Example: "  loanscorer status 01KAN1J4S6F0000000000000007Z1V5QJ2X3M4T8 --wait",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a := &asking{streams: s, client: newClient(server), wait: wait, asJSON: asJSON}
			failed := 0
			for _, id := range args {
				ok, err := a.showStatus(cmd.Context(), id)
				if err != nil {
					return err
				}
				if !ok {
					failed++
				}
			}
			return partly(failed)
		},
	}
	cmd.Flags().StringVar(&server, "server", "http://"+defaultAPIAddr, "address of the HTTP API")
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until done")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the server's JSON")
	return cmd
}

// showStatus prints one state and reports whether it is no failure.
func (a *asking) showStatus(ctx context.Context, id string) (bool, error) {
	var app application
	answer, err := a.get(ctx, "/v1/applications/"+url.PathEscape(id), &app)
	var p *problem
	if errors.As(err, &p) && p.Status == http.StatusNotFound {
		return a.showBatchStatus(ctx, id)
	}
	if err != nil {
		return false, err
	}
	text := answer.body
	if a.wait && !app.Done {
		done, raw, err := a.waitApplication(ctx, id)
		if err != nil {
			return false, err
		}
		app, text = *done, raw
	}
	err = printApplication(a.out, &app, text, a.asJSON)
	return !app.Done || app.State == "decided", err
}

func (a *asking) showBatchStatus(ctx context.Context, id string) (bool, error) {
	var b batch
	answer, err := a.get(ctx, "/v1/batches/"+url.PathEscape(id), &b)
	if err != nil {
		return false, fmt.Errorf("%s: %w", id, err)
	}
	text := answer.body
	if a.wait && !b.Done {
		bar := newShareBar(a.err, "scoring")
		done, raw, err := a.waitBatch(ctx, id, func(share float64) { bar.set(int64(share * 1000)) })
		bar.done()
		if err != nil {
			return false, err
		}
		b, text = *done, raw
	}
	if a.asJSON {
		_, err := a.out.Write(append(bytes.TrimSpace(text), '\n'))
		return !b.Done || b.State == "succeeded", err
	}
	printBatch(a.out, &b)
	return !b.Done || b.State == "succeeded", nil
}
