package evaluate

import (
	"math"

	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/interval"
)

// Ranges are 95 % intervals of a finished model's metrics, for rows that are
// independent.
type Ranges struct {
	Accuracy interval.Interval   `json:"accuracy"`
	AUC      interval.Interval   `json:"auc"`
	LogLoss  interval.Interval   `json:"log_loss"`
	Brier    interval.Interval   `json:"brier"`
	Recall   []interval.Interval `json:"recall"` // of each class
}

// Ranges returns the intervals of m, the metrics of the same rows: Wilson's for
// shares, that of Hanley and McNeil (The Meaning and Use of the Area under a ROC
// Curve, Radiology 143, 1982) for the AUC, and the normal one for means.
func (s *Scored) Ranges(m *Metrics) Ranges {
	right := 0
	var r Ranges
	for c, row := range m.Confusion {
		total := 0
		for _, n := range row {
			total += n
		}
		right += row[c]
		r.Recall = append(r.Recall, interval.Wilson(row[c], total))
	}
	r.Accuracy = interval.Wilson(right, m.Rows)
	loss, squares := make([]float64, len(s.Labels)), make([]float64, len(s.Labels))
	for i := range s.Labels {
		loss[i], squares[i] = s.errors(i)
	}
	mean, sd := meanSD(loss)
	r.LogLoss = notNegative(interval.Mean(mean, sd, m.Rows))
	mean, sd = meanSD(squares)
	r.Brier = notNegative(interval.Mean(mean, sd, m.Rows))
	r.AUC = s.rangeOfAUC(m.AUC)
	return r
}

func notNegative(in interval.Interval) interval.Interval {
	in.Low = max(in.Low, 0)
	return in
}

// errors returns a row's log loss and its squared error.
func (s *Scored) errors(i int) (loss, square float64) {
	p, y := s.Probability[i], s.outcome(i)
	happened := p*y + (1-p)*(1-y)
	return -math.Log(min(max(happened, 0x1p-52), 1-0x1p-52)), (p - y) * (p - y)
}

func (s *Scored) rangeOfAUC(auc float64) interval.Interval {
	yes := 0.0
	for i := range s.Labels {
		yes += s.outcome(i)
	}
	no := float64(len(s.Labels)) - yes
	if yes == 0 || no == 0 {
		return interval.Interval{Low: 0, High: 1}
	}
	q1, q2 := auc/(2-auc), 2*auc*auc/(1+auc)
	variance := (auc*(1-auc) + (yes-1)*(q1-auc*auc) + (no-1)*(q2-auc*auc)) / (yes * no)
	in := interval.Mean(auc, math.Sqrt(max(variance, 0)), 1)
	return interval.Interval{Low: max(in.Low, 0), High: min(in.High, 1)}
}

// Decided counts the rows that the policy gives one decision.
type Decided struct {
	Decision model.Decision `json:"decision"`
	Rows     int            `json:"rows"`
	Classes  []int          `json:"classes"` // rows of each class in truth
}

// Decisions counts by a policy, in the order approved, referred, declined.
// Referred is left out where the policy refers nobody.
func (s *Scored) Decisions(p model.Policy) []Decided {
	order := []model.Decision{model.Approved, model.Referred, model.Declined}
	if p.ApproveAbove == p.DeclineAt {
		order = []model.Decision{model.Approved, model.Declined}
	}
	out := make([]Decided, len(order))
	for i, d := range order {
		out[i] = Decided{Decision: d, Classes: make([]int, s.Classes)}
		for row, label := range s.Labels {
			if p.Decide(s.Probability[row]) == d {
				out[i].Rows++
				out[i].Classes[label]++
			}
		}
	}
	return out
}
