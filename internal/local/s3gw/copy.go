package s3gw

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

// CopyObject reads the source and writes the destination like any other object, so a copy
// onto itself replaces the object in one step too.
func (d *disk) CopyObject(ctx context.Context, in s3response.CopyObjectInput) (s3response.CopyObjectOutput, error) {
	const op = "copy object"
	ifMatch, ifNoneMatch := conditions(ctx)
	ctx = context.WithoutCancel(ctx)
	var none s3response.CopyObjectOutput
	from, err := d.copySource(*in.CopySource)
	if err != nil {
		return none, d.fail(ctx, op, err)
	}
	replace := in.MetadataDirective == types.MetadataDirectiveReplace
	if !replace && *from.Bucket == *in.Bucket && *from.Key == *in.Key && *from.VersionId == "" {
		return none, s3err.GetAPIError(s3err.ErrInvalidCopyDest)
	}
	from.IfMatch, from.IfNoneMatch = in.CopySourceIfMatch, in.CopySourceIfNoneMatch
	from.IfModifiedSince, from.IfUnmodifiedSince = in.CopySourceIfModifiedSince, in.CopySourceIfUnmodifiedSince
	src, err := d.openSource(ctx, from)
	if err != nil {
		return none, err
	}
	defer func() { _ = src.Body.Close() }()

	put := s3response.PutObjectInput{
		Bucket: in.Bucket, Key: in.Key, Body: src.Body, ContentLength: src.ContentLength,
		ChecksumAlgorithm: in.ChecksumAlgorithm, WebsiteRedirectLocation: in.WebsiteRedirectLocation,
		IfMatch: ifMatch, IfNoneMatch: ifNoneMatch,
	}
	if put.ChecksumAlgorithm == "" {
		put.ChecksumAlgorithm = checksumOf(src)
	}
	describe(&put, &in, src, replace)
	if put.Tagging, err = d.copyTags(ctx, &in, from); err != nil {
		return none, err
	}
	out, seq, err := d.put(ctx, put, new(counter))
	if err != nil {
		return none, err
	}
	e := Event{
		Name: EventCopy, Bucket: *in.Bucket, Key: *in.Key, Size: *src.ContentLength,
		ETag: out.ETag, VersionID: out.VersionID, Sequencer: seq,
	}
	if err := d.created(ctx, e); err != nil {
		return none, err
	}
	return copyResult(out, *from.VersionId), nil
}

// copySource reads the x-amz-copy-source header.
func (d *disk) copySource(header string) (*s3.GetObjectInput, error) {
	bucket, key, version, err := backend.ParseCopySource(header)
	if err != nil {
		return nil, err
	}
	whole := ""
	return &s3.GetObjectInput{
		Bucket: &bucket, Key: &key, VersionId: &version, Range: &whole, ChecksumMode: types.ChecksumModeEnabled,
	}, nil
}

// openSource is GetObject; a source that is not modified is a failed condition in a copy.
func (d *disk) openSource(ctx context.Context, from *s3.GetObjectInput) (*s3.GetObjectOutput, error) {
	src, err := d.GetObject(ctx, from)
	if err != nil {
		var named s3err.S3Error
		if errors.As(err, &named) && named.StatusCode() == http.StatusNotModified {
			return nil, s3err.GetPreconditionFailedErr("x-amz-copy-source-If-None-Match")
		}
		return nil, err
	}
	if src.Body == nil {
		src.Body = http.NoBody // a directory object
	}
	if *src.ContentLength > copyLimit {
		_ = src.Body.Close()
		return nil, s3err.GetCopySourceObjectTooLargeErr(copyLimit)
	}
	return src, nil
}

// describe fills in the metadata: the request's, or the source's.
func describe(put *s3response.PutObjectInput, in *s3response.CopyObjectInput, src *s3.GetObjectOutput, replace bool) {
	if replace {
		put.ContentType, put.ContentEncoding, put.ContentLanguage = in.ContentType, in.ContentEncoding, in.ContentLanguage
		put.ContentDisposition, put.CacheControl, put.Expires = in.ContentDisposition, in.CacheControl, in.Expires
		put.Metadata = in.Metadata
		return
	}
	put.ContentType, put.ContentEncoding, put.ContentLanguage = src.ContentType, src.ContentEncoding, src.ContentLanguage
	put.ContentDisposition, put.CacheControl, put.Expires = src.ContentDisposition, src.CacheControl, src.ExpiresString
	put.Metadata = src.Metadata
}

// copyTags returns the tags of the destination in the form of the x-amz-tagging header.
func (d *disk) copyTags(ctx context.Context, in *s3response.CopyObjectInput, from *s3.GetObjectInput) (*string, error) {
	if in.TaggingDirective == types.TaggingDirectiveReplace {
		return in.Tagging, nil
	}
	tags, err := d.GetObjectTagging(ctx, *from.Bucket, *from.Key, *from.VersionId)
	if err != nil {
		var named s3err.S3Error
		if errors.As(err, &named) && named.StatusCode() == http.StatusNotFound {
			return nil, nil //nolint:nilnil // no tags
		}
		return nil, err
	}
	values := url.Values{}
	for k, v := range tags {
		values.Set(k, v)
	}
	s := values.Encode()
	return &s, nil
}

// checksumOf is the algorithm of the checksum that the source carries.
func checksumOf(src *s3.GetObjectOutput) types.ChecksumAlgorithm {
	switch {
	case src.ChecksumCRC32 != nil:
		return types.ChecksumAlgorithmCrc32
	case src.ChecksumCRC32C != nil:
		return types.ChecksumAlgorithmCrc32c
	case src.ChecksumSHA1 != nil:
		return types.ChecksumAlgorithmSha1
	case src.ChecksumSHA256 != nil:
		return types.ChecksumAlgorithmSha256
	default:
		return types.ChecksumAlgorithmCrc64nvme
	}
}

func copyResult(out s3response.PutObjectOutput, sourceVersion string) s3response.CopyObjectOutput {
	now := time.Now().UTC()
	return s3response.CopyObjectOutput{
		CopyObjectResult: &s3response.CopyObjectResult{
			ETag: &out.ETag, LastModified: &now, ChecksumType: out.ChecksumType,
			ChecksumCRC32: out.ChecksumCRC32, ChecksumCRC32C: out.ChecksumCRC32C, ChecksumCRC64NVME: out.ChecksumCRC64NVME,
			ChecksumSHA1: out.ChecksumSHA1, ChecksumSHA256: out.ChecksumSHA256,
		},
		VersionId:           &out.VersionID,
		CopySourceVersionId: &sourceVersion,
	}
}

// UploadPartCopy stores a range of an object as one part.
func (d *disk) UploadPartCopy(ctx context.Context, in *s3.UploadPartCopyInput) (s3response.CopyPartResult, error) {
	const op = "upload part copy"
	ctx = context.WithoutCancel(ctx)
	var none s3response.CopyPartResult
	from, err := d.copySource(*in.CopySource)
	if err != nil {
		return none, d.fail(ctx, op, err)
	}
	if in.CopySourceRange != nil {
		from.Range = in.CopySourceRange
	}
	from.IfMatch, from.IfNoneMatch = in.CopySourceIfMatch, in.CopySourceIfNoneMatch
	from.IfModifiedSince, from.IfUnmodifiedSince = in.CopySourceIfModifiedSince, in.CopySourceIfUnmodifiedSince
	src, err := d.openSource(ctx, from)
	if err != nil {
		return none, err
	}
	defer func() { _ = src.Body.Close() }()
	part, err := d.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: in.Bucket, Key: in.Key, UploadId: in.UploadId, PartNumber: in.PartNumber,
		Body: src.Body, ContentLength: src.ContentLength,
	})
	if err != nil {
		return none, err
	}
	return s3response.CopyPartResult{
		ETag: part.ETag, LastModified: time.Now().UTC(), CopySourceVersionId: *from.VersionId,
		ChecksumCRC32: part.ChecksumCRC32, ChecksumCRC32C: part.ChecksumCRC32C, ChecksumCRC64NVME: part.ChecksumCRC64NVME,
		ChecksumSHA1: part.ChecksumSHA1, ChecksumSHA256: part.ChecksumSHA256,
	}, nil
}
