package model

// Decision is what the policy makes of a probability.
type Decision string

// The three decisions. Their texts appear in results.
const (
	Approved Decision = "approved"
	Declined Decision = "declined"
	Referred Decision = "referred" // a person decides
)

// Policy holds the two cut-offs on the positive class's probability,
// 0 <= DeclineAt <= ApproveAbove <= 1.
type Policy struct {
	ApproveAbove float64 `json:"approve_above"`
	DeclineAt    float64 `json:"decline_at"`
}

// DefaultPolicy decides as scikit-learn's predict does for two classes:
// approved above one half, declined otherwise, nobody referred.
func DefaultPolicy() Policy { return Policy{ApproveAbove: 0.5, DeclineAt: 0.5} }

// Decide returns Approved above p.ApproveAbove, Declined at or below
// p.DeclineAt, and Referred between. The probability must not be NaN.
func (p Policy) Decide(probability float64) Decision {
	switch {
	case probability > p.ApproveAbove:
		return Approved
	case probability <= p.DeclineAt:
		return Declined
	default:
		return Referred
	}
}

// UnmarshalJSON refuses a policy that lacks a cut-off.
func (p *Policy) UnmarshalJSON(data []byte) error {
	var w struct {
		ApproveAbove *float64 `json:"approve_above"`
		DeclineAt    *float64 `json:"decline_at"`
	}
	if err := unmarshalStrict(data, &w); err != nil {
		return err
	}
	if w.ApproveAbove == nil || w.DeclineAt == nil {
		return corrupt("policy", "approve_above and decline_at are both required")
	}
	*p = Policy{ApproveAbove: *w.ApproveAbove, DeclineAt: *w.DeclineAt}
	return nil
}
