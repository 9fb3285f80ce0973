// Package scorer is the worker: it turns queue messages into decisions that
// are written exactly once.
//
//	applications queue ─► Applications: claim ─► commit ─► acknowledge
//	bulk queue ─────────► Bulk:         plan ─► chunks ─► close
//
// One application: claim.go writes the document that names a fresh result
// file, commit.go writes that file (the commit), the queue is told last.
// One CSV file: plan.go pins what will be scored, chunk.go scores one byte
// range into one Parquet part and one ledger entry, ledger.go checks the chain
// of entries and writes the summary.
//
// The only coordination is conditional writes to the object store. Every
// message may arrive any number of times, late, out of order, twice at once,
// and every process may die between any two calls. The package promises
// nothing about order, and nothing about time but that leases end.
package scorer
