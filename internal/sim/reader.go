package sim

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/loanscorer/loanscorer/internal/store"
)

// Open returns the bytes of ref from offset to its end, with the contract of
// (*store.Store).Open.
func (b *Bucket) Open(ctx context.Context, ref store.Ref, offset int64, _ store.OpenOptions) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%q: %w", ref.Key, err)
	}
	r := &reader{bucket: b, ref: ref, pos: offset}
	if offset >= ref.Size {
		return r, nil // as the real one: not even a request
	}
	return r, r.request()
}

// ReadRange returns a part of the object at key.
func (b *Bucket) ReadRange(ctx context.Context, key string, offset, n int64) ([]byte, error) {
	o, err := b.object(ctx, key)
	if err != nil {
		return nil, err
	}
	if offset < 0 || n < 0 || offset+n > int64(len(o.body)) {
		return nil, fmt.Errorf("%q: bytes %d to %d of %d: %w", key, offset, offset+n, len(o.body), io.ErrUnexpectedEOF)
	}
	return bytes.Clone(o.body[offset : offset+n]), nil
}

// CreateFrom writes what r yields if there is no object under key.
func (b *Bucket) CreateFrom(ctx context.Context, key string, r io.Reader, o store.PutOptions) (store.Info, error) {
	body, err := io.ReadAll(r)
	if err != nil {
		return store.Info{}, err
	}
	return b.Create(ctx, key, body, o)
}

// ReplaceFrom writes what r yields if the object under key has that ETag.
func (b *Bucket) ReplaceFrom(ctx context.Context, key, etag string, r io.Reader, o store.PutOptions) (store.Info, error) {
	body, err := io.ReadAll(r)
	if err != nil {
		return store.Info{}, err
	}
	return b.Replace(ctx, key, etag, body, o)
}

// reader reads one pinned object. What it has requested once it can read to
// the end; a new request may find the object replaced or gone.
type reader struct {
	bucket *Bucket
	ref    store.Ref
	pos    int64
	body   []byte
}

func (r *reader) request() error {
	r.bucket.mu.Lock()
	defer r.bucket.mu.Unlock()
	o, ok := r.bucket.objects[r.ref.Key]
	if r.ref.Version != "" {
		o, ok = r.bucket.versions[r.ref.Key+"\x00"+r.ref.Version]
	}
	switch {
	case !ok:
		return fmt.Errorf("%q: %w", r.ref.Key, store.ErrNotFound)
	case r.ref.Version == "" && o.info.ETag != r.ref.ETag:
		return fmt.Errorf("%q: %w", r.ref.Key, store.ErrChanged)
	}
	r.body = o.body
	return nil
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	if r.pos >= r.ref.Size {
		return 0, io.EOF
	}
	if r.pos >= int64(len(r.body)) {
		return 0, fmt.Errorf("%q at byte %d of %d: %w", r.ref.Key, r.pos, r.ref.Size, io.ErrUnexpectedEOF)
	}
	n := copy(p, r.body[r.pos:min(r.ref.Size, int64(len(r.body)))])
	r.pos += int64(n)
	return n, nil
}

// Close implements io.Closer.
func (r *reader) Close() error { return nil }
