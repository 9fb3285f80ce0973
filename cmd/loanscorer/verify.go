package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
	"github.com/loanscorer/loanscorer/scorer"
)

func verifyCommand(s streams) *cobra.Command {
	var c connection
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify BATCH",
		Short: "Prove a finished batch from its objects alone",
		Long: `Prove a finished batch from its objects alone: that the chunks cover the file
without a gap, that every part has the bytes and rows of the ledger, that no row
is in two parts, and that rows in = decided + rejected.`,
		Example: "  loanscorer verify 01KAN1J4S6F0000000000000007Z1V5QJ2X3M4T8",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !status.ValidID(args[0]) {
				return usagef("%s: not a batch id; 'loanscorer batches' lists them", args[0])
			}
			objects, err := c.store(cmd.Context())
			if err != nil {
				return err
			}
			r, err := scorer.Verify(cmd.Context(), objects, args[0])
			switch {
			case errors.Is(err, store.ErrNotFound):
				return fmt.Errorf("batch %s is not in bucket %s", args[0], c.bucket)
			case err != nil:
				return err
			}
			return printReport(s, r, asJSON)
		},
	}
	c.storeFlags(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printReport(s streams, r *scorer.Report, asJSON bool) error {
	if asJSON {
		if err := json.NewEncoder(s.out).Encode(r); err != nil {
			return err
		}
	} else {
		_, _ = fmt.Fprintf(s.out, "%s  %s\n", r.Batch, r.State)
		for _, c := range r.Checks {
			mark := "ok  "
			if !c.OK {
				mark = "FAIL"
			}
			_, _ = fmt.Fprintf(s.out, "  %s  %-8s %s\n", mark, c.Name, c.Detail)
		}
	}
	if !r.OK() {
		return fmt.Errorf("batch %s is not what its ledger says", r.Batch)
	}
	return nil
}
