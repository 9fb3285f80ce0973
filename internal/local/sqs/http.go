package sqs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// call is what an action may know about its request.
type call struct {
	host string // the Host header
	body []byte
}

// action answers one request with a value for JSON.
type action func(ctx context.Context, c call) (any, error)

func (s *Service) newActions() map[string]action {
	return map[string]action{
		"CreateQueue":                  handles(s.createQueue),
		"GetQueueUrl":                  handles(s.getQueueURL),
		"ListQueues":                   handles(s.listQueues),
		"DeleteQueue":                  handles(s.deleteQueue),
		"GetQueueAttributes":           handles(s.getQueueAttributes),
		"SetQueueAttributes":           handles(s.setQueueAttributes),
		"PurgeQueue":                   handles(s.purgeQueue),
		"ListDeadLetterSourceQueues":   handles(s.listDeadLetterSourceQueues),
		"SendMessage":                  handles(s.sendMessage),
		"SendMessageBatch":             handles(s.sendMessageBatch),
		"ReceiveMessage":               handles(s.receiveMessage),
		"DeleteMessage":                handles(s.deleteMessage),
		"DeleteMessageBatch":           handles(s.deleteMessageBatch),
		"ChangeMessageVisibility":      handles(s.changeMessageVisibility),
		"ChangeMessageVisibilityBatch": handles(s.changeMessageVisibilityBatch),
		"StartMessageMoveTask":         handles(s.startMessageMoveTask),
	}
}

// handles puts the decoder of In in front of f.
func handles[In any](f func(context.Context, call, *In) (any, error)) action {
	return func(ctx context.Context, c call) (any, error) {
		in := new(In)
		if err := decode(c.body, in); err != nil {
			return nil, err
		}
		return f(ctx, c, in)
	}
}

// decode reads one JSON request. Text that JSON would repair by replacing
// characters is refused, for the answer's MD5 would be of something else.
func decode(body []byte, in any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		body = []byte("{}")
	}
	if !utf8.Valid(body) {
		return kindSerialization.errorf("The request is not valid UTF-8.")
	}
	if hasLoneSurrogate(body) {
		return kindContents.errorf("The request holds half of a surrogate pair, which is not a character.")
	}
	if err := json.Unmarshal(body, in); err != nil {
		return kindSerialization.errorf("The request is not the JSON of this action: %v.", err)
	}
	return nil
}

// hasLoneSurrogate looks for \uD800 to \uDFFF that are not a pair.
func hasLoneSurrogate(body []byte) bool {
	for {
		at := bytes.IndexByte(body, '\\')
		if at < 0 || at+1 >= len(body) {
			return false
		}
		high, ok := unicodeEscape(body[at:])
		switch {
		case !ok:
			body = body[at+2:]
		case high < 0xD800 || high > 0xDFFF:
			body = body[at+6:]
		default:
			low, ok := unicodeEscape(body[at+6:])
			if high > 0xDBFF || !ok || low < 0xDC00 || low > 0xDFFF {
				return true
			}
			body = body[at+12:]
		}
	}
}

// unicodeEscape reads the \uXXXX that b begins with.
func unicodeEscape(b []byte) (uint64, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	v, err := strconv.ParseUint(string(b[2:6]), 16, 32)
	return v, err == nil
}

const (
	jsonType     = "application/x-amz-json-1.0"
	targetPrefix = "AmazonSQS."
)

// ServeHTTP answers one request of the AWS JSON 1.0 protocol on any path.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out, err := s.serve(w, r)
	if err != nil {
		s.writeError(w, r, err)
		return
	}
	s.write200(w, out)
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request) (any, error) {
	if r.Method != http.MethodPost {
		return nil, kindUnsupported.errorf("This is an SQS-compatible endpoint: POST requests of the AWS JSON 1.0 protocol only, use an AWS SDK or the aws CLI.")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBytes))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, kindTooLarge.errorf("The request is longer than %d bytes.", maxRequestBytes)
	}
	if err != nil {
		return nil, kindSerialization.errorf("The request body ended early.")
	}
	if err := s.checkSignature(r, body); err != nil {
		return nil, err
	}
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	if !ok {
		return nil, kindUnsupported.errorf("The Query protocol is not supported by this server: it wants Content-Type %s and X-Amz-Target %sAction, as every SDK of 2024 or later sends.", jsonType, targetPrefix)
	}
	act := s.actions[name]
	if act == nil {
		return nil, kindUnsupported.errorf("Action %q is not supported by this server, which knows %s.",
			name, strings.Join(slices.Sorted(maps.Keys(s.actions)), ", "))
	}
	return act(r.Context(), call{host: r.Host, body: body})
}

func (s *Service) write200(w http.ResponseWriter, out any) {
	body, err := json.Marshal(out)
	if err != nil {
		s.log.Error("answer cannot be encoded", slog.Any("error", err))
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	writeBody(w, http.StatusOK, jsonType, body)
}

func (s *Service) writeError(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // the client has gone
	}
	e := asError(err)
	w.Header().Set("X-Amzn-Query-Error", e.kind.queryError())
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		writeBody(w, e.kind.httpStatus(), "text/xml", queryErrorBody(e))
		return
	}
	body := jsonText(struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}{e.kind.typeName(), e.Message})
	writeBody(w, e.kind.httpStatus(), jsonType, []byte(body))
}

// writeBody ignores write errors: the client sees its own broken connection.
func writeBody(w http.ResponseWriter, status int, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Amzn-Requestid", formatID(newID()))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
