package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Version is the version of the messages written by this code. Readers accept
// the one before and the one after, and ignore members that they do not know,
// so that two versions can work side by side.
const Version = 1

// ErrNewer is returned for a message of a version that this code is too old
// for. It is not permanent: a newer worker will read it.
var ErrNewer = errors.New("message is of a newer version")

// ErrMessage is wrapped by every error about a message that cannot be read. It
// is permanent: the same bytes will never be readable.
var ErrMessage = errors.New("message cannot be read")

// The kinds of messages of our own.
const (
	KindApplication = "application"
	KindChunk       = "chunk"
)

// Application asks for one application to be scored.
type Application struct {
	V           int             `json:"v"`
	Kind        string          `json:"kind"`
	ID          string          `json:"id"`
	Caller      string          `json:"caller"`
	SubmittedAt time.Time       `json:"submitted_at"`
	Application json.RawMessage `json:"application"` // as package ingest writes it
}

// Chunk asks for one chunk of a batch to be scored. FirstRecord is set when
// the start is known; otherwise the worker guesses it.
type Chunk struct {
	V           int    `json:"v"`
	Kind        string `json:"kind"`
	Batch       string `json:"batch"`
	N           int    `json:"n"`
	Start       int64  `json:"start"` // byte range
	End         int64  `json:"end"`   // exclusive
	FirstRecord *int64 `json:"first_record,omitempty"`
	Generation  int    `json:"generation"`
}

// Encode returns a message's body, in characters that SQS takes. It sets
// nothing: v and kind are the caller's, see NewApplication and NewChunk.
func Encode(message any) (string, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(message); err != nil {
		return "", fmt.Errorf("message %T: %w", message, err)
	}
	// SQS refuses two characters that JSON allows, in strings only.
	escape := strings.NewReplacer("\uFFFE", `\ufffe`, "\uFFFF", `\uffff`)
	return escape.Replace(strings.TrimSuffix(buf.String(), "\n")), nil
}

// NewApplication returns the message for one application.
func NewApplication(id, caller string, submittedAt time.Time, application json.RawMessage) Application {
	return Application{
		V: Version, Kind: KindApplication, ID: id, Caller: caller,
		SubmittedAt: submittedAt, Application: application,
	}
}

// NewChunk returns the message for chunk n of a batch whose start is guessed.
func NewChunk(batch string, n int, start, end int64) Chunk {
	return Chunk{V: Version, Kind: KindChunk, Batch: batch, N: n, Start: start, End: end}
}

// ParseApplication reads a message of the applications queue. The error wraps
// ErrMessage; the id may be set even then.
func ParseApplication(body []byte) (Application, error) {
	var m Application
	if err := decode(body, &m); err != nil {
		return m, err
	}
	switch {
	case m.Kind != KindApplication:
		return m, fmt.Errorf("%w: kind %q, want %q", ErrMessage, m.Kind, KindApplication)
	case m.V > Version+1:
		return m, fmt.Errorf("%w: %d, known are %d to %d", ErrNewer, m.V, Version-1, Version+1)
	case m.V < Version-1:
		return m, fmt.Errorf("%w: version %d, want %d", ErrMessage, m.V, Version)
	case m.ID == "" || len(m.Application) == 0 || m.SubmittedAt.IsZero():
		return m, fmt.Errorf("%w: id, submitted_at and application are required", ErrMessage)
	}
	return m, nil
}

// Bulk is a message of the bulk queue: either a chunk or S3's announcement of
// new uploads.
type Bulk struct {
	Chunk   *Chunk
	Uploads []Upload // empty for s3:TestEvent and events of other kinds
}

// ParseBulk reads a message of the bulk queue. The error wraps ErrMessage.
func ParseBulk(body []byte) (Bulk, error) {
	var head struct {
		Kind    string          `json:"kind"`
		Event   string          `json:"Event"` // s3:TestEvent
		Records json.RawMessage `json:"Records"`
	}
	if err := decode(body, &head); err != nil {
		return Bulk{}, err
	}
	switch {
	case head.Kind == KindChunk:
		c, err := parseChunk(body)
		return Bulk{Chunk: c}, err
	case head.Kind != "":
		return Bulk{}, fmt.Errorf("%w: kind %q, want %q or an S3 event", ErrMessage, head.Kind, KindChunk)
	case head.Event != "":
		return Bulk{}, nil
	case head.Records != nil:
		uploads, err := parseUploads(body)
		return Bulk{Uploads: uploads}, err
	default:
		return Bulk{}, fmt.Errorf("%w: neither kind nor Records", ErrMessage)
	}
}

func parseChunk(body []byte) (*Chunk, error) {
	var c Chunk
	if err := decode(body, &c); err != nil {
		return nil, err
	}
	switch {
	case c.V > Version+1:
		return nil, fmt.Errorf("%w: %d, known are %d to %d", ErrNewer, c.V, Version-1, Version+1)
	case c.V < Version-1:
		return nil, fmt.Errorf("%w: version %d, want %d", ErrMessage, c.V, Version)
	case c.Batch == "" || c.N < 0 || c.Start < 0 || c.End < c.Start:
		return nil, fmt.Errorf("%w: chunk %d of batch %q, bytes %d to %d", ErrMessage, c.N, c.Batch, c.Start, c.End)
	case c.FirstRecord != nil && *c.FirstRecord < c.Start:
		return nil, fmt.Errorf("%w: first_record %d before start %d", ErrMessage, *c.FirstRecord, c.Start)
	}
	return &c, nil
}

func decode(body []byte, to any) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	if err := dec.Decode(to); err != nil {
		return fmt.Errorf("%w: %w", ErrMessage, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: more than one JSON value", ErrMessage)
	}
	return nil
}
