package sim

import (
	"context"
	"crypto/md5" //nolint:gosec // S3's ETag of a single PUT is the MD5 of the body
	"encoding/hex"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/loanscorer/loanscorer/internal/store"
)

// Bucket is an object store in memory with the contract of *store.Store and
// without faults. It is safe for concurrent use; every call is atomic.
type Bucket struct {
	mu       sync.Mutex
	objects  map[string]object // by key
	versions map[string]object // by key and version; nil in a bucket without versions
	writes   int
	watch    func(Change)
	now      func() time.Time
	flight   sync.WaitGroup
}

type object struct {
	body []byte
	info store.Info
}

// Change is one write that was applied. Body is nil for a deletion.
type Change struct {
	Info     store.Info
	Body     []byte
	Replaced bool // there was an object under the key
}

// condition is what must hold for a write to be applied.
type condition struct {
	create  bool // no object under the key
	replace bool // the object under the key has this ETag
	etag    string
}

// NewBucket returns an empty bucket.
func NewBucket() *Bucket { return &Bucket{objects: map[string]object{}, now: time.Now} }

// Clock gives the bucket another clock than time.Now.
func (b *Bucket) Clock(now func() time.Time) { b.now = now }

// KeepVersions makes every write a version that stays readable.
func (b *Bucket) KeepVersions() { b.versions = map[string]object{} }

// Watch calls f after every write that is applied, one at a time, before
// anybody sees the write. f must not call the bucket.
func (b *Bucket) Watch(f func(Change)) { b.watch = f }

// Wait waits for the writes that are still in flight.
func (b *Bucket) Wait() { b.flight.Wait() }

// Head returns what is known of the object at key, or ErrNotFound.
func (b *Bucket) Head(ctx context.Context, key string) (store.Info, error) {
	o, err := b.object(ctx, key)
	return o.info, err
}

// Get returns the object at key, ErrNotFound, or ErrTooLarge.
func (b *Bucket) Get(ctx context.Context, key string, limit int64) ([]byte, store.Info, error) {
	o, err := b.object(ctx, key)
	if err != nil {
		return nil, store.Info{}, err
	}
	if o.info.Size > limit {
		return nil, o.info, fmt.Errorf("%q: %d bytes, limit %d: %w", key, o.info.Size, limit, store.ErrTooLarge)
	}
	return slices.Clone(o.body), o.info, nil
}

// Create writes the object if there is none under key; otherwise ErrExists.
func (b *Bucket) Create(ctx context.Context, key string, body []byte, o store.PutOptions) (store.Info, error) {
	return b.write(ctx, key, body, o, condition{create: true})
}

// Replace writes the object if the one under key has that ETag; otherwise
// ErrChanged, or ErrNotFound when it is gone.
func (b *Bucket) Replace(ctx context.Context, key, etag string, body []byte, o store.PutOptions) (store.Info, error) {
	return b.write(ctx, key, body, o, condition{replace: true, etag: etag})
}

// Put writes the object whatever is there.
func (b *Bucket) Put(ctx context.Context, key string, body []byte, o store.PutOptions) (store.Info, error) {
	return b.write(ctx, key, body, o, condition{})
}

// Delete removes the object at key, if there is one.
func (b *Bucket) Delete(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	o, ok := b.objects[key]
	if !ok {
		return
	}
	delete(b.objects, key)
	if b.watch != nil {
		b.watch(Change{Info: o.info})
	}
}

// List yields the objects whose keys begin with prefix, in byte order, after
// the key `after`, as they were when the iteration began.
func (b *Bucket) List(ctx context.Context, prefix, after string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(store.Info{}, fmt.Errorf("%q: %w", prefix, err))
			return
		}
		b.mu.Lock()
		var found []store.Info
		for _, key := range slices.Sorted(maps.Keys(b.objects)) {
			if strings.HasPrefix(key, prefix) && key > after {
				info := b.objects[key].info
				info.Metadata, info.Version = nil, ""
				found = append(found, info)
			}
		}
		b.mu.Unlock()
		for _, info := range found {
			if !yield(info, nil) {
				return
			}
		}
	}
}

// Folders returns the distinct names between prefix and the next slash, each
// with its slash, in byte order.
func (b *Bucket) Folders(ctx context.Context, prefix string) ([]string, error) {
	var folders []string
	for info, err := range b.List(ctx, prefix, "") {
		if err != nil {
			return nil, err
		}
		name, _, deeper := strings.Cut(info.Key[len(prefix):], "/")
		if deeper && !slices.Contains(folders, name+"/") {
			folders = append(folders, name+"/")
		}
	}
	return folders, nil
}

// Bodies returns the bytes of every object whose key begins with prefix.
func (b *Bucket) Bodies(prefix string) map[string][]byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	bodies := map[string][]byte{}
	for key, o := range b.objects {
		if strings.HasPrefix(key, prefix) {
			bodies[key] = slices.Clone(o.body)
		}
	}
	return bodies
}

// object returns the object with its time in whole seconds, as HTTP headers
// have it.
func (b *Bucket) object(ctx context.Context, key string) (object, error) {
	if err := ctx.Err(); err != nil {
		return object{}, fmt.Errorf("%q: %w", key, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	o, ok := b.objects[key]
	if !ok {
		return object{}, fmt.Errorf("%q: %w", key, store.ErrNotFound)
	}
	o.info.LastModified = o.info.LastModified.Truncate(time.Second)
	o.info.Metadata = maps.Clone(o.info.Metadata)
	return o, nil
}

func (b *Bucket) write(ctx context.Context, key string, body []byte, o store.PutOptions, c condition) (store.Info, error) {
	if err := ctx.Err(); err != nil {
		return store.Info{}, fmt.Errorf("%q: %w", key, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	old, exists := b.objects[key]
	switch {
	case c.create && exists:
		return store.Info{}, fmt.Errorf("%q: %w", key, store.ErrExists)
	case c.replace && !exists:
		return store.Info{}, fmt.Errorf("%q: %w", key, store.ErrNotFound)
	case c.replace && c.etag != old.info.ETag:
		return store.Info{}, fmt.Errorf("%q: %w", key, store.ErrChanged)
	}
	b.writes++
	n := object{body: slices.Clone(body), info: store.Info{
		Key: key, ETag: etagOf(body), Size: int64(len(body)),
		LastModified: b.now().UTC(), Metadata: maps.Clone(o.Metadata),
	}}
	if n.body == nil {
		n.body = []byte{}
	}
	if b.versions != nil {
		n.info.Version = "v" + strconv.Itoa(b.writes)
		b.versions[key+"\x00"+n.info.Version] = n
	}
	b.objects[key] = n
	if b.watch != nil {
		b.watch(Change{Info: n.info, Body: n.body, Replaced: exists})
	}
	info := n.info
	info.LastModified, info.Metadata = time.Time{}, o.Metadata
	return info, nil
}

func etagOf(body []byte) string {
	sum := md5.Sum(body) //nolint:gosec // see the import
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

// Copy puts the object at key into another bucket as it is, its time included.
func (b *Bucket) Copy(key string, to *Bucket) {
	b.mu.Lock()
	o, ok := b.objects[key]
	b.mu.Unlock()
	if !ok {
		return
	}
	to.mu.Lock()
	defer to.mu.Unlock()
	to.objects[key] = o
}
