package s3gw

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const partSize = 5 << 20 // the least that S3 takes for every part but the last

// upload is a multipart upload in progress.
type upload struct {
	t     *testing.T
	c     *s3.Client
	key   string
	id    string
	parts []types.CompletedPart
}

func newUpload(t *testing.T, c *s3.Client, key string) *upload {
	t.Helper()
	out, err := c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{
		Bucket: aws.String(bucket), Key: &key, Metadata: map[string]string{"k": "v"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &upload{t: t, c: c, key: key, id: *out.UploadId}
}

func (u *upload) part(n int32, body string) {
	u.t.Helper()
	out, err := u.c.UploadPart(u.t.Context(), &s3.UploadPartInput{
		Bucket: aws.String(bucket), Key: &u.key, UploadId: &u.id, PartNumber: &n, Body: strings.NewReader(body),
	})
	if err != nil {
		u.t.Fatal(err)
	}
	u.parts = append(u.parts, types.CompletedPart{
		PartNumber: &n, ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32,
	})
}

func (u *upload) complete(opts ...func(*s3.CompleteMultipartUploadInput)) error {
	in := &s3.CompleteMultipartUploadInput{
		Bucket: aws.String(bucket), Key: &u.key, UploadId: &u.id,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: u.parts},
	}
	for _, opt := range opts {
		opt(in)
	}
	_, err := u.c.CompleteMultipartUpload(u.t.Context(), in)
	return err
}

func TestMultipart(t *testing.T) {
	t.Parallel()
	_, c := start(t, Options{})
	up := newUpload(t, c, "dir/big.csv")
	first := strings.Repeat("a", partSize)
	up.part(1, first)
	up.part(2, "tail")
	if err := up.complete(); err != nil {
		t.Fatal(err)
	}
	if got := mustGet(t, c, "dir/big.csv"); got != first+"tail" {
		t.Errorf("%d bytes, want %d", len(got), len(first)+4)
	}
	out, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(bucket), Key: aws.String("dir/big.csv")})
	if err != nil || out.Metadata["k"] != "v" || !strings.HasSuffix(*out.ETag, `-2"`) {
		t.Errorf("head: %v, %v", out, err)
	}
	list, err := c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(bucket)})
	if err != nil || len(list.Contents) != 1 {
		t.Errorf("list shows parts: %v, %v", list.Contents, err)
	}
}

func TestMultipartCopy(t *testing.T) {
	t.Parallel()
	_, c := start(t, Options{})
	mustPut(t, c, "src", "0123456789")
	up := newUpload(t, c, "dst")
	out, err := c.UploadPartCopy(t.Context(), &s3.UploadPartCopyInput{
		Bucket: aws.String(bucket), Key: &up.key, UploadId: &up.id, PartNumber: aws.Int32(1),
		CopySource: aws.String(bucket + "/src"), CopySourceRange: aws.String("bytes=2-5"),
	})
	if err != nil {
		t.Fatal(err)
	}
	up.parts = []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: out.CopyPartResult.ETag}}
	if err := up.complete(); err != nil {
		t.Fatal(err)
	}
	if got := mustGet(t, c, "dst"); got != "2345" {
		t.Errorf("copied %q", got)
	}
}

func TestCompleteIfNoneMatch(t *testing.T) {
	t.Parallel()
	_, c := start(t, Options{})
	mustPut(t, c, "k", "old")
	up := newUpload(t, c, "k")
	up.part(1, "new")
	err := up.complete(func(in *s3.CompleteMultipartUploadInput) { in.IfNoneMatch = aws.String("*") })
	if code(err) != "PreconditionFailed" || mustGet(t, c, "k") != "old" {
		t.Errorf("complete over an object: %v", err)
	}
	if err := up.complete(); err != nil || mustGet(t, c, "k") != "new" {
		t.Errorf("complete again without the condition: %v", err)
	}
}

// Two completions of one upload at a time are both acknowledged only when the object is there.
func TestCompleteTwiceAtOnce(t *testing.T) {
	t.Parallel()
	_, c := start(t, Options{})
	for range 5 {
		up := newUpload(t, c, "k")
		body := strings.Repeat("b", partSize)
		up.part(1, body)
		up.part(2, "tail")
		codes := race(8, func(int) error {
			if err := up.complete(); err != nil {
				return err
			}
			head, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(bucket), Key: &up.key})
			if err == nil && *head.ContentLength != partSize+4 {
				t.Errorf("acknowledged with %d bytes", *head.ContentLength)
			}
			return err
		})
		if codes[""] != 8 {
			t.Errorf("outcomes %v", codes)
		}
		if _, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: &up.key}); err != nil {
			t.Fatal(err)
		}
	}
}

// An upload that is gone was not completed just because an object has its key.
func TestCompleteAfterAbort(t *testing.T) {
	t.Parallel()
	_, c := start(t, Options{})
	mustPut(t, c, "k", "other")
	up := newUpload(t, c, "k")
	up.part(1, "mine")
	abort := &s3.AbortMultipartUploadInput{Bucket: aws.String(bucket), Key: &up.key, UploadId: &up.id}
	if _, err := c.AbortMultipartUpload(t.Context(), abort); err != nil {
		t.Fatal(err)
	}
	if err := up.complete(); code(err) != "NoSuchUpload" {
		t.Errorf("complete after abort: %v, want NoSuchUpload", err)
	}
}

func TestUploadIDIsNotAPath(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, c := start(t, Options{Dir: dir})
	mustPut(t, c, "k", "x")
	for _, id := range []string{"..", "../../..", "../../../k", "."} {
		_, err := c.AbortMultipartUpload(t.Context(), &s3.AbortMultipartUploadInput{
			Bucket: aws.String(bucket), Key: aws.String("k"), UploadId: &id,
		})
		if code(err) != "NoSuchUpload" {
			t.Errorf("abort %q: %v", id, err)
		}
	}
	if got := mustGet(t, c, "k"); got != "x" {
		t.Errorf("object: %q", got)
	}
}

// A completion that a crash cut off is not acknowledged by the next server before it is done.
func TestCompleteAfterCrash(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g, c := start(t, Options{Dir: dir})
	up := newUpload(t, c, "k")
	up.part(1, "whole")
	if err := g.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	parts := uploadDir(filepath.Join(dir, "objects", bucket), "k", up.id)
	if err := os.Rename(parts, parts+".0123456789abcdef-1"+inProgressExt); err != nil {
		t.Fatal(err)
	}
	_, up.c = start(t, Options{Dir: dir})
	if err := up.complete(); err != nil {
		t.Fatal(err)
	}
	if got := mustGet(t, up.c, "k"); got != "whole" {
		t.Errorf("object: %q", got)
	}
}
