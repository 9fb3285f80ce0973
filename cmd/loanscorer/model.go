package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
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
	cmd.AddCommand(importCommand(s), showCommand(s), predictCommand(s))
	return cmd
}

// importFlags are the flags of model import as they were given.
type importFlags struct {
	output, name, version, positive string
	features                        []string
	categories, missing             []string
	approveAbove, declineAt         float64
}

func importCommand(s streams) *cobra.Command {
	var o importFlags
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Turn a scikit-learn forest into a model file",
		Long: `Read a pickled scikit-learn RandomForestClassifier as data, executing nothing of
it, and write a model file. What the pickle does not say is assumed and printed,
or given by flags.`,
		Example: `  loanscorer model import forest.pkl -o forest.json
  loanscorer model import forest.pkl -o forest.json --missing LoanAmount=146.4 --missing Credit_History=1
  loanscorer model import forest.pkl -o forest.json --features a,b,c --category c=low,high --positive Y`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts, err := o.options(cmd.Flags().Changed)
			if err != nil {
				return err
			}
			return importModel(s, args[0], o.output, opts)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.output, "output", "o", "model.json", "model file to write, or - for standard output")
	f.StringVar(&o.name, "name", "", "name of the model")
	f.StringVar(&o.version, "model-version", "", "version of the model")
	f.StringVar(&o.positive, "positive", "", "label of the class that means approval (default: the second of two)")
	f.StringSliceVar(&o.features, "features", nil, "names of the features, in order (default: the pickle's)")
	f.StringArrayVar(&o.categories, "category", nil, "FEATURE=NAME,NAME,...: a category's names in the order of its codes; FEATURE= for a number")
	f.StringArrayVar(&o.missing, "missing", nil, "FEATURE=VALUE: what replaces a missing value")
	f.Float64Var(&o.approveAbove, "approve-above", 0.5, "approve above this probability")
	f.Float64Var(&o.declineAt, "decline-at", 0.5, "decline at or below this probability; between, refer to a person")
	return cmd
}

func (o *importFlags) options(changed func(string) bool) (model.ImportOptions, error) {
	opts := model.ImportOptions{
		Name: o.name, Version: o.version, Positive: o.positive, FeatureNames: o.features,
		Categories: map[string][]string{}, Missing: map[string]float64{},
	}
	for _, c := range o.categories {
		name, list, ok := strings.Cut(c, "=")
		if !ok {
			return opts, usagef("--category %s: must be FEATURE=NAME,NAME,...", c)
		}
		opts.Categories[name] = slices.DeleteFunc(strings.Split(list, ","), func(s string) bool { return s == "" })
	}
	for _, m := range o.missing {
		name, text, ok := strings.Cut(m, "=")
		value, err := strconv.ParseFloat(text, 64)
		if !ok || err != nil {
			return opts, usagef("--missing %s: must be FEATURE=NUMBER", m)
		}
		opts.Missing[name] = value
	}
	if changed("approve-above") || changed("decline-at") {
		if o.declineAt < 0 || o.approveAbove > 1 || !(o.declineAt <= o.approveAbove) {
			return opts, usagef("--decline-at %g --approve-above %g: must satisfy 0 <= decline-at <= approve-above <= 1", o.declineAt, o.approveAbove)
		}
		opts.Policy = &model.Policy{ApproveAbove: o.approveAbove, DeclineAt: o.declineAt}
	}
	return opts, nil
}

func importModel(s streams, path, output string, opts model.ImportOptions) error {
	data, err := readPickle(path)
	if err != nil {
		return err
	}
	spec, err := model.Import(data, opts)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	text, err := model.Encode(spec)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	m, err := model.Parse(text)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, note := range spec.Notes {
		_, _ = fmt.Fprintf(s.err, "note: %s\n", note)
	}
	if output == "-" {
		_, err := s.out.Write(text)
		return err
	}
	p, err := newPending(output)
	if err != nil {
		return err
	}
	if _, err := p.file.Write(text); err != nil {
		_ = p.drop()
		return err
	}
	if err := p.publish(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s  %d trees  sha256 %s\n", output, m.Stats().Trees, m.SHA256())
	return err
}

// maxPickle is the size of the largest pickle that is read, in bytes.
const maxPickle = 256 << 20

func readPickle(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxPickle+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxPickle {
		return nil, fmt.Errorf("%s: larger than %d MiB", path, maxPickle>>20)
	}
	return data, nil
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
	Training json.RawMessage `json:"training,omitempty"`
}

func cardOf(m *model.Model) card {
	return card{
		Name: m.Name(), Version: m.Version(), SHA256: m.SHA256(), Features: m.Features(), Classes: m.Classes(),
		Positive: m.Positive(), Policy: m.Policy(), Forest: m.Stats(), Training: m.Training(),
	}
}

func printModel(w io.Writer, m *model.Model) {
	st, p := m.Stats(), m.Policy()
	_, _ = fmt.Fprintf(w, "%s %s\nsha256    %s\nforest    %d trees, %d nodes, %d leaves, depth %d\n",
		m.Name(), m.Version(), m.SHA256(), st.Trees, st.Nodes, st.Leaves, st.MaxDepth)
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
