package scorer

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/explain"
)

// maxReasonsFile bounds the codes and texts of one model, in bytes.
const maxReasonsFile = 1 << 20

// reasons says why a model declined. Its identity is the SHA-256 of the codes
// and texts in force: those of the table for the model's features, and those
// that features without an entry get. Batches are pinned to it.
type reasons struct {
	explainer *explain.Explainer
	file      []byte
	sha       string
}

// newReasons binds a table of reasons to a model; nil is the built-in one. The
// error wraps explain.ErrSamples for a model that cannot be explained, and
// explain.ErrTable for a table that does not fit it.
func newReasons(m *model.Model, t explain.Table) (*reasons, error) {
	e, err := explain.NewWith(m, explain.Options{Table: t})
	if err != nil {
		return nil, err
	}
	r := &reasons{explainer: e}
	if r.file, err = e.Table().Encode(); err != nil {
		return nil, err
	}
	if len(r.file) > maxReasonsFile {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", explain.ErrTable, len(r.file), maxReasonsFile)
	}
	sum := sha256.Sum256(r.file)
	r.sha = hex.EncodeToString(sum[:])
	return r, nil
}

// of are the reasons for x, for a document.
func (r *reasons) of(x []float64) ([]status.Reason, error) {
	contributions := make([]float64, len(x))
	if _, err := r.explainer.Explain(x, contributions); err != nil {
		return nil, err
	}
	var list []status.Reason
	for _, why := range r.explainer.Reasons(x, contributions, nil) {
		list = append(list, status.Reason{
			Code: why.Code, Feature: why.Feature, Contribution: why.Contribution,
			Text: why.Text(explain.English), TextPT: why.Text(explain.Portuguese),
		})
	}
	return list, nil
}

// ReasonsRef names the reason codes of the decisions; nil when they carry none.
func (s *Scorer) ReasonsRef() *status.ReasonsRef {
	if s.reasons == nil {
		return nil
	}
	return &status.ReasonsRef{SHA256: s.reasons.sha}
}

// Unexplained says why decisions carry no reasons: an error that wraps
// [explain.ErrSamples]. It is nil when they do, and when none were asked for.
func (s *Scorer) Unexplained() error { return s.without }
