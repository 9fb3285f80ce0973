package s3gw

import (
	"fmt"
	"net/http"
	"path"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/s3err"
)

const (
	maxKey     = 1024 // bytes, as S3
	maxSegment = 227  // bytes: a file name (255) less what the store adds while it replaces a file
)

// leftover matches the name that the store gives a file for the moment in which it replaces
// another; a crash in that moment leaves it behind.
var leftover = regexp.MustCompile(`^\..*\.sgwtmp\.[0-9]+$`)

// uploadID is the only form that the store itself hands out.
var uploadID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// checkKey refuses keys that the file system would change, hide or put elsewhere.
func checkKey(key *string) error {
	if key == nil || *key == "" {
		return keyError("is empty")
	}
	k := *key
	switch {
	case len(k) > maxKey:
		return s3err.GetKeyTooLongErr(int64(len(k)), maxKey)
	case !utf8.ValidString(k):
		return keyError("is not valid UTF-8")
	case strings.ContainsRune(k, 0):
		return keyError("contains a NUL byte")
	case strings.HasPrefix(k, "/"), path.Clean("/"+k) != "/"+strings.TrimSuffix(k, "/"):
		return keyError(`has an empty, "." or ".." segment`)
	}
	for seg := range strings.SplitSeq(strings.TrimSuffix(k, "/"), "/") {
		if len(seg) > maxSegment {
			return keyError(fmt.Sprintf("has a segment of %d bytes between slashes, and %d is the most", len(seg), maxSegment))
		}
		if seg == posix.MetaTmpDir || leftover.MatchString(seg) {
			return keyError("has a segment that this store keeps for itself")
		}
	}
	return nil
}

func checkUploadID(id *string) error {
	if id == nil || !uploadID.MatchString(*id) {
		s := ""
		if id != nil {
			s = *id
		}
		return s3err.GetNoSuchUploadErr(s)
	}
	return nil
}

func keyError(reason string) error {
	return s3err.APIError{
		Code:           "InvalidObjectName",
		Description:    "This store keeps objects as files and cannot hold this key: it " + reason + ".",
		HTTPStatusCode: http.StatusBadRequest,
	}
}
