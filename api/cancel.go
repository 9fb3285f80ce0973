package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

// cancelSuffix follows the id in the address; a route cannot have it as a part
// of a segment.
const cancelSuffix = ":cancel"

// actionInput are the parameters of POST /v1/batches/{id}:cancel.
type actionInput struct {
	ID string `path:"id" doc:"The batch's id and :cancel" example:"01JZX6V0M4T8Y2K5C9R3B7N1QWZ4H8F2D6S0G5M1KT:cancel"`
}

// postBatch answers POST /v1/batches/{id}:cancel. Cancelling is writing the
// terminal state; whoever writes it first, a worker that closes the batch or
// this, wins.
func (s *service) postBatch(ctx context.Context, in *actionInput) (*reply, error) {
	id, ok := strings.CutSuffix(in.ID, cancelSuffix)
	if !ok || !s.ownsBatch(id) {
		return nil, newProblem(CodeNotFound, "No batch of yours has this id. To cancel one, post to its address followed by "+cancelSuffix+".")
	}
	plan := new(status.Batch)
	found, err := s.document(ctx, status.PlanKey(id), maxPlan, plan)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, newProblem(CodeNotFinished, "The batch is not planned yet, so that there is nothing to cancel.")
	}
	summary := status.NewSummary(plan, status.BatchCancelled, s.o.Now())
	if err := s.end(ctx, summary); err != nil {
		return nil, err
	}
	st, err := s.closedBatch(ctx, id, summary)
	if err != nil {
		return nil, err
	}
	out, err := newReply(http.StatusAccepted, st)
	if err != nil {
		return nil, err
	}
	out.Location = pathBatches + "/" + id
	return out, nil
}

// end writes a terminal state unless there is one. The one that is there may be
// this very one, of a write that was tried twice.
func (s *service) end(ctx context.Context, summary *status.Summary) error {
	body, err := status.Encode(summary)
	if err != nil {
		return err
	}
	key := status.SummaryKey(summary.ID)
	_, err = s.o.Objects.Create(ctx, key, body, store.PutOptions{ContentType: jsonType})
	switch {
	case err == nil:
		return nil
	case !errors.Is(err, store.ErrExists):
		return fmt.Errorf("%w: %w", errStore, err)
	}
	there, _, err := s.o.Objects.Get(ctx, key, maxSummary)
	switch {
	case errors.Is(err, store.ErrTooLarge):
		return newProblem(CodeFinished, "")
	case err != nil:
		return fmt.Errorf("%w: %w", errStore, err)
	case bytes.Equal(there, body):
		return nil
	}
	var first status.Summary
	if err := status.Decode(there, &first); err != nil {
		return err
	}
	return newProblem(CodeFinished, fmt.Sprintf("The batch is %s; nothing changes that.", first.State))
}

func (s *service) cancelDoc() *document {
	return &document{op: huma.Operation{
		OperationID: "cancel-batch", Summary: "Stop scoring an uploaded file", Tags: []string{"batches"},
		Description:   "The address ends with :cancel. Chunks that are being scored are finished, or stop after some 16 MiB of text, the others are not begun; parts that were written stay, but are no results.",
		DefaultStatus: http.StatusAccepted,
		Responses: map[string]*huma.Response{
			"202": s.jsonResponse("Cancelled; the batch's last state", BatchStatus{}, nil, "Location", "Cache-Control"),
		},
		Errors: []int{404, 409, 500, 503},
	}}
}
