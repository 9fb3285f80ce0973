package evaluate

import (
	_ "embed"
	"fmt"
	"io"

	"github.com/loanscorer/loanscorer/model/chart"
	"github.com/loanscorer/loanscorer/model/train"
)

// Report is everything that an evaluation found, for JSON and for people.
type Report struct {
	Data            string           `json:"data"` // name of the file
	SHA256          string           `json:"data_sha256"`
	Rows            int              `json:"rows"`
	Skipped         int              `json:"rows_skipped,omitempty"` // rows that could not be used
	Classes         []string         `json:"classes"`
	Positive        int              `json:"positive"`          // index of the class that means approval
	ClassBalance    []int            `json:"class_balance"`     // rows of each class
	Subject         string           `json:"subject"`           // what was evaluated, for people
	Warning         string           `json:"warning,omitempty"` // why the figures are not what they seem
	ModelSHA256     string           `json:"model_sha256,omitempty"`
	Params          map[string]any   `json:"params,omitempty"`
	Split           string           `json:"split,omitempty"` // how the folds were made, for people
	Apparent        *Metrics         `json:"training_rows,omitempty"`
	CrossValidation *CrossValidation `json:"cross_validation,omitempty"`
	Model           *ModelResult     `json:"model,omitempty"` // of a finished model on these rows
	Baselines       []Baseline       `json:"baselines"`
}

// ModelResult is how a finished model did on rows with known outcomes.
type ModelResult struct {
	Metrics     Metrics      `json:"metrics"`
	Ranges      Ranges       `json:"intervals"` // of the metrics
	Decisions   []Decided    `json:"decisions"` // by the model's policy
	Curves      Curves       `json:"curves"`
	Importances []Importance `json:"importances"`
}

// Baseline is a rule so simple that a model should beat it.
type Baseline struct {
	Name     string    `json:"name"`
	Accuracy float64   `json:"accuracy"`
	AUC      float64   `json:"auc"`
	Recall   []float64 `json:"recall"`
}

// Rule measures a rule that approves the rows for which yes is true and says
// other for the rest.
func Rule(name string, d *train.Data, other int, yes func(row int) bool) Baseline {
	s := &Scored{Labels: d.Labels, Positive: d.Positive, Classes: len(d.Classes)}
	for row := range d.Labels {
		class, p := other, 0.0
		if yes(row) {
			class, p = d.Positive, 1.0
		}
		s.Predicted, s.Probability = append(s.Predicted, class), append(s.Probability, p)
	}
	m := s.Metrics()
	return Baseline{Name: name, Accuracy: m.Accuracy, AUC: m.AUC, Recall: m.Recall}
}

//go:embed report.html.tmpl
var reportTemplate string

// page is what the template shows.
type page struct {
	*Report
	Metrics     Metrics
	Curves      Curves
	Importances []Importance
	Plots       []chart.Plot
}

// WriteReport writes a self-contained HTML page: no scripts, nothing loaded
// from elsewhere, the plots drawn as SVG. It holds aggregates only, never a
// row. Either CrossValidation or Model must be set.
func WriteReport(w io.Writer, r *Report) error {
	p := page{Report: r}
	switch {
	case r.CrossValidation != nil:
		cv := r.CrossValidation
		p.Metrics, p.Curves, p.Importances = cv.Pooled, cv.Curves, cv.Importances
	case r.Model != nil:
		p.Metrics, p.Curves, p.Importances = r.Model.Metrics, r.Model.Curves, r.Model.Importances
	default:
		return fmt.Errorf("report of %s has no result", r.Data)
	}
	p.Plots = []chart.Plot{p.roc(), p.precisionRecall(), CalibrationPlot(r.Classes[r.Positive], p.Curves.Bins, p.Curves.CalibrationError), p.histogram()}
	if len(p.Importances) > 0 {
		p.Plots = append(p.Plots, p.importances())
	}
	return chart.Render(w, "Evaluation: "+r.Data, reportTemplate, p)
}
