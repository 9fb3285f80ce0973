package scorer

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/explain"
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
	drift    []drift  // of features with a reference distribution
	reasons  *reasons // nil: decisions carry none
	without  error    // why the model has none to give
	shadow   *Scorer  // nil: there is none

	outcomes func() *outcomes // made for the first block; nil for a large model
}

// feature says where one input of the model comes from.
type feature struct {
	model.Feature
	column ingest.Column
	total  bool // TotalIncome: given, or the sum of both incomes
}

// Options change how a Scorer decides. The zero value is the default.
type Options struct {
	Policy    *model.Policy // cut-offs; default: the model's own
	Reasons   explain.Table // reason codes and texts; default: the built-in table
	NoReasons bool          // decisions carry no reasons

	// Shadow is a second model, the challenger, whose probability and decision
	// stand beside those of each row of a file; nil: none. It changes nothing of
	// what is decided, and single applications have none. Its reasons, and a
	// shadow of its own, are not looked at.
	Shadow *Scorer
}

// Verdict is the outcome of one application.
type Verdict struct {
	Probability float64 // of the positive class, 0 to 1
	Decision    model.Decision
	TotalIncome float64
	Income      bool // TotalIncome is known
	Imputed     string
	// Codes are the codes of the reasons, most adverse first, then empty. An
	// approval has none.
	Codes [explain.MaxReasons]string
	// Reasons are those of Codes with contributions and texts, for a document.
	Reasons []status.Reason
}

// New binds a model to the published columns. The error wraps ErrFeature and
// names the feature that no column provides.
func New(m *model.Model) (*Scorer, error) { return NewWith(m, Options{}) }

// NewWith is New with options. The error wraps [explain.ErrTable] for a table of
// reasons that does not fit the model.
func NewWith(m *model.Model, o Options) (*Scorer, error) {
	s := &Scorer{model: m, policy: m.Policy(), drift: driftOf(m), shadow: o.Shadow}
	s.outcomes = sync.OnceValue(func() *outcomes { return newOutcomes(s) })
	if o.Policy != nil {
		s.policy = *o.Policy
	}
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
	if o.NoReasons {
		return s, nil
	}
	var err error
	if s.reasons, err = newReasons(m, o.Reasons); errors.Is(err, explain.ErrSamples) {
		s.without, err = err, nil
	}
	return s, err
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

// Score decides one application and explains a decision that is no approval. An
// application that this model cannot score is an *ingest.RowError without a
// line; the text never repeats its values.
func (s *Scorer) Score(a *ingest.Application) (Verdict, error) {
	var buf [maxFeatures]float64
	x := buf[:len(s.features)]
	missing, err := s.inputs(a, x)
	if err != nil {
		return Verdict{}, err
	}
	p, err := s.model.Probability(x)
	if err != nil {
		return Verdict{}, refusal(err)
	}
	v := Verdict{Probability: p, Decision: s.policy.Decide(p), Imputed: s.names(missing)}
	v.TotalIncome, v.Income = a.TotalIncome()
	if v.Decision != model.Approved && s.reasons != nil {
		if v.Reasons, err = s.reasons.of(x); err != nil {
			return Verdict{}, fmt.Errorf("reasons: %w", err)
		}
		for i, r := range v.Reasons {
			v.Codes[i] = r.Code
		}
	}
	return v, nil
}

// inputs fills x with the model's features, NaN for a missing one, and returns
// which are missing, a bit each. What the model could not score is refused
// here, with the error of Score.
func (s *Scorer) inputs(a *ingest.Application, x []float64) (missing uint64, err error) {
	odd := false
	for i := range s.features {
		v, ok, err := s.features[i].value(a)
		if err != nil {
			return 0, err
		}
		if !ok {
			v = math.NaN()
			missing |= 1 << i
		}
		x[i] = v
		odd = odd || !ok || math.Abs(v) > math.MaxFloat32/2
	}
	if odd {
		var buf [maxFeatures]float64
		if _, err := s.model.Rounded(buf[:0], x); err != nil {
			return 0, refusal(err)
		}
	}
	return missing, nil
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
	name, ok := a.Category(f.column)
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
