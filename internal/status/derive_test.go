package status

import (
	"testing"
	"time"
)

func TestDerive(t *testing.T) {
	t.Parallel()
	const retention = 4 * 24 * time.Hour
	lease := noon.Add(time.Minute)
	doc := func(s DocState) *Application { return &Application{State: s, LeaseUntil: lease, Result: "f"} }
	last := func() *Application {
		d := doc(DocClaimed)
		d.Last = true
		return d
	}
	for _, tc := range []struct {
		name string
		f    Facts
		want State
	}{
		{"just submitted", Facts{Now: noon, SubmittedAt: noon}, Queued},
		{"from a clock ahead", Facts{Now: noon, SubmittedAt: noon.Add(time.Hour)}, Queued}, // failure 59
		{"at the end of the retention", Facts{Now: noon, SubmittedAt: noon.Add(-retention)}, Queued},
		{"after it", Facts{Now: noon, SubmittedAt: noon.Add(-retention - 1)}, Expired},
		{"claimed, no file", Facts{Now: noon, Document: doc(DocClaimed), File: FileMissing}, Scoring},
		{"claimed, not looked", Facts{Now: noon, Document: doc(DocClaimed)}, Scoring},
		{"claimed, fenced", Facts{Now: noon, Document: doc(DocClaimed), File: FileTombstone}, Scoring},
		{"claimed, committed", Facts{Now: noon, Document: doc(DocClaimed), File: FileResults}, Decided},
		{"committed, old", Facts{Now: noon.Add(10 * retention), SubmittedAt: noon, Document: doc(DocClaimed), File: FileResults}, Decided},
		{"claimed, old", Facts{Now: noon.Add(10 * retention), SubmittedAt: noon, Document: doc(DocClaimed), File: FileMissing}, Scoring},
		{"last claim, in its lease", Facts{Now: noon, Document: last()}, Retrying},
		{"last claim, committed", Facts{Now: lease.Add(time.Hour), Document: last(), File: FileResults}, Decided},
		{"last claim, may still be committed", Facts{Now: lease.Add(CommitGrace - 1), Document: last(), File: FileMissing}, Retrying},
		{"last claim, given up", Facts{Now: lease.Add(CommitGrace), Document: last(), File: FileMissing}, Failed},
		{"last claim, fenced", Facts{Now: lease.Add(CommitGrace), Document: last(), File: FileTombstone}, Failed},
		{"rejected", Facts{Now: noon, Document: doc(DocRejected)}, Rejected},
		{"rejected, whatever else", Facts{Now: lease.Add(1), Document: doc(DocRejected), File: FileResults}, Rejected},
		{"failing", Facts{Now: noon, Document: doc(DocFailing)}, Retrying},
		{"failing, last moment", Facts{Now: lease.Add(-1), Document: doc(DocFailing)}, Retrying},
		{"failing, lease over", Facts{Now: lease, Document: doc(DocFailing)}, Failed},
		{"failing, long ago", Facts{Now: noon.Add(10 * retention), Document: doc(DocFailing)}, Failed},
		{"of an unknown state", Facts{Now: noon, Document: doc("newer")}, Scoring},
	} {
		tc.f.Retention = retention
		if got := Derive(tc.f); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

// A state that a poller was told is final stays, however late it looks again,
// unless a redrive takes over.
func TestTerminalStatesStay(t *testing.T) {
	t.Parallel()
	for i, s := range []DocState{DocClaimed, DocRejected, DocFailing, DocClaimed} {
		for _, file := range []File{FileMissing, FileResults, FileTombstone} {
			f := Facts{SubmittedAt: noon, Retention: time.Hour, File: file, Document: &Application{State: s, LeaseUntil: noon.Add(time.Minute), Last: i == 3}}
			var last State
			for h := range 100 {
				f.Now = noon.Add(time.Duration(h) * time.Hour)
				now := Derive(f)
				if last.Done() && now != last {
					t.Errorf("document %s, file %s: %s after %s", s, file, now, last)
				}
				last = now
			}
		}
	}
}

func TestDone(t *testing.T) {
	t.Parallel()
	for s, want := range map[State]bool{
		Queued: false, Scoring: false, Retrying: false, Decided: true, Rejected: true, Failed: true, Expired: true, "newer": false,
	} {
		if s.Done() != want {
			t.Errorf("%s.Done() = %t", s, !want)
		}
	}
	for s, want := range map[BatchState]bool{
		BatchAwaitingUpload: false, BatchQueued: false, BatchScoring: false, BatchSucceeded: true,
		BatchSucceededWithRejects: true, BatchFailed: true, BatchCancelled: true, BatchSuperseded: true,
	} {
		if s.Done() != want {
			t.Errorf("%s.Done() = %t", s, !want)
		}
	}
}

func TestDeriveBatch(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		plan    *Batch
		summary *Summary
		want    BatchState
	}{
		{"nothing", nil, nil, BatchQueued},
		{"planned", &Batch{Chunks: 3}, nil, BatchScoring},
		{"closed", &Batch{Chunks: 3}, &Summary{State: BatchSucceeded}, BatchSucceeded},
		{"closed with rejects", &Batch{}, &Summary{State: BatchSucceededWithRejects}, BatchSucceededWithRejects},
		{"replaced while scoring", &Batch{}, &Summary{State: BatchSuperseded}, BatchSuperseded}, // failure 33
		{"plan not seen", nil, &Summary{State: BatchFailed}, BatchFailed},
	} {
		if got := DeriveBatch(tc.plan, tc.summary); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}
