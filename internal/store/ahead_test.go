package store_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loanscorer/loanscorer/internal/store"
)

// piece is how much is read ahead at a time, and ranges are how many.
const (
	piece  = 2 << 20
	ranges = 4
)

func long(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i % 251)
	}
	return b
}

// Ranges that are read ahead and break, stall or end early go on where they
// stopped, pinned to the same object. // failure 12, 13
func TestReadsAheadAreResumed(t *testing.T) {
	t.Parallel()
	b := long(4*piece + piece/2)
	for name, then := range map[string]error{"broken": errReset, "early end": io.EOF, "truncated": io.ErrUnexpectedEOF, "stalled": nil} {
		for _, ahead := range []int64{1, piece + 1, 1 << 40} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := &script{answer: func(r *http.Request, _ int) (*http.Response, error) {
						if r.Header.Get("If-Match") != `"e1"` {
							t.Errorf("not pinned: %q", r.Header.Get("If-Match"))
						}
						return part(t, r, b, func(body io.Reader) io.Reader { return first(r.Context(), body, piece*2/3, then) }), nil
					}}
					got, err := readAll(t.Context(), s.store(store.ClientOptions{}), refOf(b), store.OpenOptions{Ahead: ahead})
					if err != nil || !bytes.Equal(got, b) {
						t.Errorf("ahead %d: %d bytes, %v", ahead, len(got), err)
					}
				})
			})
		}
	}
}

// As much is fetched as there is room for, and nothing beyond what was asked.
func TestReadsAheadAreBounded(t *testing.T) {
	t.Parallel()
	b := long(8 * piece)
	synctest.Test(t, func(t *testing.T) {
		var sent atomic.Int64
		s := &script{answer: func(r *http.Request, _ int) (*http.Response, error) {
			return part(t, r, b, func(body io.Reader) io.Reader {
				return readerFunc(func(p []byte) (int, error) {
					n, err := body.Read(p)
					sent.Add(int64(n))
					return n, err
				})
			}), nil
		}}
		r, err := s.store(store.ClientOptions{}).Open(t.Context(), refOf(b), 100, store.OpenOptions{Ahead: 6 * piece})
		if err != nil {
			t.Fatal(err)
		}
		for at := 0; at < 6*piece; at += piece / 2 {
			if _, err := io.ReadFull(r, make([]byte, piece/2)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			have := at + piece/2
			whole := min((have-1)/piece+ranges, 6) * piece
			if got := int(sent.Load()); got != whole {
				t.Errorf("after %d bytes %d were fetched, want %d", have, got, whole)
			}
		}
		if err := r.Close(); err != nil || s.count("GET") != 6 {
			t.Errorf("%v, %d requests", err, s.count("GET"))
		}
	})
}

// What comes of a range is told when the reader gets there, not before, and
// the bytes before it are given. // failure 12, 33, 34
func TestReadsAheadFail(t *testing.T) {
	t.Parallel()
	b := long(3 * piece)
	for name, tc := range map[string]struct {
		answer func(t *testing.T, r *http.Request) *http.Response
		want   error
		took   time.Duration
	}{
		"replaced": {func(_ *testing.T, r *http.Request) *http.Response {
			return refuse(r, http.StatusPreconditionFailed, "PreconditionFailed")
		}, store.ErrChanged, 0},
		"deleted": {func(_ *testing.T, r *http.Request) *http.Response {
			return refuse(r, http.StatusNotFound, "NoSuchKey")
		}, store.ErrNotFound, 0},
		"stalled": {func(t *testing.T, r *http.Request) *http.Response {
			t.Helper()
			return part(t, r, b, func(body io.Reader) io.Reader { return first(r.Context(), body, 0, nil) })
		}, store.ErrStalled, 6 * 30 * time.Second},
		"shorter": {func(_ *testing.T, r *http.Request) *http.Response {
			return refuse(r, http.StatusRequestedRangeNotSatisfiable, "InvalidRange")
		}, io.ErrUnexpectedEOF, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{answer: func(r *http.Request, n int) (*http.Response, error) {
					if n > 0 {
						return tc.answer(t, r), nil
					}
					return part(t, r, b, nil), nil
				}}
				begun := time.Now()
				got, err := readAll(t.Context(), s.store(store.ClientOptions{}), refOf(b), store.OpenOptions{Ahead: 3 * piece})
				if !errors.Is(err, tc.want) || !bytes.Equal(got, b[:piece]) {
					t.Errorf("%d bytes, %v; want %d, %v", len(got), err, piece, tc.want)
				}
				if took := time.Since(begun); took < tc.took || took > tc.took+30*time.Second {
					t.Errorf("took %v, want about %v", took, tc.took)
				}
			})
		})
	}
}

// A store that refuses the first range is told at once, and whoever ends the
// context or closes the reader leaves nothing running: the bubble would not
// end.
func TestReadsAheadEnd(t *testing.T) {
	t.Parallel()
	b := long(5 * piece)
	silent := &script{answer: func(r *http.Request, n int) (*http.Response, error) {
		return part(t, r, b, func(body io.Reader) io.Reader { return first(r.Context(), body, int64(10*(1-min(n, 1))), nil) }), nil
	}}
	for name, end := range map[string]func(cancel func(), r io.ReadCloser) error{
		"context": func(cancel func(), r io.ReadCloser) error {
			time.AfterFunc(time.Second, cancel)
			_, err := io.ReadAll(r)
			return errors.Join(err, r.Close())
		},
		"close": func(_ func(), r io.ReadCloser) error {
			return errors.Join(r.Close(), r.Close(), context.Canceled)
		},
		"read after close": func(_ func(), r io.ReadCloser) error {
			err := r.Close()
			n, broken := r.Read(make([]byte, 1))
			if n != 0 {
				t.Error("a byte after Close")
			}
			return errors.Join(err, broken)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				r, err := silent.store(store.ClientOptions{}).Open(ctx, refOf(b), 0, store.OpenOptions{Ahead: 4 * piece})
				if err != nil {
					t.Fatal(err)
				}
				begun := time.Now()
				if err := end(cancel, r); !errors.Is(err, context.Canceled) || time.Since(begun) > time.Second {
					t.Errorf("%v after %v", err, time.Since(begun))
				}
			})
		})
	}
	refusing := &script{answer: func(r *http.Request, _ int) (*http.Response, error) {
		return refuse(r, http.StatusPreconditionFailed, "PreconditionFailed"), nil
	}}
	if _, err := refusing.store(store.ClientOptions{}).Open(t.Context(), refOf(b), 0, store.OpenOptions{Ahead: 9}); !errors.Is(err, store.ErrChanged) {
		t.Error(err)
	}
}
