// Package unpack undoes the compression that joblib and people put around a
// saved model: zlib, gzip, bzip2, xz and lzma.
//
//	packed bytes --Bytes--> plain bytes
//
// The kind is told by the first bytes, as joblib does (joblib/compressor.py).
// The result is bounded by the caller, memory by a small multiple of that
// bound, whatever the file says of itself. No input panics. One layer is
// removed; what is inside is not looked at.
package unpack

import (
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
)

// Sizes of the largest packed files that are read. The slower kinds unpack some
// 6 MB of packed bytes a second.
const (
	MaxPacked     = 32 << 20 // zlib, gzip
	MaxPackedSlow = 16 << 20 // bz2, xz, lzma
)

// ErrMalformed is wrapped by the errors about packed bytes that are damaged.
var ErrMalformed = errors.New("packed file cannot be unpacked")

// ErrTooLarge is wrapped by the errors about files beyond a limit.
var ErrTooLarge = errors.New("packed file is too large to read safely")

// kinds are the packings and their first bytes.
var kinds = []struct {
	name   string
	magics []string
	packed int // bytes, at most
	open   func(r *bytes.Reader, limit int) (io.Reader, error)
}{
	{"zlib", []string{"x\x01", "x\x5e", "x\x9c", "x\xda"}, MaxPacked, func(r *bytes.Reader, _ int) (io.Reader, error) { return zlib.NewReader(r) }},
	{"gzip", []string{"\x1f\x8b"}, MaxPacked, func(r *bytes.Reader, _ int) (io.Reader, error) { return gzip.NewReader(r) }},
	{"bz2", []string{"BZh"}, MaxPackedSlow, func(r *bytes.Reader, _ int) (io.Reader, error) { return bzip2.NewReader(r), nil }},
	{"xz", []string{"\xfd7zXZ\x00"}, MaxPackedSlow, openXZ},
	{"lzma", []string{"\x5d\x00"}, MaxPackedSlow, openLZMA},
}

// Kind names the packing of data: zlib, gzip, bz2, xz or lzma; it is empty for
// any other file.
func Kind(data []byte) string {
	for _, k := range kinds {
		for _, magic := range k.magics {
			if bytes.HasPrefix(data, []byte(magic)) {
				return k.name
			}
		}
	}
	return ""
}

// Bytes returns what data unpacks to, at most limit bytes. Data of no known
// kind is returned as it is. Errors wrap [ErrMalformed] or [ErrTooLarge].
func Bytes(data []byte, limit int) (plain []byte, err error) {
	name := Kind(data)
	if name == "" {
		return data, nil
	}
	// The decoders are others' code, and the bytes a stranger's.
	defer func() {
		if r := recover(); r != nil {
			plain, err = nil, fmt.Errorf("%w: %s: %v", ErrMalformed, name, r)
		}
	}()
	for _, k := range kinds {
		if k.name == name {
			if len(data) > k.packed {
				return nil, fmt.Errorf("%w: %d bytes of %s, at most %d are read", ErrTooLarge, len(data), name, k.packed)
			}
			in := bytes.NewReader(data)
			r, err := k.open(in, limit)
			if err != nil {
				return nil, fmt.Errorf("%w: %s: %w", ErrMalformed, name, err)
			}
			return read(r, in, name, limit)
		}
	}
	return nil, nil
}

// read takes at most limit bytes from r, and insists that in ends there too.
// Memory beyond what is read is reserved only, never touched.
func read(r io.Reader, in *bytes.Reader, name string, limit int) ([]byte, error) {
	buf := make([]byte, limit+1)
	n, err := io.ReadFull(r, buf)
	switch {
	case err == nil:
		return nil, fmt.Errorf("%w: %s: unpacks to more than %d bytes", ErrTooLarge, name, limit)
	case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fmt.Errorf("%w: %s: %w", ErrMalformed, name, err)
	}
	// ReadFull says ErrUnexpectedEOF for a short read and for a cut file alike.
	var one [1]byte
	if _, err := r.Read(one[:]); !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("%w: %s: the file ends in the middle", ErrMalformed, name)
	}
	if in.Len() > 0 {
		return nil, fmt.Errorf("%w: %s: %d more bytes after the end", ErrMalformed, name, in.Len())
	}
	if n < limit/4 {
		return bytes.Clone(buf[:n]), nil
	}
	return buf[:n:n], nil
}
