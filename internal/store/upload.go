package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// PartSize is how much of a stream is held at a time: a smaller stream is one
// PUT, a larger one a multipart upload of parts of this size (at most 10,000).
const PartSize = 8 << 20

// CreateFrom writes what r yields as one object if there is none under key,
// with Create's contract. The object appears whole or not at all; a multipart
// upload that fails is aborted. An error of r is returned as it is.
func (s *Store) CreateFrom(ctx context.Context, key string, r io.Reader, o PutOptions) (Info, error) {
	return s.upload(ctx, key, r, o, condition{create: true})
}

// ReplaceFrom writes what r yields if the object under key still has that
// ETag, with Replace's contract.
func (s *Store) ReplaceFrom(ctx context.Context, key, etag string, r io.Reader, o PutOptions) (Info, error) {
	if etag == "" {
		return Info{}, noETag(key)
	}
	return s.upload(ctx, key, r, o, condition{etag: etag})
}

// PutFrom writes what r yields whatever is under key.
func (s *Store) PutFrom(ctx context.Context, key string, r io.Reader, o PutOptions) (Info, error) {
	return s.upload(ctx, key, r, o, condition{})
}

// condition is what must hold for a write to happen.
type condition struct {
	create bool   // no object under the key
	etag   string // the object under the key has this ETag
}

// failed is what a failed precondition means.
func (c condition) failed() error {
	if c.create {
		return ErrExists
	}
	return ErrChanged
}

func (s *Store) upload(ctx context.Context, key string, r io.Reader, o PutOptions, c condition) (Info, error) {
	buf, _ := s.parts.Get().(*[]byte)
	if buf == nil {
		buf = new(make([]byte, PartSize))
	}
	n, end, err := fill(r, *buf)
	if err != nil {
		return Info{}, err
	}
	var info Info
	if end {
		info, err = s.write(ctx, key, (*buf)[:n], o, c)
	} else {
		info, err = s.multipart(ctx, key, io.MultiReader(bytes.NewReader(*buf), r), o, c)
	}
	if err == nil { // otherwise a request that was given up may still be reading it
		s.parts.Put(buf)
	}
	return info, err
}

// write writes the object in one request.
func (s *Store) write(ctx context.Context, key string, data []byte, o PutOptions, c condition) (Info, error) {
	switch {
	case c.create:
		return s.Create(ctx, key, data, o)
	case c.etag != "":
		return s.Replace(ctx, key, c.etag, data, o)
	}
	return s.Put(ctx, key, data, o)
}

// fill reads until buf is full or r has ended. Unlike io.ReadFull it tells a
// source that broke off with io.ErrUnexpectedEOF from one that ended.
func fill(r io.Reader, buf []byte) (n int, end bool, err error) {
	for n < len(buf) {
		m, err := r.Read(buf[n:])
		n += m
		switch {
		case err == io.EOF: // a wrapped io.EOF is a fault: see io.Reader
			return n, true, nil
		case err != nil:
			return n, false, err
		}
	}
	return n, false, nil
}

func (s *Store) multipart(ctx context.Context, key string, r io.Reader, o PutOptions, c condition) (Info, error) {
	start := &s3.CreateMultipartUploadInput{Bucket: &s.bucket, Key: &key, Metadata: o.Metadata}
	if o.ContentType != "" {
		start.ContentType = &o.ContentType
	}
	up, err := s.client.CreateMultipartUpload(ctx, start)
	if err != nil {
		return Info{}, classify(key, c.failed(), err)
	}
	parts, size, err := s.sendParts(ctx, key, *up.UploadId, r)
	if err != nil {
		return Info{}, errors.Join(err, s.abort(ctx, key, *up.UploadId))
	}
	in := &s3.CompleteMultipartUploadInput{
		Bucket: &s.bucket, Key: &key, UploadId: up.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	}
	if c.create {
		in.IfNoneMatch = aws.String("*")
	}
	if c.etag != "" {
		in.IfMatch = &c.etag
	}
	out, err := s.client.CompleteMultipartUpload(ctx, in)
	if err = classify(key, c.failed(), err); err != nil {
		// Parts left behind take room; an upload that was completed all the
		// same is not there to be aborted any more.
		return Info{}, errors.Join(err, s.abort(ctx, key, *up.UploadId))
	}
	return Info{
		Key: key, ETag: aws.ToString(out.ETag), Version: versionOf(out.VersionId),
		Size: size, Metadata: o.Metadata,
	}, nil
}

func (s *Store) sendParts(ctx context.Context, key, id string, r io.Reader) ([]types.CompletedPart, int64, error) {
	var parts []types.CompletedPart
	var size int64
	buf := make([]byte, PartSize)
	for number := int32(1); ; number++ {
		n, end, err := fill(r, buf)
		switch {
		case err != nil:
			return nil, 0, err
		case n == 0:
			return parts, size, nil
		}
		out, err := s.client.UploadPart(ctx, &s3.UploadPartInput{
			Bucket: &s.bucket, Key: &key, UploadId: &id, PartNumber: aws.Int32(number),
			Body: bytes.NewReader(buf[:n]), ContentLength: aws.Int64(int64(n)),
		})
		if err != nil {
			return nil, 0, fmt.Errorf("part %d: %w", number, classify(key, ErrChanged, err))
		}
		size += int64(n)
		parts = append(parts, types.CompletedPart{
			ETag: out.ETag, PartNumber: aws.Int32(number),
			ChecksumCRC32: out.ChecksumCRC32, ChecksumCRC64NVME: out.ChecksumCRC64NVME,
		})
		if end {
			return parts, size, nil
		}
	}
}

// abort frees the parts of an upload that came to nothing, even when ctx is
// done; an upload that is already gone is no error.
func (s *Store) abort(ctx context.Context, key, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, err := s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
		Bucket: &s.bucket, Key: &key, UploadId: &id,
	})
	if codeOf(err) == noSuchUpload {
		return nil
	}
	return classify(key, ErrChanged, err)
}
