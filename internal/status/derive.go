package status

import "time"

// State is what a poller is told of an application.
type State string

// The states of an application. decided, rejected, failed and expired are
// terminal; failed alone may change, by a redrive.
const (
	Queued   State = "queued"
	Scoring  State = "scoring"
	Decided  State = "decided"
	Rejected State = "rejected"
	Retrying State = "retrying"
	Failed   State = "failed"
	Expired  State = "expired"
)

// Done reports whether a poller may stop.
func (s State) Done() bool {
	switch s {
	case Decided, Rejected, Failed, Expired:
		return true
	default:
		return false
	}
}

// File is what stands at a result key.
type File string

// What can stand at a result key.
const (
	FileMissing   File = "missing"
	FileResults   File = "results"
	FileTombstone File = "tombstone"
)

// Facts is everything an application's state is derived from.
type Facts struct {
	SubmittedAt time.Time     // from the id
	Now         time.Time     // from the reader's clock
	Retention   time.Duration // how long the queue keeps a message
	Document    *Application  // nil when there is none
	File        File          // what stands at the document's result key
}

// CommitGrace is how long after its lease the commit of a last delivery may
// still appear; until then its application is not called failed.
const CommitGrace = 30 * time.Second

// Derive tells the state of an application whose id is genuine.
func Derive(f Facts) State {
	d := f.Document
	switch {
	case d == nil && f.Now.Sub(f.SubmittedAt) > f.Retention:
		return Expired
	case d == nil:
		return Queued
	case d.State == DocRejected:
		return Rejected
	case d.State == DocFailing && f.Now.Before(d.LeaseUntil):
		return Retrying
	case d.State == DocFailing:
		return Failed
	case f.File == FileResults:
		return Decided
	case !d.Last:
		return Scoring
	case f.Now.Before(d.LeaseUntil.Add(CommitGrace)):
		return Retrying
	default:
		return Failed
	}
}

// DeriveBatch tells the state of a batch whose id is genuine from the
// documents that exist.
func DeriveBatch(plan *Batch, summary *Summary) BatchState {
	switch {
	case summary != nil:
		return summary.State
	case plan == nil:
		return BatchQueued
	default:
		return BatchScoring
	}
}
