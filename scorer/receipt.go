package scorer

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

// readReceipt returns the receipt of an upload, or nil if there is none that
// can be read.
func (b *Bulk) readReceipt(ctx context.Context, upload string) (*status.Receipt, error) {
	data, _, err := b.o.Objects.Get(ctx, status.ReceiptKey(upload), maxDocument)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var r status.Receipt
	if err := status.Decode(data, &r); err != nil || !status.ValidID(r.Batch) {
		return nil, nil //nolint:nilerr // a receipt that cannot be read is none
	}
	return &r, nil
}

// receipt tells the uploader which batch the upload became, and ends the batch
// of the version that it replaced. It is written again on redelivery, in case
// it was not. An upload whose receipt cannot be written is scored all the same.
func (b *Bulk) receipt(ctx context.Context, plan *status.Batch) error {
	before, err := b.readReceipt(ctx, plan.Source.Key)
	if err != nil {
		return err
	}
	if before != nil && before.Batch == plan.ID {
		return nil
	}
	if before != nil {
		if current, err := b.replace(ctx, plan, before); err != nil || !current {
			return err
		}
	}
	body, err := status.Encode(status.Receipt{
		V: status.Version, Batch: plan.ID, Source: plan.Source, Plan: status.PlanKey(plan.ID),
		Summary: status.SummaryKey(plan.ID), Results: status.PartsPrefix(plan.ID), At: plan.PlannedAt,
	})
	if err != nil {
		return err
	}
	_, err = b.o.Objects.Put(ctx, status.ReceiptKey(plan.Source.Key), body, store.PutOptions{ContentType: jsonType})
	if err != nil {
		b.o.Logger.LogAttrs(ctx, slog.LevelError, "receipt not written", slog.String("batch", plan.ID),
			slog.String("error", err.Error()))
	}
	return nil
}

// replace ends the batch of an earlier version of the same upload, and reports
// whether plan is that of the version that stands.
func (b *Bulk) replace(ctx context.Context, plan *status.Batch, before *status.Receipt) (bool, error) {
	info, err := b.o.Objects.Head(ctx, plan.Source.Key)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return true, nil // reading will tell
	case err != nil:
		return false, err
	case info.ETag != plan.Source.ETag || info.Version != plan.Source.Version,
		!info.LastModified.Truncate(time.Second).Equal(plan.Source.LastModified.Truncate(time.Second)):
		return false, nil // ours is the earlier one; reading will tell
	}
	return true, b.end(ctx, before.Batch, status.BatchSuperseded, superseded())
}

// gone ends the batch of an upload that was deleted.
func (b *Bulk) gone(ctx context.Context, upload string) error {
	r, err := b.readReceipt(ctx, upload)
	if err != nil || r == nil {
		return err
	}
	// The receipt may be that of a new upload under this key.
	if _, err := b.o.Objects.Head(ctx, upload); !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return b.end(ctx, r.Batch, status.BatchFailed, inputGone())
}

// end gives a batch a terminal state unless it has one.
func (b *Bulk) end(ctx context.Context, id string, state status.BatchState, problem *status.Problem) error {
	done, err := b.closed(ctx, id)
	if err != nil || done {
		return err
	}
	plan, err := b.readPlan(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil // it is past its retention
	}
	if err != nil {
		return err
	}
	return b.finish(ctx, plan, state, problem)
}

func superseded() *status.Problem {
	return &status.Problem{
		Title: "upload replaced while it was scored", Code: "superseded", Detail: "the new upload is a batch of its own",
	}
}

func inputGone() *status.Problem {
	return &status.Problem{
		Title: "upload deleted while it was scored", Code: "input_gone", Detail: "upload the file again",
	}
}
