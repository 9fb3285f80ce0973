package scorer

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/loanscorer/loanscorer/ingest"
)

// A worker that has scored another chunk makes the bytes that a new one makes.
func TestSpareWorkers(t *testing.T) {
	t.Parallel()
	var spares spareWorkers
	s := testScorer(t)
	run := func(text string, spare *segmentWorker) ([]byte, scanned) {
		t.Helper()
		head, err := ingest.ParseHead([]byte(text), true, ingest.Given{})
		if err != nil {
			t.Fatal(err)
		}
		rows := &rowScorer{scorer: s, head: head, decidedAt: time.Unix(1, 0), size: int64(len(text)), spare: spare}
		records := ingest.NewScanner(strings.NewReader(text[head.DataStart:]), head.DataStart, ingest.ScannerOptions{Dialect: head.Dialect})
		var out bytes.Buffer
		done, err := rows.run(t.Context(), records, int64(len(text)), &out, &newRejectLines().rejectWriter)
		if err != nil {
			t.Fatal(err)
		}
		return out.Bytes(), done
	}
	first, second := quotedFile(1, 400), quotedFile(2, 300)
	_, done := run(first, nil)
	want, fresh := run(second, nil)
	got, reused := run(second, done.worker)
	if reused.worker != done.worker {
		t.Error("the spare worker is not used")
	}
	if !bytes.Equal(got, want) {
		t.Error("a worker used again makes other bytes")
	}
	if got, want := reused.ids.Duplicates(), fresh.ids.Duplicates(); got != want {
		t.Errorf("a worker used again counts %v duplicates, want %v", got, want)
	}
	for _, c := range []struct {
		batch  string
		scorer *Scorer
	}{{"B", s}, {"A", testScorer(t)}} {
		spares.give("A", s, done.worker)
		if spares.take(c.batch, c.scorer) != nil {
			t.Errorf("a worker of batch A is taken for batch %s and a scorer of its own", c.batch)
		}
	}
}
