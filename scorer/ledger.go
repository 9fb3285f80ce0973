package scorer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

// readEntry returns the ledger entry of chunk n and its ETag.
func (b *Bulk) readEntry(ctx context.Context, batch string, n int) (*status.Chunk, string, error) {
	return readEntry(ctx, b.o.Objects, batch, n)
}

func readEntry(ctx context.Context, objects Claims, batch string, n int) (*status.Chunk, string, error) {
	data, info, err := objects.Get(ctx, status.LedgerKey(batch, n), maxDocument)
	if err != nil {
		return nil, "", err
	}
	var entry status.Chunk
	if err := status.Decode(data, &entry); err != nil {
		return nil, "", fmt.Errorf("ledger entry %d of batch %s: %w", n, batch, err)
	}
	return &entry, info.ETag, nil
}

// writeEntry writes an entry, in the place of the one with that ETag if it has
// one. An entry of this or a later generation that is there already stands.
func (b *Bulk) writeEntry(ctx context.Context, entry *status.Chunk, etag string) error {
	body, err := status.Encode(entry)
	if err != nil {
		return err
	}
	key, o := status.LedgerKey(entry.Batch, entry.N), store.PutOptions{ContentType: jsonType}
	if etag == "" {
		_, err = b.o.Objects.Create(ctx, key, body, o)
	} else {
		_, err = b.o.Objects.Replace(ctx, key, etag, body, o)
	}
	if !errors.Is(err, store.ErrExists) && !errors.Is(err, store.ErrChanged) {
		return err
	}
	found, _, err := b.readEntry(ctx, entry.Batch, entry.N)
	if err != nil {
		return err
	}
	if found.Generation < entry.Generation {
		return fmt.Errorf("ledger entry %d of batch %s changed meanwhile", entry.N, entry.Batch)
	}
	return nil
}

// entryKeys are the ledger entries that exist.
func (b *Bulk) entryKeys(ctx context.Context, batch string) (map[string]bool, error) {
	have := map[string]bool{}
	for info, err := range b.o.Objects.List(ctx, status.LedgerPrefix(batch), "") {
		if err != nil {
			return nil, err
		}
		have[info.Key] = true
	}
	return have, nil
}

// close ends the batch if every chunk has its entry: it checks that each chunk
// began where the one before stopped, reissues the first that did not, and
// otherwise writes the summary.
func (b *Bulk) close(ctx context.Context, plan *status.Batch) error {
	// Chunks are scored about in order: most of the time the last one is missing,
	// which one request tells.
	_, err := b.o.Objects.Head(ctx, status.LedgerKey(plan.ID, plan.Chunks-1))
	if errors.Is(err, store.ErrNotFound) {
		return b.endEarly(ctx, plan)
	}
	if err != nil {
		return err
	}
	have, err := b.entryKeys(ctx, plan.ID)
	if err != nil || len(have) < plan.Chunks {
		return err
	}
	entries, err := readEntries(ctx, b.o.Objects, plan)
	if err != nil {
		return err
	}
	if n, want, ok := brokenChain(plan, entries); ok {
		return b.reissue(ctx, plan, entries[n], want)
	}
	if next := entries[len(entries)-1].NextRecord; next != plan.Source.Size && plan.ChunkSize > 0 {
		return fmt.Errorf("batch %s: the last chunk ends at byte %d of %d", plan.ID, next, plan.Source.Size)
	}
	s := status.NewSummary(plan, status.BatchSucceeded, b.o.Now())
	for _, e := range entries {
		s.Tally.Add(&e.Tally)
		s.Parts = append(s.Parts, e.Part)
		if e.Lookup != nil {
			s.Lookup = append(s.Lookup, e.Lookup)
		}
	}
	scorer, err := b.models.scorer(ctx, b.o.Scorer, plan)
	if err != nil {
		return err
	}
	if plan.Shadow != nil {
		s.Tally.WithShadow() // of a file without rows, too
	}
	s.Stats = s.Tally.Statistics(scorer.References(), s.ClosedAt.Sub(s.PlannedAt))
	if s.Tally.RejectedRows() > 0 {
		s.State = status.BatchSucceededWithRejects
		if s.Rejects, s.Problems, err = b.joinRejects(ctx, plan, entries); err != nil {
			return fmt.Errorf("rejects of batch %s: %w", plan.ID, err)
		}
	}
	if s.Duplicates, err = duplicates(entries); err != nil {
		return fmt.Errorf("loan ids of batch %s: %w", plan.ID, err)
	}
	if many := tooMany(plan.MaxRejects, s.Tally.RejectedRows()); many != nil {
		s.State, s.Error = status.BatchFailed, tooManyRejects(many)
	}
	return b.writeSummary(ctx, s)
}

// brokenChain finds the first chunk that did not begin where the one before
// stopped, and where it should have begun.
func brokenChain(plan *status.Batch, entries []*status.Chunk) (n int, want int64, broken bool) {
	want = plan.DataStart
	for n, e := range entries {
		if e.FirstRecord != want {
			return n, want, true
		}
		want = e.NextRecord
	}
	return 0, want, false
}

// reissue sends the chunk again with its true start.
func (b *Bulk) reissue(ctx context.Context, plan *status.Batch, entry *status.Chunk, first int64) error {
	m := events.NewChunk(plan.ID, entry.N, entry.Start, entry.End)
	m.FirstRecord, m.Generation = &first, entry.Generation+1
	body, err := events.Encode(m)
	if err != nil {
		return err
	}
	b.o.Logger.LogAttrs(ctx, slog.LevelInfo, "chunk reissued", slog.String("batch", plan.ID),
		slog.Int("chunk", entry.N), slog.Int64("first_record", first))
	if err := errors.Join(b.o.Queue.SendAll(ctx, []string{body}, "")...); err != nil {
		return fmt.Errorf("chunk message: %w", err)
	}
	return nil
}

// readEntries returns all entries of a batch, in order.
func readEntries(ctx context.Context, objects Claims, plan *status.Batch) ([]*status.Chunk, error) {
	entries := make([]*status.Chunk, plan.Chunks)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	for n := range entries {
		group.Go(func() error {
			e, _, err := readEntry(ctx, objects, plan.ID, n)
			entries[n] = e
			return err
		})
	}
	return entries, group.Wait()
}

// writeSummary writes the terminal state. The first one stands.
func (b *Bulk) writeSummary(ctx context.Context, s *status.Summary) error {
	body, err := status.Encode(s)
	if err != nil {
		return err
	}
	_, err = b.o.Objects.Create(ctx, status.SummaryKey(s.ID), body, store.PutOptions{ContentType: jsonType})
	if errors.Is(err, store.ErrExists) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("summary of batch %s: %w", s.ID, err)
	}
	b.o.Logger.LogAttrs(ctx, slog.LevelInfo, "batch closed", slog.String("batch", s.ID),
		slog.String("state", strings.ToLower(string(s.State))), slog.Int64("rows", s.Tally.Rows),
		slog.Int64("rejected", s.Tally.RejectedRows()), slog.Int64("took_ms", s.ClosedAt.Sub(s.PlannedAt).Milliseconds()))
	return nil
}
