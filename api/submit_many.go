package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/loanscorer/loanscorer/internal/status"
)

// maxApplications is how many applications one request may carry.
const maxApplications = 1000

// Submissions is the answer to several applications: one entry for each, in
// the order given.
type Submissions struct {
	Accepted     int     `json:"accepted" doc:"How many will be decided"`
	Refused      int     `json:"refused" doc:"How many will not; their entries say why"`
	Applications []Entry `json:"applications" nullable:"false"`
}

// Entry is what became of one of several applications: an id, or a problem.
type Entry struct {
	Line        int          `json:"line" doc:"Line of the NDJSON body, or place in the array, from 1"`
	ID          string       `json:"id,omitempty"`
	State       status.State `json:"state,omitempty" enum:"queued"`
	StatusURL   string       `json:"status_url,omitempty" doc:"Where to ask for the decision"`
	SubmittedAt time.Time    `json:"submitted_at,omitzero" required:"false" doc:"When it was accepted, UTC"`
	Problem     *Problem     `json:"problem,omitempty" doc:"Why it was not accepted"`
}

// item is one application of several, not yet looked at.
type item struct {
	line int
	data []byte
}

func (s *service) submitMany(ctx context.Context, split func([]byte) ([]item, error), body []byte) (*reply, error) {
	items, err := split(body)
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, newProblem(CodeMalformed, "The body holds no application.")
	}
	answer := Submissions{Applications: make([]Entry, len(items))}
	caller := requestOf(ctx).caller
	var bodies []string
	var places []int // of the bodies in the answer
	for i, it := range items {
		e := &answer.Applications[i]
		e.Line = it.line
		m, err := s.message(it.data, caller)
		if err != nil {
			e.Problem = problemOf(err)
			if e.Problem.Code == CodeInternal {
				return nil, err
			}
			continue
		}
		e.ID = m.id
		bodies, places = append(bodies, m.body), append(places, i)
	}
	if err := s.send(ctx, bodies, places, answer.Applications); err != nil {
		return nil, err
	}
	for i := range answer.Applications {
		if answer.Applications[i].Problem == nil {
			answer.Accepted++
		} else {
			answer.Refused++
		}
	}
	out, err := newReply(http.StatusAccepted, answer)
	if err != nil {
		return nil, err
	}
	prefer := parsePrefer(requestOf(ctx).header.Values("Prefer"))
	out.PreferenceApplied = preference{async: prefer.async}.applied()
	return out.retry(minRetryApplication), nil
}

// send puts the messages into the queue and completes their entries. The error
// is set when the queue took none of them.
func (s *service) send(ctx context.Context, bodies []string, places []int, entries []Entry) error {
	if len(bodies) == 0 {
		return nil
	}
	errs := s.o.Applications.SendAll(ctx, bodies, requestOf(ctx).caller)
	var first error
	failed := 0
	for n, i := range places {
		e := &entries[i]
		if n < len(errs) && errs[n] != nil {
			failed++
			if first == nil {
				first = errs[n]
			}
			e.ID = ""
			e.Problem = newProblem(CodeUnavailable, "The queue did not take this one; send it again.")
			continue
		}
		e.State, e.StatusURL, e.SubmittedAt = status.Queued, applicationURL(e.ID), status.Time(e.ID)
	}
	switch {
	case failed == len(bodies):
		return newProblem(CodeUnavailable, "").because(first)
	case failed > 0:
		s.logCause(ctx, newProblem(CodeUnavailable, "").because(fmt.Errorf("%d of %d messages: %w", failed, len(bodies), first)))
	}
	return nil
}

// splitLines cuts an NDJSON body; blank lines count as lines and hold nothing.
func splitLines(body []byte) ([]item, error) {
	var items []item
	line := 0
	for data := range bytes.SplitSeq(body, []byte("\n")) {
		line++
		data = bytes.TrimSpace(data)
		if len(data) == 0 {
			continue
		}
		if len(items) == maxApplications {
			return nil, newProblem(CodeTooMany, "")
		}
		items = append(items, item{line, data})
	}
	return items, nil
}

// splitArray cuts a JSON array without looking into its elements.
func splitArray(body []byte) ([]item, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	if _, err := dec.Token(); err != nil {
		return nil, malformedArray(err)
	}
	var items []item
	for dec.More() {
		if len(items) == maxApplications {
			return nil, newProblem(CodeTooMany, "")
		}
		var data json.RawMessage
		if err := dec.Decode(&data); err != nil {
			return nil, malformedArray(err)
		}
		items = append(items, item{len(items) + 1, data})
	}
	if _, err := dec.Token(); err != nil {
		return nil, malformedArray(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, newProblem(CodeMalformed, "There is something after the array.")
	}
	return items, nil
}

func malformedArray(err error) *Problem {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return newProblem(CodeMalformed, fmt.Sprintf("The array is not JSON: %v at byte %d.", syntax, syntax.Offset))
	}
	return newProblem(CodeMalformed, "The array does not end.")
}
