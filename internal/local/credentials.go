package local

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrNoCredentials is wrapped by ReadCredentials when no server has used the directory yet.
var ErrNoCredentials = errors.New("no credentials")

const credentialsFile = "credentials.json"

// Credentials are the one account of both servers.
type Credentials struct {
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
	Region          string `json:"region"`
}

// ReadCredentials returns the credentials of the server that uses a data directory, for
// programs beside it. Errors: ErrNoCredentials, or one that names the file.
func ReadCredentials(dir string) (Credentials, error) {
	path := filepath.Join(dir, credentialsFile)
	data, err := os.ReadFile(path) //nolint:gosec // the caller's own data directory
	if errors.Is(err, fs.ErrNotExist) {
		return Credentials{}, fmt.Errorf("%w in %s: start the server there, or name the directory it uses", ErrNoCredentials, dir)
	}
	if err != nil {
		return Credentials{}, fmt.Errorf("credentials: %w", err)
	}
	var c Credentials
	if err := json.Unmarshal(data, &c); err != nil {
		return Credentials{}, fmt.Errorf("credentials %s: %w: restore the file, or delete it to get new ones", path, err)
	}
	if c.AccessKeyID == "" || c.SecretAccessKey == "" {
		return Credentials{}, fmt.Errorf("credentials %s: a key is missing: restore the file, or delete it to get new ones", path)
	}
	return c, nil
}

// openCredentials reads the credentials or makes new ones, and notes the region.
func openCredentials(dir, region string) (c Credentials, made bool, err error) {
	c, err = ReadCredentials(dir)
	if errors.Is(err, ErrNoCredentials) {
		c, made, err = newCredentials(), true, nil
	}
	if err != nil || c.Region == region {
		return c, false, err
	}
	c.Region = region
	return c, made, writeCredentials(dir, c)
}

// newCredentials are random: 90 bits in the name, 240 in the secret.
func newCredentials() Credentials {
	secret := make([]byte, 30)
	_, _ = rand.Read(secret) // never fails
	return Credentials{
		AccessKeyID:     "LS" + rand.Text()[:18],
		SecretAccessKey: base64.RawURLEncoding.EncodeToString(secret),
	}
}

// writeCredentials replaces the file in one step, for this user's eyes alone.
func writeCredentials(dir string, c Credentials) error {
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, credentialsFile+".*") // 0600
	if err != nil {
		return fmt.Errorf("credentials: %w", err)
	}
	_, err = f.Write(append(data, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, credentialsFile))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("credentials: %w", err), os.Remove(f.Name()))
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	f, err := os.Open(dir) //nolint:gosec // the caller's own data directory
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
