package scorer

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
)

// repeatedIDs is a file of which the second half has the ids of the first.
func repeatedIDs(rows int) string {
	var b strings.Builder
	b.WriteString("Loan_ID,TotalIncome,LoanAmount,Credit_History,Property_Area\n")
	for i := range rows {
		fmt.Fprintf(&b, "LP%06d,%d,128,1,Urban\n", i%(rows/2), 1000+i)
	}
	return b.String()
}

// failure 54: every row of a repeated Loan_ID is decided, and they are counted,
// also across chunks.
func TestDuplicates(t *testing.T) {
	t.Parallel()
	file := repeatedIDs(400)
	for name, src := range map[string]ingest.Source{
		"parallel": textSource(file), "stream": ingest.StreamSource(strings.NewReader(file)),
	} {
		var out, rejects bytes.Buffer
		var found ingest.Duplicates
		tally, err := ScoreFile(t.Context(), testScorer(t), src, &out, FileOptions{
			DecidedAt: decidedAt(), Rejects: &rejects, segment: 1000, Duplicates: func(d ingest.Duplicates) { found = d },
		})
		if err != nil || tally.DecidedRows() != 400 || found != (ingest.Duplicates{Rows: 200, Exact: true}) {
			t.Errorf("%s: %+v, %v, %+v", name, tally, err, found)
		}
	}
	for name, text := range map[string]string{"ranges": file, "stream": gzipText(t, file)} {
		plan, summary, _ := batchOf(t, text, nil)
		if summary.Tally.DecidedRows() != 400 || summary.Duplicates == nil || *summary.Duplicates != (status.Duplicates{Rows: 200, Exact: true}) {
			t.Errorf("%s in %d chunks: %+v", name, plan.Chunks, summary.Duplicates)
		}
	}
	if _, summary, _ := batchOf(t, strings.ReplaceAll(file, "Loan_ID", "note"), nil); summary.Duplicates != nil {
		t.Errorf("a file without ids: %+v", summary.Duplicates)
	}
}

// More ids than an entry keeps: the count over several chunks is an estimate
// that says so.
func TestDuplicatesEstimated(t *testing.T) {
	t.Parallel()
	half := func() *status.Chunk {
		ids := ingest.NewIDs(smallIDs)
		for i := range 50_000 {
			ids.Add(fmt.Appendf(nil, "LP%d", i))
		}
		return &status.Chunk{LoanIDs: loanIDs(ids), Tally: status.Tally{Rows: 50_000}}
	}
	one, err := duplicates([]*status.Chunk{half()})
	if err != nil || *one != (status.Duplicates{Exact: true}) {
		t.Errorf("%+v, %v", one, err)
	}
	both, err := duplicates([]*status.Chunk{half(), half()})
	if err != nil || both.Exact || both.Rows < 45_000 || both.Rows > 55_000 {
		t.Errorf("%+v, %v", both, err)
	}
	if _, err := duplicates([]*status.Chunk{half(), {LoanIDs: &status.LoanIDs{Sample: []byte("x?")}}}); err == nil {
		t.Error("a sample that is none is taken")
	}
}
