package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Ref pins one version of an object: by version id where the bucket has
// versions, otherwise by ETag.
type Ref struct {
	Key     string
	Version string
	ETag    string
	Size    int64 // bytes, as known when it was pinned
}

// OpenOptions bound a read. The zero value is the default.
type OpenOptions struct {
	Stall  time.Duration // longest silence within an answer of the store; 30 s
	Resume int           // how often a broken read is resumed without progress; 5
	// Ahead is how many bytes from the offset on will be read for certain. They
	// are fetched in ranges, some at a time, before they are asked for, and take
	// up to 9 MiB; 0: one request to the object's end, no faster than it is read.
	Ahead int64
}

// Open returns the bytes of ref from offset to its end. A read that breaks or
// stalls is resumed where it stopped. Reads fail with ErrChanged when the
// object was replaced, ErrNotFound when it is gone, io.ErrUnexpectedEOF when
// the store gives less than ref.Size says, ErrStalled when it fell silent
// again and again. The reader is not safe for concurrent use and must be closed.
func (s *Store) Open(ctx context.Context, ref Ref, offset int64, o OpenOptions) (io.ReadCloser, error) {
	if o.Stall == 0 {
		o.Stall = defaultStall
	}
	if o.Resume == 0 {
		o.Resume = 5
	}
	if ref.Version == "" && ref.ETag == "" {
		return nil, fmt.Errorf("%q: neither version nor ETag to read", ref.Key)
	}
	if o.Ahead > 0 && offset < ref.Size {
		return s.openAhead(ctx, ref, offset, o)
	}
	r := s.reader(ctx, ref, offset, ref.Size, o)
	if offset >= ref.Size {
		return r, nil
	}
	if err := r.request(); err != nil {
		r.cancel()
		return nil, err
	}
	return r, nil
}

// reader returns a reader of the bytes from pos to end, which has asked for
// nothing yet.
func (s *Store) reader(ctx context.Context, ref Ref, pos, end int64, o OpenOptions) *reader {
	reading, cancel := context.WithCancel(ctx)
	r := &reader{
		store: s, ref: ref, pos: pos, end: end, options: o, done: reading.Done(), cancel: cancel,
		cause: func() error { return context.Cause(reading) },
	}
	r.request = func() error { return r.open(reading) }
	return r
}

type reader struct {
	store   *Store
	ref     Ref
	pos     int64
	end     int64 // at most ref.Size
	options OpenOptions
	failed  int // tries since the last byte
	done    <-chan struct{}
	cause   func() error // why done is closed
	cancel  context.CancelFunc
	request func() error // opens body at pos
	body    *stalling
}

func (r *reader) open(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	in := &s3.GetObjectInput{Bucket: &r.store.bucket, Key: &r.ref.Key}
	span := fmt.Sprintf("bytes=%d-%d", r.pos, r.end-1)
	in.Range = &span
	if r.ref.Version != "" {
		in.VersionId = &r.ref.Version
	}
	if r.ref.ETag != "" {
		in.IfMatch = &r.ref.ETag
	}
	out, err := r.store.client.GetObject(ctx, in)
	if err != nil {
		stop()
		if codeOf(err) == "InvalidRange" {
			return fmt.Errorf("%q ends before byte %d of %d: %w", r.ref.Key, r.pos, r.ref.Size, io.ErrUnexpectedEOF)
		}
		return classify(r.ref.Key, ErrChanged, err)
	}
	body := &stalling{body: out.Body, limit: r.options.Stall, stop: stop}
	given := aws.ToString(out.ContentRange)
	if !strings.HasPrefix(given, fmt.Sprintf("bytes %d-", r.pos)) && (r.pos > 0 || given != "") {
		_ = body.Close()
		return fmt.Errorf("%q: asked for %s, given %q", r.ref.Key, span, given)
	}
	r.body = body
	return nil
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	for {
		if r.pos >= r.end {
			return 0, io.EOF
		}
		if r.body == nil {
			if err := r.request(); err != nil {
				return 0, err
			}
		}
		n, err := r.body.Read(p[:min(int64(len(p)), r.end-r.pos)])
		r.pos += int64(n)
		if n > 0 || len(p) == 0 {
			r.failed = 0
			return n, nil
		}
		if err == nil {
			continue
		}
		r.drop()
		r.failed++
		if r.failed > r.options.Resume {
			return 0, fmt.Errorf("%q at byte %d of %d: %w", r.ref.Key, r.pos, r.ref.Size, noEOF(err))
		}
		if err := r.pause(); err != nil {
			return 0, err
		}
	}
}

// pause waits between two tries, with full jitter.
func (r *reader) pause() error {
	limit := min(50*time.Millisecond<<min(r.failed, 6), 2*time.Second)
	timer := time.NewTimer(rand.N(limit))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-r.done:
		return fmt.Errorf("%q at byte %d: %w", r.ref.Key, r.pos, r.cause())
	}
}

func (r *reader) drop() {
	if r.body != nil {
		_ = r.body.Close()
		r.body = nil
	}
}

// Close implements io.Closer.
func (r *reader) Close() error {
	r.drop()
	r.cancel()
	return nil
}

// noEOF keeps a store's early end from passing as the object's end.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
