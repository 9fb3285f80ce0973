// Package sim is a simulated object store and a simulated queue for tests,
// with the faults that real ones have: answers that get lost, writes that are
// applied after their error, retries that are told of their own first try,
// bursts of refusals, stalls, processes that die between two calls, messages
// delivered twice, late, out of order, or to two workers at once.
//
//	Worker ── receives from ──► Queue ◄── Sender (faults)
//	   └─ Handler of the test ──► Client (faults) ──► Bucket (exact)
//
// A Bucket behaves exactly as *store.Store does when nothing goes wrong. A
// Client is one process's view of it, a Worker runs one process after another.
// Every fault is a function of the seed, the process and the call, never of
// the order in which goroutines happen to run. Under testing/synctest, where
// every call takes its own virtual time, a run is therefore reproducible by
// its seed, and waits cost nothing.
//
// The package promises nothing about bytes per second, quotas or permissions.
package sim
