package api

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loanscorer/loanscorer/internal/status"
)

func TestParsePrefer(t *testing.T) {
	t.Parallel()
	tests := []struct {
		headers []string
		wait    time.Duration
		applied string
	}{
		{nil, 0, ""},
		{[]string{"wait=5"}, 5 * time.Second, "wait=5"},
		{[]string{"respond-async, wait=5"}, 5 * time.Second, "respond-async, wait=5"},
		{[]string{"wait=5", "Respond-Async"}, 5 * time.Second, "respond-async, wait=5"},
		{[]string{` WAIT = "7" ; x=1 `}, 7 * time.Second, "wait=7"},
		{[]string{"wait=21"}, 20 * time.Second, "wait=20"},
		{[]string{"wait=4294967295"}, 20 * time.Second, "wait=20"},
		{[]string{"wait=0"}, 0, ""},
		{[]string{"wait=-1"}, 0, ""},
		{[]string{"wait=1.5"}, 0, ""},
		{[]string{"wait=99999999999999999999"}, 0, ""},
		{[]string{"wait=3, wait=9"}, 3 * time.Second, "wait=3"},
		{[]string{"return=minimal,,;="}, 0, ""},
	}
	for _, tt := range tests {
		p := parsePrefer(tt.headers)
		if p.wait != tt.wait || p.applied() != tt.applied {
			t.Errorf("%q: %v, %q; want %v, %q", tt.headers, p.wait, p.applied(), tt.wait, tt.applied)
		}
	}
}

// later makes the decision visible a while after the first look.
func later(t *testing.T, w *world, after time.Duration) {
	t.Helper()
	var once sync.Once
	w.bucket.onGet = func(key string) {
		once.Do(func() {
			time.AfterFunc(after, func() {
				doc, err := status.Encode(decidedDoc("x"))
				if err != nil {
					t.Error(err)
				}
				w.bucket.put(key, doc, nil)
				w.bucket.put(resultKey, nil, nil)
			})
		})
	}
}

func TestWait(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		prefer string
		after  time.Duration // of the decision
		done   bool
		most   time.Duration // of the whole answer
		looks  int           // at most
	}{
		{"in time", "wait=5", 100 * time.Millisecond, true, 200 * time.Millisecond, 8},
		{"late", "wait=2", 10 * time.Second, false, 2 * time.Second, 20},
		{"at most 20 s", "wait=3600", time.Hour, false, 20 * time.Second, 60},
		{"no wait", "respond-async", 10 * time.Millisecond, false, 0, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				later(t, w, tt.after)
				start := time.Now()
				out := w.post(t, "/v1/applications", good, "Prefer", tt.prefer)
				took := time.Since(start)
				got := decode[Accepted](t, out)
				if out.Code != http.StatusAccepted || got.Done != tt.done || got.StatusURL == "" || took > tt.most {
					t.Errorf("%d after %v: %s", out.Code, took, out.Body)
				}
				if tt.done != (got.Outcome != nil && got.Decision == "declined") || tt.done != (out.Header().Get("Retry-After") == "") {
					t.Errorf("body %s, headers %v", out.Body, out.Header())
				}
				if n := w.bucket.countGets("applications/"); n > tt.looks {
					t.Errorf("%d looks", n)
				}
			})
			synctest.Test(t, func(t *testing.T) { // the same for a poll
				w := newWorld(t)
				later(t, w, tt.after)
				id := w.ids.New(status.KindApplication, time.Now(), "local")
				start := time.Now()
				out := w.do(t, http.MethodGet, "/v1/applications/"+id, "", "Prefer", tt.prefer)
				got := decode[ApplicationStatus](t, out)
				if took := time.Since(start); out.Code != http.StatusOK || got.Done != tt.done || took > tt.most {
					t.Errorf("%d after %v: %s", out.Code, took, out.Body)
				}
				if applied := out.Header().Get("Preference-Applied"); strings.Contains(applied, "async") ||
					(tt.prefer == "wait=3600" && applied != "wait=20") {
					t.Errorf("Preference-Applied %q", applied)
				}
			})
		})
	}
}

// Once the queue has it, a store that does not answer changes nothing.
func TestWaitStoreDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bucket.fail(errDown)
	out := w.post(t, "/v1/applications", good, "Prefer", "wait=1")
	if got := decode[Accepted](t, out); out.Code != http.StatusAccepted || got.State != status.Queued {
		t.Errorf("%d %s", out.Code, out.Body)
	}
}

// A wait outlives the time that the server gives a request to arrive.
func TestWaitOutlivesReadTimeout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	later(t, w, 300*time.Millisecond)
	srv := httptest.NewUnstartedServer(w)
	srv.Config.ReadTimeout = 50 * time.Millisecond
	srv.Start()
	t.Cleanup(srv.Close)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/v1/applications", strings.NewReader(good))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Prefer", "wait=10")
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted || resp.Header.Get("Retry-After") != "" {
		t.Errorf("status %d, headers %v", resp.StatusCode, resp.Header)
	}
}

// failure 75: a server that stops does not wait for those who wait.
func TestShutdownEndsWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	looked := make(chan struct{})
	var looks atomic.Int32
	w.bucket.onGet = func(string) {
		if looks.Add(1) == 2 {
			close(looked)
		}
	}
	srv := Server(w)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(listener) }()
	answered := make(chan int, 1)
	go func() {
		id := w.ids.New(status.KindApplication, time.Now(), "local")
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listener.Addr().String()+"/v1/applications/"+id, nil)
		if err != nil {
			t.Error(err)
			return
		}
		req.Header.Set("Prefer", "wait=20")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Error(err)
			answered <- 0
			return
		}
		_ = resp.Body.Close()
		answered <- resp.StatusCode
	}()
	<-looked
	start := time.Now()
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("shutdown took %v", took)
	}
	if code := <-answered; code != http.StatusOK {
		t.Errorf("status %d", code)
	}
	<-served
}
