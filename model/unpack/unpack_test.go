package unpack_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"

	"github.com/loanscorer/loanscorer/model/unpack"
)

const limit = 8 << 20

// golden are files that joblib packed, and their kinds.
var golden = map[string]string{
	"one_tree": "zlib", "packed_gzip": "gzip", "packed_bz2": "bz2", "packed_xz": "xz", "packed_lzma": "lzma",
}

func readGolden(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", "golden", name+".joblib"))
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func TestGoldenFilesUnpack(t *testing.T) {
	t.Parallel()
	for name, kind := range golden {
		data := readGolden(t, name)
		plain, err := unpack.Bytes(data, limit)
		if err != nil || unpack.Kind(data) != kind || !bytes.HasPrefix(plain, []byte("\x80")) || plain[len(plain)-1] != '.' {
			t.Errorf("%s: kind %q, %d bytes, %v", name, unpack.Kind(data), len(plain), err)
		}
	}
	plain := []byte("\x80\x04N.")
	if got, err := unpack.Bytes(plain, limit); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestDamagedFilesAreRefused(t *testing.T) {
	t.Parallel()
	for name, kind := range golden {
		data := readGolden(t, name)
		whole, err := unpack.Bytes(data, limit)
		if err != nil {
			t.Fatal(err)
		}
		for n := 12; n < len(data); n += 97 {
			if _, err := unpack.Bytes(data[:n], limit); !errors.Is(err, unpack.ErrMalformed) {
				t.Fatalf("%s: %d of %d bytes: %v", name, n, len(data), err)
			}
		}
		if _, err := unpack.Bytes(append(bytes.Clone(data), "more"...), limit); !errors.Is(err, unpack.ErrMalformed) {
			t.Errorf("%s: more bytes behind: %v", name, err)
		}
		for i := 13; i < len(data); i += 31 {
			bad := bytes.Clone(data)
			bad[i] ^= 0x20
			got, err := unpack.Bytes(bad, limit)
			// The .lzma format has no check, and gzip's header holds a time.
			if err == nil && !bytes.Equal(got, whole) && kind != "lzma" {
				t.Errorf("%s: byte %d changed, not seen", name, i)
			}
		}
	}
}

// packers make what joblib does not: other checks, several blocks, bombs.
func packed(t *testing.T, kind string, plain []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch kind {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "zlib":
		w = zlib.NewWriter(&b)
	case "lzma":
		w, err = lzma.NewWriter(&b)
	case "xz":
		w, err = xz.NewWriter(&b)
	case "xz crc32":
		w, err = xz.WriterConfig{CheckSum: xz.CRC32}.NewWriter(&b)
	case "xz sha256":
		w, err = xz.WriterConfig{CheckSum: xz.SHA256, BlockSize: 5000}.NewWriter(&b)
	case "xz none":
		w, err = xz.WriterConfig{NoCheckSum: true}.NewWriter(&b)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestEveryKindOfXZ(t *testing.T) {
	t.Parallel()
	plain := []byte(strings.Repeat("a forest of trees ", 500))
	for _, kind := range []string{"gzip", "zlib", "lzma", "xz", "xz crc32", "xz sha256", "xz none"} {
		for _, want := range [][]byte{plain, nil} {
			got, err := unpack.Bytes(packed(t, kind, want), limit)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: %d bytes, %v", kind, len(got), err)
			}
		}
	}
}

// Little files that unpack to much, or ask for a dictionary of gigabytes.
func TestBombsEndAtTheLimit(t *testing.T) {
	zeros := make([]byte, limit+1)
	for _, kind := range []string{"gzip", "zlib", "lzma", "xz"} {
		if _, err := unpack.Bytes(packed(t, kind, zeros), limit); !errors.Is(err, unpack.ErrTooLarge) {
			t.Errorf("%s: %v", kind, err)
		}
		if got, err := unpack.Bytes(packed(t, kind, zeros[:limit]), limit); err != nil || len(got) != limit {
			t.Errorf("%s: %d bytes at the limit, %v", kind, len(got), err)
		}
	}
	if _, err := unpack.Bytes(append([]byte("BZh9"), make([]byte, unpack.MaxPackedSlow)...), limit); !errors.Is(err, unpack.ErrTooLarge) {
		t.Error(err)
	}
	huge := packed(t, "lzma", []byte("small"))
	binary.LittleEndian.PutUint32(huge[1:], 0xffffff00)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if got, err := unpack.Bytes(huge, limit); err != nil || string(got) != "small" {
		t.Errorf("%q, %v", got, err)
	}
	runtime.ReadMemStats(&after)
	if used := (after.TotalAlloc - before.TotalAlloc) >> 20; used > 64 {
		t.Errorf("%d MiB for a dictionary that nothing needs", used)
	}
}

func FuzzBytes(f *testing.F) {
	for name := range golden {
		f.Add(readGolden(f, name)[:200])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		plain, err := unpack.Bytes(data, 1<<16)
		if err != nil && !errors.Is(err, unpack.ErrMalformed) && !errors.Is(err, unpack.ErrTooLarge) {
			t.Fatal(err)
		}
		if unpack.Kind(data) != "" && len(plain) > 1<<16 {
			t.Fatal("more than the limit")
		}
	})
}
