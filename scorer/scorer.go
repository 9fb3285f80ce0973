package scorer

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/model"
)

// ErrFeature is wrapped by New for a model that asks for an input which loan
// applications do not have.
var ErrFeature = errors.New("model does not fit loan applications")

// maxFeatures bounds the models that can be bound to applications.
const maxFeatures = 64

// Scorer decides applications with one model. It compares the model's feature
// names with the published columns once, when it is made. It is immutable and
// safe for concurrent use.
type Scorer struct {
	model    *model.Model
	policy   model.Policy
	features []feature
}

// feature says where one input of the model comes from.
type feature struct {
	model.Feature
	column ingest.Column
	total  bool // TotalIncome: given, or the sum of both incomes
}

// Verdict is the outcome of one application.
type Verdict struct {
	Probability float64 // of the positive class, 0 to 1
	Decision    model.Decision
	TotalIncome float64
	Income      bool // TotalIncome is known
	Imputed     string
}

// New binds a model to the published columns. The error wraps ErrFeature and
// names the feature that no column provides.
func New(m *model.Model) (*Scorer, error) { return NewWithPolicy(m, m.Policy()) }

// NewWithPolicy is New with other cut-offs than the model's own.
func NewWithPolicy(m *model.Model, p model.Policy) (*Scorer, error) {
	s := &Scorer{model: m, policy: p}
	if n := len(m.Features()); n > maxFeatures {
		return nil, fmt.Errorf("%w: %d features, at most %d", ErrFeature, n, maxFeatures)
	}
	for _, f := range m.Features() {
		c, ok := ingest.LookupColumn(f.Name)
		if !ok || c == ingest.LoanID || c == ingest.LoanStatus {
			return nil, fmt.Errorf("%w: feature %q is not a published column", ErrFeature, f.Name)
		}
		if c.Numeric() != (f.Kind == model.Number) {
			return nil, fmt.Errorf("%w: feature %q is a %s, the published column is not", ErrFeature, f.Name, f.Kind)
		}
		s.features = append(s.features, feature{Feature: f, column: c, total: c == ingest.TotalIncome})
	}
	return s, nil
}

// Model is the model behind the decisions.
func (s *Scorer) Model() *model.Model { return s.model }

// ModelRef names the model in documents.
func (s *Scorer) ModelRef() status.ModelRef { return modelRef(s.model) }

// Policy is the policy behind the decisions, as documents have it.
func (s *Scorer) Policy() status.Policy {
	return status.Policy{ApproveAbove: s.policy.ApproveAbove, DeclineAt: s.policy.DeclineAt}
}

func modelRef(m *model.Model) status.ModelRef {
	return status.ModelRef{Name: m.Name(), Version: m.Version(), SHA256: m.SHA256()}
}

// Score decides one application. An application that this model cannot score
// is an *ingest.RowError without a line; the text never repeats its values.
func (s *Scorer) Score(a *ingest.Application) (Verdict, error) {
	var buf [maxFeatures]float64
	x := buf[:len(s.features)]
	var missing uint64
	for i := range s.features {
		v, ok, err := s.features[i].value(a)
		if err != nil {
			return Verdict{}, err
		}
		if !ok {
			v = math.NaN()
			missing |= 1 << i
		}
		x[i] = v
	}
	p, err := s.model.Probability(x)
	if err != nil {
		return Verdict{}, refusal(err)
	}
	v := Verdict{Probability: p, Decision: s.policy.Decide(p), Imputed: s.names(missing)}
	v.TotalIncome, v.Income = a.TotalIncome()
	return v, nil
}

// value is the feature's input, false when it is missing.
func (f *feature) value(a *ingest.Application) (float64, bool, error) {
	switch {
	case f.total:
		v, ok := a.TotalIncome()
		return v, ok, nil
	case f.Kind == model.Number:
		v, ok := a.Number(f.column)
		return v, ok, nil
	}
	name, ok := a.Text(f.column)
	if !ok {
		return 0, false, nil
	}
	code, known := f.Code(name)
	if !known {
		return 0, false, &ingest.RowError{
			Column: f.Name, Code: ingest.CodeUnknownCategory,
			Reason: "must be one of " + strings.Join(f.Categories, ", "),
		}
	}
	return code, true, nil
}

// names lists the imputed inputs, comma-separated in the model's order.
func (s *Scorer) names(missing uint64) string {
	if missing == 0 {
		return ""
	}
	var names []string
	for i := range s.features {
		if missing&(1<<i) != 0 {
			names = append(names, s.features[i].Name)
		}
	}
	return strings.Join(names, ",")
}

// refusal turns the model's error into a row error, without the value.
func refusal(err error) error {
	var v *model.ValueError
	if !errors.As(err, &v) {
		return err
	}
	reason := "is missing, and the model has no rule for that"
	if v.Code == model.Overflow {
		reason = "is too large for the model"
	}
	return &ingest.RowError{Column: v.Feature, Code: v.Code, Reason: reason}
}
