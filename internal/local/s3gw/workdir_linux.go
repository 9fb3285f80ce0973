package s3gw

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// keepWorkDir runs fn, which changes the working directory, so that nobody else notices: on
// a thread with a working directory of its own that ends with fn, or, where the kernel
// refuses that, by going back afterwards.
func keepWorkDir(fn func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		if unix.Unshare(unix.CLONE_FS) == nil {
			done <- fn()
			return
		}
		done <- goBack(fn)
	}()
	return <-done
}

func goBack(fn func() error) error {
	wd, err := os.Getwd()
	if err != nil {
		return err
	}
	if err := fn(); err != nil {
		_ = os.Chdir(wd)
		return err
	}
	return os.Chdir(wd)
}
