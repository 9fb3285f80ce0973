package api

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/cost"
	"github.com/loanscorer/loanscorer/internal/status"
)

// Bounds of the documents of a batch, in bytes. A summary names every part.
const (
	maxPlan    = 1 << 20
	maxSummary = 64 << 20
)

// Bounds of Retry-After while a batch is not finished, in seconds.
const (
	minRetryBatch = 2
	maxRetryBatch = 60
)

// parallel bounds how many objects one request reads at a time.
const parallel = 16

// BatchStatus is the answer about one uploaded file.
type BatchStatus struct {
	ID          string              `json:"id"`
	State       status.BatchState   `json:"state" enum:"awaiting_upload,queued,scoring,succeeded,succeeded_with_rejects,failed,cancelled,superseded"`
	Done        bool                `json:"done" doc:"Nothing will change any more"`
	Source      *status.Source      `json:"source" doc:"The one version of the upload that is scored; null before it is planned"`
	Dialect     *ingest.Dialect     `json:"dialect" doc:"How the file is written, found out on its first bytes; null before it is planned and when it was refused"`
	Counts      BatchCounts         `json:"counts"`
	Progress    float64             `json:"progress" minimum:"0" maximum:"1" doc:"Chunks done of all chunks"`
	ETASeconds  *int64              `json:"eta_seconds" doc:"Seconds until the end at the pace so far; null when unknown"`
	Reasons     []ReasonCount       `json:"reasons" nullable:"false" doc:"Declined and referred rows by their first reason, most first, once the batch is done"`
	Statistics  *status.Statistics  `json:"statistics" doc:"Approval by area, drift, speed; null before the end and without results"`
	Histogram   []int64             `json:"score_histogram" nullable:"false" doc:"Decided rows by probability in 20 equal bins of 0 to 1, once the batch is done"`
	Cost        *cost.BatchEstimate `json:"cost_estimate" doc:"About what the batch costs on Lambda, SQS and S3, wherever it ran; null before the end and without results"`
	Duplicates  *status.Duplicates  `json:"duplicate_loan_ids" doc:"Decided rows whose Loan_ID an earlier row has; null before the end and for files without"`
	FirstErrors []RowError          `json:"first_errors" nullable:"false" doc:"The first 20 rows that could not be scored"`
	Output      *BatchOutput        `json:"output" doc:"Where the results are; null before it is planned"`
	Model       *status.ModelRef    `json:"model" doc:"The model that the batch is pinned to; null before it is planned"`
	Policy      *status.Policy      `json:"policy" doc:"The cut-offs that the batch is pinned to; null before it is planned"`
	Shadow      *status.Shadow      `json:"shadow" doc:"The shadow model whose probability and decision stand beside, as pinned; null without one"`
	PlannedAt   time.Time           `json:"planned_at,omitzero" required:"false" doc:"When the file was cut into chunks, UTC"`
	ClosedAt    time.Time           `json:"closed_at,omitzero" required:"false" doc:"When the ledger was closed, UTC"`
	Error       *status.Problem     `json:"error" doc:"Why the whole file failed; null otherwise"`
}

// BatchCounts counts the rows so far. The numbers of rows are null while
// they are not known; those of chunks always are.
type BatchCounts struct {
	Rows       *int64 `json:"rows" doc:"decided + rejected"`
	Decided    *int64 `json:"decided" doc:"approved + declined + referred"`
	Approved   *int64 `json:"approved"`
	Declined   *int64 `json:"declined"`
	Referred   *int64 `json:"referred"`
	Rejected   *int64 `json:"rejected" doc:"Rows that could not be scored"`
	Chunks     int    `json:"chunks"`
	ChunksDone int    `json:"chunks_done"`
}

// ReasonCount is how many rows were declined or referred for one reason first.
type ReasonCount struct {
	Code   string `json:"code" example:"CREDIT_HISTORY"`
	Rows   int64  `json:"rows"`
	Text   string `json:"text,omitempty"`
	TextPT string `json:"text_pt,omitempty"`
}

// RowError is one row that could not be scored.
type RowError struct {
	Line   *int64 `json:"line" doc:"Physical line of the file, from 1; null until the batch is done"`
	Offset int64  `json:"offset" doc:"Byte offset in the file"`
	Column string `json:"column,omitempty"`
	Code   string `json:"code" example:"bad_number"`
	Reason string `json:"reason"`
}

// BatchOutput names the objects with the results.
type BatchOutput struct {
	Bucket  string `json:"bucket"`
	Parts   string `json:"parts" doc:"Prefix of the Parquet parts"`
	Rejects string `json:"rejects,omitempty" doc:"Key of the CSV with every row that could not be scored, once there is one"`
	Summary string `json:"summary,omitempty" doc:"Key of the closed ledger, once the batch is done"`
}

// batchInput are the parameters of GET /v1/batches/{id}.
type batchInput struct {
	ID          string `path:"id" doc:"The batch's id"`
	IfNoneMatch string `header:"If-None-Match" doc:"The ETag of an earlier answer: 304 when nothing changed"`
}

// getBatch answers GET /v1/batches/{id}.
func (s *service) getBatch(ctx context.Context, in *batchInput) (*reply, error) {
	if !s.ownsBatch(in.ID) {
		return nil, newProblem(CodeNotFound, "No batch of yours has this id.")
	}
	var budget atomic.Int64
	budget.Store(ledgerReads)
	st, err := s.lookBatch(ctx, in.ID, &budget)
	if err != nil {
		return nil, err
	}
	out, err := newReply(http.StatusOK, st)
	if err != nil {
		return nil, err
	}
	if !st.Done {
		out.retry(s.batchRetry(st))
	}
	return out.tag(requestOf(ctx).header.Values("If-None-Match")), nil
}

// ownsBatch reports whether the id is one of ours. Batches that began with an
// upload to the bucket belong to no caller.
func (s *service) ownsBatch(id string) bool {
	return s.o.IDs.Verify(status.KindBatch, id, "")
}

// batchRetry is when to ask again: a tenth of the time left, in seconds.
func (s *service) batchRetry(st *BatchStatus) int {
	seconds := int64(s.o.Now().Sub(status.Time(st.ID)) / (10 * time.Second))
	if st.ETASeconds != nil {
		seconds = *st.ETASeconds / 10
	}
	return int(min(max(seconds, minRetryBatch), maxRetryBatch))
}

// lookBatch derives the status of a batch whose id was verified. It takes the
// ledger entries that it must read from the budget.
func (s *service) lookBatch(ctx context.Context, id string, budget *atomic.Int64) (*BatchStatus, error) {
	summary := new(status.Summary)
	found, err := s.document(ctx, status.SummaryKey(id), maxSummary, summary)
	if err != nil {
		return nil, err
	}
	if found {
		return s.closedBatch(ctx, id, summary)
	}
	plan := new(status.Batch)
	if found, err = s.document(ctx, status.PlanKey(id), maxPlan, plan); err != nil {
		return nil, err
	}
	if !found {
		state := status.DeriveBatch(nil, nil)
		return &BatchStatus{ID: id, State: state, Done: state.Done(), Reasons: []ReasonCount{}, Histogram: []int64{}, FirstErrors: []RowError{}}, nil
	}
	return s.openBatch(ctx, id, plan, budget)
}

func (s *service) closedBatch(ctx context.Context, id string, sum *status.Summary) (*BatchStatus, error) {
	state := status.DeriveBatch(nil, sum)
	rows := countsOf(&sum.Tally)
	st := &BatchStatus{
		ID: id, State: state, Done: state.Done(), Source: &sum.Source, Dialect: dialectIn(sum.Dialect), Duplicates: sum.Duplicates, Progress: 1, ETASeconds: new(int64),
		Counts: rows.counts(sum.Chunks, sum.Chunks), Reasons: []ReasonCount{}, Histogram: []int64{}, FirstErrors: []RowError{},
		Output: output(sum.Source.Bucket, id), Model: &sum.Model, Policy: &sum.Policy, Shadow: sum.Shadow,
		PlannedAt: sum.PlannedAt, ClosedAt: sum.ClosedAt, Error: sum.Error,
	}
	if state != status.BatchSucceeded && state != status.BatchSucceededWithRejects {
		// It ended without results, whatever its chunks had written by then,
		// unless it says how far it got.
		st.Progress = 0
		if sum.Error == nil || sum.Error.Code != status.CodeTooManyRejects {
			st.Counts = BatchCounts{Chunks: sum.Chunks}
		}
	} else {
		st.Statistics, st.Histogram = sum.Stats, sum.Tally.Histogram[:]
		st.Cost = cost.OfSummary(sum)
		var err error
		if st.Reasons, err = s.reasonCounts(ctx, sum); err != nil {
			return nil, err
		}
	}
	st.Output.Summary = status.SummaryKey(id)
	if sum.Rejects != nil {
		st.Output.Rejects = sum.Rejects.Key
	}
	for _, p := range sum.Problems[:min(len(sum.Problems), status.MaxRowProblems)] {
		st.FirstErrors = append(st.FirstErrors, RowError{
			Line: &p.Line, Offset: p.Offset, Column: p.Column, Code: p.Code, Reason: p.Reason,
		})
	}
	if sum.Error != nil {
		st.Error = explained(CodeFailed, sum.Error)
	}
	return st, nil
}

func (s *service) openBatch(ctx context.Context, id string, plan *status.Batch, budget *atomic.Int64) (*BatchStatus, error) {
	seen, err := s.readLedger(ctx, id, budget)
	if err != nil {
		return nil, err
	}
	state := status.DeriveBatch(plan, nil)
	st := &BatchStatus{
		ID: id, State: state, Done: state.Done(), Source: &plan.Source, Dialect: headIn(plan.Header),
		Counts: seen.rows.counts(plan.Chunks, seen.chunks), Reasons: []ReasonCount{}, Histogram: []int64{}, FirstErrors: []RowError{},
		Output: output(plan.Source.Bucket, id), Model: &plan.Model, Policy: &plan.Policy, Shadow: plan.Shadow, PlannedAt: plan.PlannedAt,
	}
	if !seen.complete {
		st.Counts = BatchCounts{Chunks: plan.Chunks, ChunksDone: seen.chunks}
	}
	for _, p := range seen.problems {
		st.FirstErrors = append(st.FirstErrors, RowError{Offset: p.Offset, Column: p.Column, Code: p.Code, Reason: p.Reason})
	}
	if plan.Chunks > 0 {
		st.Progress = min(float64(seen.chunks)/float64(plan.Chunks), 1)
		st.ETASeconds = eta(s.o.Now().Sub(plan.PlannedAt), seen.chunks, plan.Chunks)
	}
	if plan.Error != nil {
		st.Error = explained(CodeFailed, plan.Error)
	}
	return st, nil
}

// eta extrapolates the pace so far; nil when nothing is done yet.
func eta(elapsed time.Duration, done, all int) *int64 {
	if done == 0 {
		return nil
	}
	left := max(elapsed.Seconds(), 0) * float64(max(all-done, 0)) / float64(done)
	seconds := int64(math.Ceil(left))
	return &seconds
}

// headIn is the dialect in the header of a plan; nil if there is none.
func headIn(header json.RawMessage) *ingest.Dialect {
	var head struct {
		Dialect json.RawMessage `json:"dialect"`
	}
	if json.Unmarshal(header, &head) != nil {
		return nil
	}
	return dialectIn(head.Dialect)
}

func dialectIn(text json.RawMessage) *ingest.Dialect {
	d := new(ingest.Dialect)
	if json.Unmarshal(text, d) != nil {
		return nil
	}
	return d
}

func output(bucket, id string) *BatchOutput {
	return &BatchOutput{Bucket: bucket, Parts: status.PartsPrefix(id)}
}

// Batches is the answer of GET /v1/batches.
type Batches struct {
	Batches []*BatchStatus `json:"batches" nullable:"false" doc:"Newest first"`
}

// batchesInput are the parameters of GET /v1/batches.
type batchesInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"20" doc:"How many at most"`
	Source string `query:"source" doc:"Only the newest batch of the upload with this key" example:"uploads/january.csv"`
}

// listBatches answers GET /v1/batches.
func (s *service) listBatches(ctx context.Context, in *batchesInput) (*reply, error) {
	var ids []string
	var err error
	if in.Source != "" {
		ids, err = s.batchOf(ctx, in.Source)
	} else {
		ids, err = s.newestBatches(ctx, in.Limit)
	}
	if err != nil {
		return nil, err
	}
	answer := Batches{Batches: make([]*BatchStatus, len(ids))}
	var budget atomic.Int64
	budget.Store(ledgerReads)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for i, id := range ids {
		group.Go(func() error {
			st, err := s.lookBatch(ctx, id, &budget)
			answer.Batches[i] = st
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return newReply(http.StatusOK, answer)
}

// batchOf finds the batch of an upload by its receipt.
func (s *service) batchOf(ctx context.Context, upload string) ([]string, error) {
	if !strings.HasPrefix(upload, status.UploadsPrefix) {
		return nil, parameterProblem("source", "out_of_range", "must be the key of an upload: uploads/...")
	}
	receipt := new(status.Receipt)
	found, err := s.document(ctx, status.ReceiptKey(upload), maxDocument, receipt)
	if err != nil || !found || !s.ownsBatch(receipt.Batch) {
		return nil, err
	}
	return []string{receipt.Batch}, nil
}

// newestBatches walks the days and their batches backwards: ids sort by time.
func (s *service) newestBatches(ctx context.Context, limit int) ([]string, error) {
	days, err := s.folders(ctx, status.BatchesPrefix)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, day := range slices.Backward(days) {
		names, err := s.folders(ctx, status.BatchesPrefix+day)
		if err != nil {
			return nil, err
		}
		for _, name := range slices.Backward(names) {
			id := strings.TrimSuffix(name, "/")
			if !s.ownsBatch(id) {
				continue
			}
			if ids = append(ids, id); len(ids) == limit {
				return ids, nil
			}
		}
	}
	return ids, nil
}

func (s *service) folders(ctx context.Context, prefix string) ([]string, error) {
	names, err := s.o.Objects.Folders(ctx, prefix)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errStore, err)
	}
	return names, nil
}
