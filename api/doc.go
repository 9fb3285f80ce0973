// Package api is the HTTP side of loanscorer: it takes loan applications in,
// tells what became of them and of uploaded files, and answers the one
// synchronous endpoint of the article that the project grew out of.
//
//	POST /v1/applications ─► ingest (strict) ─► id ─► applications queue ─► 202
//	GET  /v1/applications/{id} ◄─ state derived from the objects of the worker
//	GET  /v1/batches[/{id}]    ◄─ plan, ledger entries, summary
//	POST /predictions ─► model ─► 200
//
// It writes no object and keeps no state but a bounded cache of ledger
// entries, so any number of processes can serve the same bucket. An
// application is accepted when the queue has it: a 202 is never lost, and an id
// that was handed out is never unknown. Every error is a problem document
// (RFC 9457) from the one table in problem.go. Nothing of an application is
// ever logged.
//
// The package does not listen: see Server. It promises no order among
// applications, and does not limit how often a caller may ask.
package api
