package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/lookup"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

// Decisions are the rows of one Loan_ID in a finished batch.
type Decisions struct {
	Batch       string           `json:"batch"`
	LoanID      string           `json:"loan_id"`
	Matches     []map[string]any `json:"matches" nullable:"false" doc:"Every row with this Loan_ID, in the order of the file, with the columns of the Parquet parts"`
	More        bool             `json:"more" doc:"There are more than the 1,000 rows given"`
	BytesRead   int64            `json:"bytes_read" doc:"What was read of the store to find them"`
	Reads       int64            `json:"reads" doc:"Requests to the store"`
	Parts       int              `json:"parts" doc:"Of the batch"`
	PartsOpened int              `json:"parts_opened" doc:"Whose bloom filter let the Loan_ID pass"`
}

// decisionsInput are the parameters of GET /v1/batches/{id}/decisions/{loan_id}.
type decisionsInput struct {
	ID     string `path:"id" doc:"The batch's id"`
	LoanID string `path:"loan_id" doc:"The Loan_ID, as it is in the file" example:"LP001002"`
}

// getDecisions answers GET /v1/batches/{id}/decisions/{loan_id}.
func (s *service) getDecisions(ctx context.Context, in *decisionsInput) (*reply, error) {
	if !s.ownsBatch(in.ID) {
		return nil, newProblem(CodeNotFound, "No batch of yours has this id.")
	}
	if len(in.LoanID) > ingest.MaxLoanID {
		return nil, parameterProblem("loan_id", "out_of_range", fmt.Sprintf("must be at most %d bytes", ingest.MaxLoanID))
	}
	found, err := lookup.Find(ctx, s.o.Objects, in.ID, in.LoanID)
	switch {
	case errors.Is(err, lookup.ErrOpen):
		return nil, newProblem(CodeNotFinished, "")
	case errors.Is(err, lookup.ErrNoResults):
		return nil, newProblem(CodeNoResults, "")
	case errors.Is(err, lookup.ErrNoID):
		return nil, newProblem(CodeNoResults, "The file has no Loan_ID, or was scored by a version that could not look one up.")
	case errors.Is(err, status.ErrDocument), errors.Is(err, store.ErrTooLarge):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errStore, err)
	case len(found.Matches) == 0:
		return nil, newProblem(CodeNotFound, "No decided row of this batch has that Loan_ID. It may be among the rejected rows.")
	}
	out := Decisions{
		Batch: in.ID, LoanID: in.LoanID, Matches: []map[string]any{}, BytesRead: found.Bytes, Reads: found.Reads,
		More: found.More, Parts: found.Parts, PartsOpened: found.Opened,
	}
	for i := range found.Matches {
		out.Matches = append(out.Matches, found.Matches[i].Map())
	}
	return newReply(http.StatusOK, out)
}

func (s *service) decisionsDoc() *document {
	example := map[string]any{
		"batch": exampleID, "loan_id": "LP001002", "more": false, "bytes_read": 180233, "reads": 61, "parts": 47, "parts_opened": 1,
		"matches": []any{map[string]any{
			"Loan_ID": "LP001002", "ApplicantIncome": 4583, "CoapplicantIncome": 1508, "LoanAmount": 128, "Credit_History": 1,
			"Property_Area": "Rural", "source_offset": 187, "total_income": 6091, "probability": 0.31, "decision": "declined",
			"reason_1": "CREDIT_HISTORY", "decided_at": time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		}},
	}
	return &document{op: huma.Operation{
		OperationID: "get-batch-decisions", Summary: "Look one Loan_ID up in a finished batch", Tags: []string{"batches"},
		Description: "Reads bloom filters, page indexes and a few pages, not the file. A Loan_ID that is there twice is answered with both rows.",
		Responses: map[string]*huma.Response{
			"200": s.jsonResponse("The rows", Decisions{}, example, "Cache-Control"),
		},
		Errors: []int{404, 409, 422, 500, 503},
	}}
}
