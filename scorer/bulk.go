package scorer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

// DefaultChunkSize is how many bytes of a file one message scores.
const DefaultChunkSize = 16 << 20

// BulkOptions describe the worker of the bulk queue. Zero values are the
// defaults given.
type BulkOptions struct {
	Scorer    *Scorer          // required
	Objects   Objects          // required
	Queue     Queue            // the bulk queue, required
	IDs       *status.IDs      // required
	Bucket    string           // events of other buckets are refused, required
	ChunkSize int64            // bytes, DefaultChunkSize
	Now       func() time.Time // time.Now
	Logger    *slog.Logger     // required
}

// Bulk plans uploads and scores their chunks, every row exactly once. It
// implements events.Handler.
type Bulk struct {
	o      BulkOptions
	models modelKeeper
	spares spareWorkers
}

// NewBulk returns the worker of the bulk queue, or an error that names the
// option at fault.
func NewBulk(o BulkOptions) (*Bulk, error) {
	switch {
	case o.Scorer == nil:
		return nil, errors.New("bulk: Scorer: required")
	case o.Objects == nil:
		return nil, errors.New("bulk: Objects: required")
	case o.Queue == nil:
		return nil, errors.New("bulk: Queue: required")
	case o.IDs == nil:
		return nil, errors.New("bulk: IDs: required")
	case o.Bucket == "":
		return nil, errors.New("bulk: Bucket: required")
	case o.Logger == nil:
		return nil, errors.New("bulk: Logger: required")
	case o.ChunkSize < 0:
		return nil, errors.New("bulk: ChunkSize: must not be negative")
	}
	if o.ChunkSize == 0 {
		o.ChunkSize = DefaultChunkSize
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Bulk{o: o, models: modelKeeper{objects: o.Objects}}, nil
}

// Handle works on the messages one after the other.
func (b *Bulk) Handle(ctx context.Context, batch []events.Message) []error {
	errs := make([]error, len(batch))
	for i := range batch {
		if ctx.Err() != nil {
			errs[i] = fmt.Errorf("not begun: %w", ctx.Err())
			continue
		}
		errs[i] = b.one(ctx, batch[i].Body)
	}
	return errs
}

// one works on one message. A panic is that message's error alone.
func (b *Bulk) one(ctx context.Context, body []byte) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("bulk: the scorer broke down: %T", r)
		}
	}()
	m, err := events.ParseBulk(body)
	switch {
	case err != nil:
		return err
	case m.Chunk != nil:
		return b.chunkMessage(ctx, m.Chunk)
	case len(m.Uploads) == 0:
		b.o.Logger.LogAttrs(ctx, slog.LevelInfo, "event without an upload: nothing to do")
		return nil
	}
	for _, u := range m.Uploads {
		if err := b.upload(ctx, u); err != nil {
			return err
		}
	}
	return nil
}

// upload turns the announcement of an object into a batch. What is announced
// is only a hint: the batch is that of the object as it stands now.
func (b *Bulk) upload(ctx context.Context, u events.Upload) error {
	if u.Bucket != b.o.Bucket {
		return events.Permanent(errors.New("upload: announced for another bucket than ours"))
	}
	if !strings.HasPrefix(u.Key, status.UploadsPrefix) || strings.HasSuffix(u.Key, "/") {
		return nil // not an upload, or the mark of an empty folder
	}
	info, err := b.o.Objects.Head(ctx, u.Key)
	if errors.Is(err, store.ErrNotFound) {
		b.o.Logger.LogAttrs(ctx, slog.LevelWarn, "upload gone before it was scored")
		return b.gone(ctx, u.Key)
	}
	if err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	plan, err := b.plan(ctx, info)
	if err != nil {
		return fmt.Errorf("plan: %w", err)
	}
	if plan.Chunks == 1 {
		r := chunkRange(plan, 0)
		return b.chunk(ctx, plan, events.NewChunk(plan.ID, 0, r.Start, r.End))
	}
	done, err := b.closed(ctx, plan.ID)
	if err != nil || done {
		return err
	}
	return b.resume(ctx, plan)
}

// resume takes up a batch without a terminal state wherever it stands.
func (b *Bulk) resume(ctx context.Context, plan *status.Batch) error {
	if plan.Error != nil {
		return b.finish(ctx, plan, status.BatchFailed, plan.Error)
	}
	return b.announce(ctx, plan)
}

// announce sends a message for every chunk that has no ledger entry yet, or
// closes the batch if all have.
func (b *Bulk) announce(ctx context.Context, plan *status.Batch) error {
	have, err := b.entryKeys(ctx, plan.ID)
	if err != nil {
		return err
	}
	var bodies []string
	for n := range plan.Chunks {
		if have[status.LedgerKey(plan.ID, n)] {
			continue
		}
		r := chunkRange(plan, n)
		body, err := events.Encode(events.NewChunk(plan.ID, n, r.Start, r.End))
		if err != nil {
			return err
		}
		bodies = append(bodies, body)
	}
	if len(bodies) == 0 {
		return b.close(ctx, plan)
	}
	if err := errors.Join(b.o.Queue.SendAll(ctx, bodies, "")...); err != nil {
		return fmt.Errorf("chunk messages: %w", err)
	}
	b.o.Logger.LogAttrs(ctx, slog.LevelInfo, "batch planned", slog.String("batch", plan.ID),
		slog.Int("chunks", plan.Chunks), slog.Int64("bytes", plan.Source.Size))
	return nil
}

// closed reports whether the batch has its terminal state.
func (b *Bulk) closed(ctx context.Context, batch string) (bool, error) {
	_, err := b.o.Objects.Head(ctx, status.SummaryKey(batch))
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// finish writes a terminal state that is not the closed ledger. The first
// terminal state stands.
func (b *Bulk) finish(ctx context.Context, plan *status.Batch, state status.BatchState, problem *status.Problem) error {
	s := status.NewSummary(plan, state, b.o.Now())
	s.Error = problem
	return b.writeSummary(ctx, s)
}
