package s3gw

import "context"

// GetObjectTagging returns the tags of an object.
func (d *disk) GetObjectTagging(ctx context.Context, bucket, key, version string) (map[string]string, error) {
	dir, file, err := d.object(&bucket, &key)
	if err != nil {
		return nil, d.fail(ctx, "get tags", err)
	}
	lock := d.locks.of(file)
	lock.RLock()
	defer lock.RUnlock()
	tags, err := d.posix.GetObjectTagging(ctx, dir, key, version)
	return tags, d.fail(ctx, "get tags", err)
}

// PutObjectTagging replaces the tags of an object.
func (d *disk) PutObjectTagging(ctx context.Context, bucket, key, version string, tags map[string]string) error {
	return d.changeTags(ctx, bucket, key, func(dir string) error {
		return d.posix.PutObjectTagging(ctx, dir, key, version, tags)
	})
}

// DeleteObjectTagging removes the tags of an object.
func (d *disk) DeleteObjectTagging(ctx context.Context, bucket, key, version string) error {
	return d.changeTags(ctx, bucket, key, func(dir string) error {
		return d.posix.DeleteObjectTagging(ctx, dir, key, version)
	})
}

func (d *disk) changeTags(ctx context.Context, bucket, key string, do func(dir string) error) error {
	dir, file, err := d.object(&bucket, &key)
	if err != nil {
		return d.fail(ctx, "change tags", err)
	}
	lock := d.locks.of(file)
	lock.Lock()
	defer lock.Unlock()
	if err := do(dir); err != nil {
		return d.fail(ctx, "change tags", err)
	}
	return d.fail(ctx, "change tags", d.sync(file))
}
