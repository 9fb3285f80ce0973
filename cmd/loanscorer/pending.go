package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// writebackBytes is how much of a file is written before the system is told to
// store it.
const writebackBytes = 1 << 20

// pending is an output file under another name until it is complete.
type pending struct {
	file *os.File
	name string

	written int64
	storing int64 // bytes that the system has been told to store
}

// Write implements [io.Writer].
func (p *pending) Write(b []byte) (int, error) {
	n, err := p.file.Write(b)
	p.written += int64(n)
	if whole := p.written &^ (writebackBytes - 1); whole > p.storing { // no part of a page twice
		startWriteback(p.file, p.storing, whole-p.storing)
		p.storing = whole
	}
	return n, err
}

// newPending begins a file. What is there already is replaced only if it is a
// regular file.
func newPending(name string) (*pending, error) {
	info, err := os.Stat(name)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: is there and no regular file; choose another name", name)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: %w", name, bare(err))
	}
	part := name + ".part-" + rand.Text()[:8]
	f, err := os.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o666) //nolint:gosec // as the umask says
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, bare(err))
	}
	return &pending{file: f, name: name}, nil
}

// bare leaves the name out of a file error, where the name is not the user's.
func bare(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// publish makes the file appear.
func (p *pending) publish() error {
	err := errors.Join(p.file.Sync(), p.file.Close())
	if err == nil {
		err = os.Rename(p.file.Name(), p.name)
	}
	if err != nil {
		err = errors.Join(fmt.Errorf("%s: %w", p.name, bare(err)), os.Remove(p.file.Name()))
	}
	p.file = nil
	return err
}

// drop removes a file that was not published.
func (p *pending) drop() error {
	if p.file == nil {
		return nil
	}
	return errors.Join(p.file.Close(), os.Remove(p.file.Name()))
}
