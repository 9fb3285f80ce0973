package scorer

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
)

// badRows is a file of which every second row is rejected from row `from` on.
func badRows(rows, from int) string {
	var b strings.Builder
	b.WriteString("Loan_ID,TotalIncome,LoanAmount,Credit_History,Property_Area\n")
	for i := range rows {
		area := "Urban"
		if i >= from && i%2 == 0 {
			area = "Nowhere"
		}
		fmt.Fprintf(&b, "LP%04d,%d,128,1,%s\n", i, 1000+i, area)
	}
	return b.String()
}

// A file with too many rejects stops early; what was scored is whole.
func TestScoreFileMaxRejects(t *testing.T) {
	t.Parallel()
	file := badRows(1000, 300)
	for name, src := range map[string]ingest.Source{
		"parallel": textSource(file), "stream": ingest.StreamSource(strings.NewReader(file)),
	} {
		var out, rejects bytes.Buffer
		tally, err := ScoreFile(t.Context(), testScorer(t), src, &out, FileOptions{
			DecidedAt: decidedAt(), Rejects: &rejects, MaxRejects: new(int64(20)), segment: 1000,
		})
		var many *TooManyRejects
		if !errors.As(err, &many) || many.Limit != 20 || many.Rejected != tally.RejectedRows() {
			t.Fatalf("%s: %v, %+v", name, err, tally)
		}
		if tally.Rows < 300 || tally.Rows > 400 || tally.RejectedRows() < 21 {
			t.Errorf("%s: stopped after %d rows, %d rejected", name, tally.Rows, tally.RejectedRows())
		}
		written, err := parquet.OpenFile(bytes.NewReader(out.Bytes()), int64(out.Len()))
		if err != nil {
			t.Fatal(err)
		}
		if lines := int64(strings.Count(rejects.String(), "\n")) - 1; written.NumRows() != tally.DecidedRows() || lines != tally.RejectedRows() {
			t.Errorf("%s: %d rows and %d rejects are written of %+v", name, written.NumRows(), lines, tally)
		}
	}
	var out, rejects bytes.Buffer
	if _, err := ScoreFile(t.Context(), testScorer(t), textSource(file), &out, FileOptions{
		DecidedAt: decidedAt(), Rejects: &rejects, MaxRejects: new(int64(350)), segment: 1000,
	}); err != nil {
		t.Errorf("just as many as are allowed: %v", err)
	}
}

// A batch with too many rejects fails early, keeps what was done, and says how
// far it got.
func TestBatchMaxRejects(t *testing.T) {
	t.Parallel()
	limit := map[string]string{MetaMaxRejects: "5"}
	plan, summary, s := batchOf(t, badRows(400, 0), limit)
	if plan.MaxRejects == nil || *plan.MaxRejects != 5 {
		t.Errorf("plan %+v", plan)
	}
	if summary.State != status.BatchFailed || summary.Error == nil || summary.Error.Code != status.CodeTooManyRejects {
		t.Errorf("%s %+v", summary.State, summary.Error)
	}
	done := int64(len(summary.Parts))
	if summary.Tally.RejectedRows() <= 5 || done == 0 || done >= int64(plan.Chunks) || summary.Tally.Rows == 0 || len(summary.Problems) == 0 {
		t.Errorf("%d of %d parts, %+v, problems %v", done, plan.Chunks, summary.Tally, summary.Problems)
	}
	if summary.Problems[0].Line != 2 {
		t.Errorf("problems %+v", summary.Problems)
	}
	bodies := s.Bodies(status.BatchResultsPrefix)
	for _, part := range summary.Parts {
		if len(bodies[part.Key]) == 0 {
			t.Errorf("%s is not there", part.Key)
		}
	}
	if len(bodies) > plan.Chunks/2 {
		t.Errorf("%d of %d chunks were scored", len(bodies), plan.Chunks)
	}

	if _, summary, _ = batchOf(t, badRows(40, 0), map[string]string{MetaMaxRejects: "20"}); summary.State != status.BatchSucceededWithRejects {
		t.Errorf("just as many as are allowed: %s %+v", summary.State, summary.Error)
	}
	if _, summary, _ = batchOf(t, badRows(40, 0), map[string]string{MetaMaxRejects: "19"}); summary.State != status.BatchFailed ||
		summary.Error.Code != status.CodeTooManyRejects {
		t.Errorf("one more than is allowed: %s %+v", summary.State, summary.Error)
	}
	if _, summary, _ = batchOf(t, badRows(1, 1), map[string]string{MetaMaxRejects: "-1"}); summary.Error == nil || summary.Error.Code != ingest.CodeBadOption {
		t.Errorf("a limit that is no number: %s %+v", summary.State, summary.Error)
	}
	if _, summary, _ = batchOf(t, gzipText(t, badRows(40, 0)), limit); summary.State != status.BatchFailed || summary.Rejects == nil || len(summary.Parts) != 1 {
		t.Errorf("gzip: %s %+v", summary.State, summary.Rejects)
	}
}
