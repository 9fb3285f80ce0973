package s3gw

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
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
	Sequencer string    // hexadecimal; unique, and of two writes to one key the later one's is greater
	Time      time.Time // when the event was made, UTC
}

// sequencerAttr keeps the sequencer with the object, so that the event of an upload that is
// completed twice is the same event twice.
const sequencerAttr = "user.loanscorer.sequencer"

// sequencer marks a staged file. The caller holds the lock of the object's name, which makes
// the order of sequencers the order of writes.
func (d *disk) sequencer(f *os.File) (string, error) {
	now := time.Now().UnixNano()
	for {
		last := d.last.Load()
		next := max(now, last+1)
		if d.last.CompareAndSwap(last, next) {
			s := fmt.Sprintf("%016X", next)
			return s, unix.Fsetxattr(int(f.Fd()), sequencerAttr, []byte(s), 0)
		}
	}
}

// sequencerOf reads the mark of a stored object; "" when it has none.
func sequencerOf(file string) string {
	buf := make([]byte, 64)
	n, err := unix.Getxattr(file, sequencerAttr, buf)
	if err != nil {
		return ""
	}
	return string(buf[:n])
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
