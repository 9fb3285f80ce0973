package status

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
)

// IDLength is the length of every id: a 26-character ULID followed by 16
// characters of a truncated HMAC-SHA256, all in Crockford's base 32.
const IDLength = ulid.EncodedSize + proofLength

const (
	proofLength = 16 // 80 bits
	minSecret   = 32
)

// Kind says what an id stands for. An id of one kind is never valid as another.
type Kind string

// The kinds of ids.
const (
	KindApplication Kind = "application"
	KindBatch       Kind = "batch"
)

// ErrSecret is returned for an id secret that is too short.
var ErrSecret = errors.New("id secret: must be at least 32 bytes")

// IDs mints ids and tells its own ids from all others without storing any.
// It is immutable and safe for concurrent use.
type IDs struct {
	secrets [][]byte
}

// NewIDs returns IDs that mints with the first secret and accepts ids minted
// with any of them, so that a secret can be replaced. Secrets are at least 32
// bytes; otherwise the error wraps ErrSecret.
func NewIDs(secrets ...[]byte) (*IDs, error) {
	if len(secrets) == 0 {
		return nil, ErrSecret
	}
	ids := &IDs{}
	for i, s := range secrets {
		if len(s) < minSecret {
			return nil, fmt.Errorf("secret %d has %d bytes: %w", i, len(s), ErrSecret)
		}
		ids.secrets = append(ids.secrets, append([]byte(nil), s...))
	}
	return ids, nil
}

// ParseSecrets is NewIDs for secrets as they are configured: 64 or more
// hexadecimal digits each, separated by commas, the one to mint with first.
func ParseSecrets(text string) (*IDs, error) {
	var secrets [][]byte
	for part := range strings.SplitSeq(text, ",") {
		secret, err := hex.DecodeString(strings.TrimSpace(part))
		if err != nil {
			return nil, errors.New("id secret: must be hexadecimal digits, such as 'openssl rand -hex 32' prints")
		}
		secrets = append(secrets, secret)
	}
	return NewIDs(secrets...)
}

// New mints an id with 80 random bits, bound to kind and caller.
func (s *IDs) New(kind Kind, now time.Time, caller string) string {
	var entropy [10]byte
	_, _ = rand.Read(entropy[:]) // never fails: crypto/rand ends the program instead
	return s.Derive(kind, now, entropy, caller)
}

// Derive mints the id that belongs to a time and 80 given bits: the same
// arguments give the same id.
func (s *IDs) Derive(kind Kind, at time.Time, entropy [10]byte, caller string) string {
	var u ulid.ULID
	_ = u.SetTime(ulid.Timestamp(at)) // fails only beyond the year 10889
	_ = u.SetEntropy(entropy[:])      // fails only for a wrong length
	name := u.String()
	return name + proof(s.secrets[0], kind, name, caller)
}

// Verify reports whether id was minted for this kind and caller. It takes the
// same time for every id of the right form.
func (s *IDs) Verify(kind Kind, id, caller string) bool {
	if !ValidID(id) {
		return false
	}
	name, given := id[:ulid.EncodedSize], id[ulid.EncodedSize:]
	ok := false
	for _, secret := range s.secrets {
		if hmac.Equal([]byte(given), []byte(proof(secret, kind, name, caller))) {
			ok = true
		}
	}
	return ok
}

// ValidID reports whether id has the form of an id, without proving that it
// was ever issued. Only ids of this form may become part of a key.
func ValidID(id string) bool {
	if len(id) != IDLength {
		return false
	}
	if strings.Trim(id, ulid.Encoding) != "" {
		return false
	}
	_, err := ulid.ParseStrict(id[:ulid.EncodedSize])
	return err == nil
}

// Time returns when a valid id was minted, in UTC with millisecond precision.
func Time(id string) time.Time {
	u, err := ulid.ParseStrict(id[:min(len(id), ulid.EncodedSize)])
	if err != nil {
		return time.Time{}
	}
	return ulid.Time(u.Time()).UTC()
}

func proof(secret []byte, kind Kind, name, caller string) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(string(kind) + "\x00" + name + "\x00" + caller))
	return crockford().EncodeToString(mac.Sum(nil)[:proofLength*5/8])
}

func crockford() *base32.Encoding {
	return base32.NewEncoding(ulid.Encoding).WithPadding(base32.NoPadding)
}
