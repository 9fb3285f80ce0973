package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/model"
)

// ModelCard is what GET /v1/model tells of the model in use.
type ModelCard struct {
	Name     string            `json:"name"`
	Version  string            `json:"version"`
	SHA256   string            `json:"sha256" doc:"SHA-256 of the model file, lower-case hex: the model's identity"`
	Features []model.Feature   `json:"features" nullable:"false" doc:"The inputs in the model's order"`
	Classes  []json.RawMessage `json:"classes" nullable:"false" doc:"The labels in the order of the model's probabilities"`
	Positive int               `json:"positive" doc:"Index of the class that means approval"`
	Policy   status.Policy     `json:"policy" doc:"The cut-offs that new decisions are made with"`
	Forest   model.Stats       `json:"forest" doc:"How big the forest is"`
	Training json.RawMessage   `json:"training,omitempty" doc:"How the model was made"`
}

// modelReply makes the answer of GET /v1/model, which never changes.
func modelReply(m *model.Model) (*reply, error) {
	card := ModelCard{
		Name: m.Name(), Version: m.Version(), SHA256: m.SHA256(), Features: m.Features(), Positive: m.Positive(),
		Policy: status.Policy(m.Policy()), Forest: m.Stats(), Training: m.Training(),
	}
	for _, class := range m.Classes() {
		label, err := json.Marshal(class)
		if err != nil {
			return nil, fmt.Errorf("class %v: %w", class, err)
		}
		card.Classes = append(card.Classes, label)
	}
	r, err := newReply(http.StatusOK, card)
	if err != nil {
		return nil, err
	}
	r.CacheControl = "no-cache" // it may be another one after a restart
	return r, nil
}

// getModel answers GET /v1/model.
func (s *service) getModel(ctx context.Context, _ *struct {
	IfNoneMatch string `header:"If-None-Match" doc:"The ETag of an earlier answer: 304 when nothing changed"`
},
) (*reply, error) {
	r := *s.model
	return r.tag(requestOf(ctx).header.Values("If-None-Match")), nil
}
