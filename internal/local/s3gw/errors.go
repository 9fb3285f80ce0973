package s3gw

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"syscall"

	"github.com/versity/versitygw/s3err"
)

// fail turns the error of one operation into what the client is told. What the store did
// not name is logged here and becomes an internal error.
func (d *disk) fail(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	if isNoSpace(err) {
		d.log.LogAttrs(ctx, slog.LevelError, "disk full", slog.String("op", op), slog.Any("error", err))
		return s3err.GetAPIError(s3err.ErrNoSpaceLeftOnDevice)
	}
	if errors.Is(err, syscall.ENAMETOOLONG) {
		return s3err.GetAPIError(s3err.ErrKeyTooLong)
	}
	var named s3err.S3Error
	if errors.As(err, &named) {
		return explain(named)
	}
	d.log.LogAttrs(ctx, slog.LevelError, "s3 request failed", slog.String("op", op), slog.Any("error", err))
	return s3err.GetAPIError(s3err.ErrInternalError)
}

// failWrite is fail for a write to path: the store reports whatever stops it from linking a
// file into place as a clash with a directory, a full disk included.
func (d *disk) failWrite(ctx context.Context, op, path string, err error) error {
	var named s3err.S3Error
	if errors.As(err, &named) && named.BaseError().Code == clashDir {
		if info, statErr := os.Stat(path); statErr != nil || !info.IsDir() {
			free, spaceErr := freeBytes(d.root)
			if spaceErr == nil && free < minFree {
				err = syscall.ENOSPC
			} else if statErr == nil || !errors.Is(statErr, syscall.ENOTDIR) {
				err = errors.New("cannot link the object into place")
			}
		}
	}
	return d.fail(ctx, op, err)
}

const (
	clashDir    = "ExistingObjectIsDirectory"
	clashParent = "ObjectParentIsFile"
	minFree     = 1 << 20 // bytes below which a write that failed without a reason is put down to a full disk
)

// explain words the two errors that AWS does not have.
func explain(e s3err.S3Error) error {
	const same = `Objects are kept as files here: "x/y" and "x/y/z" cannot both exist. `
	switch e.BaseError().Code {
	case clashDir:
		return s3err.APIError{
			Code: clashDir, HTTPStatusCode: http.StatusConflict,
			Description: same + "There are objects below this key; choose another key.",
		}
	case clashParent:
		return s3err.APIError{
			Code: clashParent, HTTPStatusCode: http.StatusConflict,
			Description: same + "A parent of this key is an object; choose another key.",
		}
	}
	return e
}

// errHook tells the client to try again: the object is stored, but not yet announced.
func errHook() error {
	return s3err.APIError{
		Code: "ServiceUnavailable", HTTPStatusCode: http.StatusServiceUnavailable,
		Description: "The object is stored, but its event could not be queued. Please try again.",
	}
}

func isNoSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

func isAddrInUse(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }

func isPreconditionFailed(err error) bool {
	var named s3err.S3Error
	return errors.As(err, &named) && named.StatusCode() == http.StatusPreconditionFailed
}
