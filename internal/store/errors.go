package store

import (
	"errors"
	"fmt"
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

// The answers of the store that callers act on.
var (
	// ErrNotFound: no object under that key, or not that version of it.
	ErrNotFound = errors.New("object not found")
	// ErrExists: Create found an object under that key, perhaps our own from an
	// earlier try of the same request.
	ErrExists = errors.New("object exists")
	// ErrChanged: the object is not the one that the ETag names any more.
	ErrChanged = errors.New("object changed")
	// ErrTooLarge: the object is larger than the caller was ready to read.
	ErrTooLarge = errors.New("object too large")
)

// noETag refuses a condition that an endpoint would take for none.
func noETag(key string) error { return fmt.Errorf("%q: empty ETag: %w", key, ErrChanged) }

// noSuchUpload is S3's code for a multipart upload that was aborted or, by an
// earlier try of the same request, completed. It tells nothing of the object.
const noSuchUpload = "NoSuchUpload"

// codeOf returns S3's error code of err, or "".
func codeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// classify turns the SDK's error into a sentinel where it is an answer, given
// what a failed precondition means for this call.
func classify(key string, precondition, err error) error {
	if err == nil {
		return nil
	}
	code := codeOf(err)
	var resp *awshttp.ResponseError
	status := 0
	if errors.As(err, &resp) {
		status = resp.HTTPStatusCode()
	}
	switch {
	case status == http.StatusPreconditionFailed || code == "PreconditionFailed":
		return fmt.Errorf("%q: %w", key, precondition)
	case code == "NoSuchKey", code == "NotFound", code == "NoSuchVersion",
		status == http.StatusNotFound && code != "NoSuchBucket" && code != noSuchUpload:
		return fmt.Errorf("%q: %w", key, ErrNotFound)
	default:
		return fmt.Errorf("%q: %w", key, err)
	}
}
