package scorer

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

// writeChunkRejects writes the rejects of one chunk, which are joined when the
// batch closes. It never overwrites: what is there already stands.
func (b *Bulk) writeChunkRejects(ctx context.Context, run *chunkRun) (*status.Object, error) {
	fill := run.fillRejects
	if !run.rejects.full {
		fill = func(_ context.Context, out io.Writer) error {
			_, err := out.Write(run.rejects.buf.Bytes())
			return err
		}
	}
	key := status.ChunkRejectsKey(run.plan.ID, run.message.N, run.message.Generation)
	object, err := b.stream(ctx, key, "", linesType, fill)
	if errors.Is(err, store.ErrExists) {
		object, _, err = b.fingerprint(ctx, key)
	}
	if err != nil {
		return nil, err
	}
	object.Rows = run.rejects.rows
	return &object, nil
}

// joinRejects writes rejects.csv: the chunks' rejects with the line numbers of
// the whole file. It also returns the first of them as problems.
func (b *Bulk) joinRejects(ctx context.Context, plan *status.Batch, entries []*status.Chunk) (*status.Object, []status.RowProblem, error) {
	first, err := firstLine(plan)
	if err != nil {
		return nil, nil, err
	}
	var rows int64
	key := status.RejectsKey(plan.ID)
	object, err := b.stream(ctx, key, "", csvType, func(ctx context.Context, out io.Writer) (err error) {
		rows, err = b.copyRejects(ctx, out, first-1, entries)
		return err
	})
	if errors.Is(err, store.ErrExists) {
		object, _, err = b.fingerprint(ctx, key)
	}
	if err != nil {
		return nil, nil, err
	}
	object.Rows = rows
	return &object, firstProblems(first-1, entries), nil
}

// copyRejects writes the rejects of every chunk and returns how many rows.
func (b *Bulk) copyRejects(ctx context.Context, to io.Writer, lines int64, entries []*status.Chunk) (int64, error) {
	out, err := newRejectTable(to)
	if err != nil {
		return 0, err
	}
	var rows int64
	for _, e := range entries {
		if e.Rejects != nil {
			n, err := b.copyChunkRejects(ctx, out, lines, e.Rejects)
			if err != nil {
				return 0, err
			}
			rows += n
		}
		lines += e.Lines
	}
	return rows, out.flush()
}

func (b *Bulk) copyChunkRejects(ctx context.Context, out *rejectTable, lines int64, o *status.Object) (int64, error) {
	info, err := b.o.Objects.Head(ctx, o.Key)
	if err != nil {
		return 0, err
	}
	body, err := b.o.Objects.Open(ctx, info.Ref(), 0, store.OpenOptions{})
	if err != nil {
		return 0, err
	}
	defer func() { _ = body.Close() }()
	sum := &fingerprint{hash: sha256.New()}
	in := json.NewDecoder(io.TeeReader(body, sum))
	var rows int64
	for {
		var r reject
		err := in.Decode(&r)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return rows, fmt.Errorf("%q: %w", o.Key, err)
		}
		r.Line += lines
		if err := out.write(&r); err != nil {
			return rows, err
		}
		rows++
	}
	if sum.object(o.Key).SHA256 != o.SHA256 || rows != o.Rows {
		return rows, fmt.Errorf("%q is not what its ledger entry says", o.Key)
	}
	return rows, nil
}

// firstProblems are the first rejects of the file, with its line numbers.
func firstProblems(lines int64, entries []*status.Chunk) []status.RowProblem {
	var problems []status.RowProblem
	for _, e := range entries {
		for _, p := range e.Problems {
			if len(problems) == status.MaxRowProblems {
				return problems
			}
			p.Line += lines
			problems = append(problems, p)
		}
		lines += e.Lines
	}
	return problems
}

// firstLine is the number of the line at which the data of a batch begins.
func firstLine(plan *status.Batch) (int64, error) {
	var head ingest.Head
	if err := json.Unmarshal(plan.Header, &head); err != nil {
		return 0, fmt.Errorf("plan's header: %w", err)
	}
	return head.DataLine, nil
}
