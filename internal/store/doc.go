// Package store is the project's one way to the object store: the AWS SDK's S3
// client with the few operations that the protocols need, each with a
// documented contract about what is known after an error.
//
//	Create   If-None-Match: *   nil | ErrExists  | unknown outcome
//	Replace  If-Match: etag     nil | ErrChanged | unknown outcome
//	Put      unconditional      nil              | unknown outcome
//	Get/Head                    nil | ErrNotFound | other
//	Open     pinned to a version or an ETag, resumed after a broken read
//
// An error that is neither sentinel leaves it open whether the write was
// applied: the SDK retries, and a retry of a write that was applied is told
// ErrExists or ErrChanged. Callers resolve both by reading back.
//
// Nothing here caches, lists more than it is asked for, or logs.
package store
