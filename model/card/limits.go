package card

import (
	"fmt"
	"strings"

	"github.com/loanscorer/loanscorer/model"
)

// fewRows is where chance alone moves measures by points.
const fewRows = 5000

// limits lists what must be known before the model is used, and what is not
// known. Every sentence follows from the file, or holds for every such model.
func (w *writer) limits() Section {
	s := Section{Title: "Limits"}
	say := func(format string, args ...any) { s.List = append(s.List, fmt.Sprintf(format, args...)) }
	say("The file does not say who the applicants were, where and when they applied, who decided, and what became of the loans. " +
		"The model repeats what its training data recorded, with whatever was wrong with it.")
	if w.record == nil {
		say("How good it is, is not known: the file holds no measurements. Run loanscorer evaluate --model on rows with known outcomes.")
	} else {
		w.limitsOfMeasures(say)
	}
	w.limitsOfInputs(say)
	if p := w.m.Policy(); p.ApproveAbove == p.DeclineAt {
		say("Nobody is referred to a person: an application near the cut-off is decided like any other.")
	}
	if w.origin.Source == "onnx" {
		say("Explanations count every leaf as one training row, since an ONNX file does not say how many there were.")
	}
	say("Whether it treats groups of people alike is not in the file. Columns that are no inputs, such as gender, may show in those that are. " +
		"Screen decisions with loanscorer fairness.")
	return s
}

func (w *writer) limitsOfMeasures(say func(string, ...any)) {
	r := w.record
	m := &r.Metrics
	if m.Accuracy == nil {
		say("How good it is on new rows is not known: it was fitted without cross-validation.")
		return
	}
	for _, b := range m.Baselines {
		if b.Accuracy >= m.Accuracy.Mean {
			say("One rule is right as often or more often: %s, %s. What the forest adds is a ranking.", b.Name, percent(b.Accuracy))
		}
	}
	for _, class := range w.classes {
		if recall, ok := m.Recall[class]; ok && recall < 0.5 {
			say("It recognises fewer than half of the rows that are %s.", class)
		}
	}
	if r.Rows < fewRows {
		say("It was fitted on %s rows: from one fold to another its accuracy varies by %.1f points (standard deviation), from chance alone.",
			count(r.Rows), 100*m.Accuracy.SDFolds)
	}
	say("Measures come from the training data, divided. Applications from elsewhere or from later may do worse.")
}

func (w *writer) limitsOfInputs(say func(string, ...any)) {
	var filled []string
	number := false
	for i := range w.features {
		number = number || w.features[i].Kind == model.Number
		if w.features[i].Missing != nil {
			filled = append(filled, w.features[i].Name)
		}
	}
	if number {
		say("Values beyond those of the training rows are scored like the nearest of them: trees do not extrapolate.")
	}
	if len(filled) > 0 {
		say("A missing value of %s counts as one and the same value, whoever the applicant is.", strings.Join(filled, ", "))
	}
	if len(w.m.Reference()) == 0 {
		say("How the training rows were distributed is not in the file, so drift from them cannot be seen.")
	}
}
