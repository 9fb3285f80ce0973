package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/loanscorer/loanscorer/model"
)

func modelCommand(s streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "model",
		Short: "Import, show and try models",
		Example: `  loanscorer model import forest.pkl -o forest.json
  loanscorer model show forest.json
  loanscorer model predict forest.json features.csv`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(importCommand(s), showCommand(s), predictCommand(s), diffCommand(s))
	return cmd
}

func showCommand(s streams) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "show [M.json]",
		Short:   "Show what a model file says",
		Long:    "Show what a model file says; without a file, the built-in model.",
		Example: "  loanscorer model show\n  loanscorer model show forest.json --json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			m, err := loadModel(strings.Join(args, ""))
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(s.out).Encode(cardOf(m))
			}
			printModel(s.out, m)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// card is a model without its trees.
type card struct {
	Name     string          `json:"name"`
	Version  string          `json:"version"`
	SHA256   string          `json:"sha256"`
	Features []model.Feature `json:"features"`
	Classes  []model.Class   `json:"classes"`
	Positive int             `json:"positive"`
	Policy   model.Policy    `json:"policy"`
	Forest   model.Stats     `json:"forest"`
	Reasons  string          `json:"reasons"` // whether decisions carry them, or why not
	Training json.RawMessage `json:"training,omitempty"`
}

func cardOf(m *model.Model) card {
	return card{
		Name: m.Name(), Version: m.Version(), SHA256: m.SHA256(), Features: m.Features(), Classes: m.Classes(),
		Positive: m.Positive(), Policy: m.Policy(), Forest: m.Stats(), Reasons: reasonsOf(m), Training: m.Training(),
	}
}

func printModel(w io.Writer, m *model.Model) {
	st, p := m.Stats(), m.Policy()
	_, _ = fmt.Fprintf(w, "%s %s\nsha256    %s\nforest    %d trees, %d nodes, %d leaves, depth %d\n",
		m.Name(), m.Version(), m.SHA256(), st.Trees, st.Nodes, st.Leaves, st.MaxDepth)
	_, _ = fmt.Fprintf(w, "reasons   %s\n", reasonsOf(m)+explainTime(m))
	_, _ = fmt.Fprintf(w, "policy    approved above %g, declined at or below %g\n", p.ApproveAbove, p.DeclineAt)
	for i, c := range m.Classes() {
		mark := ""
		if i == m.Positive() {
			mark = "  (approval)"
		}
		_, _ = fmt.Fprintf(w, "class     %s%s\n", c, mark)
	}
	for _, f := range m.Features() {
		text := string(f.Kind)
		if f.Kind == model.Category {
			text += " " + strings.Join(f.Categories, ", ")
		}
		if f.Missing != nil {
			text += fmt.Sprintf("; missing: %v", f.Missing.Value)
			if f.Missing.Fitted != "" {
				text += " (" + f.Missing.Fitted + ")"
			}
		}
		_, _ = fmt.Fprintf(w, "feature   %-16s %s\n", f.Name, text)
	}
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
