package evaluate

import (
	"cmp"
	"slices"

	"github.com/loanscorer/loanscorer/model/train"
)

// Predictor gives the probability of every class: a *[model.Model] or a
// *[train.Forest].
type Predictor interface {
	// PredictProba fills out, one number a class, for x, one value a feature;
	// NaN is missing. It must be safe for concurrent use.
	PredictProba(x, out []float64) error
}

// Scored is what a model said about rows whose outcome is known.
type Scored struct {
	Labels      []int     // of each row, the class that it has
	Predicted   []int     // the class with the highest probability; of equals the first
	Probability []float64 // of the positive class
	Positive    int
	Classes     int
	Repeats     int // how often each row is among them; 0 means once
}

// Score predicts rows of d, nil for all.
func Score(p Predictor, d *train.Data, rows []int) (*Scored, error) {
	return scoreWith(p, d, rows, -1, nil)
}

// scoreWith takes the values of one column from other rows, for permutation
// importances: rows[i] gets the value of row from[i].
func scoreWith(p Predictor, d *train.Data, rows []int, column int, from []int) (*Scored, error) {
	if rows == nil {
		rows = allRows(d.Rows())
	}
	s := &Scored{Positive: d.Positive, Classes: len(d.Classes)}
	x, out := make([]float64, len(d.Columns)), make([]float64, len(d.Classes))
	for i, row := range rows {
		d.Row(row, x)
		if column >= 0 {
			x[column] = d.Columns[column].Values[from[i]]
		}
		if err := p.PredictProba(x, out); err != nil {
			return nil, err
		}
		best := 0
		for c, v := range out {
			if v > out[best] {
				best = c
			}
		}
		s.Labels = append(s.Labels, d.Labels[row])
		s.Predicted = append(s.Predicted, best)
		s.Probability = append(s.Probability, out[d.Positive])
	}
	return s, nil
}

func allRows(n int) []int {
	rows := make([]int, n)
	for i := range rows {
		rows[i] = i
	}
	return rows
}

// add appends other's rows.
func (s *Scored) add(other *Scored) {
	s.Positive, s.Classes = other.Positive, other.Classes
	s.Labels = append(s.Labels, other.Labels...)
	s.Predicted = append(s.Predicted, other.Predicted...)
	s.Probability = append(s.Probability, other.Probability...)
}

// Metrics is how right predictions were.
type Metrics struct {
	Rows      int       `json:"rows"`
	Accuracy  float64   `json:"accuracy"`  // share of rows predicted as they are
	AUC       float64   `json:"auc"`       // area under the ROC curve; 0.5 where only one class occurs
	LogLoss   float64   `json:"log_loss"`  // mean of -ln(probability of what happened); lower is better
	Brier     float64   `json:"brier"`     // mean squared error of the probability; lower is better
	Recall    []float64 `json:"recall"`    // of each class: share of its rows predicted so; 0 for a class without rows
	Confusion [][]int   `json:"confusion"` // [class][predicted class] rows
}

// Metrics measures the predictions.
func (s *Scored) Metrics() Metrics {
	m := Metrics{Rows: len(s.Labels), Recall: make([]float64, s.Classes), Confusion: make([][]int, s.Classes)}
	for c := range m.Confusion {
		m.Confusion[c] = make([]int, s.Classes)
	}
	hits := 0
	for i, label := range s.Labels {
		m.Confusion[label][s.Predicted[i]]++
		if label == s.Predicted[i] {
			hits++
		}
		loss, square := s.errors(i)
		m.LogLoss += loss
		m.Brier += square
	}
	n := float64(max(m.Rows, 1))
	m.Accuracy, m.Brier, m.LogLoss = float64(hits)/n, m.Brier/n, m.LogLoss/n
	for c, row := range m.Confusion {
		total := 0
		for _, k := range row {
			total += k
		}
		m.Recall[c] = float64(row[c]) / float64(max(total, 1))
	}
	m.AUC = s.auc()
	return m
}

// outcome is 1 for a row of the positive class.
func (s *Scored) outcome(i int) float64 {
	if s.Labels[i] == s.Positive {
		return 1
	}
	return 0
}

// step is the number of rows at or above a probability.
type step struct {
	probability float64
	yes, no     int
}

// steps counts rows at or above each probability that occurs, from the
// highest.
func (s *Scored) steps() []step {
	order := allRows(len(s.Labels))
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(s.Probability[b], s.Probability[a]) })
	var steps []step
	now := step{}
	for i, row := range order {
		if s.Labels[row] == s.Positive {
			now.yes++
		} else {
			now.no++
		}
		now.probability = s.Probability[row]
		if i+1 == len(order) || s.Probability[order[i+1]] < now.probability {
			steps = append(steps, now)
		}
	}
	return steps
}

// auc is the share of pairs in the right order; equal probabilities count half.
func (s *Scored) auc() float64 {
	area, last := 0.0, step{}
	for _, now := range s.steps() {
		area += float64(now.no-last.no) * float64(now.yes+last.yes) / 2
		last = now
	}
	if last.yes == 0 || last.no == 0 {
		return 0.5
	}
	return area / (float64(last.yes) * float64(last.no))
}
