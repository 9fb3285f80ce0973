package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	lambdaevents "github.com/aws/aws-lambda-go/events"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// seen is what a handler finds in a request.
type seen struct {
	Method, Path, Query, Host, Body, Accept, Match string
	Cookies                                        []string
	Length                                         int64
}

func look(r *http.Request) seen {
	body, _ := io.ReadAll(r.Body)
	s := seen{
		Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Host: r.Host, Body: string(body),
		Accept: r.Header.Get("Accept"), Match: r.Header.Get("If-None-Match"), Length: r.ContentLength,
	}
	for _, c := range r.Cookies() {
		s.Cookies = append(s.Cookies, c.Name+"="+c.Value)
	}
	return s
}

// The events as AWS sends them become the requests that clients sent.
func TestGatewayRequest(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*lambdaevents.APIGatewayV2HTTPRequest)
		want   func(*seen)
	}{
		{"as it is", func(*lambdaevents.APIGatewayV2HTTPRequest) {}, func(*seen) {}},
		{
			"decoded path",
			func(e *lambdaevents.APIGatewayV2HTTPRequest) { e.RawPath = "/v1/batches/B/decisions/50% of A/ü?#" },
			func(s *seen) { s.Path = "/v1/batches/B/decisions/50% of A/ü?#" },
		},
		{
			"stage",
			func(e *lambdaevents.APIGatewayV2HTTPRequest) {
				e.RawPath, e.RequestContext.Stage = "/prod/v1/model", "prod"
			},
			func(s *seen) { s.Path = "/v1/model" },
		},
		{
			"stage alone",
			func(e *lambdaevents.APIGatewayV2HTTPRequest) { e.RawPath, e.RequestContext.Stage = "/prod", "prod" },
			func(s *seen) { s.Path = "/" },
		},
		{
			"not the stage",
			func(e *lambdaevents.APIGatewayV2HTTPRequest) {
				e.RawPath, e.RequestContext.Stage = "/production", "prod"
			},
			func(s *seen) { s.Path = "/production" },
		},
		{
			"function url",
			func(e *lambdaevents.APIGatewayV2HTTPRequest) {
				e.RawPath, e.RequestContext.DomainName = "/a%20b", "abc.lambda-url.eu-west-1.on.aws"
			},
			func(s *seen) { s.Path = "/a b" },
		},
		{
			"text body",
			func(e *lambdaevents.APIGatewayV2HTTPRequest) { e.Body = "ü" },
			func(s *seen) { s.Body, s.Length = "ü", 2 },
		},
		{
			"binary body",
			func(e *lambdaevents.APIGatewayV2HTTPRequest) { e.Body, e.IsBase64Encoded = "/wD+", true },
			func(s *seen) { s.Body, s.Length = "\xff\x00\xfe", 3 },
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			event := decoded[lambdaevents.APIGatewayV2HTTPRequest](t, fixture(t, "apigw-v2-get.json"))
			tt.change(&event)
			want := seen{
				Method: "GET", Path: "/v1/model", Query: "a=1&a=2&b=%20x%2Cy",
				Host: "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com", Accept: "application/json,text/plain;q=0.5",
				Match: `"0123","4567"`, Cookies: []string{"first=1", "second=two words"},
			}
			tt.want(&want)
			var got seen
			g := &gateway{log: discard(), handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = look(r) })}
			if _, err := g.Invoke(t.Context(), encoded(t, event)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// handlers answer in every way that net/http knows.
var handlers = map[string]http.HandlerFunc{
	"nothing": func(http.ResponseWriter, *http.Request) {},
	"text":    func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello ü") },
	"html":    func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<!doctype html><p>") },
	"binary":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte{0xff, 0xfe, 0, 1}) },
	"status":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) },
	"two writes": func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "a")
		_, _ = io.WriteString(w, "b")
	},
	"no content": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
	"early hints": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusCreated)
	},
	"typed": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "{}")
	},
	"not modified": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `"x"`)
		w.WriteHeader(http.StatusNotModified)
		_, _ = io.WriteString(w, "never sent")
	},
	"headers": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Vary", "Accept")
		w.Header().Add("Vary", "Prefer")
		w.Header().Add("Set-Cookie", "a=1; Path=/")
		w.Header().Add("Set-Cookie", "b=2, 3")
		w.WriteHeader(http.StatusCreated)
		w.Header().Set("Too-Late", "yes")
		w.WriteHeader(http.StatusAccepted) // net/http keeps the first, too
	},
}

// Whatever a handler does, the gateway's client gets what a server's client
// would get.
func TestGatewayAnswersAsAServerDoes(t *testing.T) {
	t.Parallel()
	type answer struct {
		Status  int
		Type    string
		Body    string
		ETag    string
		Late    string
		Vary    []string
		Cookies []string
	}
	for name, h := range handlers {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
			t.Run(name+" "+method, func(t *testing.T) {
				t.Parallel()
				srv := httptest.NewUnstartedServer(h)
				srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
				srv.Start()
				defer srv.Close()
				req, err := http.NewRequestWithContext(t.Context(), method, srv.URL, http.NoBody)
				if err != nil {
					t.Fatal(err)
				}
				resp, err := srv.Client().Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				body, _ := io.ReadAll(resp.Body)
				want := answer{
					resp.StatusCode, resp.Header.Get("Content-Type"), string(body), resp.Header.Get("ETag"), resp.Header.Get("Too-Late"),
					[]string{strings.Join(resp.Header.Values("Vary"), ", ")},
					resp.Header.Values("Set-Cookie"),
				}
				g := decodedAnswer(t, &gateway{handler: h, log: discard()}, method)
				got := answer{
					g.StatusCode, g.Headers["Content-Type"], g.Body, g.Headers["Etag"], g.Headers["Too-Late"],
					[]string{g.Headers["Vary"]},
					g.Cookies,
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// decodedAnswer asks with a method and undoes the base64 of the body.
func decodedAnswer(t *testing.T, g *gateway, method string) lambdaevents.APIGatewayV2HTTPResponse {
	t.Helper()
	event := decoded[lambdaevents.APIGatewayV2HTTPRequest](t, fixture(t, "apigw-v2-get.json"))
	event.RequestContext.HTTP.Method = method
	payload, err := g.Invoke(t.Context(), encoded(t, event))
	if err != nil {
		t.Fatal(err)
	}
	answer := decoded[lambdaevents.APIGatewayV2HTTPResponse](t, payload)
	if answer.IsBase64Encoded {
		body, err := base64.StdEncoding.DecodeString(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body = string(body)
	}
	return answer
}

// A handler that does not stop is answered for before the kill.
//
// failure 14
func TestGatewayDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		defer close(free)
		g := &gateway{log: discard(), handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-free })}
		ctx, cancel := context.WithTimeout(t.Context(), 29*time.Second)
		defer cancel()
		begun := time.Now()
		payload, err := g.Invoke(ctx, fixture(t, "apigw-v2-get.json"))
		answer := decoded[lambdaevents.APIGatewayV2HTTPResponse](t, payload)
		if took := time.Since(begun); err != nil || took >= 29*time.Second || answer.StatusCode != http.StatusServiceUnavailable || answer.Headers["Retry-After"] == "" {
			t.Errorf("after %s: %v, %+v", took, err, answer)
		}
	})
}

// failure 18, failure 69
func TestGatewayPanic(t *testing.T) {
	t.Parallel()
	g := &gateway{log: discard(), handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("CANARY") })}
	payload, err := g.Invoke(t.Context(), fixture(t, "apigw-v2-get.json"))
	if answer := decoded[lambdaevents.APIGatewayV2HTTPResponse](t, payload); err != nil || answer.StatusCode != http.StatusInternalServerError {
		t.Errorf("%v, %s", err, payload)
	}
	if strings.Contains(string(payload), "CANARY") {
		t.Errorf("the panic's value is told: %s", payload)
	}
}

func TestGatewayAnswerTooLarge(t *testing.T) {
	t.Parallel()
	g := &gateway{log: discard(), handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", maxAnswer))
	})}
	payload, err := g.Invoke(t.Context(), fixture(t, "apigw-v2-get.json"))
	if answer := decoded[lambdaevents.APIGatewayV2HTTPResponse](t, payload); err != nil || answer.StatusCode != http.StatusInternalServerError {
		t.Errorf("%v, %.200s", err, payload)
	}
}

// failure 63: who calls comes from the gateway's authorizer and from nowhere else.
func TestGatewayCaller(t *testing.T) {
	t.Parallel()
	authorizer := func(text string) *lambdaevents.APIGatewayV2HTTPRequestContextAuthorizerDescription {
		a := new(lambdaevents.APIGatewayV2HTTPRequestContextAuthorizerDescription)
		if err := json.Unmarshal([]byte(text), a); err != nil {
			t.Fatal(err)
		}
		return a
	}
	names := map[string]string{}
	for _, text := range []string{
		`{"jwt":{"claims":{"iss":"https://a","sub":"x"}}}`, `{"jwt":{"claims":{"iss":"https://b","sub":"x"}}}`,
		`{"jwt":{"claims":{"iss":"https://a","client_id":"y"}}}`, `{"iam":{"userArn":"x"}}`, `{"lambda":{"caller":"x"}}`,
	} {
		event := lambdaevents.APIGatewayV2HTTPRequest{Headers: map[string]string{"x-caller": "forged"}}
		event.RequestContext.Authorizer = authorizer(text)
		name := callerFrom(&event)
		if other, taken := names[name]; taken || len(name) != 36 || name != callerFrom(&event) {
			t.Errorf("%s is called %q, as %s is", text, name, other)
		}
		names[name] = text
	}
	for _, text := range []string{`{}`, `{"jwt":{"claims":{}}}`, `{"iam":{}}`, `{"lambda":{"caller":7}}`} {
		event := lambdaevents.APIGatewayV2HTTPRequest{}
		event.RequestContext.Authorizer = authorizer(text)
		if name := callerFrom(&event); name != "" {
			t.Errorf("%s is called %q", text, name)
		}
	}
}

// Without an authorizer nothing is reachable but health, unless that is wanted.
func TestGatewayAnonymous(t *testing.T) {
	t.Parallel()
	var caller string
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { caller = callerOf(r.Context()) })
	for _, tt := range []struct {
		path      string
		anonymous bool
		status    int
		caller    string
	}{
		{"/v1/model", false, 401, ""},
		{"/healthz", false, 200, "local"},
		{"/readyz", false, 200, "local"},
		{"/v1/model", true, 200, "local"},
	} {
		caller = ""
		event := decoded[lambdaevents.APIGatewayV2HTTPRequest](t, fixture(t, "apigw-v2-get.json"))
		event.RawPath, event.RequestContext.Authorizer = tt.path, nil
		g := &gateway{handler: h, anonymous: tt.anonymous, log: discard()}
		payload, err := g.Invoke(t.Context(), encoded(t, event))
		answer := decoded[lambdaevents.APIGatewayV2HTTPResponse](t, payload)
		if err != nil || answer.StatusCode != tt.status || caller != tt.caller {
			t.Errorf("%s, anonymous %t: %v, %d as %q; want %d as %q", tt.path, tt.anonymous, err, answer.StatusCode, caller, tt.status, tt.caller)
		}
	}
}

func TestGatewayUnknownEvents(t *testing.T) {
	t.Parallel()
	g := &gateway{log: discard(), handler: http.NotFoundHandler()}
	for _, payload := range []string{
		`{}`, `[]`, `"text"`, `null`, `{`, string(fixture(t, "sqs.json")), string(fixture(t, "scheduled.json")), string(fixture(t, "apigw-v1.json")),
		`{"version":"2.0","rawPath":"/","isBase64Encoded":true,"body":"%","requestContext":{"http":{"method":"GET"},"authorizer":{"iam":{"userArn":"x"}}}}`,
	} {
		answer, err := g.Invoke(t.Context(), []byte(payload))
		if err != nil || decoded[lambdaevents.APIGatewayV2HTTPResponse](t, answer).StatusCode != http.StatusBadRequest {
			t.Errorf("%.80s: %v, %s", payload, err, answer)
		}
	}
}

// FuzzGateway gives events that nobody has made to a handler: it never breaks
// down, and the path arrives as it was.
func FuzzGateway(f *testing.F) {
	f.Add("/v1/model", "a=1", "GET", "body", "x", "$default")
	f.Add("/a%zz b/../?#", "%", "", "\xff", "host", "prod")
	f.Fuzz(func(t *testing.T, path, query, method, body, header, stage string) {
		event := lambdaevents.APIGatewayV2HTTPRequest{
			RawPath: path, RawQueryString: query, Body: body, Headers: map[string]string{header: body, "Host": header}, Cookies: []string{body},
		}
		event.RequestContext.HTTP.Method, event.RequestContext.Stage = method, stage
		var got *url.URL
		g := &gateway{anonymous: true, log: discard(), handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got = r.URL
			w.Header().Set("X-Echo", body)
			_, _ = fmt.Fprint(w, r.URL, r.Header, r.Host)
		})}
		payload := encoded(t, event)
		answer, err := g.Invoke(t.Context(), payload)
		if err != nil || !json.Valid(answer) {
			t.Fatalf("%v: %q", err, answer)
		}
		sent := decoded[lambdaevents.APIGatewayV2HTTPRequest](t, payload) // JSON replaces what is not UTF-8
		if got != nil && got.Path != pathOf(&sent) {
			t.Errorf("path %q, want %q", got.Path, pathOf(&sent))
		}
	})
}
