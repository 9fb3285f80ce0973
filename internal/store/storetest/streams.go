package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/loanscorer/loanscorer/internal/store"
)

// noise is n bytes that no part has in common with another.
func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n)}).Read(b) // never fails
	return b
}

// wantStream checks the object of info from offset on.
func wantStream(t *testing.T, s Streams, info store.Info, offset int64, want []byte) {
	t.Helper()
	ref := store.Ref{Key: info.Key, Version: info.Version, ETag: info.ETag, Size: info.Size}
	for _, ahead := range []int64{0, 1, 10_000, 1 << 40} {
		r, err := s.Open(t.Context(), ref, offset, store.OpenOptions{Ahead: ahead})
		if err != nil {
			t.Errorf("open %q at %d: %v", info.Key, offset, err)
			return
		}
		got, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%q from %d, %d ahead: %d bytes, %v; want %d", info.Key, offset, ahead, len(got), err, len(want))
		}
	}
}

func testSizes(t *testing.T, e Empty) {
	t.Helper()
	s, o := e.Store, store.PutOptions{ContentType: "text/csv", Metadata: map[string]string{"file": "results"}}
	for _, n := range []int{0, 1, store.PartSize - 1, store.PartSize, store.PartSize + 1, 2*store.PartSize + 3} {
		body, key := noise(n), fmt.Sprintf("size/%d", n)
		made, err := s.CreateFrom(t.Context(), key, iotest.HalfReader(bytes.NewReader(body)), o)
		if err != nil || made.Size != int64(n) {
			t.Fatalf("CreateFrom of %d bytes: %+v, %v", n, made, err)
		}
		head, err := s.Head(t.Context(), key)
		if err != nil || head.ETag != made.ETag || head.Size != int64(n) || head.Metadata["file"] != "results" {
			t.Errorf("Head of %d bytes: %+v, %v; made %+v", n, head, err, made)
		}
		wantStream(t, s, made, 0, body)

		body = append(body, 'x')
		again, err := s.ReplaceFrom(t.Context(), key, made.ETag, iotest.DataErrReader(bytes.NewReader(body)), o)
		if err != nil || again.Size != int64(n)+1 || again.ETag == made.ETag {
			t.Fatalf("ReplaceFrom of %d bytes: %+v, %v", n+1, again, err)
		}
		wantStream(t, s, again, 0, body)
	}
}

func testStreamConditions(t *testing.T, e Empty) {
	t.Helper()
	s, o := e.Store, store.PutOptions{}
	old := put(t, s, "k", "old")
	gone := put(t, s, "gone", "x")
	e.Delete(t, "gone")
	put(t, s, "k", "newer")
	for _, n := range []int{0, 5, store.PartSize + 5} {
		what := fmt.Sprintf("of %d bytes", n)
		_, err := s.CreateFrom(t.Context(), "k", bytes.NewReader(noise(n)), o)
		wantOnly(t, "CreateFrom "+what, err, store.ErrExists)
		for _, etag := range []string{old.ETag, ""} {
			_, err = s.ReplaceFrom(t.Context(), "k", etag, bytes.NewReader(noise(n)), o)
			wantOnly(t, "ReplaceFrom "+what, err, store.ErrChanged)
		}
		_, err = s.ReplaceFrom(t.Context(), "gone", gone.ETag, bytes.NewReader(noise(n)), o)
		wantOnly(t, "ReplaceFrom of a missing object "+what, err, store.ErrNotFound)
	}
	wantBody(t, s, "k", "newer")
}

// testBrokenSource: a source that breaks leaves no object, whatever its error,
// an end that came too early above all. // failure 13, 17
func testBrokenSource(t *testing.T, e Empty) {
	t.Helper()
	s, o := e.Store, store.PutOptions{}
	old := put(t, s, "old", "old")
	for name, broken := range map[string]error{
		"boom": errors.New("boom"), "early end": io.ErrUnexpectedEOF,
		"wrapped early end": fmt.Errorf("gzip: %w", io.ErrUnexpectedEOF), "wrapped end": fmt.Errorf("pipe: %w", io.EOF),
	} {
		sizes := []int{0, 5, store.PartSize, store.PartSize + 5}
		if name != "early end" {
			sizes = sizes[:2]
		}
		for _, n := range sizes {
			source := func() io.Reader { return io.MultiReader(bytes.NewReader(noise(n)), iotest.ErrReader(broken)) }
			key := fmt.Sprintf("%s/%d", name, n)
			_, err := s.CreateFrom(t.Context(), key, source(), o)
			if !errors.Is(err, broken) {
				t.Errorf("CreateFrom, %s after %d bytes: %v", name, n, err)
			}
			wantOnly(t, key, err, nil)
			_, err = s.Head(t.Context(), key)
			wantOnly(t, "object of a broken source, "+key, err, store.ErrNotFound)
			if _, err = s.ReplaceFrom(t.Context(), "old", old.ETag, source(), o); !errors.Is(err, broken) {
				t.Errorf("ReplaceFrom, %s after %d bytes: %v", name, n, err)
			}
		}
	}
	wantBody(t, s, "old", "old")
}

func testOffsets(t *testing.T, e Empty) {
	t.Helper()
	body := noise(100_000)
	info, err := e.Store.CreateFrom(t.Context(), "k", bytes.NewReader(body), store.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, offset := range []int64{0, 1, 4096, 99_999, 100_000} {
		wantStream(t, e.Store, info, offset, body[offset:])
	}
	wantStream(t, e.Store, info, 200_000, nil)
	wantStream(t, e.Store, put(t, e.Store, "empty", ""), 0, nil)
}

// testPins: a reader gets the bytes that were pinned or is told why not, read
// ahead or not.
func testPins(t *testing.T, e Empty) {
	t.Helper()
	for _, ahead := range []int64{0, 3} {
		open := func(ref store.Ref) error {
			r, err := e.Store.Open(t.Context(), ref, 0, store.OpenOptions{Resume: 1, Ahead: ahead})
			if err != nil {
				return err
			}
			_, err = io.ReadAll(r)
			return errors.Join(err, r.Close())
		}
		first := put(t, e.Store, "k", "first")
		ref := store.Ref{Key: "k", ETag: first.ETag, Size: first.Size}
		wantOnly(t, "pinned", open(ref), nil)

		long := ref
		long.Size++
		if err := open(long); !errors.Is(err, io.ErrUnexpectedEOF) { // failure 13
			t.Errorf("object shorter than was said: %v, want io.ErrUnexpectedEOF", err)
		}
		if err := open(store.Ref{Key: "k", Size: first.Size}); err == nil {
			t.Error("opened without a pin")
		}
		put(t, e.Store, "k", "other")
		wantOnly(t, "replaced", open(ref), store.ErrChanged) // failure 33
		e.Delete(t, "k")
		wantOnly(t, "deleted", open(ref), store.ErrNotFound) // failure 34
	}
}
