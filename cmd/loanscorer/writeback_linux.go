package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// startWriteback lets the system begin to store a range of a file, so that there
// is less to wait for when the file is flushed. Where that does not work,
// flushing does it all.
func startWriteback(f *os.File, from, n int64) {
	_ = unix.SyncFileRange(int(f.Fd()), from, n, unix.SYNC_FILE_RANGE_WRITE)
}
