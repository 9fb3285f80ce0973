// Package events is everything that travels over the queues: the messages of
// version 1, S3's event notifications, the sender that resends what SQS did
// not take, the poller that hands batches to a Handler, and the adapter that
// hands it Lambda's batches.
//
//	sender ──► queue ──► poller or Lambda ──► Handler ──► one error per message
//	                         │                              nil: acknowledged
//	                         │                              Permanent: acknowledged, logged
//	                         └ redelivered ◄─────────────── any other error
//
// Delivery is at least once, in any order, possibly twice at the same time.
// Nothing else decides what is retried.
package events
