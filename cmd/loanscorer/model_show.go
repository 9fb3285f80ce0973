package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/loanscorer/loanscorer/model"
)

func showCommand(s streams) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show [M.json]",
		Short: "Show what a model file says",
		Long: `Show what a model file says, its identity first: the SHA-256 that --model-sha256
takes. Without a file, the built-in model. 'loanscorer model card' says it in
sentences.`,
		Example: "  loanscorer model show\n  loanscorer model show forest.json --json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			m, err := loadModel(strings.Join(args, ""))
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(s.out).Encode(summaryOf(m))
			}
			return printModel(s.out, m)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// modelSummary is a model without its trees.
type modelSummary struct {
	SHA256    string               `json:"sha256"`
	Content   string               `json:"content_sha256"` // of what scores and explanations are made of
	Name      string               `json:"name"`
	Version   string               `json:"version"`
	Features  []model.Feature      `json:"features"`
	Classes   []model.Class        `json:"classes"`
	Positive  int                  `json:"positive"`
	Policy    model.Policy         `json:"policy"`
	Forest    model.Stats          `json:"forest"`
	Reasons   string               `json:"reasons"`        // whether decisions carry them, or why not
	SelfTest  int                  `json:"self_test_rows"` // 0: the file has none
	Training  json.RawMessage      `json:"training,omitempty"`
	Reference []model.Distribution `json:"reference,omitempty"`
}

func summaryOf(m *model.Model) modelSummary {
	s := modelSummary{
		SHA256: m.SHA256(), Content: m.ContentSHA256(), Name: m.Name(), Version: m.Version(), Features: m.Features(), Classes: m.Classes(),
		Positive: m.Positive(), Policy: m.Policy(), Forest: m.Stats(), Reasons: reasonsOf(m), Training: m.Training(), Reference: m.Reference(),
	}
	if t := m.SelfTest(); t != nil {
		s.SelfTest = len(t.Rows)
	}
	return s
}

func printModel(out io.Writer, m *model.Model) error {
	var w bytes.Buffer
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&w, "%-10s"+format+"\n", append([]any{name}, args...)...)
	}
	st, p := m.Stats(), m.Policy()
	line("sha256", "%s", m.SHA256())
	line("name", "%s %s", m.Name(), m.Version())
	line("forest", "%d trees, %d nodes, %d leaves, depth %d", st.Trees, st.Nodes, st.Leaves, st.MaxDepth)
	line("reasons", "%s", reasonsOf(m)+explainTime(m))
	line("policy", "approved above %g, declined at or below %g", p.ApproveAbove, p.DeclineAt)
	if t := m.SelfTest(); t != nil {
		line("self-test", "%d rows, passed", len(t.Rows))
	} else {
		line("self-test", "none: the file was made before there were self-tests; make it anew to get one")
	}
	for i, c := range m.Classes() {
		mark := ""
		if i == m.Positive() {
			mark = "  (approval)"
		}
		line("class", "%s%s", c, mark)
	}
	for _, f := range m.Features() {
		line("feature", "%-16s %s", f.Name, featureText(&f))
	}
	for _, d := range m.Reference() {
		line("reference", "%-16s %s", d.Feature, referenceText(&d))
	}
	for _, l := range trainingLines(m.Training()) {
		line("training", "%-32s %s", l[0], shorten(l[1], 100))
	}
	_, err := out.Write(w.Bytes())
	return err
}

func featureText(f *model.Feature) string {
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
	return text
}

func referenceText(d *model.Distribution) string {
	parts := []string{fmt.Sprintf("%d rows, %d missing", d.Rows, d.Missing)}
	if len(d.Deciles) > 0 {
		parts = append(parts, "deciles "+numbers(d.Deciles))
	}
	for _, c := range d.Counts {
		parts = append(parts, fmt.Sprintf("%g: %d", c.Value, c.Count))
	}
	return strings.Join(parts, ", ")
}

func numbers(values []float64) string {
	var texts []string
	for _, v := range values {
		texts = append(texts, fmt.Sprintf("%.6g", v))
	}
	return strings.Join(texts, " ")
}

// trainingLines lists the members of a training record in its order, nested
// ones as JSON.
func trainingLines(record json.RawMessage) [][2]string {
	d := json.NewDecoder(bytes.NewReader(record))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil
	}
	var lines [][2]string
	for d.More() {
		key, err := d.Token()
		var value json.RawMessage
		if err == nil {
			err = d.Decode(&value)
		}
		if err != nil {
			return lines
		}
		text := string(value)
		var plain string
		var number float64
		switch {
		case text == "null":
		case json.Unmarshal(value, &plain) == nil:
			text = plain
		case json.Unmarshal(value, &number) == nil:
			text = fmt.Sprintf("%.10g", number)
		}
		var members map[string]json.RawMessage
		if json.Unmarshal(value, &members) == nil && members != nil {
			for _, l := range trainingLines(value) {
				lines = append(lines, [2]string{fmt.Sprint(key) + "." + l[0], l[1]})
			}
			continue
		}
		lines = append(lines, [2]string{fmt.Sprint(key), text})
	}
	return lines
}
