package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ensureSecret makes the id secret of a data directory at its first start. The
// file appears whole or not at all.
func ensureSecret(dir string) error {
	path := filepath.Join(dir, idSecretFile)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails: crypto/rand ends the program instead
	f, err := os.CreateTemp(dir, idSecretFile+"-*")
	if err != nil {
		return fmt.Errorf("id secret: %w", err)
	}
	_, err = f.WriteString(hex.EncodeToString(secret) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("id secret: %w", err), os.Remove(f.Name()))
	}
	return nil
}
