package s3gw

import (
	"context"
	"io/fs"
	"path"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/s3response"
)

// GetObject opens an object. The lock makes ETag, conditions, metadata and content come
// from one object although the store looks them up one after the other; the content is then
// read from an open file, which a later write does not touch.
func (d *disk) GetObject(ctx context.Context, in *s3.GetObjectInput) (*s3.GetObjectOutput, error) {
	dir, file, err := d.object(in.Bucket, in.Key)
	if err != nil {
		return nil, d.fail(ctx, "get object", err)
	}
	lock := d.locks.of(file)
	lock.RLock()
	defer lock.RUnlock()
	input := *in
	input.Bucket = &dir
	out, err := d.posix.GetObject(ctx, &input)
	if err == nil {
		partOf(in, out, file)
	}
	return out, d.fail(ctx, "get object", err)
}

// HeadObject describes an object.
func (d *disk) HeadObject(ctx context.Context, in *s3.HeadObjectInput) (*s3.HeadObjectOutput, error) {
	dir, file, err := d.object(in.Bucket, in.Key)
	if err != nil {
		return nil, d.fail(ctx, "head object", err)
	}
	lock := d.locks.of(file)
	lock.RLock()
	defer lock.RUnlock()
	input := *in
	input.Bucket = &dir
	out, err := d.posix.HeadObject(ctx, &input)
	return out, d.fail(ctx, "head object", err)
}

// GetObjectAttributes describes an object and its parts.
func (d *disk) GetObjectAttributes(ctx context.Context, in *s3.GetObjectAttributesInput) (s3response.GetObjectAttributesResponse, error) {
	dir, file, err := d.object(in.Bucket, in.Key)
	if err != nil {
		return s3response.GetObjectAttributesResponse{}, d.fail(ctx, "get object attributes", err)
	}
	lock := d.locks.of(file)
	lock.RLock()
	defer lock.RUnlock()
	input := *in
	input.Bucket = &dir
	out, err := d.posix.GetObjectAttributes(ctx, &input)
	return out, d.fail(ctx, "get object attributes", err)
}

// ListObjects lists keys, the old way.
func (d *disk) ListObjects(ctx context.Context, in *s3.ListObjectsInput) (s3response.ListObjectsResult, error) {
	dir, err := d.bucket(in.Bucket)
	if err != nil {
		return s3response.ListObjectsResult{}, d.fail(ctx, "list objects", err)
	}
	input := *in
	input.Bucket = &dir
	out, err := d.posix.ListObjectsParametrized(ctx, &input, d.visible)
	out.Name = in.Bucket
	return out, d.fail(ctx, "list objects", err)
}

// ListObjectsV2 lists keys in byte order, up to 1,000 at a time.
func (d *disk) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input) (s3response.ListObjectsV2Result, error) {
	dir, err := d.bucket(in.Bucket)
	if err != nil {
		return s3response.ListObjectsV2Result{}, d.fail(ctx, "list objects", err)
	}
	input := *in
	input.Bucket = &dir
	if input.ContinuationToken == nil {
		input.ContinuationToken = new(string)
	}
	if input.StartAfter == nil {
		input.StartAfter = new(string)
	}
	out, err := d.posix.ListObjectsV2Parametrized(ctx, &input, d.visible)
	out.Name = in.Bucket
	return out, d.fail(ctx, "list objects", err)
}

// visible leaves the files out of a listing that a crash has left under a temporary name.
func (d *disk) visible(bucket string, fetchOwner bool) backend.GetObjFunc {
	get := d.posix.FileToObj(bucket, fetchOwner)
	return func(name string, entry fs.DirEntry) (s3response.Object, error) {
		if leftover.MatchString(path.Base(strings.TrimSuffix(name, "/"))) {
			return s3response.Object{}, backend.ErrSkipObj
		}
		return get(name, entry)
	}
}

// ListObjectVersions lists the versions of objects.
func (d *disk) ListObjectVersions(ctx context.Context, in *s3.ListObjectVersionsInput) (s3response.ListVersionsResult, error) {
	dir, err := d.bucket(in.Bucket)
	if err != nil {
		return s3response.ListVersionsResult{}, d.fail(ctx, "list versions", err)
	}
	input := *in
	input.Bucket = &dir
	out, err := d.posix.ListObjectVersions(ctx, &input)
	out.Name = in.Bucket
	return out, d.fail(ctx, "list versions", err)
}
