package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

// maxDocument bounds the documents of an application, in bytes.
const maxDocument = 1 << 20

// Bounds of Retry-After while an application is not finished, in seconds.
const (
	minRetryApplication = 1
	maxRetryApplication = 10
)

// Outcome is what is known of an application beyond its state. A decision is
// told only once the row behind it can be read.
type Outcome struct {
	DecidedAt   time.Time        `json:"decided_at,omitzero" required:"false" doc:"When it was decided, UTC"`
	LoanID      string           `json:"loan_id,omitempty" doc:"Loan_ID as it was submitted" example:"LP001002"`
	Decision    string           `json:"decision,omitempty" enum:"approved,declined,referred" doc:"referred: a person decides"`
	Probability *float64         `json:"probability,omitempty" minimum:"0" maximum:"1" doc:"The model's probability of approval"`
	Policy      *status.Policy   `json:"policy,omitempty" doc:"The cut-offs behind the decision"`
	Reasons     []status.Reason  `json:"reasons,omitzero" required:"false" nullable:"false" doc:"Why it was declined or referred, the most adverse first; at most four, none for an approval"`
	Imputed     []string         `json:"imputed,omitzero" required:"false" nullable:"false" doc:"Inputs that were missing and replaced by the model's rule"`
	Model       *status.ModelRef `json:"model,omitempty" doc:"The model behind the decision"`
	Attempts    int              `json:"attempts" doc:"How often scoring was tried"`
	Error       *status.Problem  `json:"error" doc:"Why there is no decision; null otherwise"`
}

// ApplicationStatus is the answer about one application.
type ApplicationStatus struct {
	ID          string       `json:"id"`
	State       status.State `json:"state" enum:"queued,scoring,retrying,decided,rejected,failed,expired"`
	Done        bool         `json:"done" doc:"Nothing will change any more"`
	SubmittedAt time.Time    `json:"submitted_at" doc:"When it was accepted, UTC"`
	Outcome
}

// applicationInput are the parameters of the status routes.
type applicationInput struct {
	ID          string `path:"id" doc:"The id from the 202 answer"`
	Prefer      string `header:"Prefer" doc:"wait=N: answer when it is done, or after N seconds (at most 20)" example:"wait=10"`
	IfNoneMatch string `header:"If-None-Match" doc:"The ETag of an earlier answer: 304 when nothing changed"`
}

// getApplication answers GET and HEAD /v1/applications/{id}.
func (s *service) getApplication(ctx context.Context, in *applicationInput) (*reply, error) {
	req := requestOf(ctx)
	if !s.o.IDs.Verify(status.KindApplication, in.ID, req.caller) && !s.direct(in.ID) {
		return nil, newProblem(CodeNotFound, "No application of yours has this id.")
	}
	prefer := preference{wait: parsePrefer(req.header.Values("Prefer")).wait}
	st, err := s.await(ctx, in.ID, prefer.wait)
	if err != nil {
		return nil, err
	}
	out, err := newReply(http.StatusOK, st)
	if err != nil {
		return nil, err
	}
	out.PreferenceApplied = prefer.applied()
	if !st.Done {
		out.retry(s.applicationRetry(st.SubmittedAt))
	}
	return out.tag(req.header.Values("If-None-Match")), nil
}

// applicationRetry is when to ask again, in seconds: the older, the later.
func (s *service) applicationRetry(submitted time.Time) int {
	age := int(s.o.Now().Sub(submitted) / (10 * time.Second))
	return min(max(minRetryApplication+age, minRetryApplication), maxRetryApplication)
}

// lookApplication derives the status of an application whose id was verified.
func (s *service) lookApplication(ctx context.Context, id string) (*ApplicationStatus, error) {
	doc, err := s.applicationDocument(ctx, id)
	if err != nil {
		return nil, err
	}
	facts := status.Facts{
		SubmittedAt: status.Time(id), Now: s.o.Now(), Retention: s.o.Retention, Document: doc, File: status.FileMissing,
	}
	if s.direct(id) {
		if doc == nil {
			return nil, newProblem(CodeNotFound, "No application has this id. One that was submitted less than a minute ago "+
				"may not be known yet: ask again.").again(retryAfterDirect)
		}
		facts.SubmittedAt = doc.SubmittedAt
	}
	if keep := s.o.DocumentRetention; doc == nil && keep > 0 && facts.Now.Sub(facts.SubmittedAt) > keep {
		return nil, newProblem(CodeGone, "")
	}
	if doc != nil && doc.State == status.DocClaimed {
		if facts.File, err = s.resultFile(ctx, doc.Result); err != nil {
			return nil, err
		}
	}
	state := status.Derive(facts)
	return &ApplicationStatus{
		ID: id, State: state, Done: state.Done(), SubmittedAt: facts.SubmittedAt, Outcome: outcome(state, doc),
	}, nil
}

// retryAfterDirect is when to ask again for an id of the gateway, in seconds.
const retryAfterDirect = 5

// direct reports whether id may be a request id of the gateway.
func (s *service) direct(id string) bool { return s.o.DirectIntake && status.GatewayID(id) }

// applicationDocument returns nil without an error when there is none.
func (s *service) applicationDocument(ctx context.Context, id string) (*status.Application, error) {
	doc := new(status.Application)
	found, err := s.document(ctx, status.ApplicationKey(id), maxDocument, doc)
	if err != nil || !found {
		return nil, err
	}
	return doc, nil
}

// document reads the document at key into doc and reports whether there is one.
func (s *service) document(ctx context.Context, key string, limit int64, doc any) (bool, error) {
	data, _, err := s.o.Objects.Get(ctx, key, limit)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return false, nil
	case errors.Is(err, store.ErrTooLarge):
		return false, err
	case err != nil:
		return false, fmt.Errorf("%w: %w", errStore, err)
	}
	if err := status.Decode(data, doc); err != nil {
		return false, fmt.Errorf("%q: %w", key, err)
	}
	return true, nil
}

// resultFile tells what stands at the result key of a claim.
func (s *service) resultFile(ctx context.Context, key string) (status.File, error) {
	if key == "" {
		return status.FileMissing, nil
	}
	info, err := s.o.Objects.Head(ctx, key)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return status.FileMissing, nil
	case err != nil:
		return "", fmt.Errorf("%w: %w", errStore, err)
	default:
		return status.FileOf(info.Metadata), nil
	}
}

// outcome is what may be told of a document in that state.
func outcome(state status.State, d *status.Application) Outcome {
	if d == nil {
		d = &status.Application{}
	}
	out := Outcome{Attempts: d.Attempts}
	switch state {
	case status.Decided:
		out.DecidedAt, out.LoanID = d.DecidedAt, d.LoanID
		out.Decision, out.Probability, out.Policy = d.Decision, d.Probability, d.Policy
		out.Reasons, out.Imputed, out.Model = notNil(d.Reasons), notNil(d.Imputed), d.Model
	case status.Rejected:
		out.LoanID, out.Error = d.LoanID, explained(CodeRejected, d.Error)
	case status.Failed:
		out.LoanID, out.Error = d.LoanID, explained(CodeFailed, d.Error)
	case status.Expired:
		out.Error = explained(CodeExpired, nil)
	default: // nothing is certain yet
	}
	return out
}

// explained completes the error inside a status.
func explained(c Code, p *status.Problem) *status.Problem {
	k := c.kind()
	if p == nil {
		p = &status.Problem{Title: k.title, Code: string(c), Detail: k.detail}
	}
	full := *p
	if full.Type == "" {
		full.Type = c.url()
	}
	return &full
}

func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
