package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/api"
	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
	"github.com/loanscorer/loanscorer/model"
)

// rendered is testdata/direct.json: the mapping templates of the direct intake,
// rendered by Apache Velocity for some applications.
type rendered struct {
	RequestTemplate string `json:"request_template"`
	AnswerTemplate  string `json:"answer_template"`
	RequestID       string `json:"request_id"`
	Cases           []struct {
		Name        string          `json:"name"`
		Application json.RawMessage `json:"application"`
		Form        string          `json:"form"`
		Answer      string          `json:"answer"`
		Location    string          `json:"location"`
	} `json:"cases"`
}

// TestDirectRendered: what the gateway sends to SQS is the message that the api
// makes of the same application, but for its id, its caller and its time.
func TestDirectRendered(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/direct.json")
	if err != nil {
		t.Fatal(err)
	}
	var r rendered
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	checkRenderedIsFresh(t, &r)
	for _, c := range r.Cases {
		form, err := url.ParseQuery(strings.TrimSpace(c.Form))
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		body := form.Get("MessageBody")
		form.Del("MessageBody")
		want := url.Values{"Action": {"SendMessage"}, "Version": {"2012-11-05"}, "MessageGroupId": {"direct"}}
		if diff := cmp.Diff(want, form); diff != "" {
			t.Errorf("%s: form (-want +got):\n%s", c.Name, diff)
		}
		got, err := events.ParseApplication([]byte(body))
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		theirs, answer := submit(t, c.Application)
		if diff := cmp.Diff(members(t, theirs), members(t, body)); diff != "" {
			t.Errorf("%s: members (-api +gateway):\n%s", c.Name, diff)
		}
		wanted, err := events.ParseApplication([]byte(theirs))
		if err != nil {
			t.Fatal(err)
		}
		if got.V != wanted.V || got.ID != r.RequestID || !status.GatewayID(got.ID) || got.Caller != form.Get("MessageGroupId") ||
			!got.SubmittedAt.Equal(time.Date(2026, 4, 9, 12, 34, 56, 0, time.UTC)) {
			t.Errorf("%s: message %+v", c.Name, got)
		}
		if diff := cmp.Diff(application(t, wanted.Application), application(t, got.Application)); diff != "" {
			t.Errorf("%s: application (-api +gateway):\n%s", c.Name, diff)
		}
		if diff := cmp.Diff(members(t, answer), members(t, c.Answer)); diff != "" {
			t.Errorf("%s: answer (-api +gateway):\n%s", c.Name, diff)
		}
		var accepted api.Accepted
		if err := json.Unmarshal([]byte(c.Answer), &accepted); err != nil || accepted.ID != r.RequestID ||
			accepted.State != status.Queued || accepted.StatusURL != c.Location || !strings.HasSuffix(c.Location, "/v1/applications/"+r.RequestID) {
			t.Errorf("%s: answer %s at %s, %v", c.Name, c.Answer, c.Location, err)
		}
	}
}

// checkRenderedIsFresh says when the templates were changed but not rendered.
func checkRenderedIsFresh(t *testing.T, r *rendered) {
	t.Helper()
	s := evaluate(loadTemplate(t), map[string]string{
		"DirectIntake": "true", "DomainName": "api.example", "CertificateArn": "arn:aws:acm:us-east-1:111122223333:certificate/1",
	})
	for _, m := range s.of("AWS::ApiGateway::Method") {
		if text(m.get("Integration", "RequestTemplates", "application/json")) != r.RequestTemplate {
			t.Error("testdata/direct.json was rendered from another request template: run 'make deploy-check'")
		}
		for _, a := range items(m.get("Integration", "IntegrationResponses")) {
			if text(get(a, "StatusCode")) == "202" && text(get(a, "ResponseTemplates", "application/json")) != r.AnswerTemplate {
				t.Error("testdata/direct.json was rendered from another answer template: run 'make deploy-check'")
			}
		}
	}
	if len(r.Cases) < 5 {
		t.Errorf("%d cases", len(r.Cases))
	}
}

// members are the names of a JSON object's members, in their order.
func members(t *testing.T, object string) []string {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(object))
	var names []string
	for depth, name := 0, false; ; {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return names
		}
		if err != nil {
			t.Fatalf("%s: %v", object, err)
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
			name = depth == 1
			continue
		case json.Delim('}'), json.Delim(']'):
			depth--
			name = depth == 1
			continue
		}
		if depth == 1 {
			if text, ok := token.(string); ok && name {
				names = append(names, text)
			}
			name = !name
		}
	}
}

// application reads an application as the worker does.
func application(t *testing.T, data []byte) *ingest.Application {
	t.Helper()
	a, err := ingest.DecodeJSON(data)
	if err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return a
}

// submit gives an application to the api and returns its message and answer.
func submit(t *testing.T, application []byte) (message, answer string) {
	t.Helper()
	ids, err := status.NewIDs(bytes.Repeat([]byte("s"), 32))
	if err != nil {
		t.Fatal(err)
	}
	q := &sent{}
	handler, err := api.New(api.Options{IDs: ids, Objects: nothing{}, Applications: q, Model: model.Default()})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/applications", bytes.NewReader(application))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	if w.Code != http.StatusAccepted || len(q.bodies) != 1 {
		t.Fatalf("%s: status %d, %s", application, w.Code, w.Body)
	}
	return q.bodies[0], w.Body.String()
}

// sent is a queue that keeps what it is sent.
type sent struct{ bodies []string }

func (q *sent) Send(_ context.Context, body, _ string) error {
	q.bodies = append(q.bodies, body)
	return nil
}

func (q *sent) SendAll(_ context.Context, bodies []string, _ string) []error {
	q.bodies = append(q.bodies, bodies...)
	return nil
}

// nothing is an empty bucket.
type nothing struct{}

func (nothing) Get(_ context.Context, key string, _ int64) ([]byte, store.Info, error) {
	return nil, store.Info{Key: key}, store.ErrNotFound
}

func (nothing) Head(_ context.Context, key string) (store.Info, error) {
	return store.Info{Key: key}, store.ErrNotFound
}

func (nothing) List(context.Context, string, string) iter.Seq2[store.Info, error] {
	return func(func(store.Info, error) bool) {}
}

func (nothing) Create(_ context.Context, key string, _ []byte, _ store.PutOptions) (store.Info, error) {
	return store.Info{Key: key}, nil
}

func (nothing) ReadRange(context.Context, string, int64, int64) ([]byte, error) {
	return nil, store.ErrNotFound
}

func (nothing) Folders(context.Context, string) ([]string, error) { return nil, nil }

// TestDirectSchema compares the gateway's schema with that of the api.
func TestDirectSchema(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../docs/openapi.json") // a test of package api keeps it up to date
	if err != nil {
		t.Fatal(err)
	}
	var description doc
	if err := json.Unmarshal(data, &description); err != nil {
		t.Fatal(err)
	}
	want := asDoc(draft4(get(description, "components", "schemas", "Application")))
	want["$schema"] = "http://json-schema.org/draft-04/schema#"
	s := evaluate(loadTemplate(t), map[string]string{"DirectIntake": "true"})
	models := s.of("AWS::ApiGateway::Model")
	if len(models) != 1 {
		t.Fatalf("%d models, want 1", len(models))
	}
	if diff := cmp.Diff(want, models[0].get("Schema")); diff != "" {
		t.Errorf("schema (-api +template):\n%s", diff)
	}
}

// draft4 makes of a schema of OpenAPI 3.1 what API Gateway understands: draft
// 4, without exclusiveMinimum, and without null, which no template may hold.
func draft4(v any) any {
	switch v := v.(type) {
	case []any:
		out := []any{}
		for _, item := range v {
			out = append(out, draft4(item))
		}
		return out
	case doc:
		out := doc{}
		for name, item := range v {
			switch name {
			case "description", "examples":
			case "exclusiveMinimum":
				out["minimum"] = item
			case "properties":
				properties := doc{}
				for property, schema := range asDoc(item) {
					properties[property] = draft4(schema)
				}
				out[name] = properties
			default:
				out[name] = draft4(item)
			}
		}
		if values, ok := out["enum"].([]any); ok && hasNull(values) {
			return doc{"anyOf": []any{doc{"enum": values[:len(values)-1], "type": "number"}, doc{"type": "null"}}}
		}
		return out
	default:
		return v
	}
}
