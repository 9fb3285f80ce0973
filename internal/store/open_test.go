package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loanscorer/loanscorer/internal/store"
)

func content() []byte {
	b := make([]byte, 1000)
	for i := range b {
		b[i] = byte(i % 251)
	}
	return b
}

func refOf(b []byte) store.Ref { return store.Ref{Key: "k", ETag: `"e1"`, Size: int64(len(b))} }

// readAll opens and reads ref.
func readAll(ctx context.Context, s *store.Store, ref store.Ref, o store.OpenOptions) ([]byte, error) {
	r, err := s.Open(ctx, ref, 0, o)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(r)
	return b, errors.Join(err, r.Close())
}

// A read that breaks, stalls or ends early goes on where it stopped, pinned to
// the same object. // failure 12, 13
func TestReadsAreResumed(t *testing.T) {
	t.Parallel()
	b := content()
	for name, then := range map[string]error{"broken": errors.New("reset"), "early end": io.EOF, "truncated": io.ErrUnexpectedEOF, "stalled": nil} {
		for _, version := range []string{"", "v1"} {
			t.Run(name+version, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := &script{answer: func(r *http.Request, _ int) (*http.Response, error) {
						if match, v := r.Header.Get("If-Match"), r.URL.Query().Get("versionId"); v != version || match != `"e1"` {
							t.Errorf("not pinned: If-Match %q, versionId %q", match, v)
						}
						return part(t, r, b, func(body io.Reader) io.Reader { return first(r.Context(), body, 130, then) }), nil
					}}
					ref := refOf(b)
					ref.Version = version
					begun := time.Now()
					got, err := readAll(t.Context(), s.store(store.ClientOptions{}), ref, store.OpenOptions{})
					if err != nil || !bytes.Equal(got, b) {
						t.Errorf("%d bytes, %v", len(got), err)
					}
					if n := s.count("GET"); n != 8 {
						t.Errorf("%d requests, want 8", n)
					}
					if took := time.Since(begun); (then == nil && took < 7*30*time.Second) || took > 8*31*time.Second {
						t.Errorf("took %v", took)
					}
				})
			})
		}
	}
}

// The version of an object without versions is called "null", and so will be
// the next one's: it pins nothing, the ETag does. // failure 33
func TestNullVersionPinsNothing(t *testing.T) {
	t.Parallel()
	s := &script{answer: func(r *http.Request, _ int) (*http.Response, error) {
		return reply(r, http.StatusOK, http.NoBody, "Content-Length", "0", "ETag", `"e1"`, "X-Amz-Version-Id", "null"), nil
	}}
	st, o := s.store(store.ClientOptions{}), store.PutOptions{}
	head, err1 := st.Head(t.Context(), "k")
	_, get, err2 := st.Get(t.Context(), "k", 1)
	put, err3 := st.Put(t.Context(), "k", nil, o)
	for i, info := range []store.Info{head, get, put} {
		if err := errors.Join(err1, err2, err3); err != nil || info.Ref() != (store.Ref{Key: "k", ETag: `"e1"`}) {
			t.Errorf("call %d: pinned by %+v, %v", i, info.Ref(), err)
		}
	}
}

// A store that gives nothing any more is given up, with what was read so far. // failure 12
func TestReadsGiveUp(t *testing.T) {
	t.Parallel()
	b := content()
	for _, tc := range []struct {
		name   string
		then   error
		resume int
		want   error
	}{
		{"early end", io.EOF, 5, io.ErrUnexpectedEOF},
		{"broken", errReset, 1, errReset},
		{"stalled", nil, 2, store.ErrStalled},
		{"very patient", io.EOF, 100, io.ErrUnexpectedEOF},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{answer: func(r *http.Request, n int) (*http.Response, error) {
					return part(t, r, b, func(body io.Reader) io.Reader {
						if n == 0 {
							return first(r.Context(), body, 400, tc.then)
						}
						return first(r.Context(), body, 0, tc.then)
					}), nil
				}}
				got, err := readAll(t.Context(), s.store(store.ClientOptions{}), refOf(b), store.OpenOptions{Resume: tc.resume})
				if !errors.Is(err, tc.want) || !bytes.Equal(got, b[:400]) {
					t.Errorf("%d bytes, %v; want 400, %v", len(got), err, tc.want)
				}
				if n := s.count("GET"); n != tc.resume+1 {
					t.Errorf("%d requests, want %d", n, tc.resume+1)
				}
			})
		})
	}
}

var errReset = errors.New("connection reset")

// What happened to the object between two tries is told. // failure 33, 34
func TestResumeFindsAnotherObject(t *testing.T) {
	t.Parallel()
	b := content()
	for _, tc := range []struct {
		name   string
		answer func(r *http.Request) *http.Response
		want   error
	}{
		{"replaced", func(r *http.Request) *http.Response {
			return refuse(r, http.StatusPreconditionFailed, "PreconditionFailed")
		}, store.ErrChanged},
		{"deleted", func(r *http.Request) *http.Response { return refuse(r, http.StatusNotFound, "NoSuchKey") }, store.ErrNotFound},
		{"version deleted", func(r *http.Request) *http.Response { return refuse(r, http.StatusNotFound, "NoSuchVersion") }, store.ErrNotFound},
		{"shorter", func(r *http.Request) *http.Response {
			return refuse(r, http.StatusRequestedRangeNotSatisfiable, "InvalidRange")
		}, io.ErrUnexpectedEOF},
		{"without ranges", func(r *http.Request) *http.Response {
			return reply(r, http.StatusOK, bytes.NewReader(b), "Content-Length", "1000", "ETag", `"e1"`)
		}, nil},
		{"with another range", func(r *http.Request) *http.Response {
			return reply(r, http.StatusPartialContent, bytes.NewReader(b), "Content-Length", "1000", "Content-Range", "bytes 0-999/1000")
		}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{answer: func(r *http.Request, n int) (*http.Response, error) {
					if n > 0 {
						return tc.answer(r), nil
					}
					return part(t, r, b, func(body io.Reader) io.Reader { return first(r.Context(), body, 400, io.EOF) }), nil
				}}
				got, err := readAll(t.Context(), s.store(store.ClientOptions{}), refOf(b), store.OpenOptions{})
				if err == nil || (tc.want != nil && !errors.Is(err, tc.want)) || !bytes.Equal(got, b[:400]) {
					t.Errorf("%d bytes, %v; want 400, %v", len(got), err, tc.want)
				}
			})
		})
	}
}

// A resumed read outlives bursts of 503 and 500. // failure 11
func TestResumeThroughABurst(t *testing.T) {
	t.Parallel()
	b := content()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answer: func(r *http.Request, n int) (*http.Response, error) {
			switch n % 5 {
			case 0:
				return part(t, r, b, func(body io.Reader) io.Reader { return first(r.Context(), body, 90, errReset) }), nil
			case 1:
				return refuse(r, http.StatusInternalServerError, "InternalError"), nil
			case 2:
				return nil, errReset
			default:
				return refuse(r, http.StatusServiceUnavailable, "SlowDown"), nil
			}
		}}
		got, err := readAll(t.Context(), s.store(store.ClientOptions{}), refOf(b), store.OpenOptions{})
		if err != nil || !bytes.Equal(got, b) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
}

// The end of the caller's context ends a read at once, with its reason.
func TestReadsEndWithTheContext(t *testing.T) {
	t.Parallel()
	b := content()
	for name, then := range map[string]error{"in a stall": nil, "between two tries": io.EOF} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{answer: func(r *http.Request, _ int) (*http.Response, error) {
					return part(t, r, b, func(body io.Reader) io.Reader { return first(r.Context(), body, 0, then) }), nil
				}}
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
				defer cancel()
				begun := time.Now()
				_, err := readAll(ctx, s.store(store.ClientOptions{}), refOf(b), store.OpenOptions{Resume: 1000})
				if !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) > 20*time.Millisecond {
					t.Errorf("%v after %v, want the deadline", err, time.Since(begun))
				}
			})
		})
	}
}

func TestReaderIsClosed(t *testing.T) {
	t.Parallel()
	b := content()
	var over func() error // of the request
	s := &script{answer: func(r *http.Request, _ int) (*http.Response, error) {
		over = r.Context().Err
		return part(t, r, b, nil), nil
	}}
	r, err := s.store(store.ClientOptions{}).Open(t.Context(), refOf(b), 10, store.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(r, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := r.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	if over() == nil {
		t.Error("the request goes on after Close")
	}
	if n, err := r.Read(make([]byte, 1)); n != 0 || err == nil || s.count("GET") != 1 {
		t.Errorf("read after Close: %d, %v, %d requests", n, err, s.count("GET"))
	}
}

// Small documents: what is cut off or stalls is an error. // failure 12, 13
func TestGetChecksTheLength(t *testing.T) {
	t.Parallel()
	b := content()
	for _, tc := range []struct {
		name string
		body func(ctx context.Context) io.Reader
		want error
	}{
		{"whole", func(context.Context) io.Reader { return bytes.NewReader(b) }, nil},
		{"short", func(context.Context) io.Reader { return bytes.NewReader(b[:999]) }, io.ErrUnexpectedEOF},
		{"long", func(context.Context) io.Reader { return bytes.NewReader(append(content(), 'x')) }, io.ErrUnexpectedEOF},
		{"broken", func(ctx context.Context) io.Reader { return first(ctx, bytes.NewReader(b), 7, errReset) }, errReset},
		{"stalled", func(ctx context.Context) io.Reader { return first(ctx, bytes.NewReader(b), 7, nil) }, store.ErrStalled},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{answer: func(r *http.Request, _ int) (*http.Response, error) {
					return reply(r, http.StatusOK, tc.body(r.Context()), "Content-Length", strconv.Itoa(len(b)), "ETag", `"e1"`), nil
				}}
				begun := time.Now()
				got, info, err := s.store(store.ClientOptions{}).Get(t.Context(), "k", 1000)
				if !errors.Is(err, tc.want) || (err == nil) != bytes.Equal(got, b) || info.Size != 1000 {
					t.Errorf("%d bytes, %+v, %v; want %v", len(got), info, err, tc.want)
				}
				if took := time.Since(begun); took > 30*time.Second {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

func ExampleStore_Open() {
	s := &script{answer: func(r *http.Request, _ int) (*http.Response, error) {
		return reply(r, http.StatusPartialContent, bytes.NewReader([]byte("b,c")), "Content-Length", "3", "Content-Range", "bytes 2-4/5"), nil
	}}
	r, err := s.store(store.ClientOptions{}).Open(context.Background(), store.Ref{Key: "uploads/a.csv", ETag: `"e1"`, Size: 5}, 2, store.OpenOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	body, err := io.ReadAll(r)
	fmt.Println(string(body), err, r.Close())
	// Output: b,c <nil> <nil>
}
