package store_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/loanscorer/loanscorer/internal/store"
)

// script is an S3 endpoint in memory for the real SDK client: it answers
// request number n, from 0 on. It works in a synctest bubble.
type script struct {
	answer func(r *http.Request, n int) (*http.Response, error)

	mu       sync.Mutex
	requests []string // method, path and query
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if r.Body != nil {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return nil, err
		}
		_ = r.Body.Close() // nothing to lose
	}
	s.mu.Lock()
	n := len(s.requests)
	s.requests = append(s.requests, r.Method+" "+r.URL.RequestURI())
	s.mu.Unlock()
	return s.answer(r, n)
}

// count is how many requests began like that.
func (s *script) count(prefix string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, r := range s.requests {
		if strings.HasPrefix(r, prefix) {
			n++
		}
	}
	return n
}

// store returns a store that talks to the script.
func (s *script) store(o store.ClientOptions) *store.Store {
	o.Endpoint = "http://s3.test"
	return store.New(store.NewClient(aws.Config{
		Region: "us-east-1", HTTPClient: &http.Client{Transport: s},
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	}, o), bucket)
}

// reply is an answer; headers are pairs.
func reply(r *http.Request, status int, body io.Reader, headers ...string) *http.Response {
	resp := &http.Response{
		StatusCode: status, Status: strconv.Itoa(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: io.NopCloser(body), Request: r, ContentLength: -1,
	}
	for i := 0; i+1 < len(headers); i += 2 {
		resp.Header.Set(headers[i], headers[i+1])
	}
	return resp
}

// refuse is an error as S3 words it; HEAD has no body.
func refuse(r *http.Request, status int, code string) *http.Response {
	body := fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>m</Message></Error>`, code)
	if r.Method == http.MethodHead {
		body = ""
	}
	return reply(r, status, strings.NewReader(body), "Content-Type", "application/xml", "Content-Length", strconv.Itoa(len(body)))
}

// written acknowledges any write.
func written(r *http.Request) *http.Response {
	q, body := r.URL.Query(), ""
	switch {
	case q.Has("uploads"):
		body = `<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>`
	case r.Method == http.MethodPost && q.Has("uploadId"):
		body = `<CompleteMultipartUploadResult><ETag>"whole-2"</ETag></CompleteMultipartUploadResult>`
	case r.Method == http.MethodDelete:
		return reply(r, http.StatusNoContent, http.NoBody)
	}
	return reply(r, http.StatusOK, strings.NewReader(body), "ETag", `"e1"`, "Content-Length", strconv.Itoa(len(body)))
}

// part serves the range of content that a GET asks for, through wrap.
func part(t *testing.T, r *http.Request, content []byte, wrap func(io.Reader) io.Reader) *http.Response {
	t.Helper()
	var from, to int
	if n, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &from, &to); n != 2 || err != nil {
		t.Errorf("Range %q", r.Header.Get("Range"))
		return refuse(r, http.StatusBadRequest, "InvalidRequest")
	}
	if from >= len(content) {
		return refuse(r, http.StatusRequestedRangeNotSatisfiable, "InvalidRange")
	}
	to = min(to, len(content)-1)
	var body io.Reader = bytes.NewReader(content[from : to+1])
	if wrap != nil {
		body = wrap(body)
	}
	return reply(r, http.StatusPartialContent, body, "ETag", `"e1"`, "Content-Length", strconv.Itoa(to+1-from),
		"Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to, len(content)))
}

// first yields n bytes of r and then the error; a nil error is silence until
// ctx ends, as of a connection that nothing comes through.
func first(ctx context.Context, r io.Reader, n int64, then error) io.Reader {
	return io.MultiReader(io.LimitReader(r, n), readerFunc(func([]byte) (int, error) {
		if then != nil {
			return 0, then
		}
		<-ctx.Done()
		return 0, ctx.Err()
	}))
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
