package api

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
	"github.com/loanscorer/loanscorer/model"
)

var errDown = errors.New("connection refused")

// bucket is Objects in memory.
type bucket struct {
	ambiguous error // told by a Create that was applied
	mu        sync.Mutex
	objects   map[string]object
	err       error            // of every call
	onGet     func(key string) // before every Get, without the lock
	gets      []string         // keys asked for
}

type object struct {
	data []byte
	meta map[string]string
}

func (b *bucket) put(key string, data []byte, meta map[string]string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.objects == nil {
		b.objects = map[string]object{}
	}
	b.objects[key] = object{data, meta}
}

func (b *bucket) putDoc(t *testing.T, key string, doc any) {
	t.Helper()
	data, err := status.Encode(doc)
	if err != nil {
		t.Fatal(err)
	}
	b.put(key, data, nil)
}

func (b *bucket) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
}

func (b *bucket) countGets(prefix string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, key := range b.gets {
		if strings.HasPrefix(key, prefix) {
			n++
		}
	}
	return n
}

func infoOf(key string, o object) store.Info {
	sum := md5.Sum(o.data)
	return store.Info{Key: key, ETag: `"` + hex.EncodeToString(sum[:]) + `"`, Size: int64(len(o.data))}
}

func (b *bucket) Get(_ context.Context, key string, limit int64) ([]byte, store.Info, error) {
	if b.onGet != nil {
		b.onGet(key)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gets = append(b.gets, key)
	o, ok := b.objects[key]
	switch {
	case b.err != nil:
		return nil, store.Info{}, b.err
	case !ok:
		return nil, store.Info{}, store.ErrNotFound
	case int64(len(o.data)) > limit:
		return nil, store.Info{}, store.ErrTooLarge
	}
	return bytes.Clone(o.data), infoOf(key, o), nil
}

func (b *bucket) Head(_ context.Context, key string) (store.Info, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	o, ok := b.objects[key]
	switch {
	case b.err != nil:
		return store.Info{}, b.err
	case !ok:
		return store.Info{}, store.ErrNotFound
	}
	info := infoOf(key, o)
	info.Metadata = o.meta
	return info, nil
}

func (b *bucket) List(_ context.Context, prefix, after string) iter.Seq2[store.Info, error] {
	b.mu.Lock()
	defer b.mu.Unlock()
	err := b.err
	var infos []store.Info
	for _, key := range slices.Sorted(maps.Keys(b.objects)) {
		if strings.HasPrefix(key, prefix) && key > after {
			infos = append(infos, infoOf(key, b.objects[key]))
		}
	}
	return func(yield func(store.Info, error) bool) {
		if err != nil {
			yield(store.Info{}, err)
			return
		}
		for _, info := range infos {
			if !yield(info, nil) {
				return
			}
		}
	}
}

func (b *bucket) Folders(_ context.Context, prefix string) ([]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return nil, b.err
	}
	seen := map[string]bool{}
	for key := range b.objects {
		if rest, ok := strings.CutPrefix(key, prefix); ok {
			if name, _, deeper := strings.Cut(rest, "/"); deeper {
				seen[name+"/"] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(seen)), nil
}

// queue is Queue in memory.
type queue struct {
	mu     sync.Mutex
	bodies []string
	groups []string
	refuse func(body string) error
}

func (q *queue) Send(_ context.Context, body, group string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.refuse != nil {
		if err := q.refuse(body); err != nil {
			return err
		}
	}
	q.bodies, q.groups = append(q.bodies, body), append(q.groups, group)
	return nil
}

func (q *queue) SendAll(ctx context.Context, bodies []string, group string) []error {
	errs := make([]error, len(bodies))
	failed := false
	for i, body := range bodies {
		errs[i] = q.Send(ctx, body, group)
		failed = failed || errs[i] != nil
	}
	if !failed {
		return nil
	}
	return errs
}

func (q *queue) sent() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.bodies)
}

// world is a handler with everything behind it.
type world struct {
	http.Handler
	ids    *status.IDs
	bucket *bucket
	queue  *queue
	log    *safeBuffer
}

type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// callerHeader names the caller in tests.
const callerHeader = "X-Test-Caller"

func newWorld(tb testing.TB, change ...func(*Options)) *world {
	tb.Helper()
	ids, err := status.NewIDs(bytes.Repeat([]byte("s"), 32))
	if err != nil {
		tb.Fatal(err)
	}
	w := &world{ids: ids, bucket: &bucket{}, queue: &queue{}, log: &safeBuffer{}}
	o := Options{
		IDs: ids, Objects: w.bucket, Applications: w.queue, Model: model.Default(), Version: "test",
		Logger: slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Caller: func(r *http.Request) string {
			if name := r.Header.Get(callerHeader); name != "" {
				return name
			}
			return "local"
		},
	}
	for _, f := range change {
		f(&o)
	}
	if w.Handler, err = New(o); err != nil {
		tb.Fatal(err)
	}
	return w
}

// at fixes the clock.
func at(now time.Time) func(*Options) {
	return func(o *Options) { o.Now = func() time.Time { return now } }
}

// do makes a request. Headers are pairs of name and value.
func (w *world) do(tb testing.TB, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	tb.Helper()
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	r := httptest.NewRequestWithContext(tb.Context(), method, path, in)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	out := httptest.NewRecorder()
	w.ServeHTTP(out, r)
	return out
}

// post sends JSON.
func (w *world) post(tb testing.TB, path, body string, headers ...string) *httptest.ResponseRecorder {
	tb.Helper()
	return w.do(tb, http.MethodPost, path, body, append([]string{"Content-Type", "application/json"}, headers...)...)
}

// decode reads a body strictly enough to notice a wrong type.
func decode[T any](tb testing.TB, out *httptest.ResponseRecorder) T {
	tb.Helper()
	var v T
	if err := json.Unmarshal(out.Body.Bytes(), &v); err != nil {
		tb.Fatalf("body %q: %v", out.Body, err)
	}
	return v
}

// wantProblem checks everything that a problem must have.
func wantProblem(tb testing.TB, out *httptest.ResponseRecorder, code Code) Problem {
	tb.Helper()
	k := code.kind()
	if out.Code != k.status {
		tb.Fatalf("status %d, want %d: %s", out.Code, k.status, out.Body)
	}
	if got := out.Header().Get("Content-Type"); got != problemType {
		tb.Errorf("content type %q, want %q", got, problemType)
	}
	if k.retryAfter > 0 != (out.Header().Get("Retry-After") != "") {
		tb.Errorf("Retry-After %q for %s", out.Header().Get("Retry-After"), code)
	}
	p := decode[Problem](tb, out)
	if p.Code != code || p.Status != k.status || p.Title != k.title || p.Type != DocsURL+"#"+string(code) {
		tb.Errorf("problem %+v, want code %s", p, code)
	}
	return p
}

const good = `{"Loan_ID":"LP001002","ApplicantIncome":4583,"CoapplicantIncome":1508,"LoanAmount":128,"Credit_History":1,"Property_Area":"Rural"}`

func storeInfo(key, etag string) store.Info { return store.Info{Key: key, ETag: etag} }

func (b *bucket) ReadRange(ctx context.Context, key string, offset, n int64) ([]byte, error) {
	data, _, err := b.Get(ctx, key, 1<<40)
	if err != nil {
		return nil, err
	}
	return data[offset : offset+n], nil
}

func (b *bucket) Create(_ context.Context, key string, body []byte, _ store.PutOptions) (store.Info, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return store.Info{}, b.err
	}
	if _, ok := b.objects[key]; ok {
		return store.Info{}, store.ErrExists
	}
	if b.objects == nil {
		b.objects = map[string]object{}
	}
	b.objects[key] = object{data: bytes.Clone(body)}
	return infoOf(key, b.objects[key]), b.ambiguous
}
