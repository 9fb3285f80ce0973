package store

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Info is what the store knows about an object.
type Info struct {
	Key          string
	ETag         string // with its quotes, as S3 gives it
	Version      string // "" in a bucket without versions
	Size         int64  // bytes
	LastModified time.Time
	Metadata     map[string]string // lower-case keys; nil from List
}

// Ref pins this version of the object.
func (i Info) Ref() Ref {
	return Ref{Key: i.Key, Version: i.Version, ETag: i.ETag, Size: i.Size}
}

// versionOf is a version id; that of an object without one, "null", pins
// nothing, since the next such object has it too.
func versionOf(id *string) string {
	if v := aws.ToString(id); v != "null" {
		return v
	}
	return ""
}

// PutOptions describe a new object. The zero value is an octet stream.
type PutOptions struct {
	ContentType string
	Metadata    map[string]string // lower-case keys
}

// Store is one bucket. It is safe for concurrent use.
type Store struct {
	client  *s3.Client
	bucket  string
	buffers sync.Pool // of *[]byte, for reading ahead
	parts   sync.Pool // of *[]byte, PartSize each, for writing streams
	near    bool      // the store is on this machine
}

// New returns the bucket of that name behind client.
func New(client *s3.Client, bucket string) *Store {
	return &Store{client: client, bucket: bucket, near: onLoopback(aws.ToString(client.Options().BaseEndpoint))}
}

// Bucket is the bucket's name.
func (s *Store) Bucket() string { return s.bucket }

// Head returns what is known of the object at key, or ErrNotFound.
func (s *Store) Head(ctx context.Context, key string) (Info, error) {
	out, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.bucket, Key: &key})
	if err != nil {
		return Info{}, classify(key, ErrChanged, err)
	}
	return Info{
		Key: key, ETag: aws.ToString(out.ETag), Version: versionOf(out.VersionId),
		Size: aws.ToInt64(out.ContentLength), LastModified: aws.ToTime(out.LastModified), Metadata: out.Metadata,
	}, nil
}

// Get returns the whole object at key, ErrNotFound, or ErrTooLarge when it has
// more than limit bytes. It resumes nothing: an answer that breaks off or
// stalls is an error.
func (s *Store) Get(ctx context.Context, key string, limit int64) ([]byte, Info, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	out, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: &key})
	if err != nil {
		return nil, Info{}, classify(key, ErrChanged, err)
	}
	defer func() { _ = out.Body.Close() }()
	info := Info{
		Key: key, ETag: aws.ToString(out.ETag), Version: versionOf(out.VersionId),
		Size: aws.ToInt64(out.ContentLength), LastModified: aws.ToTime(out.LastModified), Metadata: out.Metadata,
	}
	if info.Size > limit {
		return nil, info, fmt.Errorf("%q: %d bytes, limit %d: %w", key, info.Size, limit, ErrTooLarge)
	}
	in := &stalling{body: out.Body, limit: defaultStall, stop: stop}
	body, err := io.ReadAll(io.LimitReader(in, info.Size+1))
	if err != nil {
		return nil, info, fmt.Errorf("%q: %w", key, err)
	}
	if int64(len(body)) != info.Size {
		return nil, info, fmt.Errorf("%q: got %d of %d bytes: %w", key, len(body), info.Size, io.ErrUnexpectedEOF)
	}
	return body, info, nil
}

// Create writes the object if there is none under key; otherwise ErrExists.
// Any other error leaves it open whether the object was written.
func (s *Store) Create(ctx context.Context, key string, body []byte, o PutOptions) (Info, error) {
	in := s.putInput(key, body, o)
	in.IfNoneMatch = aws.String("*")
	return s.put(ctx, in, ErrExists)
}

// Replace writes the object if the one under key still has that ETag;
// otherwise ErrChanged, or ErrNotFound when it is gone. No object has the ETag
// "". Any other error leaves it open whether the object was written.
func (s *Store) Replace(ctx context.Context, key, etag string, body []byte, o PutOptions) (Info, error) {
	if etag == "" {
		return Info{}, noETag(key)
	}
	in := s.putInput(key, body, o)
	in.IfMatch = aws.String(etag)
	return s.put(ctx, in, ErrChanged)
}

// Put writes the object whatever is there.
func (s *Store) Put(ctx context.Context, key string, body []byte, o PutOptions) (Info, error) {
	return s.put(ctx, s.putInput(key, body, o), ErrChanged)
}

func (s *Store) putInput(key string, body []byte, o PutOptions) *s3.PutObjectInput {
	in := &s3.PutObjectInput{
		Bucket: &s.bucket, Key: &key, Body: bytes.NewReader(body),
		ContentLength: aws.Int64(int64(len(body))), Metadata: o.Metadata,
	}
	if o.ContentType != "" {
		in.ContentType = &o.ContentType
	}
	return in
}

func (s *Store) put(ctx context.Context, in *s3.PutObjectInput, precondition error) (Info, error) {
	var opts []func(*s3.Options)
	if s.near {
		in.ChecksumAlgorithm = types.ChecksumAlgorithmCrc32
		opts = append(opts, unsignedPayload)
	}
	out, err := s.client.PutObject(ctx, in, opts...)
	if err != nil {
		return Info{}, classify(*in.Key, precondition, err)
	}
	return Info{
		Key: *in.Key, ETag: aws.ToString(out.ETag), Version: versionOf(out.VersionId),
		Size: *in.ContentLength, Metadata: in.Metadata,
	}, nil
}

// List yields the objects whose keys begin with prefix, in byte order, after
// the key `after` ("" is from the start). It reads 1,000 at a time.
func (s *Store) List(ctx context.Context, prefix, after string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		in := &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: &prefix}
		if after != "" {
			in.StartAfter = &after
		}
		pages := s3.NewListObjectsV2Paginator(s.client, in)
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(Info{}, classify(prefix, ErrChanged, err))
				return
			}
			for i := range page.Contents {
				if !yield(infoOf(&page.Contents[i]), nil) {
					return
				}
			}
		}
	}
}

func infoOf(o *types.Object) Info {
	return Info{
		Key: aws.ToString(o.Key), ETag: aws.ToString(o.ETag),
		Size: aws.ToInt64(o.Size), LastModified: aws.ToTime(o.LastModified),
	}
}

// Folders returns the distinct names between prefix and the next slash, each
// with its slash, in byte order.
func (s *Store) Folders(ctx context.Context, prefix string) ([]string, error) {
	pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{
		Bucket: &s.bucket, Prefix: &prefix, Delimiter: aws.String("/"),
	})
	var folders []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, classify(prefix, ErrChanged, err)
		}
		for _, p := range page.CommonPrefixes {
			folders = append(folders, aws.ToString(p.Prefix)[len(prefix):])
		}
	}
	return folders, nil
}

// Ready reports whether the bucket answers.
func (s *Store) Ready(ctx context.Context) error {
	_, err := s.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &s.bucket})
	if err != nil {
		return fmt.Errorf("bucket %q: %w", s.bucket, err)
	}
	return nil
}
