package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"

	"github.com/loanscorer/loanscorer/events"
)

const (
	// handlerPatience is how long a handler whose context has ended is waited for.
	handlerPatience = time.Second
	// maxAnswer is how large an answer may be as JSON: Lambda takes 6 MB.
	maxAnswer = 6_000_000
)

// gateway serves API Gateway's HTTP API events with an http.Handler.
type gateway struct {
	handler   http.Handler
	anonymous bool // callers that the gateway has not authenticated are "local"
	log       *slog.Logger
}

// Invoke implements lambda.Handler. It never returns an error: whatever is
// wrong is an answer to the client.
func (g *gateway) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var event lambdaevents.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(payload, &event); err != nil || event.RequestContext.HTTP.Method == "" {
		g.log.LogAttrs(ctx, slog.LevelWarn, "event ignored", slog.String("kind", "not a request of an HTTP API, payload format 2.0"))
		return encode(failure(http.StatusBadRequest, "malformed", "Not a request of an HTTP API with payload format 2.0."))
	}
	answer := g.answer(ctx, &event)
	body, err := encode(answer)
	if err == nil && len(body) <= maxAnswer {
		return body, nil
	}
	g.log.LogAttrs(ctx, slog.LevelError, "answer too large", slog.Int("bytes", len(body)))
	return encode(failure(http.StatusInternalServerError, "internal",
		"The answer is larger than Lambda can give. Read the objects in the bucket instead."))
}

// answer runs the handler until shortly before Lambda's deadline.
func (g *gateway) answer(ctx context.Context, event *lambdaevents.APIGatewayV2HTTPRequest) lambdaevents.APIGatewayV2HTTPResponse {
	ctx, cancel := events.BeforeKill(ctx)
	defer cancel()
	caller := callerFrom(event)
	if caller == "" {
		if !g.anonymous && !open(pathOf(event)) {
			return failure(http.StatusUnauthorized, "unauthenticated", "The gateway has not authenticated this request.")
		}
		caller = "local"
	}
	r, err := newRequest(context.WithValue(ctx, callerKey{}, caller), event)
	if err != nil {
		return failure(http.StatusBadRequest, "malformed", "The request cannot be read.")
	}
	done := make(chan lambdaevents.APIGatewayV2HTTPResponse, 1)
	go func() { done <- g.serve(r) }() //nolint:contextcheck // the request has it
	select {
	case response := <-done:
		return response
	case <-ctx.Done():
	}
	late := time.NewTimer(handlerPatience)
	defer late.Stop()
	select {
	case response := <-done:
		return response
	case <-late.C:
		g.log.LogAttrs(ctx, slog.LevelError, "handler did not stop")
		return failure(http.StatusServiceUnavailable, "unavailable",
			"The store or the queue does not answer. Nothing was confirmed as accepted; try again later.")
	}
}

// serve runs the handler to its end. The handler answers for its own panics;
// one that gets here all the same must not end the process.
func (g *gateway) serve(r *http.Request) (response lambdaevents.APIGatewayV2HTTPResponse) {
	defer func() {
		if v := recover(); v != nil {
			g.log.LogAttrs(r.Context(), slog.LevelError, "handler panicked", slog.String("error", fmt.Sprintf("%T", v)))
			response = failure(http.StatusInternalServerError, "internal", "Something is wrong on this side.")
		}
	}()
	w := newResponseWriter(r.Method)
	g.handler.ServeHTTP(w, r)
	return w.response()
}

// open are the paths that a load balancer may ask without a key.
func open(path string) bool { return path == "/healthz" || path == "/readyz" }

// callerFrom names who calls, as the gateway's authorizer has found out: the
// same name for the same caller, of 36 characters that tell nothing. It is ""
// without an authorizer.
func callerFrom(event *lambdaevents.APIGatewayV2HTTPRequest) string {
	a := event.RequestContext.Authorizer
	if a == nil {
		return ""
	}
	name := ""
	switch {
	case a.JWT != nil:
		subject := a.JWT.Claims["sub"]
		if subject == "" {
			subject = a.JWT.Claims["client_id"]
		}
		if subject != "" {
			name = "jwt\x00" + a.JWT.Claims["iss"] + "\x00" + subject
		}
	case a.IAM != nil:
		if a.IAM.UserARN != "" {
			name = "iam\x00" + a.IAM.UserARN
		}
	default:
		if caller, ok := a.Lambda["caller"].(string); ok && caller != "" {
			name = "lambda\x00" + caller
		}
	}
	if name == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(name))
	return "aws-" + hex.EncodeToString(sum[:16])
}

// failure is a problem of this side of the handler.
func failure(status int, code, detail string) lambdaevents.APIGatewayV2HTTPResponse {
	body, err := json.Marshal(map[string]any{
		"type":  "https://github.com/loanscorer/loanscorer/blob/main/docs/api.md#" + code,
		"title": http.StatusText(status), "status": status, "code": code, "detail": detail,
	})
	if err != nil {
		body = nil // never: it is plain data
	}
	response := lambdaevents.APIGatewayV2HTTPResponse{
		StatusCode: status, Body: string(body),
		Headers: map[string]string{"Content-Type": "application/problem+json", "Cache-Control": "no-store"},
	}
	if status == http.StatusServiceUnavailable {
		response.Headers["Retry-After"] = "2"
	}
	return response
}

func encode(response lambdaevents.APIGatewayV2HTTPResponse) ([]byte, error) {
	return json.Marshal(response)
}
