package card

import (
	"fmt"
	"slices"
	"strings"

	"github.com/loanscorer/loanscorer/model"
)

// reproduce says how the file is made again.
func (w *writer) reproduce() Section {
	s := Section{Title: "Making it again"}
	switch {
	case w.record != nil:
		s.Text = []string{"With the same version of the program and the same data, this command writes the same file, byte by byte:"}
		if strings.HasPrefix(w.record.Metrics.Split, "nested") {
			s.Text = []string{"It was chosen by loanscorer tune. This command grows the same trees; its measures are those of plain cross-validation:"}
		}
		s.Code = w.trainCommand()
	case w.origin.SHA256 != "":
		s.Text = []string{"From the imported file:"}
		s.Code = w.importCommand()
	default:
		s.Text = []string{"The file does not say how."}
	}
	return s
}

// command collects flags.
type command struct{ words []string }

func (c *command) flag(name string, value any) {
	c.words = append(c.words, "--"+name, quote(fmt.Sprint(value)))
}

// quote makes a word safe for a shell.
func quote(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-.,=/+:", r)
	}
	if word != "" && !strings.ContainsFunc(word, func(r rune) bool { return !plain(r) }) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// trainCommand names what differs from the defaults of loanscorer train.
func (w *writer) trainCommand() string {
	r := w.record
	c := &command{words: []string{"loanscorer train", quote(r.Data), "-o model.json"}}
	var names []string
	for i := range w.features {
		names = append(names, w.features[i].Name)
	}
	if !slices.Equal(names, []string{"TotalIncome", "LoanAmount", "Credit_History", "Property_Area"}) {
		c.flag("features", strings.Join(names, ","))
	}
	if r.Label.Column != "Loan_Status" {
		c.flag("label", r.Label.Column)
	}
	if w.positive != "Y" && w.positive != "1" {
		c.flag("positive", w.positive)
	}
	for i := range w.features {
		if f := &w.features[i]; f.Missing != nil && f.Missing.Fitted != w.usualFill(f) {
			c.flag("missing", f.Name+"="+f.Missing.Fitted)
		}
	}
	for _, p := range []struct{ flag, param, usual, null string }{
		{"trees", "n_estimators", "25", ""},
		{"max-depth", "max_depth", "7", "unlimited"},
		{"min-samples-split", "min_samples_split", "25", ""},
		{"min-samples-leaf", "min_samples_leaf", "1", ""},
		{"max-features", "max_features", "1", "all"},
		{"criterion", "criterion", "gini", ""},
		{"class-weight", "class_weight", "none", "none"},
		{"seed", "random_state", "0", ""},
	} {
		v, ok := r.Params[p.param]
		text := fmt.Sprint(v)
		if v == nil {
			text = p.null
		}
		if ok && text != p.usual {
			c.flag(p.flag, text)
		}
	}
	if r.Params["bootstrap"] == false {
		c.words = append(c.words, "--no-bootstrap")
	}
	if r.RowsSkipped > 0 {
		c.words = append(c.words, "--skip-bad")
	}
	if r.Metrics.Folds != 5 && !strings.HasPrefix(r.Metrics.Split, "nested") {
		c.flag("folds", r.Metrics.Folds)
	}
	w.naming(c, "loan-approval-forest", "1")
	return strings.Join(c.words, " ")
}

// usualFill is how train fills a feature that it is told nothing about: the
// mode of categories and of numbers with two values, else the mean.
func (w *writer) usualFill(f *model.Feature) string {
	for _, d := range w.m.Reference() {
		if d.Feature == f.Name && len(d.Counts) > 0 && len(d.Counts) < 3 {
			return "mode"
		}
	}
	if f.Kind == model.Category {
		return "mode"
	}
	return "mean"
}

// naming adds the flags that both commands have.
func (w *writer) naming(c *command, name, version string) {
	if w.m.Name() != name {
		c.flag("name", w.m.Name())
	}
	if w.m.Version() != version {
		c.flag("model-version", w.m.Version())
	}
	if p := w.m.Policy(); p != model.DefaultPolicy() {
		c.flag("approve-above", p.ApproveAbove)
		c.flag("decline-at", p.DeclineAt)
	}
}

func (w *writer) importCommand() string {
	c := &command{words: []string{"loanscorer model import FILE -o model.json"}}
	var names []string
	for i := range w.features {
		names = append(names, w.features[i].Name)
	}
	c.flag("features", strings.Join(names, ","))
	c.flag("positive", w.positive)
	for i := range w.features {
		f := &w.features[i]
		if f.Kind == model.Category {
			c.flag("category", f.Name+"="+strings.Join(f.Categories, ","))
		}
		if f.Missing != nil && f.Missing.Fitted == "given" {
			c.flag("missing", fmt.Sprintf("%s=%v", f.Name, f.Missing.Value))
		}
	}
	if w.origin.Reference != "" {
		c.flag("reference", w.origin.Reference)
	}
	w.naming(c, "imported", w.origin.SHA256[:min(12, len(w.origin.SHA256))])
	return strings.Join(c.words, " ")
}
