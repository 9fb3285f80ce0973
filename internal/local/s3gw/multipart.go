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
	"strings"

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
	body := &counter{want: in.ContentLength}
	input.Body = body.count(in.Body)
	out, err := d.posix.UploadPartWithPostFunc(ctx, &input, func(f *os.File) error {
		return errors.Join(body.check(), f.Sync())
	})
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
	e := Event{Name: EventComplete, Bucket: *in.Bucket, Key: *in.Key}
	out, err := d.complete(ctx, in, &e)
	if err != nil {
		return s3response.CompleteMultipartUploadResult{}, "", err
	}
	out.Bucket, e.ETag = in.Bucket, *out.ETag
	if err := d.created(ctx, e); err != nil {
		return s3response.CompleteMultipartUploadResult{}, "", err
	}
	return out, e.VersionID, nil
}

// complete does the work, and fills in the size, version and sequencer of the event.
func (d *disk) complete(ctx context.Context, in *s3.CompleteMultipartUploadInput, e *Event) (out s3response.CompleteMultipartUploadResult, err error) {
	const op = "complete upload"
	dir, err := d.upload(in.Bucket, in.Key, in.UploadId)
	if err != nil {
		return out, d.fail(ctx, op, err)
	}
	parts := uploadDir(dir, *in.Key, *in.UploadId)
	turn := d.uploads.of(parts)
	turn.Lock()
	defer turn.Unlock()

	file := filepath.Join(dir, *in.Key)
	if _, err := os.Stat(parts); errors.Is(err, fs.ErrNotExist) {
		out, err = d.completed(ctx, in, file, e)
		return out, d.fail(ctx, op, err)
	}
	s := &assembly{left: partCount(in)}
	lock := d.locks.of(file)
	locked := false
	defer func() {
		if locked {
			lock.Unlock()
		}
	}()
	input := *in
	input.Bucket = &dir
	out, e.VersionID, err = d.posix.CompleteMultipartUploadWithCopy(ctx, &input, func(from, to *os.File) (bool, error) {
		last, err := s.add(from, to)
		if last {
			lock.Lock()
			locked = true
			e.Sequencer, err = d.sequencer(to)
		}
		return true, s.stop(from, err)
	})
	if err = errors.Join(s.err, err); err != nil {
		return out, d.failWrite(ctx, op, file, err)
	}
	e.Size = s.size
	syncVersions(e.VersionID)
	return out, d.fail(ctx, op, d.syncTree(dir, file))
}

// assembly puts the parts of one upload together.
type assembly struct {
	left int   // parts still to come
	size int64 // bytes so far
	err  error
}

// add appends a part; last says that it was the last one and that everything is flushed.
func (s *assembly) add(from, to *os.File) (last bool, err error) {
	n, err := io.Copy(to, from)
	s.size += n
	s.left--
	if err != nil || s.left > 0 {
		return false, err
	}
	return true, to.Sync()
}

// stop ends the assembly when there was a fault: the store would go on with what it can
// still read of the part, wherever the copy broke off, so the part is closed.
func (s *assembly) stop(from *os.File, err error) error {
	if err == nil {
		return nil
	}
	s.err = errors.Join(s.err, err)
	return errors.Join(err, from.Close())
}

func partCount(in *s3.CompleteMultipartUploadInput) int {
	if in.MultipartUpload == nil {
		return 0
	}
	return len(in.MultipartUpload.Parts)
}

// completed answers for an upload that is gone: it was completed if the object has the ETag
// that these parts make. The store itself would accept any object under this key.
func (d *disk) completed(ctx context.Context, in *s3.CompleteMultipartUploadInput, file string, e *Event) (out s3response.CompleteMultipartUploadResult, err error) {
	gone := s3err.GetNoSuchUploadErr(*in.UploadId)
	if in.MultipartUpload == nil {
		return out, gone
	}
	etag, err := backend.ComputeMultipartETagFromPartETags(in.MultipartUpload.Parts)
	if err != nil {
		return out, err
	}
	lock := d.locks.of(file)
	lock.RLock()
	defer lock.RUnlock()
	dir := strings.TrimSuffix(file, "/"+*in.Key)
	head, err := d.posix.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &dir, Key: in.Key})
	if err != nil || head.ETag == nil || !backend.AreEtagsSame(*head.ETag, etag) {
		return out, gone
	}
	out.ETag, out.Key = head.ETag, in.Key
	e.Size, e.Sequencer = *head.ContentLength, sequencerOf(file)
	if head.VersionId != nil {
		e.VersionID = *head.VersionId
	}
	return out, nil
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
