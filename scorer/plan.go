package scorer

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

// batchID is a function of the object's bucket, key, version and time, so that
// every announcement of it finds the same batch.
func (b *Bulk) batchID(info store.Info) string {
	version := info.Version
	if version == "" {
		version = info.ETag
	}
	sum := sha256.Sum256([]byte(b.o.Bucket + "\x00" + info.Key + "\x00" + version))
	return b.o.IDs.Derive(status.KindBatch, info.LastModified, [10]byte(sum[:10]), "")
}

// plan returns the batch's plan: the one that is written, or a new one.
func (b *Bulk) plan(ctx context.Context, info store.Info) (*status.Batch, error) {
	id := b.batchID(info)
	plan, err := b.readPlan(ctx, id)
	if err == nil {
		return plan, b.receipt(ctx, plan)
	}
	if !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	if err := b.models.keepAll(ctx, b.o.Scorer); err != nil {
		return nil, err
	}
	plan, err = b.draft(ctx, id, info)
	if err != nil {
		return nil, err
	}
	body, err := status.Encode(plan)
	if err != nil {
		return nil, err
	}
	_, err = b.o.Objects.Create(ctx, status.PlanKey(id), body, store.PutOptions{ContentType: jsonType})
	if errors.Is(err, store.ErrExists) {
		plan, err = b.readPlan(ctx, id) // ours from an earlier try, or another worker's
	}
	if err != nil {
		return nil, err
	}
	return plan, b.receipt(ctx, plan)
}

// draft reads the head of the file and pins everything that could change the
// result. A file that cannot be read gets a plan that says why.
func (b *Bulk) draft(ctx context.Context, id string, info store.Info) (*status.Batch, error) {
	plan := &status.Batch{
		V: status.Version, ID: id,
		Source: status.Source{
			Bucket: b.o.Bucket, Key: info.Key, Version: info.Version,
			ETag: info.ETag, Size: info.Size, LastModified: info.LastModified,
		},
		Model: b.o.Scorer.ModelRef(), Policy: b.o.Scorer.Policy(),
		Reasons: b.o.Scorer.ReasonsRef(), Shadow: b.o.Scorer.Shadow(), ChunkSize: b.o.ChunkSize,
		PlannedAt: b.o.Now().UTC().Truncate(time.Millisecond),
	}
	var head *ingest.Head
	var err error
	if plan.MaxRejects, err = maxRejectsIn(info.Metadata); err == nil {
		head, err = b.readHead(ctx, plan.Source, info.Metadata)
	}
	var refused *ingest.FileError
	switch {
	case errors.As(err, &refused):
		plan.Error = refusedFile(refused)
		return plan, nil
	case errors.Is(err, store.ErrChanged), errors.Is(err, store.ErrNotFound):
		return nil, fmt.Errorf("upload changed while it was planned: %w", err)
	case err != nil:
		return nil, err
	}
	if plan.ChunkSize = ChunkSize(b.o.ChunkSize, info.Size); head.Dialect.Streamed() {
		plan.ChunkSize = 0
	}
	if plan.Header, err = json.Marshal(head); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	plan.DataStart = head.DataStart
	plan.Chunks = ingest.Chunks(head.DataStart, info.Size, plan.ChunkSize)
	return plan, nil
}

// maxChunks bounds the chunks of a batch, and so what its ledger takes to read.
const maxChunks = 4096

// ChunkSize is the configured size of a chunk, or what keeps a huge file within
// maxChunks, in whole MiB.
func ChunkSize(configured, size int64) int64 {
	const mib = 1 << 20
	least := (size/maxChunks/mib + 1) * mib
	if size/maxChunks < configured {
		return configured
	}
	return least
}

// readHead reads the head of the file; the upload's metadata can say how it is
// written.
func (b *Bulk) readHead(ctx context.Context, src status.Source, metadata map[string]string) (*ingest.Head, error) {
	given, err := ingest.GivenIn(metadata)
	if err != nil {
		return nil, err
	}
	text, err := ingest.Open(b.source(ctx, src, false), given)
	if err != nil {
		return nil, err
	}
	return text.Head, text.Close()
}

// source is the upload as it was pinned. With ahead all of it will be read, and
// it is fetched before it is asked for.
func (b *Bulk) source(ctx context.Context, src status.Source, ahead bool) ingest.Source {
	var o store.OpenOptions
	if ahead {
		o.Ahead = src.Size
	}
	return ingest.Source{Size: src.Size, Open: func(offset int64) (io.ReadCloser, error) {
		return b.o.Objects.Open(ctx, refOf(src), offset, o)
	}}
}

func refusedFile(e *ingest.FileError) *status.Problem {
	return &status.Problem{Title: "file refused", Code: e.Code, Detail: e.Reason + "; " + e.Hint}
}

func (b *Bulk) readPlan(ctx context.Context, id string) (*status.Batch, error) {
	data, _, err := b.o.Objects.Get(ctx, status.PlanKey(id), maxDocument)
	if err != nil {
		return nil, err
	}
	var plan status.Batch
	if err := status.Decode(data, &plan); err != nil {
		return nil, fmt.Errorf("batch %s: %w", id, err)
	}
	return &plan, nil
}

func chunkRange(plan *status.Batch, n int) ingest.Range {
	return ingest.Chunk(plan.DataStart, plan.Source.Size, plan.ChunkSize, n)
}

func refOf(src status.Source) store.Ref {
	return store.Ref{Key: src.Key, Version: src.Version, ETag: src.ETag, Size: src.Size}
}
