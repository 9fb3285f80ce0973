// Package s3gw runs an S3 endpoint in this process, on one directory.
//
// Contract: what is acknowledged is on disk and stays, also after kill -9 or a power cut;
// signatures are checked; conditional writes (If-None-Match: *, If-Match) have exactly one
// winner; a reader sees a whole object, old or new, under one ETag, and never one that a
// power cut could still take back.
//
//	SDK, CLI ──► versitygw s3api (HTTP, SigV4, XML) ──► disk (this package) ──► versitygw posix ──► files + xattrs
//	                                                     │ keys, locks, fsync, errors
//	                                                     └ OnCreated, before the client is told
//
// The protocol and the file layout are versitygw's (Apache-2.0). The wrapper adds what it
// lacks: fsync, a hook that may refuse the acknowledgement, exact errors for keys that a
// file system cannot hold, and absolute paths, so that the working directory of the process
// stays the caller's and several gateways may run side by side.
//
// Layout below Options.Dir: objects/{bucket}/{key} are the objects, their metadata is in
// extended attributes; versions/ holds older versions of versioned buckets.
//
// Not promised: keys that are not clean relative paths (a//b, ./a, ../a, a leading slash) or
// that have a segment above 227 bytes are refused with a 400; x/y and x/y/z cannot both exist
// (409). There is one account. Bucket policies, ACL changes, object lock, websites and S3 Select answer 501.
package s3gw
