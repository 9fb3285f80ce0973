package api

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/internal/status"
)

var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

const resultKey = "results/applications/dt=2026-03-04/x.parquet"

func decidedDoc(id string) *status.Application {
	p := 0.31
	return &status.Application{
		V: 1, ID: id, State: status.DocClaimed, Result: resultKey, SubmittedAt: now, DecidedAt: now.Add(time.Second),
		LoanID: "LP001002", Decision: "declined", Probability: &p, Policy: &status.Policy{ApproveAbove: 0.5, DeclineAt: 0.5},
		Imputed: []string{"LoanAmount"}, Model: &status.ModelRef{Name: "m", Version: "1", SHA256: "abc"}, Attempts: 1,
		Reasons: []status.Reason{{Code: "R02", Feature: "Credit_History", Contribution: -0.21, Text: "t", TextPT: "p"}},
	}
}

// Every row of the poll table that answers 200.
func TestGetApplicationStates(t *testing.T) {
	t.Parallel()
	failing := func(lease time.Time) *status.Application {
		return &status.Application{
			V: 1, State: status.DocFailing, LeaseUntil: lease, Attempts: 5, LoanID: "LP001002",
			Error: &status.Problem{Title: "Scoring failed", Code: "model_missing"},
		}
	}
	rejected := &status.Application{
		V: 1, State: status.DocRejected, Attempts: 1,
		Error: &status.Problem{Title: "No", Code: "missing_value", Detail: "LoanAmount is required by this model", Field: "LoanAmount"},
	}
	claimed := decidedDoc("x")
	tests := []struct {
		name  string
		age   time.Duration
		doc   *status.Application
		file  status.File
		want  status.State
		retry string // Retry-After
		error string // code of the error inside
	}{
		{name: "no document yet", want: status.Queued, retry: "1"}, // failure 61
		{name: "older, asks for patience", age: 35 * time.Second, want: status.Queued, retry: "4"},
		{name: "at most ten seconds", age: time.Hour, want: status.Queued, retry: "10"},
		{name: "clock of the id ahead", age: -time.Minute, want: status.Queued, retry: "1"}, // failure 59
		{name: "past the queue's retention", age: 97 * time.Hour, want: status.Expired, error: "expired"},
		{name: "claimed", doc: claimed, want: status.Scoring, retry: "1"},
		{name: "claim was fenced", doc: claimed, file: status.FileTombstone, want: status.Scoring, retry: "1"},
		{name: "claim without a file key", doc: &status.Application{State: status.DocClaimed}, want: status.Scoring, retry: "1"},
		{name: "decided", doc: claimed, file: status.FileResults, want: status.Decided},
		{name: "rejected", doc: rejected, want: status.Rejected, error: "missing_value"}, // failure 21
		{name: "rejected without a reason", doc: &status.Application{State: status.DocRejected}, want: status.Rejected, error: "rejected"},
		{name: "failing within its lease", doc: failing(now.Add(time.Second)), want: status.Retrying, retry: "1"},
		{name: "failing after its lease", doc: failing(now.Add(-time.Second)), want: status.Failed, error: "model_missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, at(now))
			id := w.ids.New(status.KindApplication, now.Add(-tt.age), "local")
			if tt.doc != nil {
				w.bucket.putDoc(t, status.ApplicationKey(id), tt.doc)
			}
			if tt.file != "" {
				w.bucket.put(resultKey, []byte("PAR1"), map[string]string{status.MetaFile: string(tt.file)})
			}
			out := w.do(t, http.MethodGet, "/v1/applications/"+id, "")
			if out.Code != http.StatusOK {
				t.Fatalf("status %d: %s", out.Code, out.Body)
			}
			got := decode[ApplicationStatus](t, out)
			if got.ID != id || got.State != tt.want || got.Done != tt.want.Done() || !got.SubmittedAt.Equal(status.Time(id)) {
				t.Errorf("got %+v, want state %s", got, tt.want)
			}
			if after := out.Header().Get("Retry-After"); after != tt.retry {
				t.Errorf("Retry-After %q, want %q", after, tt.retry)
			}
			if out.Header().Get("ETag") == "" || out.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("headers %v", out.Header())
			}
			code := ""
			if got.Error != nil {
				code = got.Error.Code
				if !strings.HasPrefix(got.Error.Type, DocsURL+"#") {
					t.Errorf("error type %q", got.Error.Type)
				}
			}
			if code != tt.error {
				t.Errorf("error %q, want %q", code, tt.error)
			}
			if tt.want != status.Decided && (got.Decision != "" || got.Probability != nil) {
				t.Errorf("a decision is told in state %s", tt.want)
			}
		})
	}
}

// The body of a decision, member by member and in the documented order.
func TestGetApplicationBody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at(now))
	id := w.ids.New(status.KindApplication, now, "local")
	w.bucket.putDoc(t, status.ApplicationKey(id), decidedDoc(id))
	w.bucket.put(resultKey, nil, nil)
	want := `{"id":"` + id + `","state":"decided","done":true,"submitted_at":"2026-03-04T05:06:07Z",` +
		`"decided_at":"2026-03-04T05:06:08Z","loan_id":"LP001002","decision":"declined","probability":0.31,` +
		`"policy":{"approve_above":0.5,"decline_at":0.5},` +
		`"reasons":[{"code":"R02","feature":"Credit_History","contribution":-0.21,"text":"t","text_pt":"p"}],` +
		`"imputed":["LoanAmount"],"model":{"name":"m","version":"1","sha256":"abc"},"attempts":1,"error":null}`
	if diff := cmp.Diff(want, w.do(t, http.MethodGet, "/v1/applications/"+id, "").Body.String()); diff != "" {
		t.Error(diff)
	}
}

// failure 62, failure 63: what was never issued, is of another kind or belongs
// to somebody else looks the same, and the store is not even asked.
func TestGetApplicationNotFoundAlike(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mine := w.ids.New(status.KindApplication, time.Now(), "local")
	flipped := []byte(mine)
	flipped[len(flipped)-1] ^= 1
	ids := map[string]string{
		"another caller's": w.ids.New(status.KindApplication, time.Now(), "someone"),
		"another kind":     w.ids.New(status.KindBatch, time.Now(), "local"),
		"one bit off":      string(flipped),
		"lower case":       strings.ToLower(mine),
		"no proof":         mine[:26],
		"malformed":        "42",
		"path":             "..%2f..%2fmodels",
		"nul":              "%00",
	}
	var bodies []string
	for name, id := range ids {
		out := w.do(t, http.MethodGet, "/v1/applications/"+id, "")
		if out.Code != http.StatusNotFound {
			t.Errorf("%s: status %d", name, out.Code)
			continue
		}
		wantProblem(t, out, CodeNotFound)
		bodies = append(bodies, out.Body.String())
	}
	for _, b := range bodies {
		if b != bodies[0] {
			t.Errorf("answers differ: %s and %s", b, bodies[0])
		}
	}
	if n := w.bucket.countGets(""); n != 0 {
		t.Errorf("the store was asked %d times", n)
	}
}

func TestGetApplicationGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at(now), func(o *Options) { o.DocumentRetention = 30 * 24 * time.Hour })
	id := w.ids.New(status.KindApplication, now.Add(-31*24*time.Hour), "local")
	wantProblem(t, w.do(t, http.MethodGet, "/v1/applications/"+id, ""), CodeGone)
	w.bucket.putDoc(t, status.ApplicationKey(id), decidedDoc(id)) // not swept yet
	w.bucket.put(resultKey, nil, nil)
	if out := w.do(t, http.MethodGet, "/v1/applications/"+id, ""); out.Code != http.StatusOK {
		t.Errorf("status %d", out.Code)
	}
}

// failure 60
func TestGetApplicationConditional(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at(now))
	id := w.ids.New(status.KindApplication, now, "local")
	path := "/v1/applications/" + id
	etag := w.do(t, http.MethodGet, path, "").Header().Get("ETag")
	for _, header := range []string{etag, "W/" + etag, `"other", ` + etag, "*"} {
		out := w.do(t, http.MethodGet, path, "", "If-None-Match", header)
		if out.Code != http.StatusNotModified || out.Body.Len() != 0 || out.Header().Get("ETag") != etag ||
			out.Header().Get("Retry-After") != "1" {
			t.Errorf("If-None-Match %s: %d %v %q", header, out.Code, out.Header(), out.Body)
		}
	}
	w.bucket.putDoc(t, status.ApplicationKey(id), decidedDoc(id))
	out := w.do(t, http.MethodGet, path, "", "If-None-Match", etag)
	if out.Code != http.StatusOK || out.Header().Get("ETag") == etag {
		t.Errorf("after a change: %d %v", out.Code, out.Header())
	}
}

func TestHeadApplication(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	srv := httptest.NewServer(w)
	t.Cleanup(srv.Close)
	id := w.ids.New(status.KindApplication, time.Now(), "local")
	for path, want := range map[string]int{id: http.StatusOK, "42": http.StatusNotFound} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodHead, srv.URL+"/v1/applications/"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: status %d, want %d", path, resp.StatusCode, want)
		}
		if want == http.StatusOK && (resp.Header.Get("ETag") == "" || resp.ContentLength <= 0) {
			t.Errorf("headers %v", resp.Header)
		}
	}
}

func TestGetApplicationStoreDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.ids.New(status.KindApplication, time.Now(), "local")
	w.bucket.fail(errDown)
	p := wantProblem(t, w.do(t, http.MethodGet, "/v1/applications/"+id, ""), CodeUnavailable)
	if p.RequestID == "" || !strings.Contains(w.log.String(), p.RequestID) {
		t.Errorf("request id %q is not in the log", p.RequestID)
	}
	w.bucket.fail(nil)
	w.bucket.put(status.ApplicationKey(id), []byte("{"), nil)
	wantProblem(t, w.do(t, http.MethodGet, "/v1/applications/"+id, ""), CodeInternal)
}

// A reader of the status must find every state in the schema's enum.
func TestStatesAreDocumented(t *testing.T) {
	t.Parallel()
	doc := newWorld(t).do(t, http.MethodGet, "/openapi.json", "").Body.Bytes()
	var spec struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct {
					Enum []any `json:"enum"`
				} `json:"properties"`
			} `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(doc, &spec); err != nil {
		t.Fatal(err)
	}
	want := []any{"queued", "scoring", "retrying", "decided", "rejected", "failed", "expired"}
	if diff := cmp.Diff(want, spec.Components.Schemas["ApplicationStatus"].Properties["state"].Enum); diff != "" {
		t.Error(diff)
	}
}
