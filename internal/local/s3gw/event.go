package s3gw

import (
	"context"
	"log/slog"
	"strings"
	"time"
)

// The names of events, as S3 spells them in eventName.
const (
	EventPut      = "ObjectCreated:Put"
	EventCopy     = "ObjectCreated:Copy"
	EventComplete = "ObjectCreated:CompleteMultipartUpload"
)

// Event says that an object was created or replaced.
type Event struct {
	Name      string    // EventPut, EventCopy or EventComplete
	Bucket    string    // bucket name
	Key       string    // as stored, not URL-encoded
	Size      int64     // bytes
	ETag      string    // without quotes
	VersionID string    // empty unless the bucket is versioned
	Time      time.Time // when it was written, UTC
}

// created calls the hook, if there is one. The strings of a request live in a buffer that
// the server uses again, so the hook gets copies.
func (d *disk) created(ctx context.Context, e Event) error {
	if d.onCreated == nil {
		return nil
	}
	e.Bucket, e.Key = strings.Clone(e.Bucket), strings.Clone(e.Key)
	e.ETag = strings.Clone(strings.Trim(e.ETag, `"`))
	e.VersionID = strings.Clone(e.VersionID)
	e.Time = time.Now().UTC()
	if err := d.onCreated(ctx, e); err != nil {
		d.log.LogAttrs(ctx, slog.LevelError, "object not announced",
			slog.String("bucket", e.Bucket), slog.String("key", e.Key), slog.Any("error", err))
		return errHook()
	}
	return nil
}
