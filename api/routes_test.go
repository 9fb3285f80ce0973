package api

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/model"
)

func TestUnroutedIsAProblem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, path := range []string{"/", "/v1", "/v1/applications/", "/v1/applications/a/b", "/v2/applications", "/docs/x", "/metrics"} {
		wantProblem(t, w.do(t, http.MethodGet, path, ""), CodeNotFound)
	}
	for _, tt := range []struct{ method, path, allow string }{
		{http.MethodGet, "/v1/applications", "POST"},
		{http.MethodDelete, "/v1/applications/x", "GET, HEAD"},
		{http.MethodPost, "/v1/batches", "GET, HEAD"},
		{http.MethodGet, "/predictions", "POST"},
		{http.MethodOptions, "/healthz", "GET, HEAD"},
		{"BREW", "/healthz", "GET, HEAD"},
	} {
		out := w.do(t, tt.method, tt.path, "")
		wantProblem(t, out, CodeMethod)
		if out.Header().Get("Allow") != tt.allow {
			t.Errorf("%s %s: Allow %q, want %q", tt.method, tt.path, out.Header().Get("Allow"), tt.allow)
		}
	}
}

// failure 18: a panic is one request's problem. failure 69: it tells no value.
func TestPanic(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	canary := "income 987654321"
	w.bucket.onGet = func(string) { panic(canary) }
	id := w.ids.New(status.KindApplication, time.Now(), "local")
	p := wantProblem(t, w.do(t, http.MethodGet, "/v1/applications/"+id, ""), CodeInternal)
	log := w.log.String()
	if p.RequestID == "" || !strings.Contains(log, p.RequestID) || !strings.Contains(log, "lookApplication") {
		t.Errorf("request id %q, log %s", p.RequestID, log)
	}
	if strings.Contains(log, canary) {
		t.Errorf("the log tells the value: %s", log)
	}
	var values []int
	w.bucket.onGet = func(string) { values[3]++ }
	wantProblem(t, w.do(t, http.MethodGet, "/v1/applications/"+id, ""), CodeInternal)
	if !strings.Contains(w.log.String(), "index out of range") {
		t.Errorf("log %s", w.log)
	}
	w.bucket.onGet = func(string) { panic(http.ErrAbortHandler) }
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) {
			t.Errorf("recovered %v", err)
		}
	}()
	w.do(t, http.MethodGet, "/v1/applications/"+id, "")
}

// failure 69, failure 70: nothing that a client sends reaches the log.
func TestLogHoldsNoApplicantData(t *testing.T) {
	t.Parallel()
	const canary = "CANARY7731"
	w := newWorld(t)
	app := strings.Replace(good, "LP001002", canary, 1)
	app = strings.Replace(app, "4583", "773125.5", 1)
	bodies := []string{
		app, "[" + app + "]", strings.Replace(app, "128", "-1", 1), strings.Replace(app, "Gender", canary, 1),
		app[:50], app + app, strings.Replace(app, "Loan_ID", canary, 1), canary, `{"` + canary + `":1,"` + canary + `":2}`,
		strings.Replace(app, canary, canary+`\ud800`, 1),
	}
	for _, down := range []bool{false, true} {
		if down {
			w.bucket.fail(errDown)
			w.queue.refuse = func(string) error { return errDown }
		}
		for _, body := range bodies {
			for _, kind := range []string{"application/json", "application/x-ndjson", canary} {
				w.do(t, http.MethodPost, "/v1/applications", body, "Content-Type", kind, "Prefer", "wait="+canary)
				w.do(t, http.MethodPost, "/predictions", body, "Content-Type", kind)
			}
		}
		w.do(t, http.MethodGet, "/v1/applications/"+canary, "", "If-None-Match", canary)
		w.do(t, http.MethodGet, "/v1/batches?source=uploads/"+canary+"%0a&limit="+canary, "")
		w.do(t, http.MethodGet, "/"+canary+"?"+canary, "", "X-Request-Id", canary, "User-Agent", canary)
		w.do(t, canary, "/v1/model", "")
	}
	log := w.log.String()
	for _, secret := range []string{canary, "773125.5"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %s", secret)
		}
	}
	if lines := strings.Count(log, `"msg":"request"`); lines < 2*len(bodies) {
		t.Errorf("%d lines", lines)
	}
}

func TestRequestLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out := w.do(t, http.MethodGet, "/v1/batches/xyz?x=1", "")
	want := regexp.MustCompile(`"level":"INFO","msg":"request","method":"GET","route":"/v1/batches/{id}","status":404,` +
		`"duration_ms":[0-9.]+,"request_id":"` + out.Header().Get("X-Request-Id") + `"}`)
	if log := w.log.String(); !want.MatchString(log) || strings.Count(log, "\n") != 1 {
		t.Errorf("log %s", log)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	ready := error(nil)
	w := newWorld(t, func(o *Options) {
		o.Ready = func(ctx context.Context) error {
			if _, bounded := ctx.Deadline(); !bounded {
				t.Error("no deadline")
			}
			return ready
		}
	})
	if out := w.do(t, http.MethodGet, "/readyz", ""); out.Code != http.StatusOK || out.Body.String() != `{"status":"ready","version":"test"}` {
		t.Errorf("%d %s", out.Code, out.Body)
	}
	ready = errDown
	wantProblem(t, w.do(t, http.MethodGet, "/readyz", ""), CodeNotReady)
	if !strings.Contains(w.log.String(), errDown.Error()) {
		t.Errorf("log %s", w.log)
	}
	if out := w.do(t, http.MethodGet, "/healthz", ""); out.Code != http.StatusOK || out.Body.String() != `{"status":"ok","version":"test"}` {
		t.Errorf("%d %s", out.Code, out.Body)
	}
}

func TestGetModel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out := w.do(t, http.MethodGet, "/v1/model", "")
	card := decode[ModelCard](t, out)
	m := model.Default()
	if card.SHA256 != m.SHA256() || card.Name != m.Name() || card.Version != m.Version() || card.Policy != status.Policy(m.Policy()) ||
		len(card.Features) != 4 || len(card.Classes) != 2 || string(card.Classes[1]) != `"Y"` || len(card.Training) == 0 || card.Forest != m.Stats() {
		t.Errorf("%s", out.Body)
	}
	if again := w.do(t, http.MethodGet, "/v1/model", "", "If-None-Match", out.Header().Get("ETag")); again.Code != http.StatusNotModified {
		t.Errorf("status %d", again.Code)
	}
	if again := w.do(t, http.MethodGet, "/v1/model", ""); again.Code != http.StatusOK || again.Body.Len() == 0 {
		t.Errorf("status %d after a 304", again.Code)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	ids, err := status.NewIDs(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	full := Options{IDs: ids, Objects: &bucket{}, Applications: &queue{}, Model: model.Default()}
	if _, err := New(full); err != nil {
		t.Errorf("zero options are the default: %v", err)
	}
	for field, change := range map[string]func(*Options){
		"IDs": func(o *Options) { o.IDs = nil }, "Objects": func(o *Options) { o.Objects = nil },
		"Applications": func(o *Options) { o.Applications = nil }, "Model": func(o *Options) { o.Model = nil },
		"Retention": func(o *Options) { o.Retention = -1 }, "DocumentRetention": func(o *Options) { o.DocumentRetention = -1 },
	} {
		o := full
		change(&o)
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// failure 65: the server has every limit, and leaves room for a wait.
func TestServerLimits(t *testing.T) {
	t.Parallel()
	s := Server(newWorld(t))
	if s.ReadHeaderTimeout == 0 || s.ReadTimeout == 0 || s.IdleTimeout == 0 || s.MaxHeaderBytes == 0 ||
		s.WriteTimeout < s.ReadTimeout+maxWait {
		t.Errorf("%+v", s)
	}
}

// slowBody gives a little and then the error of a connection.
type slowBody struct{ err error }

func (b slowBody) Read(p []byte) (int, error) { return copy(p, "{"), b.err }

type timeoutError struct{ error }

func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true }

// failure 65: a body that stops is the client's problem.
func TestBrokenBody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for code, err := range map[Code]error{
		CodeSlowBody: timeoutError{os.ErrDeadlineExceeded}, CodeMalformed: errors.New("connection reset"),
	} {
		for _, path := range []string{"/v1/applications", "/predictions"} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, slowBody{err})
			r.Header.Set("Content-Type", "application/json")
			out := httptest.NewRecorder()
			w.ServeHTTP(out, r)
			wantProblem(t, out, code)
		}
	}
}

// Every problem has its paragraph in the documentation, under its code.
func TestProblemsAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(page), "\n")
	for _, k := range kinds() {
		if !slices.Contains(lines, "### "+string(k.code)) {
			t.Errorf("docs/api.md has no heading for %s", k.code)
		}
	}
}
