package store

import (
	"context"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// ReadRange returns n bytes of the object at key from offset on, or ErrNotFound.
// It reads whatever stands there: it is for objects that are written once.
func (s *Store) ReadRange(ctx context.Context, key string, offset, n int64) ([]byte, error) {
	if n <= 0 {
		return nil, nil
	}
	span := fmt.Sprintf("bytes=%d-%d", offset, offset+n-1)
	out, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: &key, Range: &span})
	if err != nil {
		return nil, classify(key, ErrChanged, err)
	}
	data := make([]byte, n)
	_, err = io.ReadFull(out.Body, data)
	closed := out.Body.Close()
	if err != nil {
		return nil, fmt.Errorf("%q: bytes %d to %d: %w", key, offset, offset+n, noEOF(err))
	}
	return data, closed
}
