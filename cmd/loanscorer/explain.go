package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/loanscorer/loanscorer/model"
	shapley "github.com/loanscorer/loanscorer/model/explain"
)

type explainOptions struct {
	model, reasons, language string
	paths, json              bool
}

func explainCommand(s streams) *cobra.Command {
	var o explainOptions
	cmd := &cobra.Command{
		Use:   "explain FILE|-",
		Short: "Show why an application gets its decision",
		Long: `Show the probability and the decision of one application, a JSON object in a file
or on standard input; what each feature added to or took from the mean
probability of the training data (exact Shapley values); the reasons of a
decision that is not an approval; and the smallest change of each feature alone
that changes the decision.

The members are the published column names, as for 'loanscorer submit', if the
model's features are published columns, else the model's own features.`,
		Example: `  echo '{"ApplicantIncome":3000,"CoapplicantIncome":0,"LoanAmount":66,"Credit_History":0,"Property_Area":"Urban"}' |
    loanscorer explain -
  loanscorer explain application.json --model forest.json --reasons reasons.json --language pt
  loanscorer explain application.json --paths --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return runExplain(s, args[0], o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.model, "model", "", "model file (default: the built-in model)")
	f.StringVar(&o.reasons, "reasons", "", "JSON file of reason codes and texts (default: the built-in table)")
	f.StringVar(&o.language, "language", shapley.English, "language of the reasons: en, pt, or another one of --reasons")
	f.BoolVar(&o.paths, "paths", false, "show the path through every tree")
	f.BoolVar(&o.json, "json", false, "print JSON")
	return cmd
}

func runExplain(s streams, path string, o explainOptions) error {
	m, err := loadModel(o.model)
	if err != nil {
		return err
	}
	if o.reasons == noReasons { // meant for the service, by the environment
		o.reasons = ""
	}
	table, err := readReasons(o.reasons)
	if err != nil {
		return err
	}
	e, err := shapley.NewWith(m, shapley.Options{Table: table})
	if err != nil {
		return reasonsFault(err, o.reasons, m)
	}
	data, err := readAll(s.in, path)
	if err != nil {
		return err
	}
	x, err := featuresOf(m, data)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	why, err := newExplanation(e, x, o)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if o.json {
		return json.NewEncoder(s.out).Encode(why)
	}
	_, err = s.out.Write(why.text(m))
	return err
}

// explanation is what the command prints.
type explanation struct {
	Model         modelName        `json:"model"`
	Probability   float64          `json:"probability"`
	Decision      model.Decision   `json:"decision"`
	Policy        model.Policy     `json:"policy"`
	Base          float64          `json:"base"`
	Contributions []contribution   `json:"contributions"` // in the order of the features
	Reasons       []reason         `json:"reasons"`
	Changes       []shapley.Change `json:"changes"`
	Paths         []shapley.Path   `json:"paths,omitempty"`
}

type modelName struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
}

type contribution struct {
	Feature      string   `json:"feature"`
	Value        *float64 `json:"value"`              // as the trees see it; null where they route a missing value
	Category     string   `json:"category,omitempty"` // its name
	Imputed      bool     `json:"imputed,omitempty"`
	Contribution float64  `json:"contribution"`
}

type reason struct {
	shapley.Reason
	Text string `json:"text"`
}

func newExplanation(e *shapley.Explainer, x []float64, o explainOptions) (*explanation, error) {
	m := e.Model()
	p, err := m.Probability(x)
	if err != nil {
		return nil, err
	}
	phi := make([]float64, len(x))
	base, err := e.Explain(x, phi)
	if err != nil {
		return nil, err
	}
	why := &explanation{
		Model: modelName{m.Name(), m.Version(), m.SHA256()}, Probability: p, Base: base,
		Decision: m.Policy().Decide(p), Policy: m.Policy(), Reasons: []reason{},
	}
	seen, err := m.Rounded(nil, x)
	if err != nil {
		return nil, err
	}
	for i, f := range m.Features() {
		c := contribution{Feature: f.Name, Contribution: phi[i]}
		if v := seen[i]; v == v {
			c.Value, c.Imputed, c.Category = &v, x[i] != x[i], categoryOf(f, v)
		}
		why.Contributions = append(why.Contributions, c)
	}
	if why.Decision != model.Approved {
		for _, r := range e.Reasons(x, phi, nil) {
			why.Reasons = append(why.Reasons, reason{r, r.Text(o.language)})
		}
	}
	if why.Changes, err = e.Changes(x, m.Policy()); err != nil {
		return nil, err
	}
	if o.paths {
		why.Paths, err = e.Paths(x)
	}
	return why, err
}

// categoryOf names a category's code; empty for a number.
func categoryOf(f model.Feature, v float64) string {
	if i := int(v); f.Kind == model.Category && float64(i) == v && i >= 0 && i < len(f.Categories) {
		return f.Categories[i]
	}
	return ""
}

func (c *contribution) value() string {
	text := "missing"
	switch {
	case c.Category != "":
		text = c.Category
	case c.Value != nil:
		text = fmt.Sprintf("%.7g", *c.Value)
	}
	if c.Imputed {
		text += " (imputed)"
	}
	return text
}

// changeText says what a value must become.
func changeText(m *model.Model, c shapley.Change) string {
	words := map[shapley.Relation]string{shapley.MoreThan: "more than ", shapley.AtMost: "at most ", shapley.Equal: ""}
	to := fmt.Sprintf("%.9g", c.Bound)
	for _, f := range m.Features() {
		if name := categoryOf(f, c.To); f.Name == c.Feature && name != "" {
			to = name
		}
	}
	return strings.TrimSpace(words[c.Relation] + to)
}
