// Package runtimetest is Lambda's side of a function, for tests: it runs the
// function's program in processes of its own, speaks the Runtime API with them,
// and does what Lambda does when they go wrong.
//
//	Mapping ── receives from ──► SQS queue
//	   └─ Invoke ─► Function ─► environment (Runtime API on loopback ◄─► process)
//
// An invocation goes to an idle environment or to a new one, so as many
// invocations as are asked for run at the same time. Between invocations a
// process is stopped, as Lambda freezes it; at the deadline it is killed; one
// that ends takes its invocation with it.
//
// Contract: only tests import it. Everything ends with the test. It promises
// nothing about throttling, billing, layers, extensions or streamed answers.
package runtimetest
