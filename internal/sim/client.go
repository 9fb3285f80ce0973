package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/loanscorer/loanscorer/internal/store"
)

// Client is one process's view of a bucket, with faults. It has the methods
// of *store.Store that the worker uses, with the same contracts.
type Client struct {
	bucket  *Bucket
	process *Process
	name    func(key string) string
}

// NewClient returns the view. name tells the dice what a key is called; keys
// that differ between two runs of one seed must have one name. nil is the key
// itself.
func NewClient(b *Bucket, p *Process, name func(key string) string) *Client {
	if name == nil {
		name = func(key string) string { return key }
	}
	return &Client{bucket: b, process: p, name: name}
}

// Head is (*store.Store).Head.
func (c *Client) Head(ctx context.Context, key string) (store.Info, error) {
	if _, err := c.read(ctx, "head", key); err != nil {
		return store.Info{}, err
	}
	return c.bucket.Head(ctx, key)
}

// Get is (*store.Store).Get.
func (c *Client) Get(ctx context.Context, key string, limit int64) ([]byte, store.Info, error) {
	if _, err := c.read(ctx, "get", key); err != nil {
		return nil, store.Info{}, err
	}
	return c.bucket.Get(ctx, key, limit)
}

// List is (*store.Store).List.
func (c *Client) List(ctx context.Context, prefix, after string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		if _, err := c.read(ctx, "list", prefix); err != nil {
			yield(store.Info{}, err)
			return
		}
		c.bucket.List(ctx, prefix, after)(yield)
	}
}

// Create is (*store.Store).Create.
func (c *Client) Create(ctx context.Context, key string, body []byte, o store.PutOptions) (store.Info, error) {
	return c.write(ctx, "create", key, store.ErrExists, func() (store.Info, error) {
		return c.bucket.Create(context.WithoutCancel(ctx), key, body, o)
	})
}

// Replace is (*store.Store).Replace.
func (c *Client) Replace(ctx context.Context, key, etag string, body []byte, o store.PutOptions) (store.Info, error) {
	return c.write(ctx, "replace", key, store.ErrChanged, func() (store.Info, error) {
		return c.bucket.Replace(context.WithoutCancel(ctx), key, etag, body, o)
	})
}

// Put is (*store.Store).Put.
func (c *Client) Put(ctx context.Context, key string, body []byte, o store.PutOptions) (store.Info, error) {
	return c.write(ctx, "put", key, nil, func() (store.Info, error) {
		return c.bucket.Put(context.WithoutCancel(ctx), key, body, o)
	})
}

// CreateFrom is (*store.Store).CreateFrom.
func (c *Client) CreateFrom(ctx context.Context, key string, r io.Reader, o store.PutOptions) (store.Info, error) {
	body, err := c.collect(ctx, key, r)
	if err != nil {
		return store.Info{}, err
	}
	return c.Create(ctx, key, body, o)
}

// ReplaceFrom is (*store.Store).ReplaceFrom.
func (c *Client) ReplaceFrom(ctx context.Context, key, etag string, r io.Reader, o store.PutOptions) (store.Info, error) {
	body, err := c.collect(ctx, key, r)
	if err != nil {
		return store.Info{}, err
	}
	return c.Replace(ctx, key, etag, body, o)
}

// collect takes what r yields, unless the store refuses before it has.
func (c *Client) collect(ctx context.Context, key string, r io.Reader) ([]byte, error) {
	roll := c.process.roll("collect " + c.name(key))
	if roll.IntN(4) == 0 {
		if _, err := c.read(ctx, "begin", key); err != nil {
			return nil, err
		}
	}
	return io.ReadAll(r)
}

// read lets a call take its time or fail. It returns the call's chance.
func (c *Client) read(ctx context.Context, op, key string) (*rand.Rand, error) {
	if c.process.Dead() {
		return nil, ErrDead
	}
	r := c.process.roll(op + " " + c.name(key))
	f := c.process.faults
	chosen, d := f.pick(r, false), f.latency(r)
	if chosen == stalled {
		d = f.long(r)
	}
	err := wait(ctx, d)
	switch {
	case c.process.Dead():
		return nil, ErrDead
	case err != nil:
		return nil, err
	case chosen == crashBefore:
		return nil, c.process.die()
	case chosen == refused:
		return nil, fmt.Errorf("%s %q: %w", op, key, ErrFault)
	default:
		return r, nil
	}
}

// write applies a write, or does not, or does later, and tells so, or does
// not. precondition is what the store says to a repetition of a write that was
// applied; nil is success.
func (c *Client) write(ctx context.Context, op, key string, precondition error,
	apply func() (store.Info, error),
) (store.Info, error) {
	if c.process.Dead() {
		return store.Info{}, ErrDead
	}
	r := c.process.roll(op + " " + c.name(key))
	f := c.process.faults
	chosen, d := f.pick(r, true), f.latency(r)
	flight := f.long(r)
	if chosen == stalled {
		d = flight
	}
	if err := wait(ctx, d); err != nil {
		if r.IntN(2) == 0 {
			c.later(f.latency(r), apply) // on its way all the same
		}
		return store.Info{}, err
	}
	if c.process.Dead() {
		return store.Info{}, ErrDead
	}
	fault := fmt.Errorf("%s %q: %w", op, key, ErrFault)
	switch chosen {
	case refused:
		return store.Info{}, fault
	case late:
		c.later(flight, apply)
		return store.Info{}, fault
	case crashBefore:
		return store.Info{}, c.process.die()
	case crashLate:
		c.later(flight, apply)
		return store.Info{}, c.process.die()
	}
	info, err := apply()
	switch {
	case chosen == crashAfter:
		return store.Info{}, c.process.die()
	case chosen == lost:
		return store.Info{}, fault
	case chosen == repeated && err == nil && precondition != nil:
		return store.Info{}, fmt.Errorf("%q: %w", key, precondition)
	case chosen == echo:
		c.later(flight, apply)
	}
	return info, err
}

// later applies a write whose process does not wait for it any more.
func (c *Client) later(d time.Duration, apply func() (store.Info, error)) {
	c.bucket.flight.Go(func() {
		<-time.After(d)
		_, _ = apply() // nobody is there to be told
	})
}

// Open is (*store.Store).Open.
func (c *Client) Open(ctx context.Context, ref store.Ref, offset int64, o store.OpenOptions) (io.ReadCloser, error) {
	if offset < ref.Size {
		if _, err := c.read(ctx, "open", ref.Key); err != nil {
			return nil, err
		}
	}
	in, err := c.bucket.Open(ctx, ref, offset, o)
	if err != nil {
		return nil, err
	}
	return &clientReader{client: c, reader: in.(*reader), fail: func(name string) (*rand.Rand, error) {
		return c.read(ctx, name, ref.Key)
	}}, nil
}

// clientReader reads in small pieces, each of which can take long, fail for
// good, or need a new request that finds the object changed.
type clientReader struct {
	client *Client
	reader *reader
	fail   func(name string) (*rand.Rand, error)
}

// Read implements io.Reader.
func (r *clientReader) Read(p []byte) (int, error) {
	if r.reader.pos >= r.reader.ref.Size {
		return 0, io.EOF
	}
	roll, err := r.fail("read")
	if err != nil {
		return 0, err
	}
	if roll.IntN(4) == 0 { // the connection broke
		if err := r.reader.request(); err != nil {
			return 0, err
		}
	}
	n, err := r.reader.Read(p[:min(len(p), 1+roll.IntN(4096))])
	if errors.Is(err, io.EOF) {
		return n, io.EOF
	}
	return n, err
}

// Close implements io.Closer.
func (r *clientReader) Close() error { return nil }
