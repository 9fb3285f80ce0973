package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
)

// DocsURL is the page that explains every problem; the problem's code is the
// fragment.
const DocsURL = "https://github.com/loanscorer/loanscorer/blob/main/docs/api.md"

// Code is a stable word for a kind of problem.
type Code string

// The kinds of problems. docs/api.md explains each.
const (
	CodeMalformed         Code = "malformed"
	CodeNotFound          Code = "not_found"
	CodeMethod            Code = "method_not_allowed"
	CodeSlowBody          Code = "request_timeout"
	CodeGone              Code = "gone"
	CodeTooLarge          Code = "too_large"
	CodeTooMany           Code = "too_many"
	CodeMediaType         Code = "unsupported_media_type"
	CodeInvalid           Code = "invalid"
	CodeNotFinished       Code = "not_finished"
	CodeNoResults         Code = "no_results"
	CodeFinished          Code = "finished"
	CodeInternal          Code = "internal"
	CodeOtherFeatures     Code = "other_features"
	CodeUnavailable       Code = "unavailable"
	CodeNotReady          Code = "not_ready"
	CodeExpired           Code = "expired"  // only inside an application's status
	CodeRejected          Code = "rejected" // only inside an application's status
	CodeFailed            Code = "failed"   // only inside a status
	retryAfterUnready          = 5          // seconds
	retryAfterUnavailable      = 2          // seconds
	retryAfterUnfinished       = 5          // seconds
)

// kind is a row of the error table.
type kind struct {
	code       Code
	status     int // HTTP
	title      string
	detail     string // used where nothing more exact is known
	retryAfter int    // seconds; 0: a retry does not help
}

// kinds is the one error table.
func kinds() []kind {
	return []kind{
		{CodeMalformed, http.StatusBadRequest, "Malformed request", "The body could not be read as what it claims to be.", 0},
		{CodeNotFound, http.StatusNotFound, "Not found", "There is nothing at this address.", 0},
		{CodeMethod, http.StatusMethodNotAllowed, "Method not allowed", "The Allow header lists the methods of this address.", 0},
		{CodeSlowBody, http.StatusRequestTimeout, "Request too slow", "The body did not arrive in time.", 0},
		{CodeGone, http.StatusGone, "Gone", "This application is past its retention: its decision is not kept here any more.", 0},
		{CodeTooLarge, http.StatusRequestEntityTooLarge, "Too large", "The body is larger than allowed.", 0},
		{CodeTooMany, http.StatusRequestEntityTooLarge, "Too many", "More applications than one request may carry. Send several requests, or upload a CSV file.", 0},
		{CodeMediaType, http.StatusUnsupportedMediaType, "Unsupported media type", "The Content-Type header is missing or names a format that is not read here.", 0},
		{CodeInvalid, http.StatusUnprocessableEntity, "Invalid values", "The request is well formed, but values in it are not allowed; errors lists them.", 0},
		{CodeNotFinished, http.StatusConflict, "Not finished", "The batch is not finished. Ask for its state, and again when it is done.", retryAfterUnfinished},
		{CodeNoResults, http.StatusConflict, "No results", "The batch ended without results.", 0},
		{CodeFinished, http.StatusConflict, "Already finished", "The batch has ended; nothing changes that.", 0},
		{CodeInternal, http.StatusInternalServerError, "Internal error", "Something is wrong on this side. Tell the operator the request_id.", 0},
		{CodeOtherFeatures, http.StatusNotImplemented, "The model has other features", "The model in use cannot answer this endpoint.", 0},
		{CodeUnavailable, http.StatusServiceUnavailable, "Temporarily unavailable", "The store or the queue does not answer. Nothing was confirmed as accepted; try again later.", retryAfterUnavailable},
		{CodeNotReady, http.StatusServiceUnavailable, "Not ready", "The store, the queue or the model cannot be reached.", retryAfterUnready},
		{CodeExpired, 0, "Expired", "The application was not scored before the queue gave it up. Submit it again.", 0},
		{CodeRejected, 0, "Rejected", "The application can never be scored.", 0},
		{CodeFailed, 0, "Failed", "Scoring failed on every try. The operator can have it tried again.", 0},
	}
}

func (c Code) kind() kind {
	for _, k := range kinds() {
		if k.code == c {
			return k
		}
	}
	return CodeInternal.kind()
}

func (c Code) url() string { return DocsURL + "#" + string(c) }

// Problem is an error as clients get it: application/problem+json (RFC 9457).
type Problem struct {
	Type      string         `json:"type" format:"uri" doc:"Where this kind of problem is explained"`
	Title     string         `json:"title" doc:"The kind of problem in words" example:"Invalid values"`
	Status    int            `json:"status" doc:"The HTTP status" example:"422"`
	Code      Code           `json:"code" doc:"A stable word for programs" example:"invalid"`
	Detail    string         `json:"detail,omitempty" doc:"What was wrong this time and what to do"`
	RequestID string         `json:"request_id,omitempty" doc:"Names the request in the service's log; given with 5xx"`
	Errors    []FieldProblem `json:"errors,omitempty" doc:"Every value that is not allowed"`

	cause error // for the log; never applicant data
	after int   // seconds until a retry may help; 0 is the kind's own
}

// FieldProblem is one value that is not allowed.
type FieldProblem struct {
	Pointer   string `json:"pointer,omitempty" doc:"JSON pointer into the body (RFC 6901)" example:"/LoanAmount"`
	Parameter string `json:"parameter,omitempty" doc:"The parameter's name, when it is not in the body"`
	Code      string `json:"code" doc:"A stable word for programs" example:"out_of_range"`
	Detail    string `json:"detail" doc:"What is allowed" example:"must be greater than 0"`
}

// newProblem returns a problem of that kind; an empty detail is the kind's own.
func newProblem(c Code, detail string) *Problem {
	k := c.kind()
	if detail == "" {
		detail = k.detail
	}
	return &Problem{Type: k.code.url(), Title: k.title, Status: k.status, Code: k.code, Detail: detail}
}

// because keeps the error behind a problem for the log.
func (p *Problem) because(err error) *Problem {
	p.cause = err
	return p
}

// again says after how many seconds a retry may help.
func (p *Problem) again(seconds int) *Problem {
	p.after = seconds
	return p
}

// Error implements error.
func (p *Problem) Error() string {
	if p.cause != nil {
		return fmt.Sprintf("%s: %v", p.Code, p.cause)
	}
	return string(p.Code) + ": " + p.Detail
}

// Unwrap returns the error behind the problem, if any.
func (p *Problem) Unwrap() error { return p.cause }

// GetStatus is the HTTP status; huma asks for it.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is the media type of problems; huma asks for it.
func (p *Problem) ContentType(string) string { return problemType }

// GetHeaders are the headers that belong to the problem; huma asks for them.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{"Cache-Control": {noStore}}
	if after := cmp.Or(p.after, p.Code.kind().retryAfter); after > 0 {
		h.Set("Retry-After", strconv.Itoa(after))
	}
	return h
}

const problemType = "application/problem+json"

// problemOf maps every error of a handler to a problem.
func problemOf(err error) *Problem {
	var p *Problem
	var invalid *ingest.ValidationError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &invalid):
		return invalidProblem(invalid)
	case errors.Is(err, ingest.ErrTooLarge):
		return newProblem(CodeTooLarge, "An application is at most 64 KiB of JSON.")
	case errors.Is(err, ingest.ErrMalformed):
		return newProblem(CodeMalformed, err.Error())
	case errors.Is(err, status.ErrDocument):
		return newProblem(CodeInternal, "").because(err)
	case errors.Is(err, errStore), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return newProblem(CodeUnavailable, "").because(err)
	default:
		return newProblem(CodeInternal, "").because(err)
	}
}

func invalidProblem(invalid *ingest.ValidationError) *Problem {
	p := newProblem(CodeInvalid, "")
	for _, f := range invalid.Fields {
		p.Errors = append(p.Errors, FieldProblem{Pointer: f.Pointer, Code: f.Code, Detail: f.Detail})
	}
	return p
}

func parameterProblem(name, code, detail string) *Problem {
	p := newProblem(CodeInvalid, "")
	p.Errors = []FieldProblem{{Parameter: name, Code: code, Detail: detail}}
	return p
}

// errStore marks every failure of the object store that is not an answer.
var errStore = errors.New("store does not answer")
