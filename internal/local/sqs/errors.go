package sqs

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

var (
	// ErrCorrupt says that the database or its write-ahead log is damaged.
	// Nothing was changed; restore the file or move it away.
	ErrCorrupt = errors.New("queue database is damaged")
	// ErrLocked says that another process has the database open.
	ErrLocked = errors.New("queue database is in use by another process")
	// ErrClosed says that the service was closed.
	ErrClosed = errors.New("queue service is closed")
	// ErrFull says that the disk has no room; nothing of the call was kept.
	ErrFull = errors.New("no space left for the queue database")
)

// Error is a refusal in the words of Amazon SQS. The Go methods of [Service]
// and the HTTP answers share it.
type Error struct {
	Code    string // such as "QueueDoesNotExist"; the last part of __type
	Message string // for people

	kind kind
}

// Error returns "Code: Message".
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// kind says how one error looks on the wire.
type kind struct {
	name    string // the shape in the service model
	query   string // its code in the old Query protocol: x-amzn-query-error
	status  int
	generic bool // not in the SQS model, but common to AWS services
}

// The names, query codes and statuses are those of the service model
// (trait aws.protocols#awsQueryError) and of the live service.
var (
	kindQueueDoesNotExist   = kind{name: "QueueDoesNotExist", query: "AWS.SimpleQueueService.NonExistentQueue"}
	kindQueueNameExists     = kind{name: "QueueNameExists", query: "QueueAlreadyExists"}
	kindReceiptHandle       = kind{name: "ReceiptHandleIsInvalid", query: "ReceiptHandleIsInvalid"}
	kindNotInflight         = kind{name: "MessageNotInflight", query: "AWS.SimpleQueueService.MessageNotInflight"}
	kindEmptyBatch          = kind{name: "EmptyBatchRequest", query: "AWS.SimpleQueueService.EmptyBatchRequest"}
	kindTooManyEntries      = kind{name: "TooManyEntriesInBatchRequest", query: "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"}
	kindIDsNotDistinct      = kind{name: "BatchEntryIdsNotDistinct", query: "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"}
	kindBatchEntryID        = kind{name: "InvalidBatchEntryId", query: "AWS.SimpleQueueService.InvalidBatchEntryId"}
	kindBatchTooLong        = kind{name: "BatchRequestTooLong", query: "AWS.SimpleQueueService.BatchRequestTooLong"}
	kindOverLimit           = kind{name: "OverLimit", query: "OverLimit", status: http.StatusForbidden}
	kindPurgeInProgress     = kind{name: "PurgeQueueInProgress", query: "AWS.SimpleQueueService.PurgeQueueInProgress", status: http.StatusForbidden}
	kindAttributeName       = kind{name: "InvalidAttributeName", query: "InvalidAttributeName"}
	kindAttributeValue      = kind{name: "InvalidAttributeValue", query: "InvalidAttributeValue"}
	kindContents            = kind{name: "InvalidMessageContents", query: "InvalidMessageContents"}
	kindUnsupported         = kind{name: "UnsupportedOperation", query: "AWS.SimpleQueueService.UnsupportedOperation"}
	kindResourceNotFound    = kind{name: "ResourceNotFoundException", query: "ResourceNotFoundException", status: http.StatusNotFound}
	kindParameter           = kind{name: "InvalidParameterValueException", query: "InvalidParameterValue", generic: true}
	kindMissingParameter    = kind{name: "MissingRequiredParameterException", query: "MissingParameter", generic: true}
	kindSerialization       = kind{name: "SerializationException", query: "MalformedInput", generic: true}
	kindTooLarge            = kind{name: "RequestEntityTooLargeException", query: "RequestEntityTooLarge", status: http.StatusRequestEntityTooLarge, generic: true}
	kindUnknownKey          = kind{name: "UnrecognizedClientException", query: "InvalidClientTokenId", status: http.StatusForbidden, generic: true}
	kindSignature           = kind{name: "InvalidSignatureException", query: "SignatureDoesNotMatch", status: http.StatusForbidden, generic: true}
	kindIncompleteSignature = kind{name: "IncompleteSignatureException", query: "IncompleteSignature", generic: true}
	kindNoSignature         = kind{name: "MissingAuthenticationTokenException", query: "MissingAuthenticationToken", status: http.StatusForbidden, generic: true}
	kindUnavailable         = kind{name: "ServiceUnavailableException", query: "ServiceUnavailable", status: http.StatusServiceUnavailable, generic: true}
	kindInternal            = kind{name: "InternalFailure", query: "InternalFailure", status: http.StatusInternalServerError, generic: true}
)

// errorf makes an Error of the kind.
func (k kind) errorf(format string, args ...any) *Error {
	return &Error{Code: k.name, Message: fmt.Sprintf(format, args...), kind: k}
}

// badParameter is the wording that SQS uses for a value out of range.
func badParameter(name string, value any, reason string) *Error {
	return kindParameter.errorf("Value %v for parameter %s is invalid. Reason: %s", value, name, reason)
}

// missing says that a required parameter was not given.
func missing(name string) *Error {
	return kindMissingParameter.errorf("The request must contain the parameter %s.", name)
}

// status is the HTTP status of the kind: 400 unless it says otherwise.
func (k kind) httpStatus() int {
	if k.status == 0 {
		return http.StatusBadRequest
	}
	return k.status
}

// typeName is the absolute shape id that goes into __type.
func (k kind) typeName() string {
	if k.generic {
		return "com.amazon.coral.service#" + k.name
	}
	return "com.amazonaws.sqs#" + k.name
}

// queryError is the value of the x-amzn-query-error header.
func (k kind) queryError() string {
	if k.httpStatus() >= http.StatusInternalServerError {
		return k.query + ";Receiver"
	}
	return k.query + ";Sender"
}

// batchError is the entry of a batch answer that says why one entry failed.
type batchError struct {
	ID          string `json:"Id"`
	Code        string
	Message     string
	SenderFault bool
}

func newBatchError(id string, err *Error) batchError {
	return batchError{
		ID: id, Code: err.kind.query, Message: err.Message,
		SenderFault: strings.HasSuffix(err.kind.queryError(), ";Sender"),
	}
}

// asError turns any error of this package into what a client is told.
func asError(err error) *Error {
	var known *Error
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, ErrFull):
		return kindUnavailable.errorf("The disk of the queue database is full; nothing was stored. Free some space and try again.")
	case errors.Is(err, ErrClosed):
		return kindUnavailable.errorf("The queue service is stopping.")
	case errors.Is(err, errBroken):
		return kindUnavailable.errorf("The queue database failed and takes no more calls; see the server's log and restart it.")
	default:
		return kindInternal.errorf("The queue service had an internal error; see the server's log.")
	}
}
