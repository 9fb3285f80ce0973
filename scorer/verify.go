package scorer

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/parquet-go/parquet-go"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

// Check is one thing that was proved, or not, about a batch.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// Report is what Verify found. A batch is proved when every check is OK.
type Report struct {
	Batch   string            `json:"batch"`
	State   status.BatchState `json:"state"`
	Rows    int64             `json:"rows"`
	Decided int64             `json:"decided"`
	Reject  int64             `json:"rejected"`
	Checks  []Check           `json:"checks"`
}

// OK reports whether every check passed.
func (r *Report) OK() bool {
	return !slices.ContainsFunc(r.Checks, func(c Check) bool { return !c.OK })
}

func (r *Report) check(name string, ok bool, format string, args ...any) {
	r.Checks = append(r.Checks, Check{Name: name, OK: ok, Detail: fmt.Sprintf(format, args...)})
}

// ErrOpen is returned by Verify for a batch that has no terminal state yet.
var ErrOpen = errors.New("batch has no summary yet")

// Verify proves a batch from its objects alone: that the chain of chunks covers
// the file, that every part has the bytes and the rows that the ledger says,
// that no row is in two parts, and that rows in = decided + rejected. The error
// is of reading the objects; what is wrong with them is in the report.
func Verify(ctx context.Context, objects Objects, batch string) (*Report, error) {
	var plan status.Batch
	if err := readDocument(ctx, objects, status.PlanKey(batch), &plan); err != nil {
		return nil, err
	}
	var summary status.Summary
	err := readDocument(ctx, objects, status.SummaryKey(batch), &summary)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("%s: %w", batch, ErrOpen)
	}
	if err != nil {
		return nil, err
	}
	r := &Report{
		Batch: batch, State: summary.State, Rows: summary.Tally.Rows,
		Decided: summary.Tally.DecidedRows(), Reject: summary.Tally.RejectedRows(),
	}
	if summary.State != status.BatchSucceeded && summary.State != status.BatchSucceededWithRejects {
		r.check("state", true, "%s: there is no ledger to check", summary.State)
		return r, nil
	}
	entries, err := readEntries(ctx, objects, &plan)
	if err != nil {
		return nil, err
	}
	r.ledger(&plan, &summary, entries)
	if err := r.parts(ctx, objects, &plan, &summary, entries); err != nil {
		return nil, err
	}
	return r, r.rejects(ctx, objects, &summary)
}

func readDocument(ctx context.Context, objects Claims, key string, doc any) error {
	data, _, err := objects.Get(ctx, key, maxDocument)
	if err != nil {
		return err
	}
	return status.Decode(data, doc)
}

// ledger checks the documents against each other.
func (r *Report) ledger(plan *status.Batch, summary *status.Summary, entries []*status.Chunk) {
	n, want, broken := brokenChain(plan, entries)
	switch {
	case broken:
		r.check("chain", false, "chunk %d begins at byte %d, should begin at %d", n, entries[n].FirstRecord, want)
	default:
		r.check("chain", want == plan.Source.Size, "%d chunks cover bytes %d to %d of %d",
			plan.Chunks, plan.DataStart, want, plan.Source.Size)
	}
	sum := status.NewTally()
	for _, e := range entries {
		sum.Add(&e.Tally)
	}
	same := sum.Rows == summary.Tally.Rows && sum.Histogram == summary.Tally.Histogram &&
		maps.Equal(sum.Decided, summary.Tally.Decided) && maps.Equal(sum.Rejected, summary.Tally.Rejected)
	r.check("ledger", same && r.Rows == r.Decided+r.Reject, "%d rows = %d decided + %d rejected", r.Rows, r.Decided, r.Reject)
}

// parts reads every part and counts what is in it.
func (r *Report) parts(ctx context.Context, objects Objects, plan *status.Batch, summary *status.Summary, entries []*status.Chunk) error {
	decided := map[string]int64{}
	last := int64(-1)
	for n, want := range summary.Parts {
		info, err := objects.Head(ctx, want.Key)
		if errors.Is(err, store.ErrNotFound) {
			r.check("parts", false, "%s is missing", want.Key)
			return nil
		}
		if err != nil {
			return err
		}
		data, err := objectBytes(ctx, objects, info)
		if err != nil {
			return err
		}
		found := sumOf(want.Key, data)
		if found.SHA256 != want.SHA256 || found.Size != want.Size || n >= len(entries) || want != entries[n].Part {
			r.check("parts", false, "%s is not what the ledger says", want.Key)
			return nil
		}
		rows, err := countPart(data, decided, &last)
		if err != nil {
			r.check("parts", false, "%s: %v", want.Key, err)
			return nil
		}
		if rows != want.Rows {
			r.check("parts", false, "%s has %d rows, the ledger says %d", want.Key, rows, want.Rows)
			return nil
		}
	}
	r.check("parts", len(summary.Parts) == plan.Chunks && maps.Equal(decided, summary.Tally.Decided),
		"%d parts with the bytes and decisions of the ledger, each row once", len(summary.Parts))
	return nil
}

// countPart counts the decisions of a part and checks that its rows follow,
// by their offset in the source, those of the parts before it.
func countPart(data []byte, decided map[string]int64, last *int64) (int64, error) {
	file, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return 0, err
	}
	offset, ok1 := file.Schema().Lookup(colSourceOffset)
	decision, ok2 := file.Schema().Lookup(colDecision)
	if !ok1 || !ok2 {
		return 0, errors.New("has no decision columns")
	}
	var rows int64
	err = eachRow(file, func(row parquet.Row) error {
		at := row[offset.ColumnIndex].Int64()
		if at <= *last {
			return fmt.Errorf("row at byte %d comes after one at byte %d", at, *last)
		}
		*last = at
		decided[string(row[decision.ColumnIndex].ByteArray())]++
		rows++
		return nil
	})
	return rows, err
}

// rejects counts the lines of rejects.csv.
func (r *Report) rejects(ctx context.Context, objects Objects, summary *status.Summary) error {
	if summary.Rejects == nil {
		r.check("rejects", r.Reject == 0, "none")
		return nil
	}
	info, err := objects.Head(ctx, summary.Rejects.Key)
	if errors.Is(err, store.ErrNotFound) {
		r.check("rejects", false, "%s is missing", summary.Rejects.Key)
		return nil
	}
	if err != nil {
		return err
	}
	ref := store.Ref{Key: info.Key, Version: info.Version, ETag: info.ETag, Size: info.Size}
	in, err := objects.Open(ctx, ref, 0, store.OpenOptions{})
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	records := csv.NewReader(in)
	records.ReuseRecord = true
	rows := int64(-1) // the header
	for {
		_, err := records.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			r.check("rejects", false, "%s: %v", info.Key, err)
			return nil
		}
		rows++
	}
	r.check("rejects", rows == r.Reject && info.Size == summary.Rejects.Size, "%d rows in rejects.csv", rows)
	return nil
}
