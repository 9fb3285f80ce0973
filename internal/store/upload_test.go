package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/loanscorer/loanscorer/internal/store"
)

// wantNoUploads checks that no multipart upload is left behind. // failure 16
func wantNoUploads(t *testing.T, c *s3.Client) {
	t.Helper()
	out, err := c.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String(bucket)})
	if err != nil {
		t.Fatal(err)
	}
	for i := range out.Uploads {
		t.Errorf("upload of %q was left behind", *out.Uploads[i].Key)
	}
}

// A multipart upload that comes to nothing is aborted. // failure 16
func TestUploadsAreAborted(t *testing.T) {
	t.Parallel()
	s, c := server(t, nil)
	large := make([]byte, store.PartSize+5)
	if _, err := s.Put(t.Context(), "k", []byte("old"), store.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateFrom(t.Context(), "k", bytes.NewReader(large), store.PutOptions{}); !errors.Is(err, store.ErrExists) {
		t.Errorf("precondition: %v", err)
	}
	wantNoUploads(t, c)
	if _, err := s.ReplaceFrom(t.Context(), "k", `"x"`, bytes.NewReader(large), store.PutOptions{}); !errors.Is(err, store.ErrChanged) {
		t.Errorf("precondition: %v", err)
	}
	wantNoUploads(t, c)
	if _, err := s.ReplaceFrom(t.Context(), "never", `"x"`, bytes.NewReader(large), store.PutOptions{}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("missing object: %v", err)
	}
	wantNoUploads(t, c)
	source := io.MultiReader(bytes.NewReader(large), iotest.ErrReader(errReset))
	if _, err := s.PutFrom(t.Context(), "k", source, store.PutOptions{}); !errors.Is(err, errReset) {
		t.Errorf("broken source: %v", err)
	}
	wantNoUploads(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	source = io.MultiReader(bytes.NewReader(large), readerFunc(func([]byte) (int, error) {
		cancel()
		return 0, ctx.Err()
	}))
	if _, err := s.PutFrom(ctx, "k", source, store.PutOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	wantNoUploads(t, c)
	if body, _, err := s.Get(t.Context(), "k", 10); err != nil || string(body) != "old" {
		t.Errorf("object is %q, %v", body, err)
	}
}

// Whatever fails on the way, the upload is aborted once and the error told;
// after the completion the outcome is open. // failure 16
func TestUploadFaults(t *testing.T) {
	t.Parallel()
	is := func(method, query string) func(r *http.Request) bool {
		return func(r *http.Request) bool { return r.Method == method && strings.Contains(r.URL.RawQuery, query) }
	}
	for _, tc := range []struct {
		name   string
		fault  func(r *http.Request) bool
		code   string
		status int
		aborts int
	}{
		{"start", is(http.MethodPost, "uploads"), "AccessDenied", 403, 0},
		{"first part", is(http.MethodPut, "partNumber=1"), "InternalError", 500, 1},
		{"last part", is(http.MethodPut, "partNumber=2"), "SlowDown", 503, 1},
		{"part of a lost upload", is(http.MethodPut, "partNumber=2"), "NoSuchUpload", 404, 1},
		{"completion refused", is(http.MethodPost, "uploadId"), "InvalidPart", 400, 1},
		{"completion conflicts", is(http.MethodPost, "uploadId"), "ConditionalRequestConflict", 409, 1},
		{"completion unknown", is(http.MethodPost, "uploadId"), "InternalError", 500, 1},
		{"completed before", is(http.MethodPost, "uploadId"), "NoSuchUpload", 404, 1}, // failure 9
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{answer: func(r *http.Request, _ int) (*http.Response, error) {
					if tc.fault(r) {
						return refuse(r, tc.status, tc.code), nil
					}
					return written(r), nil
				}}
				err := calls(s.store(store.ClientOptions{}))["CreateFrom"](t.Context())
				if err == nil || !strings.Contains(err.Error(), tc.code) {
					t.Errorf("%v, want %s", err, tc.code)
				}
				for _, sentinel := range []error{store.ErrNotFound, store.ErrExists, store.ErrChanged} {
					if errors.Is(err, sentinel) {
						t.Errorf("%v passes as an answer", err)
					}
				}
				if n := s.count("DELETE"); n != tc.aborts {
					t.Errorf("%d aborts, want %d", n, tc.aborts)
				}
			})
		})
	}
}

// An abort that fails too is told beside the reason, and is not waited for.
func TestAbortFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answer: func(r *http.Request, _ int) (*http.Response, error) {
			if r.Method == http.MethodDelete {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return written(r), nil
		}}
		source := io.MultiReader(bytes.NewReader(make([]byte, store.PartSize)), iotest.ErrReader(errReset))
		begun := time.Now()
		_, err := s.store(store.ClientOptions{}).CreateFrom(t.Context(), "k", source, store.PutOptions{})
		if !errors.Is(err, errReset) || !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != 5*time.Second {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
	})
}

// dropping loses answers to requests that were applied, as a proxy does that
// dies in between.
type dropping struct {
	drop func(r *http.Request) bool
	n    atomic.Int32 // dropped
}

func (d *dropping) RoundTrip(r *http.Request) (*http.Response, error) {
	drop := d.drop(r)
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || !drop {
		return resp, err
	}
	d.n.Add(1)
	_, err = io.Copy(io.Discard, resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("answer lost: %w", io.ErrUnexpectedEOF)
}

// A write whose answer is lost is tried again by the SDK and finds itself:
// the caller is told ErrExists or ErrChanged, reads back, and sees its own
// bytes. // failure 9
func TestAmbiguousWrites(t *testing.T) {
	t.Parallel()
	large := bytes.Repeat([]byte("0123456789abcdef"), store.PartSize/16+1)
	for _, name := range []string{"Create", "Replace", "Put", "CreateFrom", "ReplaceFrom", "PutFrom"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lost := &dropping{}
			var armed atomic.Bool
			lost.drop = func(r *http.Request) bool {
				commit := (r.Method == http.MethodPut && !r.URL.Query().Has("partNumber")) ||
					(r.Method == http.MethodPost && r.URL.Query().Has("uploadId"))
				return commit && armed.CompareAndSwap(true, false)
			}
			s, c := server(t, lost)
			o, small := store.PutOptions{}, []byte("mine")
			etag := ""
			if strings.HasPrefix(name, "Replace") {
				info, err := s.Put(t.Context(), "k", []byte("old"), o)
				if err != nil {
					t.Fatal(err)
				}
				etag = info.ETag
			}
			armed.Store(true)
			body, want := small, error(nil)
			var err error
			switch name {
			case "Create":
				_, err = s.Create(t.Context(), "k", small, o)
				want = store.ErrExists
			case "Replace":
				_, err = s.Replace(t.Context(), "k", etag, small, o)
				want = store.ErrChanged
			case "Put":
				_, err = s.Put(t.Context(), "k", small, o)
			case "CreateFrom":
				body = large
				_, err = s.CreateFrom(t.Context(), "k", bytes.NewReader(large), o)
			case "ReplaceFrom":
				body = large
				_, err = s.ReplaceFrom(t.Context(), "k", etag, bytes.NewReader(large), o)
			case "PutFrom":
				body = large
				_, err = s.PutFrom(t.Context(), "k", bytes.NewReader(large), o)
			}
			if len(body) == len(small) {
				if !errors.Is(err, want) {
					t.Errorf("%v, want %v", err, want)
				}
			} else if errors.Is(err, store.ErrNotFound) { // S3 answers nil, ErrExists or that the upload is gone
				t.Errorf("%v for an object that was written", err)
			}
			if lost.n.Load() != 1 {
				t.Errorf("%d answers lost, want 1", lost.n.Load())
			}
			got, _, err := s.Get(t.Context(), "k", 1<<30)
			if err != nil || !bytes.Equal(got, body) {
				t.Errorf("%d bytes are there, %v; want the %d written", len(got), err, len(body))
			}
			wantNoUploads(t, c)
		})
	}
}

// Through a third of requests refused, a tenth of answers lost and a twentieth
// of bodies cut, what is read is what was written. // failure 11, 12, 13
func TestThroughAStorm(t *testing.T) {
	t.Parallel()
	storm := &stormy{}
	s, _ := server(t, storm)
	body := bytes.Repeat([]byte("0123456789abcdef"), store.PartSize/16+4096)
	var info store.Info
	for try := 0; ; try++ {
		var err error
		info, err = s.PutFrom(t.Context(), "k", bytes.NewReader(body), store.PutOptions{})
		if err == nil {
			break
		}
		if try == 50 {
			t.Fatal(err)
		}
	}
	if info.Size != int64(len(body)) {
		t.Errorf("size %d, want %d", info.Size, len(body))
	}
	for try := 0; ; try++ {
		got, err := readAll(t.Context(), s, store.Ref{Key: "k", ETag: info.ETag, Size: info.Size}, store.OpenOptions{})
		if err == nil {
			if !bytes.Equal(got, body) {
				t.Error("other bytes than were written")
			}
			break
		}
		if try == 50 || errors.Is(err, store.ErrChanged) || errors.Is(err, store.ErrNotFound) {
			t.Fatal(err)
		}
	}
	storm.over.Store(true)
	if body, _, err := s.Get(t.Context(), "k", 1); !errors.Is(err, store.ErrTooLarge) || body != nil {
		t.Errorf("after the storm: %v", err)
	}
}

// stormy is a transport full of faults, the same ones in every run.
type stormy struct {
	n    atomic.Int64 // requests
	over atomic.Bool
}

func (s *stormy) RoundTrip(r *http.Request) (*http.Response, error) {
	n := s.n.Add(1)
	if !s.over.Load() && n%3 == 0 {
		if r.Body != nil {
			_ = r.Body.Close() // as a transport must
		}
		return refuse(r, http.StatusServiceUnavailable, "SlowDown"), nil
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	switch {
	case err != nil || s.over.Load():
		return resp, err
	case n%10 == 4:
		_ = resp.Body.Close() // lost
		return nil, fmt.Errorf("answer lost: %w", io.ErrUnexpectedEOF)
	case n%4 == 1 && r.Method == http.MethodGet:
		body := resp.Body
		resp.Body = struct {
			io.Reader
			io.Closer
		}{first(r.Context(), body, 1<<20, io.ErrUnexpectedEOF), body}
	}
	return resp, nil
}
