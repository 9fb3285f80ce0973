package scorer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

// chunkMessage scores the chunk that a message names.
func (b *Bulk) chunkMessage(ctx context.Context, m *events.Chunk) error {
	if !status.ValidID(m.Batch) {
		return events.Permanent(fmt.Errorf("%w: batch is not an id of ours", events.ErrMessage))
	}
	plan, err := b.readPlan(ctx, m.Batch)
	if errors.Is(err, store.ErrNotFound) {
		return events.Permanent(fmt.Errorf("chunk %d: no plan: %w", m.N, err))
	}
	if err != nil {
		return err
	}
	if m.N >= plan.Chunks || chunkRange(plan, m.N) != (ingest.Range{Start: m.Start, End: m.End}) {
		return events.Permanent(fmt.Errorf("%w: chunk %d is not one of the plan's %d", events.ErrMessage, m.N, plan.Chunks))
	}
	return b.chunk(ctx, plan, *m)
}

// chunk scores one chunk unless that has been done or the batch has ended, and
// closes the batch if it was the last one missing. The upload is read while the
// ledger is looked at.
func (b *Bulk) chunk(ctx context.Context, plan *status.Batch, m events.Chunk) error {
	start := b.o.Now()
	run, err := b.newRun(plan, &m)
	if err != nil {
		return err
	}
	run.early = openEarly(ctx, run.open)
	defer run.early.close()
	done, before, etag, err := b.progress(ctx, plan.ID, m.N)
	if err != nil || done {
		return err
	}
	if before != nil && before.Generation >= m.Generation {
		return b.close(ctx, plan)
	}
	entry, err := b.scoreChunk(ctx, run, before)
	var source *sourceError
	var refused *ingest.FileError
	switch {
	case errors.Is(err, errEnded):
		b.o.Logger.LogAttrs(ctx, slog.LevelInfo, "chunk dropped: its batch has ended", slog.String("batch", plan.ID), slog.Int("chunk", m.N))
		return nil
	case errors.As(err, &refused): // a packed file that turned out to be damaged
		return b.finish(ctx, plan, status.BatchFailed, refusedFile(refused))
	case errors.As(err, &source) && errors.Is(err, store.ErrChanged):
		return b.finish(ctx, plan, status.BatchSuperseded, superseded())
	case errors.As(err, &source) && errors.Is(err, store.ErrNotFound):
		return b.finish(ctx, plan, status.BatchFailed, inputGone())
	case err != nil:
		return fmt.Errorf("chunk %d of batch %s: %w", m.N, plan.ID, err)
	}
	if err := b.writeEntry(ctx, entry, etag); err != nil {
		return err
	}
	b.o.Logger.LogAttrs(ctx, slog.LevelInfo, "chunk scored", slog.String("batch", plan.ID), slog.Int("chunk", m.N),
		slog.Int64("rows", entry.Tally.Rows), slog.Int64("rejected", entry.Tally.RejectedRows()),
		slog.Int("generation", m.Generation), slog.Int64("took_ms", b.o.Now().Sub(start).Milliseconds()))
	return b.close(ctx, plan)
}

// progress tells whether the batch has ended, and the chunk's entry with its
// ETag, nil if there is none yet.
func (b *Bulk) progress(ctx context.Context, batch string, n int) (done bool, entry *status.Chunk, etag string, err error) {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		done, err = b.closed(ctx, batch)
		return err
	})
	group.Go(func() (err error) {
		if entry, etag, err = b.readEntry(ctx, batch, n); errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
	err = group.Wait()
	return done, entry, etag, err
}

// scoreChunk writes the chunk's part and its rejects and returns its ledger
// entry. All three are functions of the plan and the chunk's first record.
// before is the entry of the guess that is put right, or nil.
func (b *Bulk) scoreChunk(ctx context.Context, run *chunkRun, before *status.Chunk) (_ *status.Chunk, err error) {
	if run.rows.scorer, err = b.models.scorer(ctx, b.o.Scorer, run.plan); err != nil {
		return nil, err
	}
	var wrong *status.Object
	if before != nil {
		wrong = &before.Part
	}
	entry := run.entry
	if entry.Part, err = b.writePart(ctx, status.PartKey(entry.Batch, entry.N), wrong, run.fill); err != nil {
		return nil, err
	}
	entry.Part.Rows = entry.Tally.DecidedRows()
	entry.Problems = run.rejects.problems
	if run.rejects.rows > 0 {
		if entry.Rejects, err = b.writeChunkRejects(ctx, run); err != nil {
			return nil, err
		}
	}
	return entry, nil
}

// chunkRun is one run over one chunk.
type chunkRun struct {
	bulk    *Bulk
	plan    *status.Batch
	message *events.Chunk
	rows    rowScorer
	entry   *status.Chunk // filled in by fill
	rejects *rejectLines
	early   *early // the first to read
}

// newRun is a run that has read nothing and has no scorer yet.
func (b *Bulk) newRun(plan *status.Batch, m *events.Chunk) (*chunkRun, error) {
	var head ingest.Head
	if err := json.Unmarshal(plan.Header, &head); err != nil {
		return nil, fmt.Errorf("plan's header: %w", err)
	}
	return &chunkRun{
		bulk: b, plan: plan, message: m,
		rows: rowScorer{
			head: &head, decidedAt: plan.PlannedAt, size: plan.Source.Size, limit: plan.MaxRejects,
			ending: &ending{closed: func(ctx context.Context) (bool, error) { return b.closed(ctx, plan.ID) }},
		},
		entry: &status.Chunk{
			V: status.Version, Batch: plan.ID, N: m.N, Generation: m.Generation, Start: m.Start, End: m.End,
		},
	}, nil
}

// fill scores the records that begin in the chunk's range into out and fills
// in the entry. It can be called again.
func (r *chunkRun) fill(ctx context.Context, out io.Writer) error {
	first, in, err := r.early.take()
	if in == nil && err == nil { // once more
		first, in, err = r.open(ctx)
	}
	if err != nil {
		return &sourceError{err}
	}
	defer func() { _ = in.Close() }()
	r.rejects = newRejectLines()
	records := r.scan(in, first)
	last := r.message.End
	if r.rows.head.Dialect.Streamed() {
		last = 0
	}
	r.rows.spare = r.bulk.spares.take(r.plan.ID, r.rows.scorer)
	done, err := r.rows.run(ctx, records, last, out, &r.rejects.rejectWriter)
	if err != nil {
		return err
	}
	r.entry.FirstRecord, r.entry.NextRecord, r.entry.Lines = first, records.Next(), records.Lines()
	r.entry.Tally, r.entry.Lookup, r.entry.LoanIDs = done.tally, lookupOf(done.file), loanIDs(done.ids)
	r.bulk.spares.give(r.plan.ID, r.rows.scorer, done.worker)
	return nil
}

// fillRejects writes the rejects of the chunk again, without scoring into
// anything.
func (r *chunkRun) fillRejects(ctx context.Context, out io.Writer) error {
	first, in, err := r.open(ctx)
	if err != nil {
		return &sourceError{err}
	}
	defer func() { _ = in.Close() }()
	return r.rows.refuse(ctx, r.scan(in, first), &rejectWriter{sink: linesTo(out)})
}

// scan reads the records of the chunk's range from in, which begins at first.
func (r *chunkRun) scan(in io.Reader, first int64) *ingest.Scanner {
	o := ingest.ScannerOptions{End: r.message.End, Dialect: r.rows.head.Dialect}
	if o.Dialect.Streamed() {
		o.End = 0 // of a text whose length nobody knows
	}
	return ingest.NewScanner(in, first, o)
}
