package scorer

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"strings"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

// Folders lists the names below a prefix; *store.Store does.
type Folders interface {
	Folders(ctx context.Context, prefix string) ([]string, error)
}

// SweeperOptions describe a sweeper. Zero values are the defaults given.
type SweeperOptions struct {
	Bulk    *Bulk         // required
	Folders Folders       // of the bucket, required
	Age     time.Duration // younger uploads and batches are left to their messages, 15 min
	Days    int           // batches of uploads of the last so many days are looked at, 14
}

// Sweeper finds what no message will finish: uploads whose announcement was
// lost, and batches whose messages ended in the dead-letter queue. It remembers
// what it has seen finished and what it has announced, so one sweep costs one
// listing and what is new. What goes wrong with one of them is told and does not
// keep it from the others. It is not safe for concurrent use.
type Sweeper struct {
	o    SweeperOptions
	seen map[[16]byte]time.Time // when it is looked at again, by hash of its name
	open map[[16]byte]time.Time // since when it is unfinished, by hash of its name
	was  map[[16]byte]time.Time // the same after the sweep before
}

// Swept is what one sweep did.
type Swept struct {
	Uploads int // announced again
	Batches int // taken up again
	// Oldest is how long the oldest batch has been unfinished, or the oldest
	// upload without a batch, that this sweeper knows of; 0 when there is none.
	Oldest time.Duration
}

// again is how long a sweeper waits for what it has announced.
const again = time.Hour

// maxSeen bounds what a sweeper remembers, in things of about 64 bytes; beyond
// it, it forgets everything.
const maxSeen = 1 << 18

// NewSweeper returns a sweeper, or an error that names the option at fault.
func NewSweeper(o SweeperOptions) (*Sweeper, error) {
	if o.Bulk == nil || o.Folders == nil {
		return nil, errors.New("sweeper: Bulk and Folders: required")
	}
	if o.Age == 0 {
		o.Age = 15 * time.Minute
	}
	if o.Days == 0 {
		o.Days = 14
	}
	return &Sweeper{o: o, seen: map[[16]byte]time.Time{}, open: map[[16]byte]time.Time{}}, nil
}

// Sweep looks once. The first sweep of a process may be told to take every
// upload without a batch, whatever its age: nothing announces it any more when
// the announcing store itself was stopped.
func (s *Sweeper) Sweep(ctx context.Context, everyUpload bool) (Swept, error) {
	var done Swept
	s.was, s.open = s.open, map[[16]byte]time.Time{}
	uploads, err1 := s.uploads(ctx, everyUpload)
	if err1 != nil {
		err1 = fmt.Errorf("sweep of uploads: %w", err1)
	}
	batches, err2 := s.batches(ctx)
	if err2 != nil {
		err2 = fmt.Errorf("sweep of batches: %w", err2)
	}
	done.Uploads, done.Batches = uploads, batches
	if err1 != nil || err2 != nil {
		maps.Copy(s.was, s.open) // not everything was looked at
		s.open = s.was
	}
	for _, since := range s.open {
		done.Oldest = max(done.Oldest, s.o.Bulk.o.Now().Sub(since))
	}
	return done, errors.Join(err1, err2)
}

// due reports whether a thing that is there should be looked at.
func (s *Sweeper) due(name string, now time.Time) bool {
	hash := hashOf(name)
	if since, ok := s.was[hash]; ok {
		s.open[hash] = since
	}
	until, ok := s.seen[hash]
	return !ok || now.After(until)
}

// leave remembers not to look at a thing for d.
func (s *Sweeper) leave(name string, now time.Time, d time.Duration) {
	if len(s.seen) >= maxSeen {
		clear(s.seen)
	}
	s.seen[hashOf(name)] = now.Add(d)
}

// unfinished remembers since when a thing is unfinished.
func (s *Sweeper) unfinished(name string, since time.Time) {
	if len(s.open) >= maxSeen {
		clear(s.open)
	}
	s.open[hashOf(name)] = since
}

// recheck forgets an unfinished thing that is left alone if it is done.
func (s *Sweeper) recheck(name string, done func() (bool, error)) {
	if _, open := s.open[hashOf(name)]; !open {
		return
	}
	if ok, err := done(); err == nil && ok { // an error is told when it is looked at again
		s.finished(name)
	}
}

// finished forgets an unfinished thing.
func (s *Sweeper) finished(name string) { delete(s.open, hashOf(name)) }

func hashOf(name string) [16]byte {
	sum := sha256.Sum256([]byte(name))
	return [16]byte(sum[:16])
}

// failed tells what went wrong with one thing, which is left alone for a while.
func (s *Sweeper) failed(ctx context.Context, name string, now time.Time, err error) {
	s.leave(name, now, again/6)
	if ctx.Err() == nil {
		s.o.Bulk.o.Logger.LogAttrs(ctx, slog.LevelError, "cannot be taken up", slog.String("error", err.Error()))
	}
}

// uploads announces every upload that no batch was planned for, as if the
// store had.
func (s *Sweeper) uploads(ctx context.Context, every bool) (int, error) {
	b, n := s.o.Bulk, 0
	for info, err := range b.o.Objects.List(ctx, status.UploadsPrefix, "") {
		if err != nil {
			return n, err
		}
		now := b.o.Now()
		name := info.Key + "\x00" + info.ETag + "\x00" + info.LastModified.String()
		young := !every && now.Sub(info.LastModified) < s.o.Age
		if strings.HasSuffix(info.Key, "/") || young || !s.due(name, now) {
			s.recheck(name, func() (bool, error) { return b.planned(ctx, info) })
			continue
		}
		announced := false
		err := guarded(func() (err error) {
			announced, err = s.upload(ctx, info)
			return err
		})
		switch {
		case ctx.Err() != nil:
			return n, ctx.Err()
		case err != nil:
			s.failed(ctx, name, now, err)
		case announced:
			s.leave(name, now, again)
			s.unfinished(name, info.LastModified)
			n++
		default:
			s.leave(name, now, 24*again)
			s.finished(name)
		}
	}
	return n, nil
}

// upload announces one upload unless a batch was planned for it.
func (s *Sweeper) upload(ctx context.Context, info store.Info) (bool, error) {
	b := s.o.Bulk
	planned, err := b.planned(ctx, info)
	if err != nil || planned {
		return false, err
	}
	body, err := announcement(b.o.Bucket, info)
	if err != nil {
		return false, err
	}
	return true, errors.Join(b.o.Queue.SendAll(ctx, []string{body}, "")...)
}

// planned reports whether the receipt of an upload names this version of it.
func (b *Bulk) planned(ctx context.Context, info store.Info) (bool, error) {
	r, err := b.readReceipt(ctx, info.Key)
	if err != nil || r == nil {
		return false, err
	}
	// A HEAD tells the time in seconds, a listing may tell more.
	same := r.Source.LastModified.Truncate(time.Second).Equal(info.LastModified.Truncate(time.Second))
	return same && r.Source.ETag == info.ETag && r.Source.Size == info.Size, nil
}

// batches takes up every planned batch that has made no progress for a while.
func (s *Sweeper) batches(ctx context.Context) (int, error) {
	n, today := 0, s.o.Bulk.o.Now()
	for back := range s.o.Days {
		prefix := status.BatchesPrefix + status.Day(today.AddDate(0, 0, -back)) + "/"
		folders, err := s.o.Folders.Folders(ctx, prefix)
		if err != nil {
			return n, err
		}
		for _, f := range folders {
			id := strings.TrimSuffix(f, "/")
			if !status.ValidID(id) || !s.due(id, today) {
				s.recheck(id, func() (bool, error) { return s.o.Bulk.closed(ctx, id) })
				continue
			}
			resumed := false
			err := guarded(func() (err error) {
				resumed, err = s.batch(ctx, id)
				return err
			})
			switch {
			case ctx.Err() != nil:
				return n, ctx.Err()
			case err != nil:
				s.failed(ctx, id, today, err)
			case resumed:
				n++
			}
		}
	}
	return n, nil
}

// batch takes up one batch if it is open and nothing happens to it.
func (s *Sweeper) batch(ctx context.Context, id string) (bool, error) {
	b, now := s.o.Bulk, s.o.Bulk.o.Now()
	done, err := b.closed(ctx, id)
	if err != nil {
		return false, err
	}
	if done {
		s.leave(id, now, 24*again)
		s.finished(id)
		return false, nil
	}
	plan, err := b.readPlan(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	s.unfinished(id, plan.PlannedAt)
	last := plan.PlannedAt
	for info, err := range b.o.Objects.List(ctx, status.LedgerPrefix(id), "") {
		if err != nil {
			return false, err
		}
		if info.LastModified.After(last) {
			last = info.LastModified
		}
	}
	if now.Sub(last) < s.o.Age {
		return false, nil
	}
	s.leave(id, now, again)
	return true, b.resume(ctx, plan)
}

// announcement is what S3 would have sent for the object.
func announcement(bucket string, info store.Info) (string, error) {
	event := lambdaevents.S3Event{Records: []lambdaevents.S3EventRecord{{
		EventVersion: "2.1", EventSource: "aws:s3", EventName: "ObjectCreated:Put",
		EventTime: info.LastModified.UTC().Truncate(time.Millisecond),
		S3: lambdaevents.S3Entity{
			SchemaVersion: "1.0", Bucket: lambdaevents.S3Bucket{Name: bucket},
			Object: lambdaevents.S3Object{
				Key: url.QueryEscape(info.Key), Size: info.Size, ETag: strings.Trim(info.ETag, `"`),
			},
		},
	}}}
	body, err := json.Marshal(event)
	if err != nil {
		return "", err
	}
	if _, err := events.ParseBulk(body); err != nil {
		return "", err
	}
	return string(body), nil
}
