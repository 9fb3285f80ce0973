package s3gw

import (
	"errors"
	"hash/maphash"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// syncPath flushes one file or directory to disk. What no longer exists needs no flush.
func syncPath(path string) error {
	f, err := os.Open(path) //nolint:gosec // the path is below the store's own directory: checkKey has seen its key
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil
	}
	if err != nil {
		return err
	}
	err = f.Sync()
	return errors.Join(err, f.Close())
}

// syncTree flushes path and every directory above it up to and including top.
func (d *disk) syncTree(top, path string) error {
	for {
		if err := d.sync(path); err != nil {
			return err
		}
		if path == top || len(path) <= len(top) {
			return nil
		}
		path = filepath.Dir(path)
	}
}

// syncVersions flushes everything: a write to a versioned bucket also moves files that only
// the store knows.
func syncVersions(versionID string) {
	if versionID != "" {
		unix.Sync()
	}
}

func freeBytes(dir string) (uint64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return st.Bavail * uint64(st.Bsize), nil
}

// stripes is a fixed set of locks by file path. A writer holds its path's lock from before
// the object becomes visible until it is on disk, so a reader that gets past the lock has a
// whole object that will stay.
type stripes struct {
	locks [1024]sync.RWMutex
	seed  maphash.Seed
}

func (s *stripes) of(path string) *sync.RWMutex {
	return &s.locks[maphash.String(s.seed, path)%uint64(len(s.locks))]
}
