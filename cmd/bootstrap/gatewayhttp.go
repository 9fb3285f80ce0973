package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	lambdaevents "github.com/aws/aws-lambda-go/events"
)

// newRequest turns an event into the request that a server would have read.
//
// The gateway has already decoded the path once and joined repeated headers by
// commas; cookies come apart. A stage other than $default stands before the
// path. https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
func newRequest(ctx context.Context, event *lambdaevents.APIGatewayV2HTTPRequest) (*http.Request, error) {
	body := []byte(event.Body)
	if event.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(event.Body); err != nil {
			return nil, err
		}
	}
	address := &url.URL{Path: pathOf(event), RawQuery: event.RawQueryString}
	r := &http.Request{
		Method: event.RequestContext.HTTP.Method, URL: address, RequestURI: address.RequestURI(),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Host: event.RequestContext.DomainName,
		Body: http.NoBody, ContentLength: int64(len(body)),
		RemoteAddr: net.JoinHostPort(event.RequestContext.HTTP.SourceIP, "0"),
	}
	if len(body) > 0 {
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	for name, value := range event.Headers {
		r.Header.Set(name, value)
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	r.Header.Del("Host")
	if len(event.Cookies) > 0 {
		r.Header.Set("Cookie", strings.Join(event.Cookies, "; "))
	}
	return r.WithContext(ctx), nil
}

// pathOf is the decoded path below the stage.
func pathOf(event *lambdaevents.APIGatewayV2HTTPRequest) string {
	path := event.RawPath
	if stage := event.RequestContext.Stage; stage != "" && stage != "$default" {
		if rest, ok := strings.CutPrefix(path, "/"+stage); ok && (rest == "" || rest[0] == '/') {
			path = rest
		}
	}
	if strings.Contains(event.RequestContext.DomainName, ".lambda-url.") {
		// A function URL sends the same event, but the path as the client wrote it.
		if decoded, err := url.PathUnescape(path); err == nil {
			path = decoded
		}
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return path
}

// responseWriter keeps an answer as net/http would send it.
type responseWriter struct {
	header http.Header
	sent   http.Header // as it was when the status was written
	status int
	body   bytes.Buffer
	head   bool
}

func newResponseWriter(method string) *responseWriter {
	return &responseWriter{header: http.Header{}, head: method == http.MethodHead}
}

// Header implements http.ResponseWriter.
func (w *responseWriter) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter: the first final status stands.
func (w *responseWriter) WriteHeader(status int) {
	if w.status != 0 || (status >= 100 && status < 200 && status != http.StatusSwitchingProtocols) {
		return
	}
	w.status, w.sent = status, w.header.Clone()
}

// Write implements io.Writer.
func (w *responseWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.body.Len() == 0 && len(p) > 0 && !w.bodiless() && w.sent.Values("Content-Type") == nil {
		w.sent.Set("Content-Type", http.DetectContentType(p))
	}
	switch {
	case w.head:
		return len(p), nil
	case w.bodiless():
		return 0, http.ErrBodyNotAllowed
	default:
		return w.body.Write(p)
	}
}

func (w *responseWriter) bodiless() bool {
	return w.status == http.StatusNoContent || w.status == http.StatusNotModified
}

// response is the answer for the gateway: cookies apart, repeated headers
// joined, and a body that is not text in base64.
func (w *responseWriter) response() lambdaevents.APIGatewayV2HTTPResponse {
	w.WriteHeader(http.StatusOK)
	response := lambdaevents.APIGatewayV2HTTPResponse{StatusCode: w.status, Headers: map[string]string{}}
	for name, values := range w.sent {
		if name == "Set-Cookie" {
			response.Cookies = values
			continue
		}
		response.Headers[name] = strings.Join(values, ", ")
	}
	if utf8.Valid(w.body.Bytes()) {
		response.Body = w.body.String()
	} else {
		response.Body, response.IsBase64Encoded = base64.StdEncoding.EncodeToString(w.body.Bytes()), true
	}
	return response
}
