package store_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/loanscorer/loanscorer/internal/store"
)

// calls are all operations on one object, by name.
func calls(s *store.Store) map[string]func(ctx context.Context) error {
	o, large := store.PutOptions{}, make([]byte, store.PartSize+1)
	return map[string]func(ctx context.Context) error{
		"Head":    func(ctx context.Context) error { _, err := s.Head(ctx, "k"); return err },
		"Get":     func(ctx context.Context) error { _, _, err := s.Get(ctx, "k", 10); return err },
		"Create":  func(ctx context.Context) error { _, err := s.Create(ctx, "k", []byte("x"), o); return err },
		"Replace": func(ctx context.Context) error { _, err := s.Replace(ctx, "k", `"e"`, []byte("x"), o); return err },
		"Put":     func(ctx context.Context) error { _, err := s.Put(ctx, "k", []byte("x"), o); return err },
		"CreateFrom": func(ctx context.Context) error {
			_, err := s.CreateFrom(ctx, "k", bytes.NewReader(large), o)
			return err
		},
		"ReplaceFrom": func(ctx context.Context) error {
			_, err := s.ReplaceFrom(ctx, "k", `"e"`, bytes.NewReader(large), o)
			return err
		},
		"PutFrom": func(ctx context.Context) error {
			_, err := s.PutFrom(ctx, "k", bytes.NewReader(large), o)
			return err
		},
		"Open": func(ctx context.Context) error {
			_, err := s.Open(ctx, store.Ref{Key: "k", ETag: `"e"`, Size: 1}, 0, store.OpenOptions{})
			return err
		},
		"List": func(ctx context.Context) error {
			for _, err := range s.List(ctx, "k", "") {
				return err
			}
			return nil
		},
		"Folders": func(ctx context.Context) error { _, err := s.Folders(ctx, "k"); return err },
	}
}

// What S3 answers is told apart: a few answers are for callers to act on, all
// others leave the outcome open.
func TestErrorsAreClassified(t *testing.T) {
	t.Parallel()
	creates, replaces := []string{"Create", "CreateFrom"}, []string{"Replace", "ReplaceFrom", "Put", "PutFrom", "Get", "Head", "Open", "List", "Folders"}
	for _, tc := range []struct {
		status int
		code   string
		want   map[string]error // by call; missing is no sentinel
	}{
		{412, "PreconditionFailed", union(answers(store.ErrExists, creates...), answers(store.ErrChanged, replaces...))},
		{404, "NoSuchKey", answers(store.ErrNotFound, slices.Concat(creates, replaces)...)},
		{404, "NoSuchBucket", answers(store.ErrNotFound, "Head")}, // which has no body to tell them apart
		{404, "NoSuchUpload", answers(store.ErrNotFound, "Head")},
		{403, "AccessDenied", nil},
		{400, "InvalidRequest", nil},
		{409, "ConditionalRequestConflict", nil}, // failure 10
		{409, "OperationAborted", nil},
		{500, "InternalError", nil},
		{503, "SlowDown", nil},
		{501, "NotImplemented", nil},
		{400, "KMS.DisabledException", nil},   // failure 68
		{400, "KMS.ThrottlingException", nil}, // failure 68
		{400, "ExpiredToken", nil},            // failure 78
	} {
		t.Run(strconv.Itoa(tc.status)+tc.code, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{answer: func(r *http.Request, _ int) (*http.Response, error) { return refuse(r, tc.status, tc.code), nil }}
				for name, call := range calls(s.store(store.ClientOptions{MaxAttempts: 2})) {
					err := call(t.Context())
					if err == nil {
						t.Errorf("%s succeeded", name)
					}
					for _, sentinel := range []error{store.ErrNotFound, store.ErrExists, store.ErrChanged, store.ErrTooLarge} {
						if errors.Is(err, sentinel) != errors.Is(tc.want[name], sentinel) {
							t.Errorf("%s: %v, want %v", name, err, tc.want[name])
						}
					}
				}
			})
		})
	}
}

func answers(err error, names ...string) map[string]error {
	m := map[string]error{}
	for _, n := range names {
		m[n] = err
	}
	return m
}

func union(a, b map[string]error) map[string]error {
	maps.Copy(a, b)
	return a
}

// A conflict says "try again", never "exists". // failure 10
func TestConflictsAreRetried(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Create", "Replace", "CreateFrom", "ReplaceFrom"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				conflicts := 0
				s := &script{answer: func(r *http.Request, _ int) (*http.Response, error) {
					if r.Header.Get("If-None-Match")+r.Header.Get("If-Match") != "" && conflicts < 3 {
						conflicts++
						return refuse(r, http.StatusConflict, "ConditionalRequestConflict"), nil
					}
					return written(r), nil
				}}
				if err := calls(s.store(store.ClientOptions{}))[name](t.Context()); err != nil || conflicts != 3 {
					t.Errorf("%v after %d conflicts", err, conflicts)
				}
			})
		})
	}
}

// Bursts of refusals are outlived with jittered backoff, within the caller's
// deadline. // failure 11, 76
func TestBurstsAreOutlived(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		status int
		code   string
	}{{"slow down", 503, "SlowDown"}, {"internal", 500, "InternalError"}, {"no answer", 0, ""}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				burst := func(r *http.Request, n int) (*http.Response, error) {
					switch {
					case n >= 4:
						return written(r), nil
					case tc.status == 0:
						return nil, &net.OpError{Op: "read", Err: errReset}
					default:
						return refuse(r, tc.status, tc.code), nil
					}
				}
				waits := map[time.Duration]bool{}
				for range 20 {
					s := &script{answer: burst}
					begun := time.Now()
					if err := calls(s.store(store.ClientOptions{}))["Create"](t.Context()); err != nil {
						t.Fatal(err)
					}
					took := time.Since(begun)
					if took > 4*2*time.Second {
						t.Errorf("four tries took %v, want at most 2 s each", took)
					}
					waits[took] = true
				}
				if len(waits) < 15 {
					t.Errorf("%d different waits of 20", len(waits))
				}
			})
		})
	}
}

// The end of a burst is not waited for beyond the tries, nor the deadline.
func TestBurstsHaveLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answer: func(r *http.Request, _ int) (*http.Response, error) { return refuse(r, 503, "SlowDown"), nil }}
		if err := calls(s.store(store.ClientOptions{}))["Put"](t.Context()); err == nil || s.count("PUT") != 5 {
			t.Errorf("%v after %d tries, want 5", err, s.count("PUT"))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		begun := time.Now()
		err := calls(s.store(store.ClientOptions{MaxAttempts: 1000}))["Put"](ctx)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) > 50*time.Millisecond {
			t.Errorf("%v after %v, want the deadline", err, time.Since(begun))
		}
	})
}

// An endpoint that takes a request and never answers is given up. // failure 12
func TestSilentEndpoint(t *testing.T) {
	t.Parallel()
	silent := make(chan struct{})
	asked := make(chan struct{}, 10)
	endpoint := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked <- struct{}{}
		<-silent
	}))
	defer endpoint.Close()
	defer close(silent)
	for name, client := range map[string]aws.HTTPClient{"default": nil, "the SDK's": awshttp.NewBuildableClient()} {
		s := store.New(store.NewClient(aws.Config{
			Region: "us-east-1", HTTPClient: client, Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
		}, store.ClientOptions{Endpoint: endpoint.URL, MaxAttempts: 2, MaxBackoff: time.Millisecond, Silence: 20 * time.Millisecond}), bucket)
		if _, err := s.Head(t.Context(), "k"); err == nil || len(asked) != 2 {
			t.Errorf("%s client: %v after %d tries, want 2", name, err, len(asked))
		}
		for len(asked) > 0 {
			<-asked
		}
	}
}

// A request says what it must and no more.
func TestRequests(t *testing.T) {
	t.Parallel()
	want := map[string][2]string{ // If-None-Match, If-Match
		"Create": {"*", ""}, "CreateFrom": {"*", ""}, "Replace": {"", `"e"`}, "ReplaceFrom": {"", `"e"`}, "Put": {}, "PutFrom": {},
	}
	for name, headers := range want {
		var last *http.Request
		s := &script{answer: func(r *http.Request, _ int) (*http.Response, error) {
			last = r
			return written(r), nil
		}}
		if err := calls(s.store(store.ClientOptions{}))[name](t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got := [2]string{last.Header.Get("If-None-Match"), last.Header.Get("If-Match")}
		if got != headers || last.URL.Path != "/"+bucket+"/k" {
			t.Errorf("%s: %s, conditions %q, want %q", name, last.URL.Path, got, headers)
		}
	}
}

// headers keeps those of the last request and answers with an ETag.
type headers struct{ last http.Header }

func (h *headers) Do(r *http.Request) (*http.Response, error) {
	h.last = r.Header
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Etag": {`"e"`}}, Body: http.NoBody, Request: r}, nil
}

// A body that stays on this machine has a checksum; one that goes over a network
// is signed, too.
func TestSignedBodies(t *testing.T) {
	t.Parallel()
	for endpoint, signed := range map[string]bool{
		"http://127.0.0.1:9000": false, "http://localhost:9000": false, "http://[::1]:9000": false,
		"http://127.0.0.1.example:9000": true, "http://10.0.0.1:9000": true, "http://store:9000": true,
	} {
		var h headers
		cfg := aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), HTTPClient: &h}
		s := store.New(store.NewClient(cfg, store.ClientOptions{Endpoint: endpoint}), "bucket")
		if _, err := s.Put(t.Context(), "k", []byte("x"), store.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		hash, sum := h.last.Get("X-Amz-Content-Sha256"), h.last.Get("X-Amz-Checksum-Crc32")
		if signed && hash != "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881" {
			t.Errorf("%s: hash %q, want that of the body", endpoint, hash)
		}
		if !signed && (hash != "UNSIGNED-PAYLOAD" || sum != "jNwWgw==") {
			t.Errorf("%s: hash %q, checksum %q", endpoint, hash, sum)
		}
	}
}
