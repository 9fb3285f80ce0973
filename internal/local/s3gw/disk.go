package s3gw

import (
	"context"
	"errors"
	"hash/maphash"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

// disk wraps the library's store. It passes buckets on as absolute paths, so every method
// names its operation here or is answered with "not implemented". It is safe for
// concurrent use.
type disk struct {
	backend.BackendUnsupported
	posix     *posix.Posix
	root      string // absolute directory of the buckets
	owner     auth.Account
	onCreated func(context.Context, Event) error
	log       *slog.Logger
	sync      func(path string) error // syncPath, but for tests
	last      atomic.Int64            // the last sequencer given
	locks     *stripes                // by object
	uploads   *stripes                // by multipart upload
}

func newStripes() *stripes { return &stripes{seed: maphash.MakeSeed()} }

// String names the store.
func (d *disk) String() string { return "loanscorer" }

// Shutdown closes the store.
func (d *disk) Shutdown() { d.posix.Shutdown() }

// NormalizeObjectKey returns the key as it is: only clean keys get past checkKey.
func (d *disk) NormalizeObjectKey(_, object string) string { return object }

// bucket returns the directory of an existing bucket.
func (d *disk) bucket(name *string) (string, error) {
	if name == nil || *name == "" || strings.ContainsAny(*name, `/\`) || strings.HasPrefix(*name, ".") {
		return "", s3err.GetAPIError(s3err.ErrNoSuchBucket)
	}
	dir := filepath.Join(d.root, *name)
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return "", s3err.GetBucketErr(s3err.ErrNoSuchBucket, strings.Clone(*name))
	}
	return dir, err
}

// object returns the directory of the bucket and the file of an object in it.
func (d *disk) object(bucket, key *string) (dir, file string, err error) {
	if err := checkKey(key); err != nil {
		return "", "", err
	}
	dir, err = d.bucket(bucket)
	if err != nil {
		return "", "", err
	}
	return dir, filepath.Join(dir, *key), nil
}

// PutObject stores an object: on disk, announced, then acknowledged.
func (d *disk) PutObject(ctx context.Context, in s3response.PutObjectInput) (s3response.PutObjectOutput, error) {
	body := &counter{want: in.ContentLength}
	if !isForm(ctx) { // the length of a form is more than that of the file in it
		in.Body = body.count(in.Body)
	}
	ctx = context.WithoutCancel(ctx) // a server that stops finishes what it began
	out, seq, err := d.put(ctx, in, body)
	if err != nil {
		return s3response.PutObjectOutput{}, err
	}
	e := Event{
		Name: EventPut, Bucket: *in.Bucket, Key: *in.Key,
		ETag: out.ETag, VersionID: out.VersionID, Sequencer: seq,
	}
	if out.Size != nil {
		e.Size = *out.Size
	}
	if err := d.created(ctx, e); err != nil {
		return s3response.PutObjectOutput{}, err
	}
	return out, nil
}

// put stores an object durably. The content is flushed before the object becomes visible,
// so a power cut leaves the old object, the new one or none, never half of one; the lock
// keeps readers out until the name is flushed too.
func (d *disk) put(ctx context.Context, in s3response.PutObjectInput, body *counter) (out s3response.PutObjectOutput, seq string, err error) {
	const op = "put object"
	dir, file, err := d.object(in.Bucket, in.Key)
	if err != nil {
		return out, "", d.fail(ctx, op, err)
	}
	in.Bucket = &dir
	in.ContentEncoding = stripAWSChunked(in.ContentEncoding)
	lock := d.locks.of(file)
	held := strings.HasSuffix(*in.Key, "/") // a directory object has no content to stage
	if held {
		lock.Lock()
	}
	defer func() {
		if held {
			lock.Unlock()
		}
	}()
	out, err = d.posix.PutObjectWithPostFunc(ctx, in, func(f *os.File) (err error) {
		if err := errors.Join(body.check(), f.Sync()); err != nil {
			return err
		}
		lock.Lock()
		held = true
		seq, err = d.sequencer(f)
		return err
	})
	if err != nil {
		if !held && isPreconditionFailed(err) {
			// Wait until the object that is in the way is there to stay.
			lock.RLock()
			lock.RUnlock() //nolint:staticcheck // SA2001: the wait is the point
		}
		return out, "", d.failWrite(ctx, op, file, err)
	}
	syncVersions(out.VersionID)
	return out, seq, d.fail(ctx, op, d.syncTree(dir, file))
}

// DeleteObject removes an object, durably.
func (d *disk) DeleteObject(ctx context.Context, in *s3.DeleteObjectInput) (*s3.DeleteObjectOutput, error) {
	const op = "delete object"
	ctx = context.WithoutCancel(ctx)
	dir, file, err := d.object(in.Bucket, in.Key)
	if err != nil {
		return nil, d.fail(ctx, op, err)
	}
	lock := d.locks.of(file)
	lock.Lock()
	defer lock.Unlock()
	input := *in
	input.Bucket = &dir
	out, err := d.posix.DeleteObject(ctx, &input)
	if err != nil {
		return out, d.fail(ctx, op, err)
	}
	if out.VersionId != nil {
		syncVersions(*out.VersionId)
	}
	return out, d.fail(ctx, op, d.syncTree(dir, file))
}

// DeleteObjects removes each of the objects named, and says for each whether it is gone.
func (d *disk) DeleteObjects(ctx context.Context, in *s3.DeleteObjectsInput) (s3response.DeleteResult, error) {
	if _, err := d.bucket(in.Bucket); err != nil {
		return s3response.DeleteResult{}, d.fail(ctx, "delete objects", err)
	}
	var res s3response.DeleteResult
	for _, obj := range in.Delete.Objects {
		out, err := d.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: in.Bucket, Key: obj.Key, VersionId: obj.VersionId})
		if err != nil {
			res.Error = append(res.Error, s3err.ObjectDeleteError(obj.Key, obj.VersionId, err))
			continue
		}
		gone := types.DeletedObject{Key: obj.Key, VersionId: obj.VersionId, DeleteMarker: out.DeleteMarker}
		if out.DeleteMarker != nil && *out.DeleteMarker {
			gone.DeleteMarkerVersionId = out.VersionId
		}
		res.Deleted = append(res.Deleted, gone)
	}
	return res, nil
}

// stripAWSChunked takes the framing of the upload out of Content-Encoding: it is not part
// of the object.
func stripAWSChunked(encoding *string) *string {
	if encoding == nil {
		return nil
	}
	var kept []string
	for part := range strings.SplitSeq(*encoding, ",") {
		if part = strings.TrimSpace(part); part != "" && !strings.EqualFold(part, "aws-chunked") {
			kept = append(kept, part)
		}
	}
	s := strings.Join(kept, ",")
	return &s
}
