package local

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// minFree is the free space, in bytes, below which a server does not start: it would only
// answer that the disk is full.
const minFree = 64 << 20

var (
	// ErrLocked is wrapped by Start when another server uses the directory.
	ErrLocked = errors.New("in use by another server")
	// ErrDiskFull is wrapped by Start when there is next to no space left.
	ErrDiskFull = errors.New("disk full")
)

// dirLock is the lock on a data directory; it ends with the process at the latest.
type dirLock struct{ file *os.File }

// openDir makes the directory, locks it and checks that it can be used.
func openDir(dir string) (*dirLock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data directory %s cannot be made: %w: choose another directory", dir, err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the caller's own data directory
	if err != nil {
		if errors.Is(err, syscall.ENOSPC) {
			return nil, fmt.Errorf("data directory %s: %w: make room or choose another directory", dir, ErrDiskFull)
		}
		return nil, fmt.Errorf("data directory %s is not writable: %w: "+
			"make it writable for this user or choose another directory", dir, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		err = lockError(dir, f, err)
		return nil, errors.Join(err, f.Close())
	}
	l := &dirLock{file: f}
	if err := l.prepare(dir); err != nil {
		return nil, errors.Join(err, l.release())
	}
	return l, nil
}

func lockError(dir string, f *os.File, err error) error {
	if !errors.Is(err, unix.EWOULDBLOCK) {
		return fmt.Errorf("data directory %s cannot be locked: %w: choose a directory on a local disk", dir, err)
	}
	holder := ""
	if pid, readErr := io.ReadAll(io.LimitReader(f, 20)); readErr == nil && len(pid) > 0 {
		holder = " (process " + strings.TrimSpace(string(pid)) + ")"
	}
	return fmt.Errorf("data directory %s is %w%s: stop that server or choose another directory", dir, ErrLocked, holder)
}

// prepare checks the free space and leaves the process number for lockError.
func (l *dirLock) prepare(dir string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return fmt.Errorf("data directory %s: %w", dir, err)
	}
	free := st.Bavail * uint64(st.Bsize)
	if st.Blocks > 0 && free < minFree { // no blocks: the file system does not say
		return fmt.Errorf("data directory %s: %w, only %d MiB free: make room or choose another directory", dir, ErrDiskFull, free>>20)
	}
	if err := l.file.Truncate(0); err != nil {
		return fmt.Errorf("data directory %s: %w", dir, err)
	}
	if _, err := l.file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0); err != nil {
		return fmt.Errorf("data directory %s: %w", dir, err)
	}
	return nil
}

func (l *dirLock) release() error { return l.file.Close() }
