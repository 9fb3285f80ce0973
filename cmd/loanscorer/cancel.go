package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"
)

func cancelCommand(s streams) *cobra.Command {
	var server *serverURL
	cmd := &cobra.Command{
		Use:   "cancel BATCH",
		Short: "Stop scoring a file",
		Long: `Stop scoring a file. Chunks that are being scored are finished, or stop after some
16 MiB of text (a packed file is one chunk); the others are not begun. Parts that
were written stay, but are no results. A batch that has ended cannot be cancelled;
upload a file again to score it after all.`,
		Example: "  loanscorer cancel 01KAN1J4S6F0000000000000007Z1V5QJ2X3M4T8",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := server.client().do(cmd.Context(), http.MethodPost, "/v1/batches/"+url.PathEscape(args[0])+":cancel", nil, nil)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			var b batch
			if err := json.Unmarshal(a.body, &b); err != nil {
				return err
			}
			_, err = fmt.Fprintf(s.out, "%s  %s  %s\n", b.ID, b.State, b.Source.Key)
			return err
		},
	}
	server = serverFlag(cmd.Flags())
	return cmd
}
