package s3gw

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"golang.org/x/sys/unix"
)

const (
	copyLimit     = 5 << 30   // bytes: the largest source of one CopyObject, as S3
	copyBuffer    = 128 << 10 // bytes that are copied at a time; every read of a range has such a buffer
	inProgressExt = ".inprogress"
)

// ErrNoXattr is wrapped by Start when the file system has no extended attributes.
var ErrNoXattr = errors.New("no extended attributes")

// newMu keeps two openings from changing the working directory under each other.
var newMu sync.Mutex

func openDisk(o Options) (*disk, error) {
	objects, versions, err := layout(o.Dir)
	if err != nil {
		return nil, err
	}
	if err := checkXattr(objects, unix.Setxattr); err != nil {
		return nil, err
	}
	alias, err := versionAlias(objects, versions)
	if err != nil {
		return nil, err
	}
	if err := recoverUploads(objects); err != nil {
		return nil, err
	}
	p, err := newPosix(objects, alias)
	if err != nil {
		return nil, fmt.Errorf("s3 directory %s: %w", o.Dir, err)
	}
	return &disk{
		posix: p, root: objects, onCreated: o.OnCreated, log: o.Logger,
		sync: syncPath, locks: newStripes(), uploads: newStripes(),
		owner: auth.Account{Access: o.AccessKeyID, Role: auth.RoleAdmin},
	}, nil
}

// newPosix opens the library's store. Its constructor changes the working directory, which
// this process shares with everything else in it, and prints to standard output: both are
// put back before it returns. Afterwards only absolute paths are passed to the store.
func newPosix(objects, versions string) (*posix.Posix, error) {
	newMu.Lock()
	defer newMu.Unlock()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = null.Close() }()
	stdout := os.Stdout
	os.Stdout = null
	defer func() { os.Stdout = stdout }()

	opts := posix.PosixOpts{VersioningDir: versions, CopyObjectThreshold: copyLimit, IOBufferSize: copyBuffer, ValidateBucketNames: false}
	opts.SetNewDirPerm(0o700)
	opts.SetNewFilePerm(0o600)
	var p *posix.Posix
	err = keepWorkDir(func() (err error) {
		p, err = posix.New(objects, meta.XattrMeta{}, opts)
		return err
	})
	return p, err
}

// checkXattr sets an attribute on a file of its own in dir.
func checkXattr(dir string, set func(path, attr string, value []byte, flags int) error) error {
	f, err := os.CreateTemp(dir, ".probe-")
	if err != nil {
		return fmt.Errorf("s3 directory %s is not writable: %w", dir, err)
	}
	name := f.Name()
	defer func() { _ = os.Remove(name) }()
	if err := f.Close(); err != nil {
		return fmt.Errorf("s3 directory %s: %w", dir, err)
	}
	err = set(name, "user.loanscorer", []byte("probe"), 0)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.ENOTSUP), errors.Is(err, unix.EPERM), errors.Is(err, unix.ENOSYS):
		return fmt.Errorf("s3 directory %s: %w on this file system (%w): "+
			"put the data directory on ext4, xfs, btrfs or apfs", dir, ErrNoXattr, err)
	default:
		return fmt.Errorf("s3 directory %s: set attribute: %w", dir, err)
	}
}

// versionAlias returns the versioning directory to hand to the store. It appends the path of
// a bucket to it, which is absolute here: the alias is a tree of links in which that path
// leads to versions, so that the data directory may be moved while the server is stopped.
func versionAlias(objects, versions string) (string, error) {
	alias := versions + ".link"
	if err := os.RemoveAll(alias); err != nil {
		return "", fmt.Errorf("s3 versions: %w", err)
	}
	link := filepath.Join(alias, objects)
	if err := os.MkdirAll(filepath.Dir(link), 0o700); err != nil {
		return "", fmt.Errorf("s3 versions: %w", err)
	}
	if err := os.Symlink(versions, link); err != nil {
		return "", fmt.Errorf("s3 versions: %w", err)
	}
	return alias, nil
}

// recoverUploads gives back the multipart uploads whose completion was cut off: the store
// would take the directory left behind for a completion that still runs, and acknowledge.
func recoverUploads(objects string) error {
	names, err := filepath.Glob(filepath.Join(escapeGlob(objects), "*", posix.MetaTmpMultipartDir, "*", "*"+inProgressExt))
	if err != nil {
		return fmt.Errorf("s3 uploads: %w", err)
	}
	for _, name := range names {
		id, _, _ := strings.Cut(filepath.Base(name), ".")
		err := os.Rename(name, filepath.Join(filepath.Dir(name), id))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("s3 uploads: %w", err)
		}
	}
	return nil
}

// escapeGlob makes filepath.Glob take every character of path as it is.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
