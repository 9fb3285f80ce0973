package s3gw

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

// uploadDir is where the store keeps the parts of an upload.
func uploadDir(bucketDir, key, id string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(bucketDir, posix.MetaTmpMultipartDir, hex.EncodeToString(sum[:]), id)
}

// CreateMultipartUpload begins an upload in parts.
func (d *disk) CreateMultipartUpload(ctx context.Context, in s3response.CreateMultipartUploadInput) (s3response.InitiateMultipartUploadResult, error) {
	const op = "create upload"
	dir, _, err := d.object(in.Bucket, in.Key)
	if err != nil {
		return s3response.InitiateMultipartUploadResult{}, d.fail(ctx, op, err)
	}
	bucket := in.Bucket
	in.Bucket = &dir
	in.ContentEncoding = stripAWSChunked(in.ContentEncoding)
	out, err := d.posix.CreateMultipartUpload(ctx, in)
	if err != nil {
		return out, d.fail(ctx, op, err)
	}
	out.Bucket = *bucket
	return out, d.fail(ctx, op, d.syncTree(dir, uploadDir(dir, *in.Key, out.UploadId)))
}

// UploadPart stores one part.
func (d *disk) UploadPart(ctx context.Context, in *s3.UploadPartInput) (*s3.UploadPartOutput, error) {
	const op = "upload part"
	ctx = context.WithoutCancel(ctx)
	dir, err := d.upload(in.Bucket, in.Key, in.UploadId)
	if err != nil {
		return nil, d.fail(ctx, op, err)
	}
	input := *in
	input.Bucket = &dir
	out, err := d.posix.UploadPartWithPostFunc(ctx, &input, func(f *os.File) error { return f.Sync() })
	if err != nil {
		return out, d.fail(ctx, op, err)
	}
	return out, d.fail(ctx, op, d.sync(uploadDir(dir, *in.Key, *in.UploadId)))
}

// upload checks the names of an upload and returns the bucket's directory.
func (d *disk) upload(bucket, key, id *string) (dir string, err error) {
	if err := checkUploadID(id); err != nil {
		return "", err
	}
	dir, _, err = d.object(bucket, key)
	return dir, err
}

// CompleteMultipartUpload puts the parts together: on disk, announced, then acknowledged.
// A repeated or concurrent call for the same parts waits, and succeeds only if the object is
// there, so a client that lost the first answer can ask again.
func (d *disk) CompleteMultipartUpload(ctx context.Context, in *s3.CompleteMultipartUploadInput) (s3response.CompleteMultipartUploadResult, string, error) {
	ctx = context.WithoutCancel(ctx)
	out, version, size, err := d.complete(ctx, in)
	if err != nil {
		return s3response.CompleteMultipartUploadResult{}, "", err
	}
	out.Bucket = in.Bucket
	e := Event{Name: EventComplete, Bucket: *in.Bucket, Key: *in.Key, ETag: *out.ETag, VersionID: version, Size: size}
	if err := d.created(ctx, e); err != nil {
		return s3response.CompleteMultipartUploadResult{}, "", err
	}
	return out, version, nil
}

func (d *disk) complete(ctx context.Context, in *s3.CompleteMultipartUploadInput) (out s3response.CompleteMultipartUploadResult, version string, size int64, err error) {
	const op = "complete upload"
	dir, err := d.upload(in.Bucket, in.Key, in.UploadId)
	if err != nil {
		return out, "", 0, d.fail(ctx, op, err)
	}
	parts := uploadDir(dir, *in.Key, *in.UploadId)
	turn := d.uploads.of(parts)
	turn.Lock()
	defer turn.Unlock()

	file := filepath.Join(dir, *in.Key)
	if _, err := os.Stat(parts); errors.Is(err, fs.ErrNotExist) {
		out, size, err = d.completed(ctx, in, dir, file)
		return out, "", size, d.fail(ctx, op, err)
	}
	s := &assembly{left: partCount(in)}
	lock := d.locks.of(file)
	defer func() {
		if s.locked {
			lock.Unlock()
		}
	}()
	input := *in
	input.Bucket = &dir
	out, version, err = d.posix.CompleteMultipartUploadWithCopy(ctx, &input, func(from, to *os.File) (bool, error) {
		last, err := s.add(from, to)
		if last {
			lock.Lock()
			s.locked = true
		}
		return true, err
	})
	if err = errors.Join(s.err, err); err != nil {
		return out, "", 0, d.failWrite(ctx, op, file, err)
	}
	syncVersions(version)
	return out, version, s.size, d.fail(ctx, op, d.syncTree(dir, file))
}

// assembly puts the parts of one upload together.
type assembly struct {
	left   int   // parts still to come
	size   int64 // bytes so far
	locked bool
	err    error
}

// add appends a part; last says that it was the last one and that everything is flushed.
// After a fault the store would go on with what it can still read of the part, wherever
// the copy broke off, so the part is closed.
func (s *assembly) add(from, to *os.File) (last bool, err error) {
	n, err := io.Copy(to, from)
	s.size += n
	s.left--
	if err == nil && s.left == 0 {
		err = to.Sync()
	}
	if err != nil {
		s.err = errors.Join(s.err, err)
		_ = from.Close()
		return false, err
	}
	return s.left == 0, nil
}

func partCount(in *s3.CompleteMultipartUploadInput) int {
	if in.MultipartUpload == nil {
		return 0
	}
	return len(in.MultipartUpload.Parts)
}

// completed answers for an upload that is gone: it was completed if the object has the ETag
// that these parts make. The store itself would accept any object under this key.
func (d *disk) completed(ctx context.Context, in *s3.CompleteMultipartUploadInput, dir, file string) (s3response.CompleteMultipartUploadResult, int64, error) {
	var out s3response.CompleteMultipartUploadResult
	gone := s3err.GetNoSuchUploadErr(*in.UploadId)
	if in.MultipartUpload == nil {
		return out, 0, gone
	}
	etag, err := backend.ComputeMultipartETagFromPartETags(in.MultipartUpload.Parts)
	if err != nil {
		return out, 0, err
	}
	lock := d.locks.of(file)
	lock.RLock()
	defer lock.RUnlock()
	head, err := d.posix.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &dir, Key: in.Key})
	if err != nil || head.ETag == nil || !backend.AreEtagsSame(*head.ETag, etag) {
		return out, 0, gone
	}
	out.ETag, out.Key = head.ETag, in.Key
	return out, *head.ContentLength, nil
}

// AbortMultipartUpload throws the parts away.
func (d *disk) AbortMultipartUpload(ctx context.Context, in *s3.AbortMultipartUploadInput) error {
	const op = "abort upload"
	dir, err := d.upload(in.Bucket, in.Key, in.UploadId)
	if err != nil {
		return d.fail(ctx, op, err)
	}
	turn := d.uploads.of(uploadDir(dir, *in.Key, *in.UploadId))
	turn.Lock()
	defer turn.Unlock()
	input := *in
	input.Bucket = &dir
	return d.fail(ctx, op, d.posix.AbortMultipartUpload(ctx, &input))
}

// ListMultipartUploads lists the uploads that are neither completed nor aborted.
func (d *disk) ListMultipartUploads(ctx context.Context, in *s3.ListMultipartUploadsInput) (s3response.ListMultipartUploadsResult, error) {
	dir, err := d.bucket(in.Bucket)
	if err != nil {
		return s3response.ListMultipartUploadsResult{}, d.fail(ctx, "list uploads", err)
	}
	input := *in
	input.Bucket = &dir
	out, err := d.posix.ListMultipartUploads(ctx, &input)
	out.Bucket = *in.Bucket
	return out, d.fail(ctx, "list uploads", err)
}

// ListParts lists the parts of an upload.
func (d *disk) ListParts(ctx context.Context, in *s3.ListPartsInput) (s3response.ListPartsResult, error) {
	dir, err := d.upload(in.Bucket, in.Key, in.UploadId)
	if err != nil {
		return s3response.ListPartsResult{}, d.fail(ctx, "list parts", err)
	}
	input := *in
	input.Bucket = &dir
	out, err := d.posix.ListParts(ctx, &input)
	out.Bucket = *in.Bucket
	return out, d.fail(ctx, "list parts", err)
}
