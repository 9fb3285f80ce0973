// Package status defines what the api and the scorer must agree on: the ids
// they mint and verify, the keys of the objects in the one bucket, the JSON
// documents behind those keys, and the states a poller is told.
//
// States are derived from documents on every read and stored nowhere:
//
//	no document, young ──► queued ──(old)──► expired
//	claim, file missing ─► scoring
//	claim, file present ─► decided      (the file's creation is the commit)
//	rejected document ───► rejected
//	claim of the last delivery,
//	failing document ────► retrying ──(lease over)──► failed
//
// The package reads and writes nothing itself and imports no other package of
// the project.
package status
