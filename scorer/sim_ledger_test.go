package scorer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/loanscorer/loanscorer/internal/sim"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

// simLedger watches what a simulation writes for batches.
type simLedger struct {
	trace    []string
	problems []string
}

func (l *simLedger) problem(format string, args ...any) {
	l.problems = append(l.problems, fmt.Sprintf(format, args...))
}

// change is told every write. Plans, summaries and rejects are written once,
// parts and ledger entries once more after a wrong guess.
func (l *simLedger) change(w sim.Change) {
	key := w.Info.Key
	l.trace = append(l.trace, fmt.Sprintf("%s %s %s", time.Now().UTC().Format("15:04:05.000000000"), key, w.Info.ETag))
	if !w.Replaced {
		return
	}
	switch {
	case strings.HasSuffix(key, "/batch.json"), strings.HasSuffix(key, "/summary.json"),
		strings.HasSuffix(key, "/rejects.csv"), strings.HasPrefix(key, status.ModelsPrefix),
		strings.HasPrefix(key, status.ReasonsPrefix):
		l.problem("%s was overwritten", key)
	}
}

// end checks every batch that was planned, and that every upload was.
func (l *simLedger) end(t *testing.T, u *simUploads) {
	t.Helper()
	current := map[string]string{} // ETag by key of the uploads that are there
	for info := range u.bucket.List(t.Context(), status.UploadsPrefix, "") {
		current[info.Key] = info.ETag
	}
	for key, body := range u.bucket.Bodies(status.BatchesPrefix) {
		if !strings.HasSuffix(key, "/batch.json") {
			continue
		}
		var plan status.Batch
		if err := status.Decode(body, &plan); err != nil {
			l.problem("%s: %v", key, err)
			continue
		}
		if l.batch(t, u, &plan) && current[plan.Source.Key] == plan.Source.ETag {
			delete(current, plan.Source.Key)
		}
	}
	for key := range current {
		l.problem("%s has no finished batch", key)
	}
}

// batch checks one batch and reports whether it has scored or refused its
// upload.
func (l *simLedger) batch(t *testing.T, u *simUploads, plan *status.Batch) bool {
	t.Helper()
	var s status.Summary
	if err := readDocument(t.Context(), u.bucket, status.SummaryKey(plan.ID), &s); err != nil {
		l.problem("batch %s of %s: no terminal state: %v", plan.ID, plan.Source.Key, err)
		return false
	}
	switch {
	case plan.Error != nil && u.changed[plan.Source.Key] && gone(&s):
		return false // replaced or deleted between its plan and its end
	case plan.Error != nil:
		if s.State != status.BatchFailed || s.Error == nil || s.Error.Code != plan.Error.Code {
			l.problem("batch %s: %s, want the refusal %s", plan.ID, s.State, plan.Error.Code)
		}
		return true
	case s.State == status.BatchSucceeded, s.State == status.BatchSucceededWithRejects:
		if err := l.scored(t, u, plan, &s); err != nil {
			l.problem("batch %s of %s: %v", plan.ID, plan.Source.Key, err)
		}
		return true
	case !u.changed[plan.Source.Key]:
		l.problem("batch %s ended as %s, its upload was not touched: %+v", plan.ID, s.State, s.Error)
	case gone(&s):
	default:
		l.problem("batch %s ended as %s: %+v", plan.ID, s.State, s.Error)
	}
	return false
}

// gone reports whether a batch ended because its upload was not there any more.
func gone(s *status.Summary) bool {
	return s.State == status.BatchSuperseded || s.State == status.BatchFailed && s.Error != nil && s.Error.Code == "input_gone"
}

// scored checks a batch against ScoreFile on the whole text, against a run
// without faults, and with Verify.
func (l *simLedger) scored(t *testing.T, u *simUploads, plan *status.Batch, s *status.Summary) error {
	t.Helper()
	report, err := Verify(t.Context(), u.bucket, plan.ID)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	if !report.OK() {
		l.problem("batch %s: verify: %+v", plan.ID, report.Checks)
	}
	text := u.texts[plan.Source.ETag]
	if err := l.whole(t, u.bucket, plan, s, text); err != nil {
		return fmt.Errorf("whole file: %w", err)
	}
	plain, err := simPlainRun(t, u.bucket, plan, store.Info{Key: plan.Source.Key}, text)
	if err != nil {
		return fmt.Errorf("plain run: %w", err)
	}
	for _, prefix := range []string{status.BatchPrefix(plan.ID), status.PartsPrefix(plan.ID)} {
		got, want := u.bucket.Bodies(prefix), plain.Bodies(prefix)
		got[status.SummaryKey(plan.ID)], want[status.SummaryKey(plan.ID)] = nil, nil
		if !maps.EqualFunc(want, got, bytes.Equal) {
			l.problem("batch %s: objects differ from those of a run without faults: %s", plan.ID, cmp.Diff(want, got))
		}
	}
	var p status.Summary
	if err := readDocument(t.Context(), plain, status.SummaryKey(plan.ID), &p); err != nil {
		return err
	}
	p.ClosedAt, p.Source.Version = s.ClosedAt, s.Source.Version
	p.Stats.Seconds, p.Stats.RowsPerSecond = s.Stats.Seconds, s.Stats.RowsPerSecond
	if diff := cmp.Diff(p, *s); diff != "" {
		l.problem("batch %s: summary: %s", plan.ID, diff)
	}
	return nil
}

// whole compares the parts and rejects.csv with what ScoreFile makes of the
// whole text.
func (l *simLedger) whole(t *testing.T, bucket *sim.Bucket, plan *status.Batch, s *status.Summary, text string) error {
	t.Helper()
	scorer := simModels(t)[0]
	if scorer.Model().SHA256() != plan.Model.SHA256 {
		scorer = simModels(t)[1]
	}
	var file, rejects bytes.Buffer
	tally, err := ScoreFile(t.Context(), scorer, textSource(text), &file, FileOptions{DecidedAt: plan.PlannedAt, Rejects: &rejects})
	if err != nil {
		return err
	}
	if diff := cmp.Diff(tally, s.Tally); diff != "" {
		l.problem("batch %s: tally: %s", plan.ID, diff)
	}
	want, err := simTable(file.Bytes())
	if err != nil {
		return err
	}
	got := want[:1:1] // the names of the columns
	for _, part := range s.Parts {
		body := bucket.Bodies(part.Key)[part.Key]
		rows, err := simTable(body)
		if err != nil {
			return fmt.Errorf("%s: %w", part.Key, err)
		}
		if rows[0] != want[0] {
			l.problem("batch %s: columns %s, want %s", plan.ID, rows[0], want[0])
		}
		got = append(got, rows[1:]...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		l.problem("batch %s: rows differ from those of the whole file: %s", plan.ID, diff)
	}
	if s.Tally.RejectedRows() > 0 {
		got := string(bucket.Bodies(status.RejectsKey(plan.ID))[status.RejectsKey(plan.ID)])
		if diff := cmp.Diff(rejects.String(), got); diff != "" {
			l.problem("batch %s: rejects.csv: %s", plan.ID, diff)
		}
	}
	return nil
}

// simTable reads a Parquet file as text: the columns' names, then the rows.
func simTable(data []byte) ([]string, error) {
	file, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range file.Schema().Fields() {
		names = append(names, f.Name())
	}
	lines := []string{strings.Join(names, "|")}
	for _, group := range file.RowGroups() {
		rows := group.Rows()
		buf := make([]parquet.Row, 32)
		for {
			n, err := rows.ReadRows(buf)
			for _, row := range buf[:n] {
				lines = append(lines, fmt.Sprintf("%+v", row))
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, err
			}
		}
		if err := rows.Close(); err != nil {
			return nil, err
		}
	}
	return lines, nil
}
