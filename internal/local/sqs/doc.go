// Package sqs is an SQS-compatible subset for one machine: the AWS JSON 1.0
// protocol of Amazon SQS standard queues over one SQLite file.
//
//	HTTP request -> ServeHTTP: bound, check signature, decode, validate
//	                     |
//	                     v
//	             one writer goroutine: many calls = one transaction
//	                     |
//	                     v  fsync of the write-ahead log
//	             answer, then wake the long polls
//
// # Contract
//
//   - Acknowledged means fsynced. A call is answered after the transaction that
//     holds its effect has been committed with synchronous=FULL. Calls that
//     arrive during a commit share the next one.
//   - A message is delivered at least once until it is deleted, it expires, its
//     queue is purged, or it moves to the dead-letter queue. Receive counts
//     survive a crash, so a message that kills its consumer is still redriven.
//   - Every row carries a checksum. A damaged file makes [Open] fail with
//     [ErrCorrupt]; it is never emptied or repaired silently. Only the torn last
//     transaction of a crash, which nobody was told about, is dropped.
//   - A full disk answers ServiceUnavailable (503) and acknowledges nothing.
//     After an I/O error whose effect on the disk is unknown, or damage found
//     while running, every call answers 503 until the service is opened again.
//
// # Actions
//
// CreateQueue, GetQueueUrl, ListQueues, DeleteQueue, GetQueueAttributes,
// SetQueueAttributes, PurgeQueue, ListDeadLetterSourceQueues, SendMessage,
// SendMessageBatch, ReceiveMessage, DeleteMessage, DeleteMessageBatch,
// ChangeMessageVisibility, ChangeMessageVisibilityBatch, StartMessageMoveTask.
// Any other action, FIFO queues and the old Query protocol are refused by name.
//
// Semantics follow the Amazon SQS API reference:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/
//
// # What it does not promise
//
// Order (standard queues have none, although messages usually come oldest
// first), exactly-once delivery, access policies, encryption at rest, tags, or
// fairness between message groups: MessageGroupId is stored and returned only.
// A deleted queue's name can be used again at once. The file does not shrink;
// freed pages are reused.
//
// # HTTP server
//
// The caller makes the [net/http.Server]. Long polls last up to 20 s, so use
// ReadHeaderTimeout 10 s, ReadTimeout 30 s, WriteTimeout 60 s, IdleTimeout
// 120 s, and RegisterOnShutdown(service.EndPolls) so that waiting clients do
// not hold up a graceful stop. Then [Service.Close].
package sqs
