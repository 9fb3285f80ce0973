package api

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"maps"
	"mime"
	"net"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/loanscorer/loanscorer/ingest"
)

// request is what handlers need of the HTTP request beyond their parameters.
type request struct {
	id     string // names the request in the log
	caller string
	header http.Header
	body   io.Reader
	conn   *http.ResponseController
}

type requestKey struct{}

func requestOf(ctx context.Context) *request {
	r, ok := ctx.Value(requestKey{}).(*request)
	if !ok {
		return &request{header: http.Header{}, body: http.NoBody}
	}
	return r
}

// serve is the outermost handler: it names the request, answers what the mux
// does not know, and logs one line when all is done.
func (s *service) serve(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	out := &recorder{ResponseWriter: w}
	req := &request{
		id: rand.Text(), caller: s.o.Caller(r), header: r.Header, body: r.Body, conn: http.NewResponseController(out),
	}
	ctx := context.WithValue(r.Context(), requestKey{}, req)
	r = r.WithContext(ctx)
	out.Header().Set("X-Request-Id", req.id)
	out.Header().Set("X-Content-Type-Options", "nosniff")
	defer s.finish(ctx, out, r, start)
	if _, pattern := s.mux.Handler(r); pattern == "" {
		s.unrouted(out, r)
		return
	}
	s.mux.ServeHTTP(out, r)
}

// finish is deferred: it answers for a handler that panicked, and logs.
func (s *service) finish(ctx context.Context, out *recorder, r *http.Request, start time.Time) {
	if v := recover(); v != nil {
		if v == http.ErrAbortHandler { //nolint:errorlint // net/http compares the value itself
			panic(v)
		}
		s.panicked(ctx, out, v)
	}
	s.logRequest(ctx, r, out.status, time.Since(start))
}

// unrouted answers as the mux would, 404 or 405 with Allow, but with a problem.
func (s *service) unrouted(w http.ResponseWriter, r *http.Request) {
	probe := &probe{header: http.Header{}}
	s.mux.ServeHTTP(probe, r)
	if probe.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", probe.header.Get("Allow"))
		writeProblem(w, newProblem(CodeMethod, ""))
		return
	}
	writeProblem(w, newProblem(CodeNotFound, ""))
}

// writeProblem answers outside of a handler.
func writeProblem(w http.ResponseWriter, p *Problem) {
	body, err := encode(p)
	if err != nil {
		body = nil // never: a problem is plain data
	}
	maps.Copy(w.Header(), p.GetHeaders())
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	_, _ = w.Write(body)
}

// panicked answers 500 if nothing was sent yet. The log gets where it happened
// and the value's type, not the value: it may hold applicant data.
func (s *service) panicked(ctx context.Context, out *recorder, value any) {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	var where []string
	for {
		f, more := frames.Next()
		where = append(where, f.Function)
		if !more {
			break
		}
	}
	reason := "not a runtime error"
	var fault runtime.Error
	if err, ok := value.(error); ok && errors.As(err, &fault) {
		reason = fault.Error()
	}
	s.o.Logger.LogAttrs(ctx, slog.LevelError, "handler panicked", slog.String("request_id", requestOf(ctx).id),
		slog.String("error", reason), slog.String("stack", strings.Join(where, " < ")))
	if out.status == 0 {
		p := newProblem(CodeInternal, "")
		p.RequestID = requestOf(ctx).id
		writeProblem(out, p)
	}
}

func (s *service) logRequest(ctx context.Context, r *http.Request, code int, took time.Duration) {
	level := slog.LevelInfo
	switch {
	case code == http.StatusInternalServerError:
		level = slog.LevelError
	case code >= http.StatusInternalServerError:
		level = slog.LevelWarn
	case r.Pattern == "GET /healthz" || r.Pattern == "GET /readyz":
		level = slog.LevelDebug
	}
	_, route, _ := strings.Cut(r.Pattern, " ")
	s.o.Logger.LogAttrs(ctx, level, "request", slog.String("method", knownMethod(r.Method)),
		slog.String("route", route), slog.Int("status", code),
		slog.Float64("duration_ms", float64(took.Microseconds())/1000),
		slog.String("request_id", requestOf(ctx).id))
}

// knownMethod keeps text that a client made up out of the log.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return method
	default:
		return "other"
	}
}

// mediaType returns the request's media type without parameters, or "".
func (r *request) mediaType() string {
	t, _, err := mime.ParseMediaType(r.header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return t
}

// readBody returns the whole body: at most limit(start) bytes, where start is
// the first bytes of it. The error is a problem.
func (r *request) readBody(limit func(start []byte) int64) ([]byte, error) {
	in := bufio.NewReaderSize(r.body, 512)
	start, err := in.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, bodyProblem(err)
	}
	most := limit(start)
	body, err := io.ReadAll(io.LimitReader(in, most+1))
	switch {
	case err != nil:
		return nil, bodyProblem(err)
	case int64(len(body)) > most && most <= ingest.MaxJSON:
		return nil, newProblem(CodeTooLarge, "The body is at most 64 KiB.")
	case int64(len(body)) > most:
		return nil, newProblem(CodeTooLarge, "The body is at most 8 MiB. Send several requests, or upload a CSV file.")
	case len(bytes.TrimSpace(body)) == 0:
		return nil, newProblem(CodeMalformed, "The body is empty.")
	default:
		return body, nil
	}
}

func bodyProblem(err error) *Problem {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return newProblem(CodeSlowBody, "")
	}
	return newProblem(CodeMalformed, "The body ended before its announced length.")
}

// recorder remembers the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *recorder) WriteHeader(code int) {
	if w.status == 0 {
		w.status = code
	}
	w.ResponseWriter.WriteHeader(code)
}

// Write implements io.Writer.
func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// probe takes an answer of the mux apart without sending it.
type probe struct {
	header http.Header
	status int
}

// Header implements http.ResponseWriter.
func (p *probe) Header() http.Header { return p.header }

// WriteHeader implements http.ResponseWriter.
func (p *probe) WriteHeader(code int) { p.status = code }

// Write implements io.Writer.
func (p *probe) Write(b []byte) (int, error) { return len(b), nil }
