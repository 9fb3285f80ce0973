package s3gw

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/s3api/utils"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

// ensureBucket makes a bucket that belongs to the account, or keeps the one that is there.
func (d *disk) ensureBucket(ctx context.Context, name string) error {
	if !utils.IsValidBucketName(name) {
		return errors.New("bucket " + name + ": not a valid bucket name")
	}
	acl, err := json.Marshal(auth.ACL{Owner: d.owner.Access})
	if err != nil {
		return err
	}
	err = d.CreateBucket(ctx, &s3.CreateBucketInput{
		Bucket:                    &name,
		ObjectOwnership:           types.ObjectOwnershipBucketOwnerEnforced,
		CreateBucketConfiguration: &types.CreateBucketConfiguration{},
	}, acl)
	var named s3err.S3Error
	if errors.As(err, &named) && strings.HasPrefix(named.BaseError().Code, "BucketAlready") {
		return nil
	}
	return err
}

// CreateBucket makes a bucket.
func (d *disk) CreateBucket(ctx context.Context, in *s3.CreateBucketInput, acl []byte) error {
	if in.ObjectLockEnabledForBucket != nil && *in.ObjectLockEnabledForBucket {
		return s3err.GetAPIError(s3err.ErrNotImplemented)
	}
	if in.Bucket == nil || !utils.IsValidBucketName(*in.Bucket) {
		return s3err.GetAPIError(s3err.ErrInvalidBucketName)
	}
	dir := filepath.Join(d.root, *in.Bucket)
	input := *in
	input.Bucket = &dir
	err := d.posix.CreateBucket(context.WithoutCancel(ctx), &input, acl)
	var named s3err.S3Error
	if errors.As(err, &named) && strings.HasPrefix(named.BaseError().Code, "BucketAlready") {
		return s3err.GetBucketErr(s3err.ErrBucketAlreadyOwnedByYou, strings.Clone(*in.Bucket))
	}
	if err != nil {
		return d.fail(ctx, "create bucket", err)
	}
	return d.fail(ctx, "create bucket", d.syncTree(d.root, dir))
}

// DeleteBucket removes an empty bucket.
func (d *disk) DeleteBucket(ctx context.Context, bucket string) error {
	dir, err := d.bucket(&bucket)
	if err != nil {
		return d.fail(ctx, "delete bucket", err)
	}
	err = d.posix.DeleteBucket(ctx, dir)
	var named s3err.S3Error
	if errors.As(err, &named) && named.BaseError().Code == "BucketNotEmpty" {
		return s3err.GetBucketErr(s3err.ErrBucketNotEmpty, strings.Clone(bucket))
	}
	if err != nil {
		return d.fail(ctx, "delete bucket", err)
	}
	return d.fail(ctx, "delete bucket", d.sync(d.root))
}

// HeadBucket says whether a bucket exists.
func (d *disk) HeadBucket(ctx context.Context, in *s3.HeadBucketInput) (*s3.HeadBucketOutput, error) {
	_, err := d.bucket(in.Bucket)
	return &s3.HeadBucketOutput{}, d.fail(ctx, "head bucket", err)
}

// ListBuckets lists the buckets by name.
func (d *disk) ListBuckets(ctx context.Context, in s3response.ListBucketsInput) (s3response.ListAllMyBucketsResult, error) {
	res := s3response.ListAllMyBucketsResult{Owner: s3response.CanonicalUser{ID: in.Owner}, Prefix: in.Prefix}
	entries, err := os.ReadDir(d.root)
	if err != nil {
		return res, d.fail(ctx, "list buckets", err)
	}
	for _, e := range entries {
		name := e.Name()
		if !e.IsDir() || !utils.IsValidBucketName(name) ||
			!strings.HasPrefix(name, in.Prefix) || name <= in.ContinuationToken {
			continue
		}
		if n := len(res.Buckets.Bucket); in.MaxBuckets > 0 && n == int(in.MaxBuckets) {
			res.ContinuationToken = res.Buckets.Bucket[n-1].Name
			break
		}
		info, err := e.Info()
		if err != nil {
			continue // removed since
		}
		res.Buckets.Bucket = append(res.Buckets.Bucket,
			s3response.ListAllMyBucketsEntry{Name: name, CreationDate: info.ModTime()})
	}
	return res, nil
}

// GetBucketAcl returns who owns a bucket; the server asks before every operation.
func (d *disk) GetBucketAcl(ctx context.Context, in *s3.GetBucketAclInput) ([]byte, error) { //nolint:staticcheck,revive // the interface spells it so
	dir, err := d.bucket(in.Bucket)
	if err != nil {
		return nil, d.fail(ctx, "get bucket acl", err)
	}
	acl, err := d.posix.GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: &dir})
	return acl, d.fail(ctx, "get bucket acl", err)
}

// GetBucketOwnershipControls returns the rule that the bucket's owner owns the objects.
func (d *disk) GetBucketOwnershipControls(ctx context.Context, bucket string) (types.ObjectOwnership, error) {
	dir, err := d.bucket(&bucket)
	if err != nil {
		return "", d.fail(ctx, "get ownership", err)
	}
	o, err := d.posix.GetBucketOwnershipControls(ctx, dir)
	return o, d.fail(ctx, "get ownership", err)
}

// GetBucketPolicy says that there is none; the server asks before every operation.
func (d *disk) GetBucketPolicy(context.Context, string) ([]byte, error) {
	return nil, s3err.GetAPIError(s3err.ErrNoSuchBucketPolicy)
}

// GetObjectLockConfiguration says that there is none; the server asks before every write.
func (d *disk) GetObjectLockConfiguration(context.Context, string) ([]byte, error) {
	return nil, s3err.GetAPIError(s3err.ErrObjectLockConfigurationNotFound)
}

// GetBucketVersioning says whether a bucket keeps old versions.
func (d *disk) GetBucketVersioning(ctx context.Context, bucket string) (s3response.GetBucketVersioningOutput, error) {
	dir, err := d.bucket(&bucket)
	if err != nil {
		return s3response.GetBucketVersioningOutput{}, d.fail(ctx, "get versioning", err)
	}
	out, err := d.posix.GetBucketVersioning(ctx, dir)
	return out, d.fail(ctx, "get versioning", err)
}

// PutBucketVersioning makes a bucket keep old versions, or stops that.
func (d *disk) PutBucketVersioning(ctx context.Context, bucket string, status types.BucketVersioningStatus) error {
	return d.change(ctx, "put versioning", bucket, func(dir string) error {
		return d.posix.PutBucketVersioning(ctx, dir, status)
	})
}

// GetBucketCors returns the rules for browsers.
func (d *disk) GetBucketCors(ctx context.Context, bucket string) ([]byte, error) {
	dir, err := d.bucket(&bucket)
	if err != nil {
		return nil, d.fail(ctx, "get cors", err)
	}
	out, err := d.posix.GetBucketCors(ctx, dir)
	return out, d.fail(ctx, "get cors", err)
}

// PutBucketCors sets the rules for browsers.
func (d *disk) PutBucketCors(ctx context.Context, bucket string, cors []byte) error {
	return d.change(ctx, "put cors", bucket, func(dir string) error { return d.posix.PutBucketCors(ctx, dir, cors) })
}

// DeleteBucketCors removes the rules for browsers.
func (d *disk) DeleteBucketCors(ctx context.Context, bucket string) error {
	return d.change(ctx, "delete cors", bucket, func(dir string) error { return d.posix.DeleteBucketCors(ctx, dir) })
}

// change does something to a bucket's directory and flushes it.
func (d *disk) change(ctx context.Context, op, bucket string, do func(dir string) error) error {
	dir, err := d.bucket(&bucket)
	if err == nil {
		err = do(dir)
	}
	if err == nil {
		err = d.sync(dir)
	}
	return d.fail(ctx, op, err)
}
