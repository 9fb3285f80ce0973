package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/loanscorer/loanscorer/model"
)

func modelCommand(s streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "model",
		Short: "Import, show, compare and try models",
		Example: `  loanscorer model import forest.pkl -o forest.json
  loanscorer model show forest.json
  loanscorer model card forest.json --html -o card.html
  loanscorer model diff default forest.json loans.csv
  loanscorer model predict forest.json features.csv`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(importCommand(s), showCommand(s), predictCommand(s), diffCommand(s), cardCommand(s), publishCommand(s))
	return cmd
}

func predictCommand(s streams) *cobra.Command {
	return &cobra.Command{
		Use:   "predict M.json X.csv",
		Short: "Print a model's probabilities for rows of its own features",
		Long: `Print the probability of every class and the predicted class for each row of a CSV
file of the model's own features, in any column order. Categories are names or
codes, an empty cell is missing. Numbers have 17 significant digits, so they are
the very bits. X.csv may be - for standard input.`,
		Example: "  loanscorer model predict forest.json features.csv > probabilities.csv",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := loadModel(args[0])
			if err != nil {
				return err
			}
			in := s.in
			if args[1] != "-" {
				f, err := os.Open(args[1])
				if err != nil {
					return err
				}
				defer func() { _ = f.Close() }()
				in = f
			}
			if err := model.PredictCSV(cmd.Context(), m, in, s.out); err != nil {
				return fmt.Errorf("%s: %w", args[1], err)
			}
			return nil
		},
	}
}
