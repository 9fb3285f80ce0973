package card

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/evaluate"
)

func (w *writer) training() Section {
	s := Section{Title: "Training"}
	t := &s.Table
	t.Head = []string{"", ""}
	switch r := w.record; {
	case r != nil:
		t.add("Data", fmt.Sprintf("%s, %s rows%s", r.Data, count(r.Rows), w.balance()))
		t.addCode("SHA-256 of the data", r.DataSHA256)
		if r.RowsSkipped > 0 {
			t.add("Rows left out", count(r.RowsSkipped)+", because they could not be used")
		}
		t.add("Outcome", "column "+r.Label.Column)
		t.add("Parameters", params(r.Params))
	case w.origin.SHA256 != "":
		t.addCode("SHA-256 of the imported file", w.origin.SHA256)
		t.add("Parameters", params(w.origin.Params))
		s.Text = []string{"The imported file does not say what data the model was fitted on."}
		if w.origin.RefSHA256 != "" {
			t.add("Rows given as the training rows", w.origin.Reference)
			t.addCode("SHA-256 of these rows", w.origin.RefSHA256)
		}
	case len(w.m.Training()) > 0:
		s.Text = []string{"The file holds a record of another program's:"}
		s.Code = string(w.m.Training())
	default:
		s.Text = []string{"The file does not say how the model was made."}
	}
	return s
}

// rows describes the training rows before missing values were filled.
func (w *writer) rows() Section {
	s := Section{Title: "Training rows", Text: []string{"Before missing values were filled:"}}
	s.Table.Head = []string{"feature", "values", "missing"}
	for _, d := range w.m.Reference() {
		s.Table.add(d.Feature, w.distribution(&d), count(d.Missing))
	}
	return s
}

// balance lists the rows of each class.
func (w *writer) balance() string {
	var text strings.Builder
	for _, class := range w.classes {
		if n, ok := w.record.ClassBalance[class]; ok {
			fmt.Fprintf(&text, ", %s %s", count(n), class)
		}
	}
	return text.String()
}

// params lists parameters by name; null is scikit-learn's None.
func params(of map[string]any) string {
	if len(of) == 0 {
		return "not known"
	}
	names := make([]string, 0, len(of))
	for name := range of {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, name := range names {
		text, err := json.Marshal(of[name])
		if err != nil {
			continue
		}
		names[i] = name + " " + strings.Trim(string(text), `"`)
	}
	return strings.Join(names, ", ")
}

// distribution says how one feature was distributed.
func (w *writer) distribution(d *model.Distribution) string {
	f := w.feature(d.Feature)
	var parts []string
	if len(d.Deciles) > 0 {
		var deciles []string
		for _, v := range d.Deciles {
			deciles = append(deciles, fmt.Sprintf("%.6g", v))
		}
		parts = append(parts, "deciles "+strings.Join(deciles, ", "))
	}
	for _, c := range d.Counts {
		share := float64(c.Count) / math.Max(float64(d.Rows), 1)
		parts = append(parts, fmt.Sprintf("%s %s %s", value(f, c.Value), bar(share), count(c.Count)))
	}
	return strings.Join(parts, "; ")
}

// bar draws a share in text, one block a twentieth.
func bar(share float64) string { return strings.Repeat("█", max(int(math.Round(20*share)), 1)) }

func (w *writer) feature(name string) *model.Feature {
	i := slices.IndexFunc(w.features, func(f model.Feature) bool { return f.Name == name })
	if i < 0 {
		return &model.Feature{Name: name, Kind: model.Number}
	}
	return &w.features[i]
}

func (w *writer) measured() Section {
	m := &w.record.Metrics
	s := Section{Title: "Measured"}
	t := &s.Table
	t.Head = []string{"measure", "on rows it was not fitted on", "95 % interval", "on the rows it was fitted on"}
	if m.Accuracy == nil {
		s.Text = []string{"It was measured only on the rows that it was fitted on, where every model looks better than it is."}
		t.Head = []string{"measure", "on the rows it was fitted on"}
		t.add("accuracy", percent(m.TrainAccuracy))
		t.add("AUC", three(m.TrainAUC))
		return s
	}
	s.Text = []string{fmt.Sprintf("By cross-validation in %d folds (%s).", m.Folds, m.Split)}
	shares := func(v *evaluate.Spread) string { return fmt.Sprintf("%.2f to %.2f", 100*v.Low, 100*v.High) }
	plain := func(v *evaluate.Spread) string { return fmt.Sprintf("%.3f to %.3f", v.Low, v.High) }
	t.add("accuracy", percent(m.Accuracy.Mean), shares(m.Accuracy), percent(m.TrainAccuracy))
	if m.AUC != nil {
		t.add("AUC", three(m.AUC.Mean), plain(m.AUC), three(m.TrainAUC))
	}
	if m.LogLoss != nil {
		t.add("log loss", three(m.LogLoss.Mean), plain(m.LogLoss), "")
	}
	if m.Brier != nil {
		t.add("Brier score", three(m.Brier.Mean), plain(m.Brier), "")
	}
	if len(m.Calibration) > 0 {
		t.add("mean distance of probability and share", three(m.CalibrationError), "", "")
	}
	return s
}

// comparisons are the confusion matrix and the simple rules.
func (w *writer) comparisons() []Section {
	var out []Section
	m := &w.record.Metrics
	if len(m.Confusion) == len(w.classes) {
		s := Section{Title: "Right and wrong"}
		s.Table.Head = []string{"in truth"}
		for _, c := range w.classes {
			s.Table.Head = append(s.Table.Head, "predicted "+c)
		}
		s.Table.Head = append(s.Table.Head, "recognised")
		for i, row := range m.Confusion {
			cells := []string{w.classes[i]}
			for _, n := range row {
				cells = append(cells, count(n))
			}
			s.Table.add(append(cells, percent(m.Recall[w.classes[i]]))...)
		}
		out = append(out, s)
	}
	if len(m.Baselines) > 0 {
		s := Section{Title: "Beside simple rules"}
		s.Table.Head = []string{"", "accuracy"}
		if m.Accuracy != nil {
			s.Table.add("this model, on rows it was not fitted on", percent(m.Accuracy.Mean))
		}
		for _, b := range m.Baselines {
			s.Table.add(b.Name, percent(b.Accuracy))
		}
		out = append(out, s)
	}
	return out
}

func three(v float64) string { return fmt.Sprintf("%.3f", v) }
