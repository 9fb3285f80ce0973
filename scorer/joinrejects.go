package scorer

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

// writeChunkRejects writes the rejects of one chunk, which are joined when the
// batch closes. As with parts, generation 0 never overwrites.
func (b *Bulk) writeChunkRejects(ctx context.Context, entry *status.Chunk, w *rejectLines) (*status.Object, error) {
	body := w.buf.Bytes()
	sum := sha256.Sum256(body)
	object := &status.Object{
		Key: status.ChunkRejectsKey(entry.Batch, entry.N), SHA256: hex.EncodeToString(sum[:]),
		Size: int64(len(body)), Rows: w.rows,
	}
	o := store.PutOptions{ContentType: linesType}
	var err error
	if entry.Generation == 0 {
		_, err = b.o.Objects.Create(ctx, object.Key, body, o)
	} else {
		_, err = b.o.Objects.Put(ctx, object.Key, body, o)
	}
	if err != nil && !errors.Is(err, store.ErrExists) {
		return nil, err
	}
	return object, nil
}

// joinRejects writes rejects.csv: the chunks' rejects with the line numbers of
// the whole file. It also returns the first of them as problems.
func (b *Bulk) joinRejects(ctx context.Context, plan *status.Batch, entries []*status.Chunk) (*status.Object, []status.RowProblem, error) {
	var head ingest.Head
	if err := json.Unmarshal(plan.Header, &head); err != nil {
		return nil, nil, fmt.Errorf("plan's header: %w", err)
	}
	sum := &fingerprint{hash: sha256.New()}
	pr, pw := io.Pipe()
	made := make(chan struct{})
	var rows int64
	go func() {
		defer close(made)
		err := guarded(func() (err error) {
			rows, err = b.copyRejects(ctx, io.MultiWriter(pw, sum), head.DataLine-1, entries)
			return err
		})
		_ = pw.CloseWithError(err)
	}()
	key := status.RejectsKey(plan.ID)
	_, err := b.o.Objects.CreateFrom(ctx, key, pr, store.PutOptions{ContentType: csvType})
	_ = pr.CloseWithError(errors.New("writing ended"))
	<-made
	if err != nil && !errors.Is(err, store.ErrExists) {
		return nil, nil, err
	}
	object := sum.object(key)
	object.Rows = rows
	return &object, firstProblems(head.DataLine-1, entries), nil
}

// copyRejects writes the rejects of every chunk and returns how many rows.
func (b *Bulk) copyRejects(ctx context.Context, to io.Writer, lines int64, entries []*status.Chunk) (int64, error) {
	buffered := bufio.NewWriterSize(to, 256<<10)
	out, err := newRejectTable(buffered)
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
	return rows, errors.Join(out.flush(), buffered.Flush())
}

func (b *Bulk) copyChunkRejects(ctx context.Context, out *rejectTable, lines int64, o *status.Object) (int64, error) {
	body, _, err := b.o.Objects.Get(ctx, o.Key, o.Size)
	if err != nil {
		return 0, err
	}
	if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != o.SHA256 {
		return 0, fmt.Errorf("%q is not what its ledger entry says", o.Key)
	}
	in := json.NewDecoder(bytes.NewReader(body))
	var rows int64
	for {
		var r reject
		err := in.Decode(&r)
		if errors.Is(err, io.EOF) {
			return rows, nil
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
