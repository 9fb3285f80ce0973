package scorer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

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
// the file, that every part and rejects.csv have the bytes and the rows that
// the ledger says, that no row is in two of them, that every row lies in its
// chunk and was decided by the batch's model, and that rows in = decided +
// rejected, and that the first reasons are as many as counted. Of a batch with a
// shadow model it proves that the rows compare as counted. The error is of
// reading the objects; what is wrong with them is in the report. A batch that
// ended without results is not proved.
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
		r.check("state", false, "%s: there are no results to prove", summary.State)
		return r, nil
	}
	entries, err := readEntries(ctx, objects, &plan)
	if err != nil {
		return nil, err
	}
	r.ledger(&plan, &summary, entries)
	r.statistics(&summary)
	rejected, err := r.rejects(ctx, objects, &summary)
	if err != nil {
		return nil, err
	}
	return r, r.parts(ctx, objects, &proof{plan: &plan, summary: &summary, entries: entries, rejected: rejected})
}

// proof is what the parts of a batch are held against.
type proof struct {
	plan     *status.Batch
	summary  *status.Summary
	entries  []*status.Chunk
	rejected []int64 // offsets of the rejected rows, ascending
	decided  map[string]int64
	reasons  map[string]int64 // rows by first reason
	shadow   shadowProof
	last     int64 // offset of the last decided row
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
	case plan.ChunkSize == 0: // the length of the text is known from reading it only
		r.check("chain", len(entries) == 1, "1 chunk, bytes %d to %d of the text", plan.DataStart, want)
	default:
		r.check("chain", want == plan.Source.Size, "%s, bytes %d to %d of %d",
			plural(plan.Chunks, "chunk"), plan.DataStart, want, plan.Source.Size)
	}
	sum := status.NewTally()
	for _, e := range entries {
		sum.Add(&e.Tally)
	}
	r.check("ledger", sum.Equal(&summary.Tally) && r.Rows == r.Decided+r.Reject, "%d rows = %d decided + %d rejected", r.Rows, r.Decided, r.Reject)
}

// statistics checks what the summary says of the rows against what it counts:
// every decided row is in one bin of each feature and in at most one area, and
// shares and rates are those of the counts.
func (r *Report) statistics(summary *status.Summary) {
	if summary.Stats == nil {
		return // of a version before statistics
	}
	tally := &summary.Tally
	for feature, bins := range tally.Features {
		if n := bins.Total(); n != r.Decided {
			r.check("statistics", false, "%s: %d rows in its bins, %d decided", feature, n, r.Decided)
			return
		}
	}
	var inAreas int64
	for _, a := range summary.Stats.Areas {
		inAreas += a.Rows
	}
	again := tally.Statistics(nil, summary.ClosedAt.Sub(summary.PlannedAt))
	same := inAreas <= r.Decided && slices.Equal(again.Areas, summary.Stats.Areas) &&
		again.Shadow.Equal(summary.Stats.Shadow) &&
		(again.ApprovalRate == nil) == (summary.Stats.ApprovalRate == nil) && len(summary.Stats.Drift) == len(tally.Features)
	if same && again.ApprovalRate != nil {
		same = *again.ApprovalRate == *summary.Stats.ApprovalRate
	}
	for i := range summary.Stats.Drift {
		d := &summary.Stats.Drift[i]
		same = same && slices.EqualFunc(d.Bins, tally.Features[d.Feature].Rows, func(b status.DriftBin, n int64) bool { return b.Rows == n })
	}
	r.check("statistics", same, "%s in bins, %d rows by area", plural(len(tally.Features), "feature"), inAreas)
}

// parts reads every part and counts what is in it.
func (r *Report) parts(ctx context.Context, objects Objects, p *proof) error {
	p.decided, p.reasons, p.last = map[string]int64{}, map[string]int64{}, -1
	for n, want := range p.summary.Parts {
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
		if err := p.part(n, want, data); err != nil {
			r.check("parts", false, "%s: %v", want.Key, err)
			return nil
		}
	}
	same := maps.Equal(p.decided, p.summary.Tally.Decided) && maps.Equal(p.reasons, p.summary.Tally.Reasons)
	r.check("parts", same && len(p.summary.Parts) == p.plan.Chunks,
		"%s with the bytes and decisions of the ledger, each row once", plural(len(p.summary.Parts), "part"))
	if p.plan.Shadow != nil {
		r.shadow(p)
	}
	return nil
}

// part checks the bytes and the rows of one part.
func (p *proof) part(n int, want status.Object, data []byte) error {
	found := sumOf(want.Key, data)
	if n >= len(p.entries) || found.SHA256 != want.SHA256 || found.Size != want.Size || want != p.entries[n].Part {
		return errors.New("is not what the ledger says")
	}
	file, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return err
	}
	offset, ok1 := file.Schema().Lookup(colSourceOffset)
	decision, ok2 := file.Schema().Lookup(colDecision)
	reason, ok3 := file.Schema().Lookup(colReason + "1")
	sha, ok4 := file.Schema().Lookup(colModelSHA256)
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return errors.New("has no decision columns")
	}
	if err := p.shadow.open(p.plan, file.Schema()); err != nil {
		return err
	}
	var rows int64
	err = eachRow(file, func(row parquet.Row) error {
		p.decided[string(row[decision.ColumnIndex].ByteArray())]++
		if code := row[reason.ColumnIndex]; !code.IsNull() {
			p.reasons[string(code.ByteArray())]++
		}
		rows++
		if string(row[sha.ColumnIndex].ByteArray()) != p.plan.Model.SHA256 {
			return errors.New("has a row of another model than the plan's")
		}
		if err := p.shadow.row(row); err != nil {
			return err
		}
		return p.row(p.entries[n], row[offset.ColumnIndex].Int64())
	})
	if err == nil && rows != want.Rows {
		err = fmt.Errorf("has %d rows, the ledger says %d", rows, want.Rows)
	}
	return err
}

// row checks that a decided row lies in its chunk, after the one before, and is
// no rejected one.
func (p *proof) row(chunk *status.Chunk, at int64) error {
	if at <= p.last {
		return fmt.Errorf("row at byte %d comes after one at byte %d", at, p.last)
	}
	p.last = at
	if at < chunk.FirstRecord || at >= chunk.NextRecord {
		return fmt.Errorf("row at byte %d is not of bytes %d to %d", at, chunk.FirstRecord, chunk.NextRecord)
	}
	if _, found := slices.BinarySearch(p.rejected, at); found {
		return fmt.Errorf("row at byte %d is in rejects.csv, too", at)
	}
	return nil
}

// rejects checks rejects.csv and returns the offsets of its rows, 8 bytes each.
func (r *Report) rejects(ctx context.Context, objects Objects, summary *status.Summary) ([]int64, error) {
	want := summary.Rejects
	if want == nil {
		r.check("rejects", r.Reject == 0, "none")
		return nil, nil
	}
	info, err := objects.Head(ctx, want.Key)
	if errors.Is(err, store.ErrNotFound) {
		r.check("rejects", false, "%s is missing", want.Key)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	in, err := objects.Open(ctx, info.Ref(), 0, store.OpenOptions{})
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }()
	sum := &fingerprint{hash: sha256.New()}
	offsets, err := rejectOffsets(io.TeeReader(in, sum))
	found := sum.object(want.Key)
	switch {
	case err != nil:
		r.check("rejects", false, "%s: %v", want.Key, err)
	case found.SHA256 != want.SHA256 || int64(len(offsets)) != want.Rows:
		r.check("rejects", false, "%s is not what the summary says", want.Key)
	default:
		r.check("rejects", want.Rows == r.Reject, "%s in rejects.csv", plural(len(offsets), "row"))
	}
	return offsets, nil
}

// rejectOffsets reads the byte offsets of a rejects file.
func rejectOffsets(in io.Reader) ([]int64, error) {
	records := csv.NewReader(in)
	records.ReuseRecord, records.FieldsPerRecord = true, len(rejectColumns())
	if _, err := records.Read(); err != nil {
		return nil, err
	}
	var offsets []int64
	for {
		record, err := records.Read()
		if errors.Is(err, io.EOF) {
			return offsets, nil
		}
		if err != nil {
			return nil, err
		}
		at, err := strconv.ParseInt(record[1], 10, 64)
		if err != nil {
			return nil, err
		}
		if len(offsets) > 0 && at <= offsets[len(offsets)-1] {
			return nil, fmt.Errorf("row at byte %d comes after one at byte %d", at, offsets[len(offsets)-1])
		}
		offsets = append(offsets, at)
	}
}

// plural counts things for people.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
