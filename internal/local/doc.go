// Package local runs the embedded S3- and SQS-compatible servers on one data directory.
//
// Contract: Start returns when both servers listen, the bucket and the queues exist, and
// whatever could go wrong with the directory or the addresses has been said. A directory
// has one server at a time. What was acknowledged is there after a restart.
//
//	{dir}/lock              held while the server runs
//	{dir}/credentials.json  made at the first start, 0600
//	{dir}/s3/               objects (package s3gw)
//	{dir}/queues.db         queues and messages (package sqs)
//
//	PUT uploads/x ─► s3gw ─► object on disk ─► event on disk in NotifyQueue ─► 200
//
// An upload is acknowledged after its event is in the queue; when the queue cannot take it,
// the client is told 503 and the object may exist without an event. Whoever consumes events
// should list the uploads at start. Events may come twice, as those of S3.
//
// It is a development and single-machine part: one account, plain HTTP.
package local
