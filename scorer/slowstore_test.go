package scorer

import (
	"bytes"
	"context"
	"flag"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

var (
	slowLatency = flag.Duration("slow.latency", 50*time.Millisecond, "what the slow store takes before the first byte")
	slowRate    = flag.Float64("slow.rate", 100e6, "bytes a second that one answer of the slow store gets")
)

// slowObjects is a bucket in memory whose every answer is late. Uploads are
// read of an S3 endpoint on loopback that is slow, too.
type slowObjects struct {
	*counted
	uploads     *store.Store
	latency     time.Duration
	limit       int64 // after so many requests the upload is replaced; 0: never
	gets        atomic.Int64
	connections atomic.Int64
}

func (s *slowObjects) wait() {
	if s.latency > 0 {
		<-time.After(s.latency)
	}
}

func (s *slowObjects) Head(ctx context.Context, key string) (store.Info, error) {
	s.wait()
	return s.counted.Head(ctx, key)
}

func (s *slowObjects) Get(ctx context.Context, key string, limit int64) ([]byte, store.Info, error) {
	s.wait()
	return s.counted.Get(ctx, key, limit)
}

func (s *slowObjects) Create(ctx context.Context, key string, body []byte, o store.PutOptions) (store.Info, error) {
	s.wait()
	return s.counted.Create(ctx, key, body, o)
}

func (s *slowObjects) CreateFrom(ctx context.Context, key string, r io.Reader, o store.PutOptions) (store.Info, error) {
	info, err := s.counted.CreateFrom(ctx, key, r, o)
	s.wait()
	return info, err
}

func (s *slowObjects) Open(ctx context.Context, ref store.Ref, offset int64, o store.OpenOptions) (io.ReadCloser, error) {
	return s.uploads.Open(ctx, ref, offset, o)
}

// newSlowObjects serves one upload.
func newSlowObjects(tb testing.TB, bucket *counted, text []byte, etag string) *slowObjects {
	tb.Helper()
	s := &slowObjects{counted: bucket}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := s.gets.Add(1); s.limit > 0 && n > s.limit || r.Header.Get("If-Match") != etag {
			w.WriteHeader(http.StatusPreconditionFailed)
			return
		}
		s.wait()
		w.Header().Set("ETag", etag)
		http.ServeContent(&paced{ResponseWriter: w, rate: *slowRate}, r, "", time.Time{}, bytes.NewReader(text))
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.connections.Add(1)
		}
	}
	server.Start()
	tb.Cleanup(server.Close)
	s.uploads = store.New(store.NewClient(aws.Config{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	}, store.ClientOptions{Endpoint: server.URL}), simBucketName)
	return s
}

// paced writes no faster than its rate, in bytes a second.
type paced struct {
	http.ResponseWriter
	rate  float64
	begun time.Time
	sent  int
}

// Write implements io.Writer.
func (p *paced) Write(b []byte) (int, error) {
	if p.begun.IsZero() {
		p.begun = time.Now()
	}
	for at := 0; at < len(b); {
		n, err := p.ResponseWriter.Write(b[at:min(at+64<<10, len(b))])
		at, p.sent = at+n, p.sent+n
		if err != nil {
			return at, err
		}
		due := p.begun.Add(time.Duration(float64(p.sent) / p.rate * 1e9))
		if ahead := time.Until(due); ahead > time.Millisecond {
			<-time.After(ahead)
		}
	}
	return len(b), nil
}

// slowUpload puts a file into a slow store, with a worker of it; the message
// announces the file.
func slowUpload(tb testing.TB, text []byte, list *simList) (*slowObjects, *Bulk, store.Info, string) {
	tb.Helper()
	bucket := &counted{Bucket: newSimStore().Bucket}
	info, err := bucket.Put(tb.Context(), simKey, text, store.PutOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	pair, err := simPair()
	if err != nil {
		tb.Fatal(err)
	}
	s := newSlowObjects(tb, bucket, text, info.ETag)
	if info, err = bucket.Head(tb.Context(), simKey); err != nil {
		tb.Fatal(err)
	}
	body, err := announcement(simBucketName, info)
	if err != nil {
		tb.Fatal(err)
	}
	return s, simBulkWorker(pair[0], DefaultChunkSize, s, list), info, body
}

// A file that is replaced while its ranges are read ahead ends as superseded,
// whatever was read of it until then. // failure 33
func TestReplacedWhileReadAhead(t *testing.T) {
	t.Parallel()
	text := benchFile(200_000) // more than what is read at a time, after the head
	for _, after := range []int64{1, 2, 3} {
		s, worker, info, body := slowUpload(t, text, &simList{})
		s.limit = after
		if errs := worker.Handle(t.Context(), []events.Message{{ID: "m", Body: []byte(body), Receives: 1}}); errs[0] != nil {
			t.Fatal(errs[0])
		}
		if summary := simSummary(t, s.Bucket, worker.batchID(info)); summary.State != status.BatchSuperseded {
			t.Errorf("replaced after %d requests: %s", after, summary.State)
		}
		if parts := s.Bodies(status.PartsPrefix(worker.batchID(info))); len(parts) > 0 {
			t.Errorf("replaced after %d requests: %d parts", after, len(parts))
		}
	}
}

// BenchmarkSlowStore scores chunks of 16 MiB, one after the other, of a store
// that takes -slow.latency to answer and gives every answer -slow.rate.
func BenchmarkSlowStore(b *testing.B) {
	list := &simList{}
	s, worker, info, body := slowUpload(b, benchFile(1_100_000), list) // 67 MB, 5 chunks
	s.latency = *slowLatency
	handle := func(body string) {
		if errs := worker.Handle(b.Context(), []events.Message{{ID: "m", Body: []byte(body), Receives: 1}}); errs[0] != nil {
			b.Fatal(errs[0])
		}
	}
	handle(body)
	s.gets.Store(0)
	for b.Loop() {
		for n, body := range list.bodies[:4] { // whole chunks
			handle(body)
			for _, key := range []string{status.PartKey(worker.batchID(info), n), status.LedgerKey(worker.batchID(info), n)} {
				s.Delete(key)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N*4), "ms/chunk")
	b.ReportMetric(float64(s.gets.Load())/float64(b.N*4), "gets/chunk")
	b.ReportMetric(float64(s.connections.Load()), "connections")
}
