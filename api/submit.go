package api

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
)

const (
	ndjsonType = "application/x-ndjson"
	maxMany    = 8 << 20 // bytes of a body with several applications
)

// Accepted is the answer to one accepted application. With "Prefer: wait" and
// a decision in time the outcome is there too.
type Accepted struct {
	ID          string       `json:"id"`
	State       status.State `json:"state" enum:"queued,scoring,retrying,decided,rejected,failed,expired"`
	Done        bool         `json:"done" doc:"Nothing will change any more"`
	StatusURL   string       `json:"status_url" doc:"Where to ask for the decision" example:"/v1/applications/01..."`
	SubmittedAt time.Time    `json:"submitted_at" doc:"When it was accepted, UTC"`
	*Outcome
}

// submitInput are the parameters of POST /v1/applications; the body is read raw.
type submitInput struct {
	Prefer string `header:"Prefer" doc:"respond-async; wait=N: answer when it is decided, or after N seconds (at most 20)" example:"wait=5"`
}

// submit answers POST /v1/applications.
func (s *service) submit(ctx context.Context, _ *submitInput) (*reply, error) {
	req := requestOf(ctx)
	kind := req.mediaType()
	if kind != jsonType && kind != ndjsonType {
		return nil, newProblem(CodeMediaType, "Send application/json (an object, or an array of up to 1,000) or application/x-ndjson.")
	}
	body, err := req.readBody(func(start []byte) int64 {
		if kind == jsonType && !isArray(start) {
			return ingest.MaxJSON
		}
		return maxMany
	})
	switch {
	case err != nil:
		return nil, err
	case kind == ndjsonType:
		return s.submitMany(ctx, splitLines, body)
	case isArray(body):
		return s.submitMany(ctx, splitArray, body)
	default:
		return s.submitOne(ctx, body)
	}
}

func isArray(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("["))
}

func (s *service) submitOne(ctx context.Context, body []byte) (*reply, error) {
	req := requestOf(ctx)
	m, err := s.message(body, req.caller)
	if err != nil {
		return nil, err
	}
	if err := s.o.Applications.Send(ctx, m.body, req.caller); err != nil {
		return nil, newProblem(CodeUnavailable, "").because(err)
	}
	answer := m.accepted()
	prefer := parsePrefer(req.header.Values("Prefer"))
	if prefer.wait > 0 {
		// It is accepted; that it cannot be looked at now does not change that.
		if st, err := s.await(ctx, m.id, prefer.wait); err == nil {
			answer.State, answer.Done = st.State, st.Done
			if st.Done {
				answer.Outcome = &st.Outcome
			}
		}
	}
	out, err := newReply(http.StatusAccepted, answer)
	if err != nil {
		return nil, err
	}
	out.Location, out.PreferenceApplied = answer.StatusURL, prefer.applied()
	if !answer.Done {
		out.retry(minRetryApplication)
	}
	return out, nil
}

// message is one application on its way into the queue.
type message struct {
	id   string
	body string
}

// message checks an application strictly and makes its id and message.
func (s *service) message(data []byte, caller string) (message, error) {
	app, err := ingest.DecodeJSON(data)
	if err != nil {
		return message{}, err
	}
	clean, err := app.MarshalJSON()
	if err != nil {
		return message{}, fmt.Errorf("application: %w", err)
	}
	id := s.o.IDs.New(status.KindApplication, s.o.Now(), caller)
	body, err := events.Encode(events.NewApplication(id, caller, status.Time(id), clean))
	if err != nil {
		return message{}, err
	}
	return message{id: id, body: body}, nil
}

func (m message) accepted() *Accepted {
	return &Accepted{
		ID: m.id, State: status.Queued, StatusURL: applicationURL(m.id), SubmittedAt: status.Time(m.id),
	}
}
