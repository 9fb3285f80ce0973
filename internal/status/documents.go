package status

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Version is the version of every document written by this code. Readers
// ignore members that they do not know, so that versions can work side by side.
const Version = 1

// ErrDocument is wrapped by every error about a document that cannot be read.
var ErrDocument = errors.New("document cannot be read")

// ModelRef names the model behind a decision.
type ModelRef struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	SHA256  string `json:"sha256" doc:"SHA-256 of the model file, lower-case hex"`
}

// ReasonsRef names the reason codes behind the reasons of a batch.
type ReasonsRef struct {
	SHA256 string `json:"sha256" doc:"SHA-256 of the codes and texts at reasons/{sha256}.json, lower-case hex"`
}

// Policy is the pair of cut-offs behind a decision: approved above
// ApproveAbove, declined at or below DeclineAt, referred to a person between.
type Policy struct {
	ApproveAbove float64 `json:"approve_above" minimum:"0" maximum:"1"`
	DeclineAt    float64 `json:"decline_at" minimum:"0" maximum:"1"`
}

// Problem is an error told to people and programs (RFC 9457 members).
type Problem struct {
	Type   string `json:"type,omitempty" doc:"a stable address in the documentation"`
	Title  string `json:"title"`
	Code   string `json:"code" doc:"a stable word for programs"`
	Detail string `json:"detail,omitempty" doc:"what was wrong and what to do"`
	Field  string `json:"field,omitempty" doc:"the field at fault, by its published name"`
}

// Reason is one ground of a decision, for people.
type Reason struct {
	Code         string  `json:"code" doc:"a stable word for programs" example:"CREDIT_HISTORY"`
	Feature      string  `json:"feature" doc:"the model's input behind it"`
	Contribution float64 `json:"contribution" doc:"what it took from the probability, negative: its exact Shapley value"`
	Text         string  `json:"text" doc:"English"`
	TextPT       string  `json:"text_pt" doc:"Portuguese; English where the table has none"`
}

// DocState is what an application's document claims.
type DocState string

// The states of an application's document. A claim becomes a decision when
// its result file exists with rows in it. A failing document stands for an
// application whose last delivery broke off before there was a claim.
const (
	DocClaimed  DocState = "claimed"
	DocRejected DocState = "rejected"
	DocFailing  DocState = "failing"
)

// Application is the document at ApplicationKey.
type Application struct {
	V           int       `json:"v"`
	ID          string    `json:"id"`
	State       DocState  `json:"state"`
	Result      string    `json:"result,omitempty"` // key of the result file of a claim
	ClaimedAt   time.Time `json:"claimed_at"`       // when the claim, or the failing attempt, began
	LeaseUntil  time.Time `json:"lease_until"`      // until then nobody else takes it over
	Last        bool      `json:"last,omitempty"`   // the queue will not deliver it again by itself
	SubmittedAt time.Time `json:"submitted_at"`
	DecidedAt   time.Time `json:"decided_at,omitzero"`
	LoanID      string    `json:"loan_id,omitempty"`
	Decision    string    `json:"decision,omitempty"`
	Probability *float64  `json:"probability,omitempty"`
	Policy      *Policy   `json:"policy,omitempty"`
	Reasons     []Reason  `json:"reasons,omitempty"`
	Imputed     []string  `json:"imputed,omitempty"`
	Model       *ModelRef `json:"model,omitempty"`
	Attempts    int       `json:"attempts"`
	Error       *Problem  `json:"error,omitempty"`
}

// Receipt tells people who only use S3 what became of an upload.
type Receipt struct {
	V       int       `json:"v"`
	Batch   string    `json:"batch"`
	Source  Source    `json:"source"`
	Plan    string    `json:"plan"`    // key of batch.json
	Summary string    `json:"summary"` // key of summary.json, there when the batch is done
	Results string    `json:"results"` // prefix of the Parquet parts
	At      time.Time `json:"at"`
}

// Encode returns a document's bytes: JSON and a newline.
func Encode(doc any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(doc); err != nil {
		return nil, fmt.Errorf("document %T: %w", doc, err)
	}
	return buf.Bytes(), nil
}

// Decode reads a document's bytes into doc. Unknown members are ignored, so
// that a newer writer's documents can be read; the error wraps ErrDocument.
func Decode(data []byte, doc any) error {
	if !bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) {
		return fmt.Errorf("%w: %T: not a JSON object", ErrDocument, doc)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(doc); err != nil {
		return fmt.Errorf("%w: %T: %w", ErrDocument, doc, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %T: more than one JSON value", ErrDocument, doc)
	}
	return nil
}
