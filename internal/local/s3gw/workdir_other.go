//go:build !linux

package s3gw

import "os"

// keepWorkDir runs fn, which changes the working directory, and goes back afterwards.
func keepWorkDir(fn func() error) error {
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
