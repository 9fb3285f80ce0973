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
// afterwards. Generation 0 never overwrites: whatever is there is the same
// part from an earlier try, or a later generation's, and stands. A later
// generation replaces the part of a wrong guess, by ETag. fill may be called
// more than once.
func (b *Bulk) writePart(ctx context.Context, key string, generation int,
	fill func(context.Context, io.Writer) error,
) (status.Object, error) {
	for range maxLooks {
		etag := ""
		if generation > 0 {
			info, err := b.o.Objects.Head(ctx, key)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return status.Object{}, err
			}
			etag = info.ETag
		}
		written, err := b.stream(ctx, key, etag, fill)
		var source *sourceError
		switch {
		case err == nil:
			return written, nil
		case errors.As(err, &source):
			return status.Object{}, err
		case !errors.Is(err, store.ErrExists) && !errors.Is(err, store.ErrChanged):
			return status.Object{}, err
		}
		found, err := b.fingerprint(ctx, key)
		if err != nil {
			return status.Object{}, err
		}
		if generation == 0 || found.SHA256 == written.SHA256 {
			return found, nil
		}
	}
	return status.Object{}, fmt.Errorf("%q keeps changing", key)
}

// stream writes one object while it is made.
func (b *Bulk) stream(ctx context.Context, key, etag string, fill func(context.Context, io.Writer) error) (status.Object, error) {
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
	o := store.PutOptions{ContentType: parquetType}
	var err error
	if etag == "" {
		_, err = b.o.Objects.CreateFrom(ctx, key, pr, o)
	} else {
		_, err = b.o.Objects.ReplaceFrom(ctx, key, etag, pr, o)
	}
	_ = pr.CloseWithError(errors.New("writing ended")) // a writer that is still at it stops
	<-made
	return sum.object(key), err
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
func (b *Bulk) fingerprint(ctx context.Context, key string) (status.Object, error) {
	info, err := b.o.Objects.Head(ctx, key)
	if err != nil {
		return status.Object{}, err
	}
	return objectOf(ctx, b.o.Objects, info)
}

// objectOf reads an object and tells its size and SHA-256.
func objectOf(ctx context.Context, objects Streams, info store.Info) (status.Object, error) {
	sum := &fingerprint{hash: sha256.New()}
	ref := store.Ref{Key: info.Key, Version: info.Version, ETag: info.ETag, Size: info.Size}
	in, err := objects.Open(ctx, ref, 0, store.OpenOptions{})
	if err != nil {
		return status.Object{}, err
	}
	defer func() { _ = in.Close() }()
	if _, err := io.Copy(sum, in); err != nil {
		return status.Object{}, err
	}
	return sum.object(info.Key), nil
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
