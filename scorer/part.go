package scorer

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

// writePart writes what fill yields under key and returns what stands there
// afterwards. It never overwrites anything but wrong, the part of a wrong guess
// that the ledger names: whatever else is there is this part from an earlier
// try or another worker, and stands. fill may be called more than once.
func (b *Bulk) writePart(ctx context.Context, key string, wrong *status.Object,
	fill func(context.Context, io.Writer) error,
) (status.Object, error) {
	for range maxLooks {
		etag := ""
		if wrong != nil {
			found, info, err := b.fingerprint(ctx, key)
			switch {
			case errors.Is(err, store.ErrNotFound):
			case err != nil:
				return status.Object{}, err
			case found.SHA256 != wrong.SHA256:
				return found, guarded(func() error { return fill(ctx, io.Discard) })
			}
			etag = info.ETag
		}
		written, err := b.stream(ctx, key, etag, parquetType, fill)
		var source *sourceError
		switch {
		case err == nil, errors.As(err, &source):
			return written, err
		case !errors.Is(err, store.ErrExists) && !errors.Is(err, store.ErrChanged):
			return written, err
		case wrong == nil:
			found, _, err := b.fingerprint(ctx, key)
			return found, err
		}
	}
	return status.Object{}, fmt.Errorf("%q keeps changing", key)
}

// stream writes one object while it is made.
func (b *Bulk) stream(ctx context.Context, key, etag, contentType string,
	fill func(context.Context, io.Writer) error,
) (status.Object, error) {
	o := store.PutOptions{ContentType: contentType}
	sum, err := streamed(ctx, fill, func(ctx context.Context, r io.Reader) error {
		if etag == "" {
			_, err := b.o.Objects.CreateFrom(ctx, key, r, o)
			return err
		}
		_, err := b.o.Objects.ReplaceFrom(ctx, key, etag, r, o)
		return err
	})
	return sum.object(key), err
}

// streamed gives what fill writes to put, while it is written. An error of fill
// is what put gets from its reader.
func streamed(ctx context.Context, fill func(context.Context, io.Writer) error,
	put func(context.Context, io.Reader) error,
) (*fingerprint, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pr, pw := io.Pipe()
	sum := &fingerprint{hash: sha256.New()}
	made := make(chan struct{})
	go func() {
		defer close(made)
		err := guarded(func() error {
			buffered := bufio.NewWriterSize(io.MultiWriter(pw, sum), 256<<10)
			if err := fill(ctx, buffered); err != nil {
				return err
			}
			return buffered.Flush()
		})
		_ = pw.CloseWithError(err) // nil is the end of the object
	}()
	err := put(ctx, pr)
	_ = pr.CloseWithError(errors.New("writing ended")) // a writer that is still at it stops
	<-made
	return sum, err
}

// guarded makes a panic of f an error: nobody else can recover one in a
// goroutine of our own, and it would end the process.
func guarded(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the scorer broke down: %T", r)
		}
	}()
	return f()
}

// fingerprint is what stands under key.
func (b *Bulk) fingerprint(ctx context.Context, key string) (status.Object, store.Info, error) {
	info, err := b.o.Objects.Head(ctx, key)
	if err != nil {
		return status.Object{}, info, err
	}
	sum := &fingerprint{hash: sha256.New()}
	in, err := b.o.Objects.Open(ctx, info.Ref(), 0, store.OpenOptions{})
	if err != nil {
		return status.Object{}, info, err
	}
	defer func() { _ = in.Close() }()
	if _, err := io.Copy(sum, in); err != nil {
		return status.Object{}, info, err
	}
	return sum.object(info.Key), info, nil
}

// fingerprint counts and hashes what is written to it.
type fingerprint struct {
	hash hash.Hash
	size int64
}

func (f *fingerprint) Write(p []byte) (int, error) {
	f.size += int64(len(p))
	return f.hash.Write(p)
}

func (f *fingerprint) object(key string) status.Object {
	return status.Object{Key: key, SHA256: hex.EncodeToString(f.hash.Sum(nil)), Size: f.size}
}

// sumOf describes bytes in memory.
func sumOf(key string, data []byte) status.Object {
	sum := sha256.Sum256(data)
	return status.Object{Key: key, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(data))}
}
